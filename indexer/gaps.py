"""The table of gaps. Gaps of a track never overlap; what meets and has the same reason is one gap."""

from collections.abc import Iterator
from dataclasses import replace

from indexer import keys
from indexer.rows import bounds_of_gap, decode_gap, encode_gap
from indexer.store import Reading, Row, Writing
from nvr.media import Gap, Track
from nvr.timebase import TimeRange

TOUCH_US = 100_000  # chosen, as for spans (`indexer.reader`): what is nearer joins


def add(txn: Writing, gap: Gap) -> None:
    """Write a gap. Where another one stands already for another reason, that one stays. Twice is as good as once."""
    before = _of(gap.track, txn.before(keys.GAP, keys.instant(gap.track, gap.start_us)))
    if before is not None and before.end_us >= gap.start_us:
        gap = _union(gap, before) if before.reason is gap.reason else replace(gap, start_us=before.end_us)
    while gap.start_us < gap.end_us:
        after = _of(gap.track, txn.from_key(keys.GAP, keys.instant(gap.track, gap.start_us)))
        if after is None or after.start_us > gap.end_us:
            break
        if after.reason is gap.reason:
            txn.delete(keys.GAP, keys.instant(after.track, after.start_us))
            gap = _union(gap, after)
        elif after.start_us == gap.end_us:
            break
        else:
            if after.start_us > gap.start_us:
                _put(txn, replace(gap, end_us=after.start_us))
            gap = replace(gap, start_us=after.end_us)
    if gap.start_us < gap.end_us:
        _put(txn, gap)


def cut(txn: Writing, track: Track, footage: TimeRange) -> None:
    """Footage was found where it was thought to be missing: what a gap says of that time goes."""
    for gap in list(overlapping(txn, track, footage)):
        txn.delete(keys.GAP, keys.instant(track, gap.start_us))
        if gap.start_us < footage.start_us:
            _put(txn, replace(gap, end_us=footage.start_us))
        if gap.end_us > footage.end_us:
            _put(txn, replace(gap, start_us=footage.end_us))


def overlapping(txn: Reading, track: Track, window: TimeRange) -> Iterator[Gap]:
    """The gaps that touch a window, by start, not clipped."""
    first = _of(track, txn.before(keys.GAP, keys.instant(track, window.start_us)))
    if first is not None and first.end_us > window.start_us:
        yield first
    for row in txn.rows(keys.GAP, keys.instant(track, window.start_us), keys.instant(track, window.end_us)):
        yield decode_gap(*row)


def bare(txn: Reading, track: Track, window: TimeRange) -> list[tuple[int, int, int]]:
    """The same as start, end and the reason's code, for whoever reads thousands: a fourth of the time."""
    start = keys.instant(track, window.start_us)
    before = txn.before(keys.GAP, start)
    rows = [] if before is None or keys.track_of(before[0]) != track else [before]
    rows += txn.rows(keys.GAP, start, keys.instant(track, window.end_us))
    found = [(keys.start_of(key), *bounds_of_gap(value)) for key, value in rows]
    return [row for row in found if row[1] > window.start_us]


def tracks(txn: Reading) -> list[Track]:
    """The tracks that have gaps, in order."""
    found: list[Track] = []
    row = txn.from_key(keys.GAP, b"")
    while row is not None:
        found.append(keys.track_of(row[0]))
        row = txn.from_key(keys.GAP, keys.after_track(found[-1]))
    return found


def joining(txn: Reading, track: Track, end_us: int) -> Gap | None:
    """The last of the gaps that follow footage which ends there, one after the other; None: none does."""
    found = None
    for gap in overlapping(txn, track, TimeRange(end_us - TOUCH_US, keys.LATEST_US)):
        if gap.start_us > end_us + TOUCH_US:
            break
        if gap.end_us > end_us:
            found, end_us = gap, gap.end_us
    return found


def _of(track: Track, row: Row | None) -> Gap | None:
    """The gap, if it is this track's."""
    if row is None or keys.track_of(row[0]) != track:
        return None
    return decode_gap(*row)


def _union(newer: Gap, older: Gap) -> Gap:
    start_us, end_us = min(newer.start_us, older.start_us), max(newer.end_us, older.end_us)
    return replace(newer, start_us=start_us, end_us=end_us, detail=newer.detail or older.detail)


def _put(txn: Writing, gap: Gap) -> None:
    txn.put(keys.GAP, keys.instant(gap.track, gap.start_us), encode_gap(gap))
