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


def next_start_us(txn: Reading, track: Track, instant_us: int) -> int | None:
    """From when on there is footage at or after an instant, lost files apart; the instant itself where there is then.

    One descent of the B-tree, and a step for each lost file that lies before what is found; no row is decoded.
    """
    if any(not lost for _, lost, _ in overlapping(txn, track, TimeRange(instant_us, instant_us))):
        return instant_us
    for key, value in txn.rows(keys.CHUNK, keys.instant(track, instant_us), keys.after_track(track)):
        if not extent(value)[1]:
            return int(keys.CHUNK_LAYOUT.unpack(key)[1])
    return None


def previous_end_us(txn: Reading, track: Track, instant_us: int) -> int | None:
    """Until when there is footage before an instant, lost files apart; the instant itself where it reaches there.

    As cheap as `next_start_us`.
    """
    for row in txn.rows_back(keys.CHUNK, keys.instant(track, instant_us), keys.track(track)):
        if not extent(row[1])[1]:
            return min(time_of(row).end_us, instant_us)
    return None


def first(txn: Reading, track: Track) -> Row | None:
    """The track's oldest row."""
    row = txn.from_key(keys.CHUNK, keys.track(track))
    return row if row is not None and row[0][:4] == keys.track(track) else None


def last(txn: Reading, track: Track, before_us: int = keys.LATEST_US) -> Row | None:
    """The track's newest row, of those that start before an instant."""
    row = txn.before(keys.CHUNK, keys.instant(track, before_us))
    return row if row is not None and row[0][:4] == keys.track(track) else None
