"""The ledger of coverage is exact to the microsecond where every missing stretch is a gap."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import days
from indexer.coverage import REASONS, TrackFacts, read, spans
from indexer.writer import Commit
from nvr.media import Gap, GapReason
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from retention.coverage import DayCoverage, by_day, local_midnights, shares
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, TWO, Archive, archive

HOUR_US = 3600 * 1_000_000
DAY_0_US = 20_000 * US_PER_DAY
EDGES_US = np.array([DAY_0_US + 17 * HOUR_US + day * US_PER_DAY for day in range(4)], np.int64)  # midnight at +7
WHOLE = TimeRange(int(EDGES_US[0]), int(EDGES_US[-1]))


def facts_of(spans: list[TimeRange], gaps: list[tuple[int, int, GapReason]]) -> TrackFacts:
    """What the index would tell of this footage."""
    first_day, end_day = WHOLE.start_us // US_PER_DAY, -(-WHOLE.end_us // US_PER_DAY)
    minutes = np.zeros((end_day - first_day) * 1440, np.bool_)
    for span in spans:
        wide = days.whole_minutes(span)
        start, end = ((us - first_day * US_PER_DAY) // US_PER_MINUTE for us in (wide.start_us, wide.end_us))
        minutes[max(0, start) : max(0, end)] = True
    columns = np.array([(a, b, REASONS.index(r)) for a, b, r in gaps], np.int64).reshape(-1, 3).T
    first_us = min((span.start_us for span in spans), default=None)
    last_us = max((span.end_us for span in spans), default=None)
    none = np.zeros_like(minutes)
    return TrackFacts(
        first_day * US_PER_DAY, minutes, columns[0], columns[1], columns[2], first_us, last_us, none, none
    )


def inside(span: TimeRange, day: int) -> int:
    return span.clipped_to(TimeRange(int(EDGES_US[day]), int(EDGES_US[day + 1]))).duration_us


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[TimeRange], list[tuple[int, int, GapReason]]]:
    """Footage and gaps by turns, somewhere in three days and around them."""
    near_minutes = st.integers(WHOLE.start_us // US_PER_MINUTE - 100, WHOLE.end_us // US_PER_MINUTE + 100)
    cuts = draw(
        st.lists(
            st.builds(lambda m, us: m * US_PER_MINUTE + us, near_minutes, st.integers(0, 59_999_999)),
            min_size=2,
            max_size=12,
            unique=True,
        )
    )
    cuts.sort()
    pieces = list(pairwise(cuts))
    spans = [TimeRange(a, b) for a, b in pieces[::2]]
    gaps = [(a, b, draw(st.sampled_from(GapReason))) for a, b in pieces[1::2]]
    return spans, gaps


@given(histories())
def test_ledger_agrees_with_counting_by_hand(history: tuple[list[TimeRange], list[tuple[int, int, GapReason]]]) -> None:
    spans, gaps = history
    until_us = max(spans[-1].end_us, gaps[-1][1] if gaps else 0)
    found = by_day(facts_of(spans, gaps), EDGES_US, until_us)
    for day, row in enumerate(found):
        assert row.recorded_us == sum(inside(span, day) for span in spans)
        for reason in GapReason:
            expected_us = sum(inside(TimeRange(a, b), day) for a, b, r in gaps if r is reason)
            assert row.missing_us.get(reason, 0) == expected_us
        assert row.expected_us == inside(TimeRange(spans[0].start_us, until_us), day)
        assert row.unexplained_us == 0


@given(histories(), st.lists(st.integers(WHOLE.start_us, WHOLE.end_us), min_size=2, max_size=40, unique=True))
def test_shares_of_any_stretches_agree_with_counting_by_hand(
    history: tuple[list[TimeRange], list[tuple[int, int, GapReason]]], edges: list[int]
) -> None:
    """A gap may span many stretches, a stretch many gaps; edges need not be whole minutes."""
    spans, gaps = history
    until_us = max(spans[-1].end_us, gaps[-1][1] if gaps else 0)
    found = shares(facts_of(spans, gaps), np.array(sorted(edges), np.int64), until_us)
    for place, (a, b) in enumerate(pairwise(sorted(edges))):
        stretch = TimeRange(a, b)
        assert found.recorded_us[place] == sum(span.clipped_to(stretch).duration_us for span in spans)
        for column, reason in enumerate(REASONS):
            expected_us = sum(TimeRange(x, y).clipped_to(stretch).duration_us for x, y, r in gaps if r is reason)
            assert found.missing_us[place, column] == expected_us


@given(histories())
def test_spans_by_the_minute_are_those_of_the_footage_where_every_hole_is_a_gap(
    history: tuple[list[TimeRange], list[tuple[int, int, GapReason]]],
) -> None:
    footage, gaps = history
    found = spans(facts_of(footage, gaps), WHOLE)
    expected = [span.clipped_to(WHOLE) for span in footage if span.overlaps(WHOLE)]
    assert sum(span.duration_us for span in found) == sum(span.duration_us for span in expected)
    assert all(any(a.start_us <= b.start_us and b.end_us <= a.end_us for a in expected) for b in found)


def test_footage_that_vanished_without_a_gap_is_unexplained() -> None:
    first, last = (
        TimeRange(WHOLE.start_us, WHOLE.start_us + HOUR_US),
        TimeRange(WHOLE.start_us + 3 * HOUR_US, WHOLE.end_us),
    )
    today = by_day(facts_of([first, last], []), EDGES_US, WHOLE.end_us)[0]
    assert today.unexplained_us == 2 * HOUR_US


def test_footage_with_doubtful_times_is_told_besides_and_no_gap_counts() -> None:
    start_us = WHOLE.start_us + HOUR_US
    middle_us, end_us = start_us + 90 * US_PER_MINUTE, start_us + 2 * HOUR_US
    facts = facts_of([TimeRange(start_us, end_us)], [(middle_us, end_us, GapReason.CAMERA)])
    first = (start_us - facts.start_us) // US_PER_MINUTE
    coarse = np.zeros_like(facts.minutes)
    coarse[first + 60 : first + 120] = True
    today, *later = by_day(replace(facts, coarse=coarse, doubtful=facts.minutes), EDGES_US, WHOLE.end_us)
    assert today.recorded_us == 90 * US_PER_MINUTE
    assert (today.coarse_us, today.doubtful_us) == (30 * US_PER_MINUTE, 90 * US_PER_MINUTE)
    assert [(day.coarse_us, day.doubtful_us) for day in later] == [(0, 0), (0, 0)]


def test_nothing_recorded_is_nothing_expected() -> None:
    assert by_day(facts_of([], []), EDGES_US, WHOLE.end_us) == [DayCoverage(0, 0, {})] * 3


def test_days_on_which_clocks_change_are_shorter_and_longer() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring_us, autumn_us = 1_774_825_200_000_000, 1_792_969_200_000_000  # 2026-03-30 and 2026-10-26, at 01:00 there
    lengths = [int(np.diff(local_midnights(berlin, now_us, 2)[1])[0]) // HOUR_US for now_us in (spring_us, autumn_us)]
    assert lengths == [23, 25]


def test_local_days_end_with_today() -> None:
    dates, edges_us = local_midnights(ZoneInfo("Asia/Ho_Chi_Minh"), START_US, 30)
    assert len(dates) == 30
    assert dates[-1].isoformat() == "2026-11-18"
    assert edges_us[-2] <= START_US < edges_us[-1]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    with archive(tmp_path, clock=ManualClock(START_US + 10 * US_PER_MINUTE)) as made:
        yield made


def test_ledger_from_a_real_index(stored: Archive) -> None:
    for minute in (0, 1, 4, 5):
        stored.record(ONE, minute)
    lost = TimeRange(START_US + 2 * US_PER_MINUTE, START_US + 4 * US_PER_MINUTE)
    stored.writer.commit(Commit(gaps=(Gap(ONE, lost.start_us, lost.end_us, GapReason.NETWORK, "no route"),)))
    _, edges_us = local_midnights(ZoneInfo("UTC"), START_US, 2)
    known = read(stored.reader, ONE, TimeRange(int(edges_us[0]), int(edges_us[-1])))
    before, today = by_day(known, edges_us, START_US + 6 * US_PER_MINUTE)
    assert before.expected_us == 0
    assert today == DayCoverage(6 * US_PER_MINUTE, 4 * US_PER_MINUTE, {GapReason.NETWORK: 2 * US_PER_MINUTE})


def test_gap_that_began_before_the_window_and_every_reason_is_read(stored: Archive) -> None:
    """A row that is read barely says the same as one that is decoded."""
    day_us = START_US // US_PER_DAY * US_PER_DAY
    made = [
        Gap(ONE, day_us + (number - 1) * HOUR_US, day_us + number * HOUR_US, reason, "why")
        for number, reason in enumerate(GapReason)
    ]
    stored.writer.commit(Commit(gaps=tuple(made)))
    stored.writer.commit(Commit(gaps=(Gap(TWO, day_us - HOUR_US, day_us + HOUR_US, GapReason.DISK, ""),)))
    window = TimeRange(day_us - HOUR_US // 2, day_us + US_PER_DAY)
    known = read(stored.reader, ONE, window)
    columns = zip(known.gap_start_us.tolist(), known.gap_end_us.tolist(), known.gap_reason.tolist(), strict=True)
    assert [(a, b, REASONS[r]) for a, b, r in columns] == [(gap.start_us, gap.end_us, gap.reason) for gap in made]
    assert len(read(stored.reader, ONE, TimeRange(day_us, window.end_us)).gap_start_us) == len(made) - 1
