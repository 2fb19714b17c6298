"""What retention asks of the index: the oldest chunks of a track, and the garbage, a little at a time.

A decision needs a handful of rows from each track, wherever they lie among millions: so pages begin small, and of a row
that is only passed over no more is unpacked than its place and its size.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from indexer import keys
from indexer.records import ChunkRecord, decode, room_of
from indexer.rows import Garbage, decode_garbage
from indexer.store import Row, Store
from nvr.media import Track

FIRST_ROWS = 8  # chosen: 110 tracks, most of which lose nothing
MOST_DOUBLES = 64  # chosen: a turn of the sweeper takes 50 at most
MOST_ROWS = 8192  # measured: 10 ms, a tenth of what a read transaction may last


@dataclass(frozen=True, slots=True)
class AgedChunk:
    """A chunk as retention sees it."""

    track: Track
    start_us: int
    end_us: int
    sequence: int  # its low 16 bits, as in the key
    volume: int
    bytes: int
    lost: bool  # its file is missing already
    second: int | None = None  # number of the volume that holds a second file of it
    is_clock_doubtful: bool | None = False  # the server's clock was not believed; None: not known yet


class Expiry:
    """Reads an index for retention. Each question is one or more short read transactions; threads may share it.

    Raises, everywhere:
        StorageError: LMDB fails.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def oldest(
        self, track: Track, from_us: int = 0, until_us: int = keys.LATEST_US, *, volume: int | None = None
    ) -> Iterator[AgedChunk]:
        """A track's chunks by start, those whose file is lost among them; read lazily.

        Args:
            track: whose.
            from_us: only those that start then or later,
            until_us: and before that.
            volume: only those that occupy room there: with one of their files on this volume, and not lost.
        """
        for key, value, second in self._rows(track, from_us, until_us):
            try:
                duration_us, where, size, lost, doubtful = room_of(value)
            except struct.error:  # too short to be a row: `nvr check` names it, and deleting goes on without it
                continue
            if volume is None or (volume in (where, second) and not lost):
                _, start_us, low = keys.CHUNK_LAYOUT.unpack(key)
                yield AgedChunk(track, start_us, start_us + duration_us, low, where, size, lost, second, doubtful)

    def doubles(self, track: Track, volume: int) -> Iterator[AgedChunk]:
        """The chunks of a track that lie on two volumes, of which this is one, by start; read lazily."""
        start: bytes | None = keys.track(track)
        while start is not None:
            with self._store.read() as txn:
                page = list(islice(txn.rows(keys.COPY, start, keys.after_track(track)), MOST_DOUBLES + 1))
                values = [txn.get(keys.CHUNK, key) for key, _ in page]
            start = page[MOST_DOUBLES][0] if len(page) > MOST_DOUBLES else None
            for (key, copy), value in zip(page[:MOST_DOUBLES], values, strict=False):
                second = keys.read_volume(copy)
                with suppress(struct.error):
                    duration_us, where, size, lost, doubtful = room_of(value or b"")
                    if volume in (where, second):
                        _, start_us, low = keys.CHUNK_LAYOUT.unpack(key)
                        end_us = start_us + duration_us
                        yield AgedChunk(track, start_us, end_us, low, where, size, lost, second, doubtful)

    def _rows(self, track: Track, from_us: int, until_us: int) -> Iterator[tuple[bytes, bytes, int | None]]:
        """Key and value of chunks, with the volume of the second file."""
        start: bytes | None = keys.instant(track, from_us)
        stop = keys.after_track(track) if until_us >= keys.LATEST_US else keys.instant(track, until_us)
        limit = FIRST_ROWS
        while start is not None:
            page, copies, start = self._page(start, stop, limit)
            limit = min(limit * 4, MOST_ROWS)
            for key, value in page:
                yield key, value, copies.get(key)

    def _page(self, start: bytes, stop: bytes, limit: int) -> tuple[list[Row], dict[bytes, int], bytes | None]:
        """Rows, the volumes of their second files, and the key at which the next page begins."""
        with self._store.read() as txn:
            rows = list(islice(txn.rows(keys.CHUNK, start, stop), limit + 1))
            upto = rows[limit][0] if len(rows) > limit else stop
            copies = {key: keys.read_volume(value) for key, value in txn.rows(keys.COPY, start, upto)}
        return (rows, copies, None) if len(rows) <= limit else (rows[:limit], copies, rows[limit][0])

    def row(self, track: Track, start_us: int, sequence: int) -> ChunkRecord | None:
        """The whole row, if it is still there.

        Raises:
            IntegrityError: it cannot be read.
        """
        key = keys.chunk(track, start_us, sequence)
        with self._store.read() as txn:
            value = txn.get(keys.CHUNK, key)
        return None if value is None else decode(key, value)

    def garbage(self, volume: int, limit: int) -> list[Garbage]:
        """At most so many of the files of a volume that are to be unlinked."""
        with self._store.read() as txn:
            rows = list(islice(txn.rows(keys.GARBAGE, keys.volume(volume), keys.volume(volume + 1)), limit))
        return [decode_garbage(*row) for row in rows]
