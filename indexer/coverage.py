"""What the ledger of coverage needs of the index, for many tracks at once: minutes with footage, and gaps, as arrays.

55 cameras over 30 days are 1,650 rows of minutes; nothing here touches a chunk's row but a track's first and last.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer import days, gaps, keys
from indexer.reader import IndexReader
from indexer.rows import REASON_CODES
from nvr.errors import IntegrityError
from nvr.media import GapReason, Track
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange

REASONS = tuple(GapReason)
_PLACES = np.full(256, -1, np.int64)  # code → place in `REASONS`
_PLACES[[REASON_CODES[reason] for reason in REASONS]] = range(len(REASONS))


@dataclass(frozen=True, slots=True, eq=False)
class TrackFacts:
    """One track in a window."""

    start_us: int  # of minute 0: a whole minute
    minutes: npt.NDArray[np.bool_]  # one a minute: whether any footage lies in it
    gap_start_us: npt.NDArray[np.int64]  # one a gap, by start, not clipped
    gap_end_us: npt.NDArray[np.int64]
    gap_reason: npt.NDArray[np.int64]  # places in `REASONS`
    first_us: int | None  # where all footage of the track begins
    last_us: int | None
    coarse: npt.NDArray[np.bool_]  # one a minute, as `minutes`: whether footage in it has times of receipt
    doubtful: npt.NDArray[np.bool_]  # and whether the server's clock was doubted when it was recorded


def spans(facts: TrackFacts, window: TimeRange) -> list[TimeRange]:
    """When there is footage, clipped to the window: the minutes in which any lies, less the gaps.

    As exact as the ledger: where each missing stretch is a gap, to the microsecond; else to the minute.
    """
    edges = np.diff(np.concatenate(([0], facts.minutes.astype(np.int8), [0])))
    starts_us = facts.start_us + np.flatnonzero(edges > 0) * US_PER_MINUTE
    ends_us = facts.start_us + np.flatnonzero(edges < 0) * US_PER_MINUTE
    # Between two events (a run of minutes or a gap begins or ends) there is footage where a run is open and no gap.
    times_us = np.concatenate((starts_us, ends_us, facts.gap_start_us, facts.gap_end_us))
    runs = np.concatenate((np.ones(len(starts_us)), -np.ones(len(ends_us)), np.zeros(2 * len(facts.gap_start_us))))
    holes = np.concatenate(
        (np.zeros(2 * len(starts_us)), np.ones(len(facts.gap_start_us)), -np.ones(len(facts.gap_start_us)))
    )
    order = np.argsort(times_us, kind="stable")
    there = (np.cumsum(runs[order]) > 0) & (np.cumsum(holes[order]) <= 0)
    times = times_us[order].tolist()
    found: list[TimeRange] = []
    begin_us = max(window.start_us, facts.first_us or 0)
    bounds = TimeRange(begin_us, max(begin_us, min(window.end_us, facts.last_us or 0)))
    for place in np.flatnonzero(there[:-1]).tolist():
        span = TimeRange(times[place], times[place + 1])
        if span.duration_us and span.overlaps(bounds):
            found.append(span.clipped_to(bounds))
    return found


def marked(facts: TrackFacts, marks: npt.NDArray[np.bool_], window: TimeRange) -> list[TimeRange]:
    """The marked minutes of a track, as `TrackFacts` has them, that meet a window: clipped to it, by start."""
    edges = np.diff(np.concatenate(([0], marks.astype(np.int8), [0])))
    starts_us, ends_us = ((facts.start_us + np.flatnonzero(edges == step) * US_PER_MINUTE).tolist() for step in (1, -1))
    found = [TimeRange(*times) for times in zip(starts_us, ends_us, strict=True)]
    return [span.clipped_to(window) for span in found if span.overlaps(window)]


def read(reader: IndexReader, track: Track, window: TimeRange, now_us: int = keys.LATEST_US) -> TrackFacts:
    """What is known of a track in a window, widened to whole UTC days.

    Args:
        reader: of the index.
        track: whose.
        window: when.
        now_us: footage that is dated later, by a clock that was ahead, is not the last.

    Raises:
        StorageError: the index cannot be read.
        IntegrityError: a row cannot be read.
    """
    first_day, end_day = window.start_us // US_PER_DAY, -(-window.end_us // US_PER_DAY)
    bits = np.zeros((3, end_day - first_day, days.DAY_BYTES), np.uint8)  # recorded, coarse, doubtful
    place = {days.name_of(day): day - first_day for day in range(first_day, end_day)}
    start, stop = (keys.day(track, days.name_of(day)) for day in (first_day, end_day))
    with reader.store.read() as txn:
        for key, value in txn.rows(keys.DAY, start, stop):
            bits[0, place[keys.read_day(key)[1]]] = np.frombuffer(value, np.uint8)
        for key, value in txn.rows(keys.DOUBT, start, stop):
            bits[1:, place[keys.read_day(key)[1]]] = np.frombuffer(value, np.uint8).reshape(2, -1)
        rows = gaps.bare(txn, track, window)
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    reasons = _PLACES[columns[2]]
    if (reasons < 0).any():
        raise IntegrityError("a gap has an unknown reason", where=str(track), hint="use a newer program")
    minutes, coarse, doubtful = np.unpackbits(bits.reshape(3, -1), axis=1, bitorder="little").astype(np.bool_)
    return TrackFacts(
        start_us=first_day * US_PER_DAY,
        minutes=minutes,
        gap_start_us=columns[0],
        gap_end_us=columns[1],
        gap_reason=reasons,
        first_us=reader.first(track),
        last_us=reader.last(track, now_us),
        coarse=coarse,
        doubtful=doubtful,
    )
