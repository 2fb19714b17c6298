"""Room that is reserved for a file is a courtesy to the disk: nothing else goes for it, and it is bounded."""

import errno
from pathlib import Path

import pytest

from nvr.capture.cadence import CHUNK_LIMIT_BYTES, Cadence, expected_chunk_bytes
from nvr.capture.disk import RESERVED_SHARE
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.volume import Volume
from nvr.media import TrackKind
from nvr.timebase import US_PER_S, SystemClock
from tests.nvr.capture.a_disk import Heard, a_disk
from tests.nvr.capture.test_broken_chunk import GOOD, good_chunk

BALLAST_BYTES = 1 << 20


class Noting(FileSystem):
    """Notes what is reserved for chunks, and may refuse it."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.reserved: list[int] = []
        self._refuses = refuses

    def reserve(self, fd: int, size_bytes: int) -> None:
        if size_bytes == BALLAST_BYTES:
            super().reserve(fd, size_bytes)
            return
        self.reserved.append(size_bytes)
        if self._refuses:
            raise OSError(errno.ENOSPC, "no room")


def written(path: Path, fs: Noting, reserve_bytes: int) -> tuple[Heard, int, bool]:
    """What is heard of a chunk that is written so, what was free before, and whether the ballast is still there."""
    heard, clock = Heard(), SystemClock()
    with Volume.open(1, path, create=True, clock=clock, fs=fs) as volume:
        volume.make_ballast(BALLAST_BYTES)
        free_bytes = volume.free_bytes()
        disk = a_disk(volume, heard, clock, reserve_bytes)
        for track, event in good_chunk():
            assert disk.queue.put(track, event)
        disk.start()
        disk.stop()
        assert heard.ended.wait(20)
        disk.join()
        return heard, free_bytes, volume.has_ballast()


def test_file_whose_room_is_refused_is_written_without_and_the_ballast_stays(tmp_path: Path) -> None:
    fs = Noting(refuses=True)
    heard, _, has_ballast = written(tmp_path, fs, 3 << 20)
    assert fs.reserved == [3 << 20]
    assert [header.track for header in heard.sealed] == [GOOD]
    assert heard.failures == []
    assert has_ballast


def test_no_file_reserves_more_than_its_share_of_what_is_free(tmp_path: Path) -> None:
    fs = Noting()
    heard, free_bytes, _ = written(tmp_path, fs, 1 << 60)
    assert [header.track for header in heard.sealed] == [GOOD]
    assert fs.reserved
    assert max(fs.reserved) == pytest.approx(free_bytes // RESERVED_SHARE, rel=0.05)


@pytest.mark.parametrize("bitrate_bps", [100_000_000, 55_000_000_000])
def test_room_for_a_chunk_is_never_more_than_a_chunk_can_hold(bitrate_bps: int) -> None:
    assert expected_chunk_bytes(TrackKind.MAIN, Cadence(500_000, 300 * US_PER_S, 0), bitrate_bps) == CHUNK_LIMIT_BYTES
