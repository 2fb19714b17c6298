"""A rebuilt index equals the index, a killed rebuild goes on, and damaged files do not stop it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import keys, rebuild
from indexer.reader import IndexReader
from indexer.rebuild import Progress, Stage
from indexer.writer import Commit, IndexWriter
from nvr.chunk.volume import Volume
from nvr.media import CutReason, Gap, GapReason
from nvr.timebase import US_PER_S, TimeRange
from tests.indexer.sealed import MAIN, START_US, SUB, commit, contents, file_of, write_file
from tests.manual_clock import ManualClock

EVER = TimeRange(0, 2**60)
COMPARED = tuple(table for table in keys.TABLES if table not in {keys.INIT, keys.INIT_HASH})


def rebuilt(path: Path, *volumes: Volume) -> rebuild.Rebuilt:
    return rebuild.rebuild(path, {volume.number: volume for volume in volumes}, lambda _: None)


def all_of(path: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    with IndexReader.open(path) as reader:
        return contents(reader, COMPARED)


@pytest.fixture
def recorded(tmp_path: Path, volume: Volume, clock: ManualClock) -> Path:
    """An index over two volumes, with a gap."""
    path = tmp_path / "index"
    with IndexWriter.open(path) as writer, Volume.open(2, tmp_path / "disk2", create=True, clock=clock) as second:
        for number, disk in ((1, volume), (2, second)):
            writer.remember_volume(number, disk.uuid)
        for sequence in range(1, 6):
            start_us = START_US + (sequence + 10 * (sequence > 3)) * 2 * US_PER_S
            disk = second if sequence % 2 else volume
            chunk = write_file(disk, start_us, sequence=sequence)
            other = write_file(disk, start_us, sequence=sequence, track=SUB, run=9)
            writer.commit(Commit(chunks=((chunk, disk.number), (other, disk.number))))
        for track in (MAIN, SUB):
            gap = Gap(track, START_US + 8 * US_PER_S, START_US + 28 * US_PER_S, GapReason.AUTHENTICATION, "401")
            writer.commit(Commit(gaps=(gap,)))
    return path


@pytest.fixture
def disks(tmp_path: Path, volume: Volume, recorded: Path, clock: ManualClock) -> tuple[Volume, Volume]:
    assert recorded.exists()
    return volume, Volume.open(2, tmp_path / "disk2", create=False, clock=clock)


def test_rebuilt_index_equals_the_index(recorded: Path, disks: tuple[Volume, Volume]) -> None:
    before = all_of(recorded)
    assert rebuilt(recorded, *disks) == rebuild.Rebuilt(10, ())
    assert all_of(recorded) == before
    assert all_of(recorded.with_name("index.before")) == before


def test_footers_of_any_length_and_more_files_than_a_batch_are_read(tmp_path: Path, volume: Volume) -> None:
    path, lengths = tmp_path / "index", (1, 900, 1100, 1300, 3000)  # 3,000 hashes are longer than a file's end as read
    with IndexWriter.open(path) as writer:
        writer.remember_volume(1, volume.uuid)
        chunks, start_us = [], START_US
        for sequence, seconds in enumerate([*lengths, *[1] * rebuild.BATCH], 1):
            chunks.append(write_file(volume, start_us, sequence=sequence, seconds=seconds))
            start_us = chunks[-1].end_us
        commit(writer, *chunks)
    before = all_of(path)
    assert rebuilt(path, volume) == rebuild.Rebuilt(len(lengths) + rebuild.BATCH, ())
    assert all_of(path) == before


def test_rebuild_twice_is_as_good_as_once(recorded: Path, disks: tuple[Volume, Volume]) -> None:
    before = all_of(recorded)
    rebuilt(recorded, *disks)
    rebuilt(recorded, *disks)
    assert all_of(recorded) == before


def test_rebuild_without_the_old_index_finds_all_but_the_words_of_gaps(
    recorded: Path, disks: tuple[Volume, Volume]
) -> None:
    before = all_of(recorded)
    (recorded / "data.mdb").write_bytes(b"nonsense" * 2000)
    rebuilt(recorded, *disks)
    after = all_of(recorded)
    assert {t: rows for t, rows in after.items() if t != keys.GAP} == {
        t: rows for t, rows in before.items() if t != keys.GAP
    }
    with IndexReader.open(recorded) as reader:
        [gap] = reader.gaps(MAIN, EVER)
    assert (gap.start_us, gap.end_us) == (START_US + 8 * US_PER_S, START_US + 28 * US_PER_S)
    assert "made anew" in gap.detail


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        (CutReason.SESSION, GapReason.NETWORK),
        (CutReason.STOP, GapReason.OPERATOR),
        (CutReason.RECOVERED, GapReason.RESTART),
        (CutReason.CLOCK, GapReason.CLOCK),
    ],
)
def test_gap_of_a_rebuild_has_the_reason_of_the_cut(
    tmp_path: Path, volume: Volume, cut: CutReason, reason: GapReason
) -> None:
    write_file(volume, START_US, cut=cut)
    write_file(volume, START_US + 60 * US_PER_S, sequence=2)
    rebuilt(tmp_path / "index", volume)
    with IndexReader.open(tmp_path / "index") as reader:
        assert [gap.reason for gap in reader.gaps(MAIN, EVER)] == [reason]


def test_damaged_file_keeps_a_row_by_its_name(recorded: Path, disks: tuple[Volume, Volume]) -> None:
    with IndexReader.open(recorded) as reader:
        row = reader.chunks(MAIN, EVER)[0]
    file = disks[row.volume - 1].resolve(row.name())
    file.write_bytes(file.read_bytes()[:-100])
    [unreadable] = rebuilt(recorded, *disks).unreadable
    assert unreadable.where == str(file)
    with IndexReader.open(recorded) as reader:
        again = reader.chunks(MAIN, EVER)[0]
    assert again.by_name
    assert again.name() == row.name()


def test_file_under_another_name_is_not_believed(tmp_path: Path, volume: Volume) -> None:
    chunk = write_file(volume, START_US)
    other = write_file(volume, START_US + 2 * US_PER_S, sequence=2)
    file_of(volume, other).write_bytes(file_of(volume, chunk).read_bytes())
    [unreadable] = rebuilt(tmp_path / "index", volume).unreadable
    assert "the file says that it is" in unreadable.what


def test_garbage_does_not_come_back(recorded: Path, disks: tuple[Volume, Volume]) -> None:
    with IndexWriter.open(recorded) as writer:
        gone = IndexReader(writer.store).chunks(MAIN, EVER)[0]
        writer.commit(Commit(garbage=(gone,), now_us=1))
    before = all_of(recorded)
    rebuilt(recorded, *disks)
    assert all_of(recorded) == before


def test_lost_row_stays_until_its_file_returns(recorded: Path, disks: tuple[Volume, Volume]) -> None:
    with IndexWriter.open(recorded) as writer:
        lost = IndexReader(writer.store).chunks(MAIN, EVER)[0]
        writer.mark_lost([lost])
    file = disks[lost.volume - 1].resolve(lost.name())
    file.rename(file.with_suffix(".away"))
    rebuilt(recorded, *disks)
    with IndexReader.open(recorded) as reader:
        assert reader.chunks(MAIN, EVER)[0].lost
    file.with_suffix(".away").rename(file)
    rebuilt(recorded, *disks)
    with IndexReader.open(recorded) as reader:
        assert not reader.chunks(MAIN, EVER)[0].lost


def test_names_come_first_and_progress_is_told(recorded: Path, disks: tuple[Volume, Volume]) -> None:
    told: list[Progress] = []
    rebuild.rebuild(recorded, {disk.number: disk for disk in disks}, told.append)
    assert [step.stage for step in told] == sorted((step.stage for step in told), key=list(Stage).index)
    assert told[-1] == Progress(Stage.FOOTERS, 10, 10)


KILLED = """
import os, signal, sys
from pathlib import Path
from indexer import rebuild
from nvr.chunk.volume import Volume
from nvr.timebase import SystemClock
rebuild.BATCH = 1
steps = 0
def report(_):
    global steps
    steps += 1
    if steps == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
