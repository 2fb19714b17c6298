"""A disk that does not answer: nobody else waits for it, the page says so, and the recorder can be stopped."""

import threading
from pathlib import Path

import pytest

from nvr.capture.report import TrackState
from nvr.chunk.filesystem import FileSystem
from nvr.media import GapReason, Track, TrackKind
from tests.nvr.capture.odd_camera import OddCamera, steady
from tests.nvr.capture.rig import recording

TRACK = Track(1, TrackKind.MAIN)


class Hanging(FileSystem):
    """Its sync comes to no end for as long as `hangs` is set."""

    def __init__(self) -> None:
        self.hangs = threading.Event()
        self.answers = threading.Event()

    def sync(self, fd: int) -> None:
        if self.hangs.is_set():
            assert self.answers.wait(60)
        super().sync(fd)


@pytest.mark.slow
def test_disk_that_hangs_is_told_and_lets_the_recorder_stop(tmp_path: Path) -> None:
    disk = Hanging()
    with OddCamera(steady) as camera, recording(tmp_path, [camera.channel(1)], disks={1: disk}) as rig:
        rig.wait_for_samples([TRACK], 50)
        disk.hangs.set()
        rig.wait(lambda: "has not answered" in rig.engine.pool.trouble.get(1, ""), "the alarm", 20)
        rig.wait(lambda: rig.books.reports[TRACK].state is TrackState.NO_DISK, "the state")
        report = rig.books.reports[TRACK]
        assert report.reason is GapReason.DISK
        assert "waits in memory" in report.message
        before = report.samples
        rig.wait(lambda: rig.samples(TRACK) > before + 25, "the camera is read on")
        rig.stop()
        disk.answers.set()
        rig.engine.disks[0].join(20)
