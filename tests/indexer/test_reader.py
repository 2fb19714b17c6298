"""Every instant finds its chunk, and every range its spans."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import keys
from indexer import reader as reading
from indexer.reader import IndexReader
from indexer.writer import IndexWriter
from nvr.errors import NotRecorded, StorageError
from nvr.media import Track, TrackKind
from nvr.timebase import TimeRange
from tests.indexer.sealed import MAIN, MINUTE_US, START_US, SUB, commit, sealed

EVER = TimeRange(0, 2**60)


@pytest.fixture
def ten_minutes(writer: IndexWriter) -> IndexReader:
    """Minutes 0–9 but 4 of channel 7, and neighbours on both sides."""
    for track in (Track(6, TrackKind.SUB), MAIN, SUB, Track(8, TrackKind.MAIN)):
        commit(writer, *(sealed(minute, track) for minute in range(10) if minute != 4))
    return IndexReader(writer.store)


@pytest.mark.parametrize("offset_us", [0, 1, 1_999_999, 2_000_000, 59_999_999])
def test_seek_finds_chunk_and_key_fragment(ten_minutes: IndexReader, offset_us: int) -> None:
    record, offset = ten_minutes.seek(MAIN, START_US + 3 * MINUTE_US + offset_us)
    assert (record.track, record.sequence) == (MAIN, 4)
    assert offset == 1_100 + offset_us // 2_000_000 * 1_000_000


@pytest.mark.parametrize("instant_us", [START_US - 1, START_US + 4 * MINUTE_US, START_US + 10 * MINUTE_US, 0])
def test_seek_where_nothing_was_recorded_says_so(ten_minutes: IndexReader, instant_us: int) -> None:
    with pytest.raises(NotRecorded, match="no footage"):
        ten_minutes.seek(MAIN, instant_us)


def test_seek_in_a_lost_file_is_not_recorded(ten_minutes: IndexReader) -> None:
    IndexWriter(ten_minutes.store).mark_lost(ten_minutes.chunks(MAIN, TimeRange(START_US, START_US + 1)))
    with pytest.raises(NotRecorded):
        ten_minutes.seek(MAIN, START_US + 5)


def test_seek_after_the_clock_was_set_back_finds_the_longer_chunk(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, duration_us=600_000_000), sealed(2, run=2, duration_us=1_000_000))
    assert reader.seek(MAIN, START_US + 2 * MINUTE_US)[0].run == 2
    assert reader.seek(MAIN, START_US + 3 * MINUTE_US)[0].run == 1


def test_floor_gives_the_newest_start_at_or_before(ten_minutes: IndexReader) -> None:
    assert ten_minutes.floor(MAIN, START_US - 1) is None
    for minute, expected in ((0, 1), (3, 4), (4, 4), (5, 6), (99, 10)):
        found = ten_minutes.floor(MAIN, START_US + minute * MINUTE_US)
        assert found is not None
        assert found.sequence == expected


def test_chunks_are_those_that_overlap(ten_minutes: IndexReader) -> None:
    window = TimeRange(START_US + MINUTE_US + 1, START_US + 5 * MINUTE_US)
    assert [row.sequence for row in ten_minutes.chunks(MAIN, window)] == [2, 3, 4]
    assert [row.sequence for row in ten_minutes.chunks(MAIN, TimeRange(window.start_us, window.start_us))] == [2]


def test_spans_are_merged_and_clipped(ten_minutes: IndexReader) -> None:
    window = TimeRange(START_US + 5, START_US + 7 * MINUTE_US)
    assert ten_minutes.spans(MAIN, window) == [
        TimeRange(START_US + 5, START_US + 4 * MINUTE_US),
        TimeRange(START_US + 5 * MINUTE_US, START_US + 7 * MINUTE_US),
    ]


def test_spans_join_over_less_than_a_tenth_of_a_second(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, duration_us=MINUTE_US - 100_000), sealed(1, duration_us=MINUTE_US - 100_001), sealed(2))
    assert [span.start_us for span in reader.spans(MAIN, EVER)] == [START_US, START_US + 2 * MINUTE_US]


def test_spans_leave_out_lost_files(ten_minutes: IndexReader) -> None:
    IndexWriter(ten_minutes.store).mark_lost(ten_minutes.chunks(MAIN, TimeRange(START_US, START_US + 1)))
    assert ten_minutes.spans(MAIN, EVER)[0].start_us == START_US + MINUTE_US


def test_doubts_are_the_spans_of_coarse_times_and_of_doubtful_clocks(writer: IndexWriter, reader: IndexReader) -> None:
    coarse, doubtful = [sealed(n, is_coarse=True) for n in (1, 2, 5)], [sealed(7, is_clock_doubtful=True)]
    commit(writer, sealed(0), *coarse, sealed(6), *doubtful)
    found = reader.doubts(MAIN, TimeRange(START_US, START_US + 5 * MINUTE_US + 5))
    assert found[0] == [
        TimeRange(START_US + MINUTE_US, START_US + 3 * MINUTE_US),
        TimeRange(START_US + 5 * MINUTE_US, START_US + 5 * MINUTE_US + 5),
    ]
    assert found[1] == []
    assert reader.doubts(MAIN, EVER)[1] == [TimeRange(START_US + 7 * MINUTE_US, START_US + 8 * MINUTE_US)]


def test_first_and_last(ten_minutes: IndexReader) -> None:
    assert ten_minutes.first(MAIN) == START_US
    assert ten_minutes.last(MAIN) == START_US + 10 * MINUTE_US


@pytest.mark.parametrize("page_rows", [1, 2, 9, 10, 100])
def test_pages_give_every_chunk_once(ten_minutes: IndexReader, monkeypatch: pytest.MonkeyPatch, page_rows: int) -> None:
    monkeypatch.setattr(reading, "PAGE_ROWS", page_rows)
    pages = list(ten_minutes.pages(MAIN))
    assert [row for page in pages for row in page] == ten_minutes.chunks(MAIN, EVER)
    assert all(len(page) <= page_rows for page in pages)


def test_pages_from_an_instant(ten_minutes: IndexReader) -> None:
    [page] = ten_minutes.pages(MAIN, START_US + 7 * MINUTE_US)
    assert [row.sequence for row in page] == [8, 9, 10]


def test_rows_counts_all_tracks(ten_minutes: IndexReader) -> None:
    assert ten_minutes.rows() == 36
    assert len(ten_minutes.tracks()) == 4


def test_index_that_does_not_exist_yet_is_a_storage_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(StorageError, match="nothing here yet"):
        IndexReader.open(tmp_path_factory.mktemp("empty") / "index")


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200)), min_size=1, max_size=12, unique_by=lambda c: c[0]),
    st.integers(-10, 620),
)
def test_any_instant_is_found_exactly_where_footage_is(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[tuple[int, int]], second: int
) -> None:
    instant_us = START_US + second * 1_000_000
    chunks = [
        sealed(0, run=n, start_us=START_US + start * 1_000_000, duration_us=length * 1_000_000)
        for n, (start, length) in enumerate(seconds)
    ]
    expected = any(chunk.start_us <= instant_us < chunk.end_us for chunk in chunks)
    with IndexWriter.open(tmp_path_factory.mktemp("any")) as writer:
        commit(writer, *chunks)
        reader = IndexReader(writer.store)
        if expected:
            assert reader.seek(MAIN, instant_us)[0].time.contains(instant_us)
        else:
            with pytest.raises(NotRecorded):
                reader.seek(MAIN, instant_us)
        assert any(span.contains(instant_us) for span in reader.spans(MAIN, EVER)) == expected


def test_next_and_previous_footage_are_found_past_lost_files(ten_minutes: IndexReader) -> None:
    writer, end_us = IndexWriter(ten_minutes.store), START_US + 10 * MINUTE_US
    writer.mark_lost(ten_minutes.chunks(MAIN, TimeRange(START_US + 5 * MINUTE_US, START_US + 7 * MINUTE_US)))
    for instant_us, previous_us, next_us in (
        (0, None, START_US),
        (START_US, None, START_US),
        (START_US + 1, START_US + 1, START_US + 1),
        (START_US + 4 * MINUTE_US, START_US + 4 * MINUTE_US, START_US + 7 * MINUTE_US),
        (START_US + 6 * MINUTE_US, START_US + 4 * MINUTE_US, START_US + 7 * MINUTE_US),
        (START_US + 7 * MINUTE_US, START_US + 4 * MINUTE_US, START_US + 7 * MINUTE_US),
        (end_us, end_us, None),
        (end_us + 1, end_us, None),
    ):
        assert ten_minutes.previous_end_us(MAIN, instant_us) == previous_us
        assert ten_minutes.next_start_us(MAIN, instant_us) == next_us


def test_next_and_previous_footage_read_no_row_behind_what_they_find(writer: IndexWriter) -> None:
    """Rows that cannot be read stand around: whoever touches them fails."""
    commit(writer, *(sealed(minute) for minute in (0, 1, 40, 41, 42)))
    with writer.store.write() as txn:
        for minute in (0, 41):
            txn.put(keys.CHUNK, keys.chunk(MAIN, START_US + minute * MINUTE_US, minute + 1), b"")
    reader, hole_us = IndexReader(writer.store), START_US + 39 * MINUTE_US
    assert reader.previous_end_us(MAIN, hole_us) == START_US + 2 * MINUTE_US
    assert reader.next_start_us(MAIN, hole_us) == START_US + 40 * MINUTE_US
    with pytest.raises(struct.error):
        reader.next_start_us(MAIN, START_US)
