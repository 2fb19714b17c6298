"""The sample tables of a window: what a page needs that decodes single pictures itself, by WebCodecs.

Two forms: whole groups of pictures, to step and to play backwards frame by frame; and sync samples alone, each of which
decodes by itself, to scrub and to play fast.
"""

import asyncio
import base64
from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt
from aiohttp import web

from nvr.codec.parameters import decoder_configuration
from nvr.timebase import TimeRange
from web.archive import Archive
from web.auth import Action
from web.footage import Footage, FootageReader
from web.fragments import next_us, previous_us
from web.media import media_url
from web.query import KeySamplesQuery, SamplesQuery, WindowQuery
from web.route import Route, route
from web.timeline import gaps
from web.wire import Samples, SampleTable

MOST_KEY_SAMPLES = 4_000  # chosen: 160 kB of JSON, two for each pixel of a wide screen

Chosen = npt.NDArray[np.intp]
Choose = Callable[[Footage, TimeRange], Chosen]


class SamplesRoom:
    """Tells a decoder where single pictures lie.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
    """

    def __init__(self, archive: Archive, footage: FootageReader) -> None:
        self._archive = archive
        self._footage = footage

    def routes(self) -> list[Route]:
        """Whole groups of pictures, and sync samples alone."""
        return [
            route(
                "/api/channels/{channel}/samples",
                self._tell_all,
                asks=SamplesQuery,
                answers=Samples,
                action=Action.VIEW_RECORDED,
                summary="The samples of a window in whole groups of pictures, for WebCodecs",
            ),
            route(
                "/api/channels/{channel}/key-samples",
                self._tell_keys,
                asks=KeySamplesQuery,
                answers=Samples,
                action=Action.VIEW_RECORDED,
                summary="The sync samples of a window, each of which decodes alone",
            ),
        ]

    async def _tell_all(self, asked: SamplesQuery, _request: web.Request) -> Samples:
        return await asyncio.to_thread(self._samples, asked, whole_groups)

    async def _tell_keys(self, asked: KeySamplesQuery, _request: web.Request) -> Samples:
        return thinned(await asyncio.to_thread(self._samples, asked, sync_samples), MOST_KEY_SAMPLES)

    def _samples(self, asked: WindowQuery, choose: Choose) -> Samples:
        self._archive.require(asked.track_asked)
        track, window = asked.track_asked, asked.window
        newest = self._archive.newest(track)
        tables = []
        for chunk in self._archive.chunks(track, window, newest):
            footage = self._footage.read(chunk)
            chosen = choose(footage, window)
            if len(chosen):
                tables.append(_table(footage, chosen))
        return Samples(
            track=asked.track,
            from_us=asked.from_us,
            to_us=asked.to_us,
            now_us=self._archive.clock.wall_us(),
            previous_us=previous_us(self._archive, asked, newest),
            next_us=next_us(self._archive, asked, newest),
            chunks=tables,
            gaps=gaps(self._archive, track, window, newest),
        )


def whole_groups(footage: Footage, window: TimeRange) -> Chosen:
    """The samples of every group of pictures that shows something of the window."""
    (syncs,) = footage.samples["sync"].nonzero()
    starts_us = footage.shown_us[syncs]
    before = syncs[starts_us <= window.start_us]
    behind = syncs[starts_us >= window.end_us]
    return np.arange(before[-1] if len(before) else 0, behind[0] if len(behind) else len(footage.samples))


def sync_samples(footage: Footage, window: TimeRange) -> Chosen:
    """The sync samples that are shown first in the window."""
    shown_us = footage.shown_us
    (found,) = (footage.samples["sync"] & (shown_us >= window.start_us) & (shown_us < window.end_us)).nonzero()
    return found


def thinned(answer: Samples, most: int) -> Samples:
    """The same with at most so many samples, evenly left out."""
    count = sum(len(table.samples) for table in answer.chunks)
    if count <= most:
        return answer
    step, tables, place = -(-count // most), [], 0
    for table in answer.chunks:
        rows = table.samples[-place % step :: step]
        place += len(table.samples)
        if rows:
            tables.append(msgspec.structs.replace(table, samples=rows))
    return msgspec.structs.replace(answer, chunks=tables)


def _table(footage: Footage, chosen: Chosen) -> SampleTable:
    chunk, rows = footage.chunk, footage.samples[chosen]
    columns = (rows["offset"], rows["size"], footage.shown_us[chosen], rows["sync"].astype(np.int64))
    return SampleTable(
        start_us=chunk.start_us,
        end_us=chunk.end_us,
        media_url=media_url(chunk),
        codec=footage.picture.codec_string,
        description=base64.b64encode(decoder_configuration(footage.parameter_sets)).decode("ascii"),
        width=footage.picture.width,
        height=footage.picture.height,
        sealed=chunk.sealed,
        samples=list(zip(*(column.tolist() for column in columns), strict=True)),
    )
