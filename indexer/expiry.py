"""What retention asks of the index: the oldest chunks of a track, and the garbage, a little at a time.

A decision needs a handful of rows from each track, wherever they lie among millions: so pages begin small, and of a row
that is only passed over no more is unpacked than its place and its size.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from indexer import keys
from indexer.records import ChunkRecord, decode, room_of
from indexer.rows import Garbage, decode_garbage
from indexer.store import Row, Store
from nvr.media import Track

FIRST_ROWS = 8  # chosen: 110 tracks, most of which lose nothing
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


class Expiry:
    """Reads an index for retention. Each question is one or more short read transactions; threads may share it.

    Raises, everywhere:
        StorageError: LMDB fails.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def oldest(self, track: Track, from_us: int = 0, *, volume: int | None = None) -> Iterator[AgedChunk]:
        """A track's chunks by start, those whose file is lost among them; read lazily.

        Args:
            track: whose.
            from_us: only those that start then or later.
            volume: only those that occupy room there: on this volume, and not lost.
        """
        start: bytes | None = keys.instant(track, from_us)
        stop, limit = keys.after_track(track), FIRST_ROWS
        while start is not None:
            page, start = self._page(start, stop, limit)
            limit = min(limit * 4, MOST_ROWS)
            for key, value in page:
                try:
                    duration_us, where, size, lost = room_of(value)
                except struct.error:  # too short to be a row: `nvr check` names it, and deleting goes on without it
                    continue
                if volume is None or (where == volume and not lost):
                    _, start_us, low = keys.CHUNK_LAYOUT.unpack(key)
                    yield AgedChunk(track, start_us, start_us + duration_us, low, where, size, lost)

    def _page(self, start: bytes, stop: bytes, limit: int) -> tuple[list[Row], bytes | None]:
        """Rows, and the key at which the next page begins."""
        with self._store.read() as txn:
            rows = list(islice(txn.rows(keys.CHUNK, start, stop), limit + 1))
        return (rows, None) if len(rows) <= limit else (rows[:limit], rows[limit][0])

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
