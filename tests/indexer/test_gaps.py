"""Gaps never overlap, meet as one if they have one reason, and cover what was put in."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.media import Gap, GapReason
from nvr.timebase import TimeRange
from tests.indexer.sealed import MAIN, SUB, commit, sealed

NETWORK, RESTART = GapReason.NETWORK, GapReason.RESTART
EVER = TimeRange(0, 10**9)


def gap(start_us: int, end_us: int, reason: GapReason = NETWORK, detail: str = "") -> Gap:
    return Gap(MAIN, start_us, end_us, reason, detail)


def added(writer: IndexWriter, *gaps: Gap) -> list[tuple[int, int, GapReason]]:
    for one in gaps:
        writer.commit(Commit(gaps=(one,)))
    return [(g.start_us, g.end_us, g.reason) for g in IndexReader(writer.store).gaps(MAIN, EVER)]


def test_adjacent_gaps_of_one_reason_are_one(writer: IndexWriter) -> None:
    assert added(writer, gap(10, 20), gap(30, 40), gap(20, 30)) == [(10, 40, NETWORK)]


def test_adjacent_gaps_of_two_reasons_stay_two(writer: IndexWriter) -> None:
    assert added(writer, gap(10, 20), gap(20, 30, RESTART)) == [(10, 20, NETWORK), (20, 30, RESTART)]


def test_same_gap_twice_is_once(writer: IndexWriter) -> None:
    assert added(writer, gap(10, 20), gap(20, 30), gap(20, 30), gap(10, 20)) == [(10, 30, NETWORK)]


def test_first_reason_stays_where_two_overlap(writer: IndexWriter) -> None:
    rows = added(writer, gap(20, 30, RESTART), gap(10, 40))
    assert rows == [(10, 20, NETWORK), (20, 30, RESTART), (30, 40, NETWORK)]


@pytest.mark.parametrize(
    ("start_min", "end_min", "left"),
    [
        pytest.param(-2, -1, [(0, 1)], id="beside it"),
        pytest.param(0, 1, [], id="all of it"),
        pytest.param(-1, 1, [], id="and more"),
        pytest.param(-1, 0, [(0, 1)], id="up to it"),
    ],
)
def test_footage_that_is_found_ends_a_gap(
    writer: IndexWriter, start_min: int, end_min: int, left: list[tuple[int, int]]
) -> None:
    minute = 60_000_000
    start_us = sealed(5).start_us
    writer.commit(Commit(gaps=(gap(start_us, start_us + minute),)))
    for at in range(start_min, end_min):
        commit(writer, sealed(5 + at))
    found = IndexReader(writer.store).gaps(MAIN, TimeRange(0, 2**62))
    assert [(g.start_us, g.end_us) for g in found] == [(start_us + a * minute, start_us + b * minute) for a, b in left]


def test_footage_in_the_middle_of_a_gap_leaves_its_ends(writer: IndexWriter) -> None:
    chunk = sealed()
    writer.commit(Commit(gaps=(gap(chunk.start_us - 5, chunk.end_us + 7),)))
    commit(writer, chunk)
    found = IndexReader(writer.store).gaps(MAIN, TimeRange(0, 2**62))
    bounds = [(g.start_us, g.end_us) for g in found]
    assert bounds == [(chunk.start_us - 5, chunk.start_us), (chunk.end_us, chunk.end_us + 7)]


def test_merged_gap_keeps_the_newest_words(writer: IndexWriter, reader: IndexReader) -> None:
    added(writer, gap(10, 20, detail="no route"), gap(20, 30, detail="refused"), gap(30, 40))
    assert [g.detail for g in reader.gaps(MAIN, EVER)] == ["refused"]


def test_gaps_of_a_window_are_those_that_touch_it(writer: IndexWriter, reader: IndexReader) -> None:
    writer.commit(Commit(gaps=(gap(10, 20), gap(30, 40), gap(50, 60), Gap(SUB, 30, 40, NETWORK))))
    assert [g.start_us for g in reader.gaps(MAIN, TimeRange(20, 50))] == [30]
    assert [g.start_us for g in reader.gaps(MAIN, TimeRange(19, 51))] == [10, 30, 50]
    assert [g.start_us for g in reader.gaps(MAIN, TimeRange(32, 33))] == [30]


@pytest.mark.parametrize("end_us", [10, 5])
def test_empty_gap_is_not_written(writer: IndexWriter, end_us: int) -> None:
    assert added(writer, gap(10, end_us)) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 25), st.sampled_from([NETWORK, RESTART, GapReason.DISK])),
        max_size=12,
    )
)
def test_any_gaps_cover_each_instant_with_its_first_reason(
    tmp_path_factory: pytest.TempPathFactory, given_gaps: list[tuple[int, int, GapReason]]
) -> None:
    path: Path = tmp_path_factory.mktemp("gaps")
    expected: dict[int, GapReason] = {}
    for start, length, reason in given_gaps:
        for instant in range(start, start + length):
            expected.setdefault(instant, reason)
    with IndexWriter.open(path) as writer:
        rows = added(writer, *(gap(start, start + length, reason) for start, length, reason in given_gaps))
    covered = {instant: reason for start, end, reason in rows for instant in range(start, end)}
    assert covered == expected
    assert sum(end - start for start, end, _ in rows) == len(covered)
    assert all(a[1] < b[0] or a[2] is not b[2] for a, b in itertools.pairwise(rows))
