"""A commit is whole, twice is as good as once, and what is kept beside the rows stays true."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import consistency, keys
from indexer.reader import IndexReader
from indexer.rows import Usage
from indexer.writer import Commit, IndexWriter
from nvr.chunk.name import ChunkName
from nvr.errors import CameraError
from nvr.media import Codec, CutReason, Gap, GapReason, ParameterSets, TrackKind
from nvr.timebase import TimeRange
from tests.indexer.sealed import MAIN, MINUTE_US, START_US, SUB, commit, contents, sealed
from tests.nvr.chunk.format_example import PPS, SPS

EVER = TimeRange(0, 2**60)
DERIVED = (keys.CHUNK, keys.DAY, keys.USAGE, keys.RUN, keys.GAP, keys.DOUBT)


def test_commit_writes_rows_usage_days_and_runs(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0), sealed(1), sealed(3), sealed(0, SUB))
    assert [row.start_us for row in reader.chunks(MAIN, EVER)] == [START_US + n * MINUTE_US for n in (0, 1, 3)]
    assert reader.usage() == {(MAIN, 1): Usage(90_003_300, 3), (SUB, 1): Usage(30_001_100, 1)}
    [(day, bitmap)] = reader.days(MAIN)
    assert day == 20261118
    assert int.from_bytes(bitmap, "little") >> (11 * 60 + 7) == 0b1011
    [run] = reader.runs(MAIN)
    assert (run.run, run.start_us, run.end_us, run.chunks) == (1, START_US, START_US + 4 * MINUTE_US, 3)
    assert reader.tracks() == [MAIN, SUB]


def test_commit_again_changes_nothing(writer: IndexWriter, reader: IndexReader) -> None:
    batch = Commit(
        chunks=((sealed(0), 1), (sealed(1), 2)),
        gaps=(Gap(MAIN, START_US + 2 * MINUTE_US, START_US + 3 * MINUTE_US, GapReason.NETWORK, "refused"),),
    )
    writer.commit(batch)
    once = contents(reader, keys.TABLES)
    writer.commit(batch)
    assert contents(reader, keys.TABLES) == once


def test_gap_over_footage_of_the_same_commit_is_cut(writer: IndexWriter, reader: IndexReader) -> None:
    chunk, end_us = sealed(0), START_US + 2 * MINUTE_US
    batch = Commit(chunks=((chunk, 1),), gaps=(Gap(MAIN, START_US, end_us, GapReason.CAMERA, "not completed"),))
    for _ in range(2):
        writer.commit(batch)
        assert [(gap.start_us, gap.end_us) for gap in reader.gaps(MAIN, EVER)] == [(chunk.end_us, end_us)]


def test_commit_of_a_chunk_known_by_name_completes_its_row(writer: IndexWriter, reader: IndexReader) -> None:
    chunk = sealed(0, duration_us=60_000_789)
    writer.commit_names([(ChunkName.of(chunk), chunk.bytes, 1)])
    assert reader.chunks(MAIN, EVER)[0].by_name
    commit(writer, chunk)
    assert not reader.chunks(MAIN, EVER)[0].by_name
    assert reader.usage() == {(MAIN, 1): Usage(chunk.bytes, 1)}
    assert consistency.mismatches(reader.store, MAIN) == []


def test_commit_of_a_name_does_not_touch_a_complete_row(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed())
    once = contents(reader, keys.TABLES)
    writer.commit_names([(ChunkName.of(sealed()), 5, 1)])
    assert contents(reader, keys.TABLES) == once


def test_two_runs_in_the_same_microsecond_keep_the_first(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, run=1), sealed(0, run=2))
    assert [row.run for row in reader.chunks(MAIN, EVER)] == [1]
    assert reader.usage()[MAIN, 1].chunks == 1


def test_long_sequence_and_rare_facts_come_back(writer: IndexWriter, reader: IndexReader) -> None:
    chunk = sealed(0, sequence=70_000, composition_delay_90k=7200, lost_packets=12)
    commit(writer, chunk)
    [row] = reader.chunks(MAIN, EVER)
    assert (row.sequence, row.composition_delay_90k, row.lost_packets) == (70_000, 7200, 12)
    assert row.name() == ChunkName.of(chunk)


def test_init_segments_are_kept_once(writer: IndexWriter, reader: IndexReader) -> None:
    other = ParameterSets(Codec.H264, (), (SPS,), (PPS, PPS))
    commit(writer, sealed(0), sealed(1, SUB))
    commit(writer, sealed(2, parameter_sets=other), sealed(3))
    ids = [row.init_id for row in reader.chunks(MAIN, EVER)]
    assert ids == [1, 2, 1]
    first = reader.init(1)
    assert first is not None
    assert first.codec_string.startswith("avc1.42c00d")
    assert (first.width, first.height) == (160, 96)
    assert first.init_segment[4:8] == b"ftyp"
    assert reader.init(3) is None


def test_init_segments_are_known_after_reopening(tmp_path: Path) -> None:
    for minute in (0, 1):
        with IndexWriter.open(tmp_path / "again") as writer:
            commit(writer, sealed(minute))
            ids = [row.init_id for row in IndexReader(writer.store).chunks(MAIN, EVER)]
    assert ids == [1, 1]


def test_failed_commit_leaves_nothing(writer: IndexWriter, reader: IndexReader) -> None:
    nothing = ParameterSets(Codec.H264, (), (), ())
    before = contents(reader, keys.TABLES)
    with pytest.raises(CameraError):
        commit(writer, sealed(0), sealed(1, parameter_sets=nothing))
    assert contents(reader, keys.TABLES) == before
    commit(writer, sealed(0))
    assert reader.init(reader.chunks(MAIN, EVER)[0].init_id) is not None


# -- deletion ------------------------------------------------------------------------------------------------------


def test_garbage_leaves_rows_and_returns_as_files_to_unlink(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0), sealed(1), sealed(2))
    first = reader.chunks(MAIN, EVER)[0]
    writer.commit(Commit(garbage=(first,), now_us=99))
    assert [row.sequence for row in reader.chunks(MAIN, EVER)] == [2, 3]
    [entry] = reader.garbage()
    assert (entry.volume, entry.path, entry.since_us, entry.bytes) == (1, first.name().path(), 99, first.bytes)
    assert consistency.mismatches(reader.store, MAIN) == []
    writer.forget([entry])
    assert reader.garbage() == []


def test_garbage_twice_is_once(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0), sealed(1))
    first = reader.chunks(MAIN, EVER)[0]
    writer.commit(Commit(garbage=(first, first)))
    writer.commit(Commit(garbage=(first,)))
    assert reader.usage()[MAIN, 1].chunks == 1


def test_garbage_of_everything_leaves_no_trace_in_days_usage_and_runs(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0), sealed(1))
    writer.commit(Commit(garbage=tuple(reader.chunks(MAIN, EVER))))
    left = contents(reader, DERIVED)
    assert left == {key: [] for key in DERIVED}


def test_garbage_keeps_a_minute_that_another_chunk_touches(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, duration_us=90_000_000), sealed(1, run=2, start_us=START_US + 100_000_000))
    writer.commit(Commit(garbage=(reader.chunks(MAIN, EVER)[0],)))
    [(_, bitmap)] = reader.days(MAIN)
    assert int.from_bytes(bitmap, "little") >> (11 * 60 + 7) == 0b110
    assert consistency.mismatches(reader.store, MAIN) == []


def test_doubts_that_are_not_those_of_the_rows_are_told_and_counted_anew(
    writer: IndexWriter, reader: IndexReader
) -> None:
    commit(writer, sealed(0), sealed(1, is_coarse=True), sealed(2, is_clock_doubtful=True))
    once = contents(reader, DERIVED)
    assert len(once[keys.DOUBT]) == 1
    with writer.store.write() as txn:
        txn.delete(keys.DOUBT, once[keys.DOUBT][0][0])
    assert [found.invariant for found in consistency.mismatches(reader.store, MAIN)] == ["I7"]
    writer.recount(MAIN)
    assert contents(reader, DERIVED) == once


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add coarse", "add doubted", "name", "remove"]),
        st.integers(0, 6),
        st.integers(1, 3),
        st.integers(1, 2),
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(STEPS)
def test_any_commits_keep_the_tables_true(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int, int]]
) -> None:
    with IndexWriter.open(tmp_path_factory.mktemp("steps")) as writer:
        reader = IndexReader(writer.store)
        for step, minute, run, volume in steps:
            chunk = sealed(minute, run=run, start_us=START_US + minute * MINUTE_US + run * 20_000_001)
            match step:
                case "add":
                    commit(writer, chunk, volume=volume)
                case "add coarse":
                    commit(writer, replace(chunk, is_coarse=True), volume=volume)
                case "add doubted":
                    doubted = replace(chunk.header, is_clock_doubtful=True)
                    commit(writer, replace(chunk, header=doubted, is_coarse=minute == 3), volume=volume)
                case "name":
                    writer.commit_names([(ChunkName.of(chunk), chunk.bytes, volume)])
                case _:
                    writer.commit(Commit(garbage=tuple(reader.chunks(MAIN, EVER)[minute : minute + run])))
            assert [m for m in consistency.mismatches(reader.store, MAIN) if m.invariant != "I5"] == []


# -- the start -----------------------------------------------------------------------------------------------------


def test_last_of_a_track_that_was_never_recorded_is_none(writer: IndexWriter) -> None:
    assert writer.last(MAIN) is None


def test_last_gives_end_run_root_and_cut(writer: IndexWriter) -> None:
    commit(writer, sealed(0), sealed(1, run=5, cut=CutReason.SESSION), sealed(9, SUB))
    last = writer.last(MAIN)
    assert last is not None
    assert (last.end_us, last.run, last.cut, last.gap) == (START_US + 2 * MINUTE_US, 5, CutReason.SESSION, None)
    assert last.root == b"\1" * 32


def test_last_run_is_the_greatest_also_where_the_clock_was_ahead_meanwhile(writer: IndexWriter) -> None:
    commit(writer, sealed(0, run=7), sealed(90_000, run=8), sealed(1, run=9), sealed(90_000, SUB, run=99))
    last = writer.last(MAIN)
    assert last is not None
    assert (last.run, last.end_us) == (9, START_US + 2 * MINUTE_US)
    assert last.root == b"\1" * 32


def test_last_is_not_moved_back_by_chunks_that_are_adopted_late(writer: IndexWriter) -> None:
    commit(writer, sealed(5))
    commit(writer, sealed(2))
    last = writer.last(MAIN)
    assert last is not None
    assert last.root == b"\5" * 32


def test_last_reaches_to_the_end_of_the_gap_that_follows(writer: IndexWriter) -> None:
    gap = Gap(MAIN, START_US + MINUTE_US, START_US + 5 * MINUTE_US, GapReason.NETWORK)
    writer.commit(Commit(chunks=((sealed(0), 1),), gaps=(gap,)))
    last = writer.last(MAIN)
    assert last is not None
    assert (last.end_us, last.gap) == (gap.end_us, gap)


def test_gap_far_ahead_does_not_belong_to_the_end(writer: IndexWriter) -> None:
    ahead = Gap(MAIN, START_US + 500 * MINUTE_US, START_US + 501 * MINUTE_US, GapReason.NETWORK)
    writer.commit(Commit(chunks=((sealed(0), 1),), gaps=(ahead,)))
    last = writer.last(MAIN)
    assert last is not None
    assert (last.end_us, last.gap) == (START_US + MINUTE_US, None)


def test_gaps_of_a_clock_that_was_ahead_are_forgotten_from_now_on(writer: IndexWriter, reader: IndexReader) -> None:
    gap = Gap(MAIN, START_US + MINUTE_US, START_US + 9 * MINUTE_US, GapReason.CLOCK)
    other = Gap(SUB, START_US + 7 * MINUTE_US, START_US + 8 * MINUTE_US, GapReason.NETWORK)
    writer.commit(Commit(gaps=(gap, other)))
    writer.forget_future(START_US + 2 * MINUTE_US)
    always = TimeRange(0, 2**62)
    assert reader.gaps(MAIN, always) == [Gap(MAIN, gap.start_us, START_US + 2 * MINUTE_US, GapReason.CLOCK)]
    assert reader.gaps(SUB, always) == []


def test_footage_ahead_of_now_is_not_the_newest(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, run=7), sealed(90_000, run=8), sealed(1, run=9))
    assert reader.last(MAIN, START_US + 5 * MINUTE_US) == START_US + 2 * MINUTE_US
    assert reader.last(MAIN) == START_US + 90_001 * MINUTE_US
    assert reader.last(MAIN, START_US) is None


def test_clean_stop_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "stop"
    with IndexWriter.open(path) as writer:
        assert writer.take_clean_stop() is None
        writer.mark_clean_stop(12345)
    with IndexWriter.open(path) as writer:
        assert writer.take_clean_stop() == 12345
        assert writer.take_clean_stop() is None


def test_volume_is_remembered(writer: IndexWriter, reader: IndexReader) -> None:
    writer.remember_volume(3, bytes(range(16)))
    assert reader.volumes() == {3: bytes(range(16))}


def test_lost_row_stays_and_says_so(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0), sealed(1))
    first = reader.chunks(MAIN, EVER)[0]
    writer.mark_lost([first])
    assert reader.chunks(MAIN, EVER)[0] == replace(first, lost=True)
    writer.mark_lost([first], lost=False)
    assert reader.chunks(MAIN, EVER)[0] == first


def test_tracks_of_one_channel_do_not_mix(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, SUB))
    assert SUB.kind is TrackKind.SUB
    assert reader.chunks(MAIN, EVER) == []
    assert reader.floor(MAIN, 2**60) is None
    assert reader.first(MAIN) is None
    assert reader.last(MAIN) is None
    assert reader.days(MAIN) == []
