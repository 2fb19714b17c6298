"""A volume that runs full: whoever makes room is told, and recording goes on when there is some."""

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from nvr.capture.disk import Disk
from nvr.capture.diskpool import RETRY_US, DiskPool
from nvr.capture.events import ChunkEnded, ChunkOpened, FragmentClosed
from nvr.capture.unsynced import Unsynced
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.volume import Volume
from nvr.errors import StorageError, VolumeFull
from nvr.media import CutReason, Track, TrackKind
from nvr.timebase import US_PER_S, SystemClock
from tests.manual_clock import ManualClock
from tests.nvr.capture.a_disk import Heard, a_disk
from tests.nvr.capture.rig import recording
from tests.nvr.chunk.footage import START_US as FOOTAGE_US
from tests.nvr.chunk.footage import footage
from tests.nvr.chunk.mounts import tmpfs
from tools.simcam.fleet import Fleet
from tools.simcam.options import Picture, Town

TRACK = Track(1, TrackKind.MAIN)
BALLAST_BYTES = (16 << 20) - (200 << 10)  # of 16 MiB: 200 KiB are left


def test_full_volume_is_told_and_takes_footage_again_when_there_is_room(tmp_path: Path) -> None:
    told: list[int] = []
    with (
        Fleet(Town(channels=1, main=Picture(320, 180, 25, 300), sub=None)) as fleet,
        tmpfs(tmp_path / "volume1", "16m") as disk,
    ):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(BALLAST_BYTES))
        with recording(tmp_path, fleet.channels()) as rig:
            made_room = threading.Event()

            def make_room(number: int) -> None:
                told.append(number)
                ballast.unlink(missing_ok=True)
                made_room.set()

            rig.engine.on_full = make_room
            rig.wait(made_room.is_set, "the volume's word that it is full")
            rig.wait(lambda: bool(rig.books.sealed), "a sealed chunk")
            rig.wait(rig.engine.has_recovered, "the end of recovery")
            rig.stop()
            assert set(told) == {1}
            assert {chunk.header.track for chunk in rig.books.sealed} == {TRACK}


class FullOnce(FileSystem):
    """One write finds no room; the file that was made for it stands there."""

    def __init__(self) -> None:
        self.refuses = False

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        if self.refuses:
            self.refuses = False
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, buffers)


def test_file_for_whose_first_bytes_there_was_no_room_is_made_again_on_the_same_volume(tmp_path: Path) -> None:
    """Else the volume would be given up because of a file that exists, as if it had failed."""
    track, made, fs = Track(1, TrackKind.MAIN), footage(), FullOnce()
    with Volume.open(1, tmp_path / "disk", create=True, clock=SystemClock(), fs=fs) as volume:
        heard, fs.refuses = Heard(), True
        disk = a_disk(volume, heard, SystemClock())

        def back(_disk: Disk, left: Unsynced, _tracks: object, _error: StorageError) -> None:
            for piece in left.pieces():
                rest = piece.rest(900)
                assert rest is not None
                disk.queue.put(track, rest)
                for fragment in made.fragments():
                    disk.queue.put(track, FragmentClosed(fragment))
                disk.queue.put(track, ChunkEnded(CutReason.SCHEDULE, FOOTAGE_US, 2 * US_PER_S))

        heard.move_on = back  # type: ignore[method-assign, assignment]
        disk.queue.put(track, ChunkOpened(track, 800, 1, FOOTAGE_US, made.sets, made.delay_90k))
        disk.start()
        disk.stop()
        assert heard.ended.wait(20)
        disk.join()
        assert [type(error) for error in heard.failures] == [VolumeFull]
        assert [header.track for header in heard.sealed] == [track]
        assert list(volume.parts()) == []


def test_volume_that_was_full_is_used_again_when_there_is_room_and_one_that_failed_is_not(tmp_path: Path) -> None:
    clock = ManualClock()
    with Volume.open(1, tmp_path / "disk", create=True, clock=clock) as volume:
        pool, disk = DiskPool(clock), a_disk(volume, Heard(), clock)
        pool.add(disk)
        pool.failed(1, VolumeFull("the volume is full"))
        assert pool.usable() == []
        pool.room_made(1)
        assert pool.usable() == [disk]
        pool.failed(1, VolumeFull("the volume is full"))
        pool.failed(1, StorageError("the disk reports an error"))
        pool.room_made(1)
        assert pool.usable() == []
        clock.advance(RETRY_US)
        assert pool.usable() == [disk]
