"""What an earlier recorder left open is sealed: the young at once, the old beside recording, and what is ours never."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.capture.events import ChunkEnded, ChunkOpened, FragmentClosed
from nvr.capture.salvage import LOOK_BACK_US, Salvage
from nvr.chunk.filesystem import Entry, FileSystem
from nvr.chunk.header import ChunkHeader
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.errors import StorageError
from nvr.media import CutReason, Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_S, SystemClock
from tests.nvr.capture.a_disk import Heard, a_disk
from tests.nvr.capture.odd_camera import OddCamera, steady
from tests.nvr.capture.rig import ListBookkeeper, recording
from tests.nvr.chunk.footage import START_US, footage

ONE, TWO = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)
LATER_US = START_US + 30 * US_PER_DAY


class Watched(FileSystem):
    """Notes which folders are listed."""

    def __init__(self) -> None:
        self.listed: list[str] = []

    def entries(self, path: str, folder_fd: int) -> list[Entry]:
        self.listed.append(path)
        return super().entries(path, folder_fd)


@pytest.fixture
def fs() -> Watched:
    return Watched()


@pytest.fixture
def volume(tmp_path: Path, fs: Watched) -> Iterator[Volume]:
    with Volume.open(1, tmp_path / "volume1", create=True, clock=SystemClock(), fs=fs) as volume:
        yield volume


def leave_open(volume: Volume, track: Track, start_us: int) -> str:
    """A part with two fragments, as a crash leaves it; gives its path."""
    made = footage()
    header = ChunkHeader("test", volume.uuid, track, 7, 1, start_us, made.sets, made.delay_90k, "test", bytes(32))
    writer, part = ChunkWriter(header), volume.create(header, 0)
    part.append([writer.preamble()])
    for fragment in made.fragments(start_us)[:2]:
        part.append(writer.append(fragment))
    part.abandon()
    return part.path


def salvage(volume: Volume, books: ListBookkeeper, before_us: int = LATER_US) -> Salvage:
    def failed(_volume: Volume, error: StorageError) -> None:
        raise AssertionError(error)

    return Salvage(volume, books, failed, before_us)


def test_only_the_newest_folders_are_looked_through_before_the_start_is_over(volume: Volume, fs: Watched) -> None:
    for day in range(30):
        leave_open(volume, ONE, START_US + day * US_PER_DAY)
    newest = leave_open(volume, ONE, LATER_US)
    fs.listed.clear()
    books = ListBookkeeper()
    left = salvage(volume, books, LATER_US + US_PER_S)
    disk = a_disk(volume, Heard(), SystemClock())
    assert [chunk.start_us for chunk in left.run(disk)] == [LATER_US]
    hours = {path for path in fs.listed if path.count("/") == 3}
    assert hours == {newest.rpartition("/")[0]}
    left.run_old(disk, lambda: False)
    assert [chunk.start_us for chunk in books.sealed] == [LATER_US, *(START_US + n * US_PER_DAY for n in range(30))]
    assert list(volume.parts()) == []
    assert disk.made is None


def test_looking_for_old_parts_ends_when_the_recorder_does(volume: Volume) -> None:
    for day in range(3):
        leave_open(volume, ONE, START_US + day * US_PER_DAY)
    books = ListBookkeeper()
    left, disk = salvage(volume, books), a_disk(volume, Heard(), SystemClock())
    left.run_old(disk, lambda: len(books.sealed) == 2)
    assert len(books.sealed) == 2
    assert len(list(volume.parts())) == 1


def test_what_is_ours_is_noted_no_longer_when_the_looking_fails(tmp_path: Path) -> None:
    class Broken(FileSystem):
        is_broken = False

        def entries(self, path: str, folder_fd: int) -> list[Entry]:
            if self.is_broken:
                raise RuntimeError("nobody foresaw this")
            return super().entries(path, folder_fd)

    fs = Broken()
    with Volume.open(1, tmp_path / "volume1", create=True, clock=SystemClock(), fs=fs) as volume:
        left, disk = salvage(volume, ListBookkeeper()), a_disk(volume, Heard(), SystemClock())
        fs.is_broken = True
        looking = threading.Thread(target=lambda: left.run_old(disk, lambda: False))  # it makes itself idle
        looking.start()
        looking.join(20)
    assert disk.made is None


@pytest.mark.parametrize("age_us", [0, LOOK_BACK_US // 2, 30 * US_PER_DAY])
def test_part_that_is_being_written_is_left_alone_whatever_its_time(volume: Volume, age_us: int) -> None:
    """A clock that was set back dates it like one that a crash has left."""
    start_us, books, heard = LATER_US - age_us, ListBookkeeper(), Heard()
    old = leave_open(volume, TWO, start_us)
    left, disk = salvage(volume, books, LATER_US + US_PER_S), a_disk(volume, heard, SystemClock())
    made, appeared = footage(), threading.Event()
    heard.progress = lambda rows: appeared.set()  # type: ignore[method-assign]
    disk.start()
    disk.queue.put(ONE, ChunkOpened(ONE, 800, 1, start_us, made.sets, made.delay_90k))
    fragments = made.fragments(start_us)
    disk.queue.put(ONE, FragmentClosed(fragments[0]), urgent=True)
    assert appeared.wait(20)
    left.run(disk)
    left.run_old(disk, lambda: False)
    (ours,) = volume.parts()
    assert ours != old
    assert [chunk.header.track for chunk in books.sealed] == [TWO]
    disk.queue.put(ONE, FragmentClosed(fragments[1]))
    disk.queue.put(ONE, ChunkEnded(CutReason.SCHEDULE, start_us, 2 * US_PER_S))
    disk.stop()
    assert heard.ended.wait(20)
    disk.join()
    assert [header.track for header in heard.sealed] == [ONE]
    assert {name.track for name, _ in volume.chunks()} == {ONE, TWO}


def test_old_part_is_sealed_beside_recording(tmp_path: Path) -> None:
    with Volume.open(1, tmp_path / "volume1", create=True, clock=SystemClock()) as volume:
        leave_open(volume, TWO, START_US)
        leave_open(volume, TWO, SystemClock().wall_us() - US_PER_DAY)  # so that the other is old
    with OddCamera(steady) as camera, recording(tmp_path, [camera.channel(1)]) as rig:
        rig.wait_for_samples([ONE], 25)
        rig.wait(lambda: START_US in [one.start_us for one in rig.books.sealed], "the old part in the index")
        rig.wait_for_samples([ONE], 50)
        rig.stop()
        assert [gap for gap in rig.books.gaps if gap.track == ONE] == []
