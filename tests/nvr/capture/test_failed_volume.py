"""A volume fails while cameras are recorded: what it has not surely kept goes to another one, and nothing is lost."""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from nvr.chunk.filesystem import FileSystem
from nvr.chunk.name import ChunkName
from nvr.chunk.recovery import recover
from nvr.media import GapReason, Track, TrackKind
from tests.nvr.capture.rig import Rig, recording
from tools.simcam.fleet import Fleet
from tools.simcam.options import Picture, Town

CHANNELS = 4
TRACKS = [Track(n, TrackKind.MAIN) for n in range(1, CHANNELS + 1)]
FRAME_90K = 90_000 // 25


class Dying(FileSystem):
    """The kernel's file system until `code` is set: then writing, or syncing, or both fail."""

    def __init__(self, *, writes: bool, syncs: bool) -> None:
        self.code = 0
        self._writes, self._syncs = writes, syncs

    def _fail(self, *, really: bool) -> None:
        if self.code and really:
            raise OSError(self.code, os.strerror(self.code))

    def create(self, path: str, folder_fd: int) -> int:
        self._fail(really=self._writes)
        return super().create(path, folder_fd)

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        self._fail(really=self._writes)
        return super().write(fd, buffers)

    def sync(self, fd: int) -> None:
        self._fail(really=self._syncs)
        super().sync(fd)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(Town(channels=CHANNELS, main=Picture(320, 180, 25, 300), sub=None)) as opened:
        yield opened


def seen_90k(rig: Rig, track: Track) -> np.ndarray:
    """RTP times of all pictures that were recorded, each once, in order."""
    times = [np.zeros(0, np.int64)]
    for reader in rig.readers(track):
        rows = reader.samples()
        shown = rows["decode_90k"] + rows["composition_90k"]
        times.append(shown - shown[0] + reader.fragments()[0].stamp.presentation_rtp_90k)
    return np.unique(np.concatenate(times))


def record_on_1(rig: Rig) -> None:
    """For two seconds, all tracks on the disk that is going to fail."""
    rig.engine.pool.draining = frozenset({2})
    rig.wait(lambda: [chunk.volume for chunk in rig.growing()] == [1] * CHANNELS, "files on the failing disk")
    rig.wait_for_samples(TRACKS, 60)


@pytest.mark.parametrize(
    ("code", "writes", "syncs"),
    [
        pytest.param(errno.EIO, False, True, id="the sync fails"),
        pytest.param(errno.EIO, True, True, id="all writing fails"),
        pytest.param(errno.EROFS, True, False, id="it is read-only"),
        pytest.param(errno.ENOSPC, True, False, id="it is full"),
    ],
)
def test_failed_volume_costs_no_picture(fleet: Fleet, tmp_path: Path, code: int, writes: bool, syncs: bool) -> None:
    dying = Dying(writes=writes, syncs=syncs)
    with recording(tmp_path, fleet.channels(), volumes=2, disks={1: dying}, sync_interval_s=1) as rig:
        record_on_1(rig)
        dying.code = code
        rig.wait(lambda: 1 in rig.engine.pool.trouble, "the alarm", deadline_s=10)
        rig.wait_for_samples(TRACKS, 100)
        kept_by_1 = set(rig.volumes[0].chunks())
        dying.code = 0
        rig.stop()
        for part in list(rig.volumes[0].parts()):  # as the next start does
            recover(rig.volumes[0], part)
        for track in TRACKS:
            seen = seen_90k(rig, track)
            assert len(seen) >= 120
            assert set(np.diff(seen)) == {FRAME_90K}, f"{track}: pictures are missing"
            runs = [
                (chunk.header.run, chunk.header.sequence) for chunk in rig.books.sealed if chunk.header.track == track
            ]
            assert len(runs) == len(set(runs))
        assert kept_by_1 <= set(rig.volumes[0].chunks())
        reasons = {gap.reason for gap in rig.books.gaps}
        assert reasons <= {GapReason.DISK, GapReason.CAMERA}  # a busy machine may make the cameras pause as well


def test_what_was_moved_can_be_shown_without_the_failed_volume(fleet: Fleet, tmp_path: Path) -> None:
    dying = Dying(writes=True, syncs=True)
    with recording(tmp_path, fleet.channels(), volumes=2, disks={1: dying}, sync_interval_s=1) as rig:
        record_on_1(rig)
        before = {chunk.run for chunk in rig.growing()} | {chunk.header.run for chunk in rig.books.sealed}
        dying.code = errno.EIO
        rig.wait_for_samples(TRACKS, 60)
        rig.stop()
        moved = [chunk for chunk in rig.books.sealed if chunk.header.run not in before]
        assert {chunk.header.track for chunk in moved} == set(TRACKS)
        for chunk in moved:
            assert chunk.keyframes[0].offset_90k == 0
            assert ChunkName.of(chunk) in {name for name, _ in rig.volumes[1].chunks()}
        alone = [gap for gap in rig.books.gaps if gap.reason is GapReason.DISK]  # on the failed disk: that is told
        for gap in alone:  # a busy machine may make the cameras pause as well
            assert gap.end_us in {chunk.header.start_us for chunk in moved}
