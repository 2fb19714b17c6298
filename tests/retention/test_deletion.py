"""Deleting in four steps: whatever the last step before a crash, the next start finishes what was begun."""

import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from indexer.expiry import AgedChunk, Expiry
from nvr.chunk.filesystem import FileSystem
from nvr.media import Track
from nvr.timebase import US_PER_MINUTE
from retention.deletion import Deletion
from retention.plan import IsHeld, StoredChunk
from tests.manual_clock import ManualClock
from tests.retention import sweeping
from tests.retention.store import FAST, ONE, START_US, TWO, Archive, archive, keep

STEPS = ("condemn", "unlink one", "unlink all", "sync", "forget")


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    with archive(tmp_path, clock=ManualClock(START_US + 10 * US_PER_MINUTE)) as made:
        made.record_minutes(ONE, 10)
        yield made


def deletion(of: Archive) -> Deletion:
    volumes = {volume.number: volume for volume in of.volumes}
    return Deletion(of.writer, volumes, of.standing().frozen, of.clock, turn_files=50)


def oldest(of: Archive, count: int, track: Track = ONE) -> list[StoredChunk]:
    return [as_stored(chunk) for chunk, _ in zip(Expiry(of.writer.store).oldest(track), range(count), strict=False)]


def as_stored(aged: AgedChunk) -> StoredChunk:
    return StoredChunk(aged.track, aged.start_us, aged.end_us, aged.sequence, aged.volume, aged.bytes)


def assert_invariants(of: Archive) -> None:
    """I1: every row has its file; I2: every file has its row, or is garbage."""
    assert of.rows() <= of.files()
    assert of.files() <= of.rows() | of.garbage()
    assert not of.rows() & of.garbage()


@pytest.mark.parametrize("last", STEPS)
def test_crash_after_each_step_leaves_nothing_wrong_and_the_next_start_finishes(stored: Archive, last: str) -> None:
    work, before = deletion(stored), stored.files()
    for step in STEPS[: STEPS.index(last) + 1]:
        match step:
            case "condemn":
                work.condemn(oldest(stored, 4))
            case "unlink one":
                work.unlink(1, work.garbage(1)[1:2])
            case "unlink all":
                work.unlink(1, work.garbage(1))
            case "sync":
                work.sync(1)
            case "forget":
                work.forget(work.garbage(1))
        assert_invariants(stored)
    assert len(stored.rows()) == 6
    stored.sweeper(keep(max_days=1), ready=False).sweep()  # the next start: it replays before it may decide
    assert stored.garbage() == set()
    assert stored.files() == stored.rows()
    assert stored.rows() < before
    assert stored.reader.first(ONE) == START_US + 4 * US_PER_MINUTE


def test_files_that_a_power_cut_brings_back_go_again(stored: Archive) -> None:
    work = deletion(stored)
    work.condemn(oldest(stored, 2))
    garbage = work.garbage(1)
    path = stored.volumes[0].resolve(garbage[0].path)
    content = path.read_bytes()
    work.unlink(1, garbage)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)  # the unlink had not reached the disk
    assert_invariants(stored)
    assert deletion(stored).clear(1) == 2
    assert stored.files() == stored.rows()


def test_reader_with_an_open_file_reads_it_to_its_end(stored: Archive) -> None:
    name = stored.record(TWO, 0, size=300_000)
    content = stored.volumes[0].resolve(name).read_bytes()
    fd = stored.volumes[0].open_read(name)
    try:
        begun = os.read(fd, 1000)
        work = deletion(stored)
        work.condemn(oldest(stored, 1, TWO))
        assert work.clear(1) == 1
        assert not stored.volumes[0].resolve(name).exists()
        assert begun + os.read(fd, 1 << 20) == content
    finally:
        os.close(fd)


def test_condemned_row_takes_usage_and_calendar_with_it(stored: Archive) -> None:
    deletion(stored).condemn(oldest(stored, 10))
    assert stored.reader.usage() == {}
    assert stored.reader.days(ONE) == []
    assert stored.reader.runs(ONE) == []
    assert stored.reader.first(ONE) is None


def test_condemning_writes_no_gap(stored: Archive) -> None:
    deletion(stored).condemn(oldest(stored, 3))
    assert stored.reader.gaps(ONE, sweeping.ALWAYS) == []


def test_condemning_twice_changes_nothing_more(stored: Archive) -> None:
    work, chunks = deletion(stored), oldest(stored, 3)
    assert work.condemn(chunks) == 3
    assert work.condemn(chunks) == 0
    assert len(stored.garbage()) == 3


