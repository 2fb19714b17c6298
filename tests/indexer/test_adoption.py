"""Footage that the index does not know is taken in beside recording, goes on after a kill, and nothing comes back."""

from pathlib import Path

import pytest

from indexer import keys
from indexer.adoption import Adoption
from indexer.reader import IndexReader
from indexer.rebuild import DETAIL
from indexer.writer import Commit, IndexWriter
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.media import GapReason
from nvr.timebase import US_PER_DAY, US_PER_S, TimeRange
from tests.indexer.sealed import MAIN, START_US, SUB, contents, file_of, write_file
from tests.manual_clock import ManualClock

EVER = TimeRange(0, 2**60)
COMPARED = tuple(table for table in keys.TABLES if table not in {keys.INIT, keys.INIT_HASH})
DAYS = 9  # far beyond what a start looks back


def on(_took_s: float) -> bool:
    return False


@pytest.fixture
def footage(volume: Volume) -> list[SealedChunk]:
    """Two tracks, a chunk on each of some days."""
    return [
        write_file(volume, START_US + day * US_PER_DAY, sequence=day + 1, track=track, run=3)
        for day in range(DAYS)
        for track in (MAIN, SUB)
    ]


def adopt(writer: IndexWriter, *volumes: Volume) -> Adoption:
    adoption = Adoption(writer, on)
    assert all(adoption.names(volume) for volume in volumes)
    assert adoption.contents({volume.number: volume for volume in volumes})
    return adoption


def starts(reader: IndexReader) -> list[int]:
    return [(record.start_us - START_US) // US_PER_DAY for record in reader.chunks(MAIN, EVER)]


def test_lost_index_is_made_whole_as_a_rebuild_would(
    tmp_path: Path, writer: IndexWriter, reader: IndexReader, volume: Volume, footage: list[SealedChunk]
) -> None:
    adoption = adopt(writer, volume)
    assert adoption.taken == {1: 2 * DAYS}
    assert adoption.read == 2 * DAYS
    assert not adoption.is_unread()
    assert {record.by_name for record in reader.chunks(MAIN, EVER)} == {False}
    with IndexWriter.open(tmp_path / "other") as other:
        for chunk in sorted(footage, key=lambda chunk: chunk.start_us):
            other.commit(Commit(chunks=((chunk, 1),)))
        rows, wanted = contents(reader, COMPARED), contents(IndexReader(other.store), COMPARED)
    assert {table: rows[table] for table in COMPARED if table != keys.GAP} == {
        table: wanted[table] for table in COMPARED if table != keys.GAP
    }


def test_holes_between_what_was_taken_in_have_their_reason(
    writer: IndexWriter, reader: IndexReader, volume: Volume, footage: list[SealedChunk]
) -> None:
    writer.commit(Commit(chunks=((footage[-2], 1),)))  # recorded after the loss
    adopt(writer, volume)
    gaps = reader.gaps(MAIN, EVER)
    assert len(gaps) == DAYS - 1
    assert {(gap.reason, gap.detail) for gap in gaps} == {(GapReason.RESTART, DETAIL)}


def test_index_of_yesterday_learns_what_came_after_it_and_before_the_start(
    writer: IndexWriter, reader: IndexReader, volume: Volume, footage: list[SealedChunk]
) -> None:
    for day in (0, 1, DAYS - 1):
        writer.commit(Commit(chunks=tuple((chunk, 1) for chunk in footage[2 * day : 2 * day + 2])))
    assert starts(reader) == [0, 1, DAYS - 1]
    adoption = adopt(writer, volume)
    assert adoption.taken == {1: 2 * (DAYS - 3)}
    assert starts(reader) == list(range(DAYS))


def test_oldest_day_of_all_channels_is_known_first(
    writer: IndexWriter,
    reader: IndexReader,
    volume: Volume,
    footage: list[SealedChunk],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("indexer.adoption.BATCH", 2)
    assert len(footage) == 2 * DAYS
    assert not Adoption(writer, lambda _: True).names(volume)
    assert [[record.start_us for record in reader.chunks(track, EVER)] for track in (MAIN, SUB)] == [[START_US]] * 2


def test_stopped_between_names_and_footers_goes_on_after_the_next_start(
    writer: IndexWriter, reader: IndexReader, volume: Volume, footage: list[SealedChunk]
) -> None:
    assert footage
    assert Adoption(writer, on).names(volume)
    assert {record.by_name for record in reader.chunks(MAIN, EVER)} == {True}
    again = Adoption(writer, on)
    assert again.names(volume)
    assert again.taken == {}
    assert again.is_unread()
    assert again.contents({1: volume})
    assert {record.by_name for record in reader.chunks(SUB, EVER)} == {False}


def test_footers_of_a_volume_that_is_away_are_read_when_it_is_back(
    tmp_path: Path, writer: IndexWriter, reader: IndexReader, volume: Volume, clock: ManualClock
) -> None:
    with Volume.open(2, tmp_path / "disk2", create=True, clock=clock) as second:
        write_file(volume, START_US, sequence=1)
        write_file(second, START_US + 60 * US_PER_S, sequence=2)
        adoption = Adoption(writer, on)
        assert adoption.names(volume)
        assert adoption.names(second)
        assert adoption.contents({1: volume})
        assert [record.by_name for record in reader.chunks(MAIN, EVER)] == [False, True]
        assert adoption.contents({1: volume, 2: second})
        assert [record.by_name for record in reader.chunks(MAIN, EVER)] == [False, False]


def test_garbage_and_what_is_gone_do_not_come_back(
    writer: IndexWriter, reader: IndexReader, volume: Volume, footage: list[SealedChunk]
) -> None:
    adopt(writer, volume)
    first, second = reader.chunks(MAIN, EVER)[:2]
    writer.commit(Commit(garbage=(first, second), now_us=START_US))
    file_of(volume, footage[0]).unlink()
    assert Adoption(writer, on).names(volume)
    assert starts(reader) == list(range(2, DAYS))


def test_damaged_file_stays_known_by_its_name(
    writer: IndexWriter, reader: IndexReader, volume: Volume, footage: list[SealedChunk]
) -> None:
    file_of(volume, footage[0]).write_bytes(bytes(1000))
    adopt(writer, volume)
    assert [record.by_name for record in reader.chunks(MAIN, EVER)] == [True] + [False] * (DAYS - 1)


def test_second_file_on_another_disk_is_known_again(
    tmp_path: Path, writer: IndexWriter, reader: IndexReader, volume: Volume, clock: ManualClock
) -> None:
    from nvr.chunk.duplicate import duplicate

    chunk = write_file(volume, START_US, sequence=1)
    with Volume.open(2, tmp_path / "disk2", create=True, clock=clock) as second:
        duplicate(volume, second, ChunkName.of(chunk))
        writer.commit(Commit(chunks=((chunk, 1),)))
        adoption = adopt(writer, volume, second)
        assert reader.second_volume(ChunkName.of(chunk)) == 2
        assert adoption.taken == {2: 1}
