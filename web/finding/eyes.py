"""Looks at key frames for a search: finds them, has them decoded in another process, and keeps only the view."""

import asyncio
from dataclasses import replace

import numpy as np

from nvr.media import Track
from nvr.timebase import TimeRange
from web.archive import Archive, StoredChunk
from web.decoder import Decoder
from web.finding.bisect import Sight
from web.finding.likeness import Box, Frame, frame
from web.footage import Footage, FootageReader
from web.picture_job import picture_job
from web.reading import way_to
from web.still_job import StillJob, View


class Eyes:
    """Looks at one track.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
        decoder: decodes in a process of its own.
        track: whose pictures.
        box: what of them.
    """

    def __init__(self, archive: Archive, footage: FootageReader, decoder: Decoder, track: Track, box: Box) -> None:
        self._archive = archive
        self._footage = footage
        self._decoder = decoder
        self._track = track
        self._box = box
        self._size: tuple[int, int] | None = None

    def place(self, at_us: int) -> Frame | None:
        """Where the box lies in the pictures of about this instant; None: there is no footage.

        Raises:
            StorageError, IntegrityError: a file cannot be read.
        """
        chunk = self._chunk(at_us)
        if chunk is None:
            return None
        picture = self._footage.read(chunk).picture
        place = frame(self._box, picture.width, picture.height)
        self._size = place.size
        return place

    async def look(self, at_us: int) -> Sight | None:
        """The key frame shown at an instant; in a hole the one before it, before all footage the first.

        Raises:
            StorageError, IntegrityError: it cannot be read or decoded.
        """
        found = await asyncio.to_thread(self._find, at_us)
        if found is None:
            return None
        job, shown_us, next_us = found
        grey = await self._decoder.picture(job, "search")
        width, height = self._view().size
        view = np.frombuffer(grey, np.uint8).reshape(height, width).astype(np.float32)
        return Sight(shown_us, next_us, view)

    def _view(self) -> View:
        if self._size is None:
            raise ValueError("place() comes first: it says how large views are")
        return View(self._box, self._size)

    def _find(self, at_us: int) -> tuple[StillJob, int, int] | None:
        chunk = self._chunk(at_us)
        if chunk is None:
            return None
        footage = self._footage.read(chunk)
        (syncs,) = footage.samples["sync"].nonzero()
        if not len(syncs):
            return None
        starts_us = footage.shown_us[syncs]
        place = max(0, int(np.searchsorted(starts_us, at_us, "right")) - 1)
        shown_us = int(starts_us[place])
        next_us = int(starts_us[place + 1]) if place + 1 < len(syncs) else self._following(footage)
        job = picture_job(self._archive, way_to(self._footage, footage, int(syncs[place])), None)
        return replace(job, view=self._view()), shown_us, max(next_us, shown_us + 1)

    def _chunk(self, at_us: int) -> StoredChunk | None:
        """The one that shows the instant, else the one before it, else the one behind it."""
        here = self._archive.chunks(self._track, TimeRange(at_us, at_us + 1))
        if here:
            return here[-1]
        newest = [chunk for chunk in self._archive.newest(self._track) if chunk.start_us <= at_us]
        before = self._archive.index().floor(self._track, at_us)
        known = [*newest, *([self._archive.stored(before)] if before is not None else [])]
        found = [chunk for chunk in known if chunk is not None]
        if found:
            return max(found, key=lambda chunk: chunk.end_us)
        behind = self._archive.index().ceiling(self._track, at_us)
        return None if behind is None else self._archive.stored(behind)

    def _following(self, footage: Footage) -> int:
        """When the first picture behind a chunk is shown; of the newest chunk, where it ends."""
        end_us = footage.chunk.end_us
        behind = self._archive.index().ceiling(self._track, footage.chunk.start_us + 1)
        starts = [chunk.start_us for chunk in self._archive.newest(self._track)]
        starts += [behind.start_us] if behind is not None else []
        return min((start_us for start_us in starts if start_us > footage.chunk.start_us), default=end_us)