def test_held_footage_is_asked_for_again_before_it_goes(stored: Archive) -> None:
    volumes = {volume.number: volume for volume in stored.volumes}
    freeze = nullcontext[IsHeld](lambda _track, span: span.contains(START_US))
    work = Deletion(stored.writer, volumes, lambda: freeze, stored.clock, 50)
    assert work.condemn(oldest(stored, 3)) == 2
    assert stored.reader.first(ONE) == START_US


def test_garbage_of_a_volume_that_is_not_here_waits_for_it(tmp_path: Path) -> None:
    here, away = tmp_path / "here", tmp_path / "away"
    with archive(tmp_path, disks=(here, away)) as both:
        both.record_minutes(ONE, 3)
        both.record_minutes(TWO, 3, volume=2)
    clock = ManualClock(START_US + 2 * 1440 * US_PER_MINUTE)
    with archive(tmp_path, disks=(here,), clock=clock) as one:
        one.sweeper(keep(max_days=1)).sweep()
        assert one.rows() == set()
        assert {number for number, _, _ in one.garbage()} == {2}
        assert one.files() == set()
    with archive(tmp_path, disks=(here, away), clock=clock) as both:
        assert len(both.files()) == 3
        both.sweeper(keep(max_days=1), ready=False).sweep()
        assert both.files() == both.garbage() == set()


def test_garbage_that_names_no_chunk_is_forgotten_and_touches_nothing(stored: Archive, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    work = deletion(stored)
    work.condemn(oldest(stored, 1))
    entry = work.garbage(1)[0]
    work.unlink(1, [type(entry)(1, "../precious", entry.since_us, entry.bytes)])
    assert precious.read_text() == "keep me"


class ReadOnlyWhenTold(FileSystem):
    """The kernel's file system until it lets nothing go any more."""

    refuses = False

    def unlink(self, path: str, folder_fd: int) -> None:
        if self.refuses:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        super().unlink(path, folder_fd)


def test_disk_that_lets_nothing_go_keeps_its_garbage_and_says_so(tmp_path: Path) -> None:
    disk, clock = ReadOnlyWhenTold(), ManualClock(START_US + 10 * US_PER_MINUTE)
    with archive(tmp_path, clock=clock, fs=disk) as stored:
        stored.record_minutes(ONE, 10)
        sweeper = stored.sweeper(keep(max_days=5 / 1440))
        disk.refuses = True
        sweeper.sweep()
        assert len(stored.garbage()) == 5
        assert "read-only" in sweeper.trouble[1]
        assert_invariants(stored)
        disk.refuses = False
        sweeper.sweep()
        assert stored.garbage() == set()
        assert sweeper.trouble == {}
        assert stored.files() == stored.rows()


def test_disk_that_lets_nothing_go_does_not_lose_its_rows_for_want_of_room(tmp_path: Path) -> None:
    disk, clock = ReadOnlyWhenTold(), ManualClock(START_US + 10 * US_PER_MINUTE)
    with archive(tmp_path, clock=clock, fs=disk) as stored:
        stored.record_minutes(ONE, 10)
        sweeper = stored.sweeper(keep())
        disk.refuses = True
        for _ in range(5):
            sweeper.volume_full(1)
            sweeper.sweep()
        assert len(stored.rows()) >= 10 - FAST.turn_files  # one turn finds out


@pytest.mark.slow
def test_kills_at_random_moments_leave_every_row_a_file_and_every_file_a_row(tmp_path: Path) -> None:
    draw = random.Random(7)
    with archive(tmp_path) as made:
        made.record_minutes(ONE, 1500)
        made.record_minutes(TWO, 1500)
    interrupted, left = 0, 3000
    for _ in range(10):
        _kill_while_it_sweeps(tmp_path, draw.uniform(0, 0.1))
        with archive(tmp_path) as found:
            assert_invariants(found)
            interrupted += bool(found.garbage())
            assert len(found.rows()) <= left
            left = len(found.rows())
    assert left < 3000
    assert interrupted > 0, "no kill fell between two steps: the test has shown nothing"
    with archive(tmp_path) as found:
        found.sweeper(keep(), ready=False).sweep()
        assert found.garbage() == set()
        assert found.files() == found.rows()


def _kill_while_it_sweeps(folder: Path, after_s: float) -> None:
    command = [sys.executable, "-m", sweeping.__name__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"sweeping\n"
        try:
            child.wait(after_s)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL, "it was done before it was killed: give it more to do"
