"""Walks over the chunk rows of a track inside a transaction."""

from collections.abc import Iterator

from indexer import keys
from indexer.records import ChunkRecord, decode, extent
from indexer.store import Reading, Row
from nvr.media import Track
from nvr.timebase import US_PER_S, TimeRange

# Twice the longest setting for a chunk (`nvr.config`: 600 s, doubled where no sync sample comes), and a minute.
LONGEST_CHUNK_US = 1260 * US_PER_S


def overlapping(txn: Reading, track: Track, window: TimeRange) -> Iterator[tuple[TimeRange, bool, Row]]:
    """Rows whose time meets the window, by start: (time, lost, row). An empty window is an instant.

    Chunks of different runs may overlap after a step of the clock, so the search begins the longest chunk earlier.
    """
    end_us = max(window.end_us, window.start_us + 1)
    start = keys.instant(track, window.start_us - LONGEST_CHUNK_US)
    for row in txn.rows(keys.CHUNK, start, keys.instant(track, end_us)):
        _, start_us, _ = keys.CHUNK_LAYOUT.unpack(row[0])
        duration_us, lost = extent(row[1])
        if start_us + duration_us > window.start_us:
            yield TimeRange(start_us, start_us + duration_us), lost, row


def time_of(row: Row) -> TimeRange:
    """The time of a chunk row."""
    _, start_us, _ = keys.CHUNK_LAYOUT.unpack(row[0])
    return TimeRange(start_us, start_us + extent(row[1])[0])


def floor(txn: Reading, track: Track, instant_us: int) -> ChunkRecord | None:
    """The newest row that starts at or before an instant."""
    row = txn.before(keys.CHUNK, keys.instant(track, instant_us + 1))
    if row is None or row[0][:4] != keys.track(track):
        return None
    return decode(*row)


def first(txn: Reading, track: Track) -> Row | None:
    """The track's oldest row."""
    row = txn.from_key(keys.CHUNK, keys.track(track))
    return row if row is not None and row[0][:4] == keys.track(track) else None


def last(txn: Reading, track: Track) -> Row | None:
    """The track's newest row."""
    row = txn.before(keys.CHUNK, keys.after_track(track))
    return row if row is not None and row[0][:4] == keys.track(track) else None
