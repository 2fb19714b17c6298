"""The facts on which `retention.plan` decides, from the index and the volumes."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain

from indexer.expiry import AgedChunk, Expiry
from indexer.reader import IndexReader
from indexer.store import Store
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings
from nvr.errors import StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, Clock
from retention.ageing import ALL_TIME, Piece
from retention.plan import StoredChunk, VolumeRoom
from retention.policy import volume_room

INGEST_US = 10 * US_PER_S  # chosen: the mark stands for minutes; measuring costs 1 ms, and each volume asks each second
REMEMBER_US = 6 * 3600 * US_PER_S  # chosen: what recovery puts back in front of the remembered place waits no longer


class Facts:
    """Gathers facts. Belongs to one thread.

    Where volumes differ in size, the oldest chunk on the small one may lie behind a million rows of the large one: to
    walk there takes a second. So the small one's folders are asked where to begin, and the place is remembered.

    Args:
        store: the index.
        settings: the retention defaults.
        ingest_bps: bits that all cameras bring in a second, as measured; may raise StorageError.
        clock: tells how long a place has been remembered.

    Raises, everywhere:
        StorageError: the index or a volume cannot be read.
    """

    def __init__(self, store: Store, settings: RetentionSettings, ingest_bps: Callable[[], int], clock: Clock) -> None:
        self._reader = IndexReader(store)
        self._expiry = Expiry(store)
        self._settings = settings
        self._ingest_bps = ingest_bps
        self._clock = clock
        self._last_bps = 0
        self._measure_us = 0
        self._begins_us: dict[tuple[Track, int], int] = {}
        self._forget_us = 0
        self._volumes: dict[int, Volume] = {}  # as they were asked for their room
        self.pieces: Sequence[Piece] = (ALL_TIME,)  # how dates become ages; replaced before each decision

    def usage_bytes(self) -> dict[tuple[Track, int], int]:
        """What each track occupies on each volume."""
        return {place: usage.bytes for place, usage in self._reader.usage().items()}

    def room(self, volume: Volume, *, said_full: bool) -> VolumeRoom:
        """How full a volume is."""
        self._volumes[volume.number] = volume
        space = volume.space()
        return volume_room(
            self._settings,
            volume.number,
            free_bytes=space.free_bytes,
            total_bytes=space.total_bytes,
            free_files=space.free_files,
            total_files=space.total_files,
            ingest_bps=self._ingest(),
            said_full=said_full,
        )

    def _ingest(self) -> int:
        """What was measured in the last seconds; where measuring fails, what was measured last: room must be made."""
        now_us = self._clock.monotonic_us()
        if now_us >= self._measure_us:
            with suppress(StorageError):
                self._last_bps = self._ingest_bps()
                self._measure_us = now_us + INGEST_US
        return self._last_bps

    def oldest(self, track: Track, volume: int | None) -> Iterator[StoredChunk]:
        """A track's chunks, oldest first, read as they are asked for: `retention.plan.Oldest`."""
        if len(self.pieces) == 1:
            return (_stored(chunk, 0) for chunk in self._dated(track, volume, self.pieces[0]))
        parts = [
            self._shifted(track, volume, piece, shift_us) for piece in self.pieces for shift_us in piece.shifts_us()
        ]
        return heapq.merge(*parts, key=_aged_us)

    def _shifted(self, track: Track, volume: int | None, piece: Piece, shift_us: int) -> Iterator[StoredChunk]:
        """Of a piece what ages by this shift, in order."""
        for chunk in self._dated(track, volume, piece):
            if piece.shift_us(chunk.is_clock_doubtful) == shift_us:
                yield _stored(chunk, shift_us)

    def _dated(self, track: Track, volume: int | None, piece: Piece) -> Iterator[AgedChunk]:
        if volume is None:
            return self._expiry.oldest(track, piece.from_us, piece.until_us)
        return self._on_volume(track, volume, piece)

    def doubles(self, track: Track, volume: int | None) -> Iterator[StoredChunk]:
        """A track's chunks of which this volume holds one of two files, oldest first: `retention.plan.Oldest`."""
        found = self._expiry.doubles(track, volume) if volume is not None else iter(())
        if len(self.pieces) == 1:
            return (_stored(chunk, 0) for chunk in found)
        return iter(sorted((_stored(chunk, self._shift_us(chunk)) for chunk in found), key=_aged_us))

    def forget(self) -> None:
        """Look anew where the footage of each volume begins: something was put in front of it. Any thread."""
        self._begins_us = {}

    def _shift_us(self, chunk: AgedChunk) -> int:
        piece = next(piece for piece in self.pieces if chunk.start_us < piece.until_us)
        return piece.shift_us(chunk.is_clock_doubtful)

    def _on_volume(self, track: Track, volume: int, piece: Piece) -> Iterator[AgedChunk]:
        now_us = self._clock.monotonic_us()
        if now_us >= self._forget_us:
            self._begins_us.clear()
            self._forget_us = now_us + REMEMBER_US
        begins_us = self._begins_us.get((track, volume))
        if begins_us is None:
            begins_us = self._oldest_folder_us(track.channel, volume)
        from_us = max(begins_us, piece.from_us)
        if from_us >= piece.until_us:
            return iter(())
        chunks = self._expiry.oldest(track, from_us, piece.until_us, volume=volume)
        first = next(chunks, None)
        if first is None:
            return iter(())
        if from_us == begins_us:
            self._begins_us[track, volume] = first.start_us
        return chain((first,), chunks)

    def _oldest_folder_us(self, channel: int, volume: int) -> int:
        """Before that no file of the channel lies there; rows whose files are missing make no room anyway."""
        with suppress(StorageError, KeyError):  # then all rows are walked over
            return self._volumes[volume].oldest_us(channel) or 0
        return 0


def _stored(chunk: AgedChunk, shift_us: int) -> StoredChunk:
    return StoredChunk(
        chunk.track, chunk.start_us, chunk.end_us, chunk.sequence, chunk.volume, chunk.bytes, chunk.second, shift_us
    )


def _aged_us(chunk: StoredChunk) -> int:
    return chunk.aged_start_us
