"""The ledger of coverage: of each local day, how much was recorded, and what is missing for which cause. Pure.

Footage is known by the minute, gaps to the microsecond. A minute in which any footage lies counts as recorded, less
what of it lies in gaps: so the ledger is exact where every missing stretch is a recorded gap, and where one is not
(footage that was lost afterwards) it is wrong by less than a minute at each end. What is missing without a gap is
unexplained. Footage whose times are coarse, or were given by a doubted clock, counts as recorded and is told
besides, by the minute as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from indexer.coverage import REASONS, TrackFacts
from nvr.media import GapReason
from nvr.timebase import US_PER_MINUTE, US_PER_S

Times = npt.NDArray[np.int64]
Pieces = tuple[Times, Times, Times, Times]  # of gaps, cut at the edges: place, start, end, reason
Marks = npt.NDArray[np.bool_]  # one a minute, from the facts' start on


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """One local day of one track, in microseconds."""

    expected_us: int  # from the track's first footage until now; 0: it did not exist yet, or all of it is deleted
    recorded_us: int
    missing_us: Mapping[GapReason, int]
    coarse_us: int = 0  # of what was recorded: its times are those of receipt
    doubtful_us: int = 0  # of what was recorded: the server's clock was doubted then

    @property
    def unexplained_us(self) -> int:
        return max(0, self.expected_us - self.recorded_us - sum(self.missing_us.values()))


def local_midnights(zone: ZoneInfo, now_us: int, count: int) -> tuple[list[date], Times]:
    """The last ``count`` local days, today last, and where each begins; the end of today is the last of the times.

    Days on which clocks change are 23 or 25 hours long.
    """
    today = datetime.fromtimestamp(now_us // US_PER_S, zone).date()
    dates = [today - timedelta(days=count - 1 - place) for place in range(count + 1)]
    times = [round(datetime(d.year, d.month, d.day, tzinfo=zone).timestamp()) * US_PER_S for d in dates]
    return dates[:-1], np.array(times, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Stretches of one track, in microseconds: one value a stretch, of ``missing_us`` one column a reason besides."""

    expected_us: Times
    recorded_us: Times
    missing_us: Times  # (stretches, reasons), in the order of `indexer.coverage.REASONS`
    coarse_us: Times  # of ``recorded_us``
    doubtful_us: Times  # of ``recorded_us``


def shares(facts: TrackFacts, edges_us: Times, until_us: int) -> Shares:
    """Coverage of a track between each two edges.

    Args:
        facts: of the whole time between the first and the last edge.
        edges_us: where stretches begin, and where the last one ends.
        until_us: nothing is expected later: now, or what of a growing chunk is not in the index yet.
    """
    count = len(edges_us) - 1
    begin_us = until_us if facts.first_us is None else facts.first_us
    lows, highs = np.clip(edges_us[:-1], begin_us, None), np.clip(edges_us[1:], None, until_us)
    expected = np.clip(highs - lows, 0, None)
    missing = np.zeros((count, len(REASONS)), np.int64)
    pieces = _pieces(facts, edges_us, max(begin_us, int(edges_us[0])), until_us)
    place, start_us, end_us, reason = pieces
    np.add.at(missing, (place, reason), end_us - start_us)
    recorded = np.minimum(_within_us(facts, facts.minutes, edges_us, pieces), expected - missing.sum(axis=1))
    recorded = np.clip(recorded, 0, None)
    coarse, doubtful = (
        np.minimum(_within_us(facts, marks, edges_us, pieces), recorded) if marks.any() else np.zeros(count, np.int64)
        for marks in (facts.coarse, facts.doubtful)
    )
    return Shares(expected, recorded, missing, coarse, doubtful)


def by_day(facts: TrackFacts, edges_us: Times, until_us: int) -> list[DayCoverage]:
    """Coverage of a track, day by day: `shares` as values."""
    found = shares(facts, edges_us, until_us)
    columns = (found.expected_us, found.recorded_us, found.missing_us, found.coarse_us, found.doubtful_us)
    return [_day(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _day(expected_us: int, recorded_us: int, missing_us: list[int], coarse_us: int, doubtful_us: int) -> DayCoverage:
    causes = {reason: us for reason, us in zip(REASONS, missing_us, strict=True) if us}
    return DayCoverage(expected_us, recorded_us, causes, coarse_us, doubtful_us)


def _pieces(facts: TrackFacts, edges_us: Times, begin_us: int, until_us: int) -> Pieces:
    """The gaps cut at the edges: arrays of place, start, end, reason."""
    start_us = np.clip(facts.gap_start_us, begin_us, None)
    end_us = np.clip(facts.gap_end_us, None, min(until_us, int(edges_us[-1])))
    some = end_us > start_us
    start_us, end_us, reason = start_us[some], end_us[some], facts.gap_reason[some]
    first = np.searchsorted(edges_us, start_us, "right") - 1
    counts = np.searchsorted(edges_us, end_us, "left") - first
    gap = np.repeat(np.arange(len(counts)), counts)
    place = first[gap] + np.arange(len(gap)) - np.repeat(np.cumsum(counts) - counts, counts)
    return (
        place,
        np.maximum(start_us[gap], edges_us[place]),
        np.minimum(end_us[gap], edges_us[place + 1]),
        reason[gap],
    )


def _within_us(facts: TrackFacts, marks: Marks, edges_us: Times, pieces: Pieces) -> Times:
    """How much of each stretch between two edges lies in marked minutes and in no gap."""
    sums: Times = np.concatenate(([0], np.cumsum(marks)))

    def upto(at_us: Times) -> Times:
        minute, rest_us = np.divmod(at_us - facts.start_us, US_PER_MINUTE)
        return sums[minute] * US_PER_MINUTE + marks[np.minimum(minute, len(marks) - 1)] * rest_us

    place, start_us, end_us, _ = pieces
    in_gaps = np.zeros(len(edges_us) - 1, np.int64)
    np.add.at(in_gaps, place, upto(end_us) - upto(start_us))
    within: Times = np.clip(upto(edges_us[1:]) - upto(edges_us[:-1]) - in_gaps, 0, None)
    return within


def merged_shares(days: Sequence[DayCoverage]) -> float | None:
    """The share that was recorded over several days; None: nothing was expected."""
    expected_us = sum(day.expected_us for day in days)
    return sum(day.recorded_us for day in days) / expected_us if expected_us else None
