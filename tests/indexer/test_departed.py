"""A disk that was taken out costs what lies on it alone, says so, and brings it back."""

from pathlib import Path

from indexer.adoption import Adoption
from indexer.departed import departed, tell
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.chunk.duplicate import duplicate
from nvr.chunk.name import ChunkName
from nvr.chunk.volume import Volume
from nvr.media import GapReason
from nvr.timebase import US_PER_S, TimeRange
from tests.indexer.sealed import MAIN, START_US, write_file
from tests.manual_clock import ManualClock

EVER = TimeRange(0, 2**60)


def on(_took_s: float) -> bool:
    return False


def test_footage_of_a_disk_that_was_taken_out_is_a_gap_until_it_is_back(
    tmp_path: Path, writer: IndexWriter, reader: IndexReader, volume: Volume, clock: ManualClock
) -> None:
    with Volume.open(2, tmp_path / "disk2", create=True, clock=clock) as second:
        alone, both, other = (
            write_file(v, START_US + n * 2 * US_PER_S, sequence=n + 1) for n, v in enumerate((volume, volume, second))
        )
        for number, disk in ((1, volume), (2, second)):
            writer.remember_volume(number, disk.uuid)
        writer.commit(Commit(chunks=((alone, 1), (both, 1), (other, 2))))
        duplicate(volume, second, ChunkName.of(both))
        writer.commit(Commit(copies=((reader.chunks(MAIN, EVER)[1], 2),)))

        assert departed(writer, {1, 2}) == set()
        assert departed(writer, {2}) == {1}
        assert tell(writer, 1, on)
        assert departed(writer, {2}) == set()
        assert reader.spans(MAIN, EVER) == [TimeRange(both.start_us, other.end_us)]
        gaps = reader.gaps(MAIN, EVER)
        assert [(gap.start_us, gap.end_us, gap.reason) for gap in gaps] == [
            (alone.start_us, alone.end_us, GapReason.DISK)
        ]
        assert "disk 1" in gaps[0].detail

        assert Adoption(writer, on).names(volume)
        assert reader.spans(MAIN, EVER) == [TimeRange(alone.start_us, other.end_us)]
        assert reader.gaps(MAIN, EVER) == []
        assert departed(writer, {1, 2}) == set()
        assert departed(writer, {2}) == {1}


def test_second_files_on_a_disk_that_was_taken_out_are_forgotten(
    tmp_path: Path, writer: IndexWriter, reader: IndexReader, volume: Volume, clock: ManualClock
) -> None:
    with Volume.open(2, tmp_path / "disk2", create=True, clock=clock) as second:
        chunk = write_file(volume, START_US)
        writer.commit(Commit(chunks=((chunk, 1),)))
        duplicate(volume, second, ChunkName.of(chunk))
        writer.commit(Commit(copies=((reader.chunks(MAIN, EVER)[0], 2),)))
        writer.remember_volume(2, second.uuid)
        assert tell(writer, 2, on)
        assert reader.second_volume(ChunkName.of(chunk)) is None
        assert reader.spans(MAIN, EVER) == [TimeRange(chunk.start_us, chunk.end_us)]