volumes = {n: Volume.open(n, folder / f"disk{n}", create=False, clock=SystemClock()) for n in (1, 2)}
rebuild.rebuild(folder / "index", volumes, report)
"""


@pytest.mark.parametrize("steps", [1, 7, 10, 11, 15, 19, 20])
def test_killed_rebuild_goes_on_and_ends_the_same(
    tmp_path: Path, recorded: Path, volume: Volume, clock: ManualClock, steps: int
) -> None:
    before = all_of(recorded)
    volume.close()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(steps)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert all_of(recorded) == before  # the old index is still in place
    opened = [Volume.open(n, tmp_path / f"disk{n}", create=False, clock=clock) for n in (1, 2)]
    assert rebuilt(recorded, *opened) == rebuild.Rebuilt(10, ())
    assert all_of(recorded) == before


def test_file_deleted_since_a_killed_rebuild_leaves_no_row(
    tmp_path: Path, recorded: Path, disks: tuple[Volume, Volume]
) -> None:
    with IndexReader.open(recorded) as reader:
        gone, kept = reader.chunks(MAIN, EVER)[:2]
    with IndexWriter.open(recorded.with_name("index.rebuild")) as draft:
        draft.commit_names((row.name(), row.bytes, row.volume) for row in (gone, kept))
    disks[gone.volume - 1].resolve(gone.name()).unlink()
    rebuilt(recorded, *disks)
    with IndexReader.open(recorded) as reader:
        assert [row.sequence for row in reader.chunks(MAIN, EVER)] == [2, 3, 4, 5]
