"""The ballast: given up when a disk runs full, made again when there is room."""

from pathlib import Path

import numpy as np
import pytest

from nvr.chunk.recovery import recover
from nvr.media import Track, TrackKind
from nvr.timebase import SystemClock
from retention.ballast import MIB, may_make, size_bytes
from retention.plan import VolumeRoom
from tests.nvr.capture.rig import recording
from tests.nvr.chunk.mounts import tmpfs
from tests.retention.store import archive, keep
from tools.simcam.fleet import Fleet
from tools.simcam.options import Picture, Town


def test_ballast_is_a_hundredth_of_a_small_volume_and_as_set_on_a_large_one() -> None:
    assert size_bytes(50 * 10**9, 1024) == 500_000_000
    assert size_bytes(8 * 10**12, 1024) == 1 << 30
    assert size_bytes(8 * 10**12, 0) == 0


@pytest.mark.parametrize(
    ("free_bytes", "ballast_bytes", "expected"), [(110, 10, True), (109, 10, False), (1000, 0, False)]
)
def test_ballast_is_made_only_above_the_mark(free_bytes: int, ballast_bytes: int, expected: bool) -> None:
    assert may_make(VolumeRoom(1, free_bytes, 100, 110), ballast_bytes) is expected


def test_sweeper_makes_the_ballast_tells_when_it_is_used_up_and_makes_it_again(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "200m") as disk, archive(tmp_path, disks=(disk,), clock=SystemClock()) as found:
        (volume,) = found.volumes
        sweeper = found.sweeper(keep(ballast_mib=1, reserve_percent=5))
        sweeper.sweep()
        assert volume.total_bytes() - volume.free_bytes() >= MIB
        assert sweeper.trouble == {}
        other = disk / "another program's"
        other.write_bytes(bytes(volume.free_bytes() - 4 * MIB))
        assert volume.give_up_ballast()
        sweeper.sweep()
        assert "there is too little room" in sweeper.trouble[1]
        other.write_bytes(bytes(volume.free_bytes() // 2))
        other.unlink()
        sweeper.sweep()
        assert (volume.has_ballast(), sweeper.trouble) == (True, {})


def test_full_disk_goes_on_in_the_room_of_its_ballast(tmp_path: Path) -> None:
    told: list[int] = []
    with (
        Fleet(Town(channels=1, main=Picture(320, 180, 25, 300), sub=None)) as fleet,
        tmpfs(tmp_path / "volume1", "16m") as disk,
        recording(tmp_path, fleet.channels()) as rig,
    ):
        (volume,) = rig.volumes
        rig.engine.on_full = told.append
        rig.wait(lambda: len(rig.books.sealed) > 0, "a sealed chunk")
        volume.make_ballast(4 * MIB)
        (disk / "another program's").write_bytes(bytes(volume.free_bytes() - (100 << 10)))
        rig.wait(lambda: told != [], "the ballast given up")
        count = len(rig.books.sealed)
        rig.wait(lambda: len(rig.books.sealed) > count + 1, "chunks after that")
        rig.stop()
        assert not volume.has_ballast()
        for part in list(volume.parts()):  # what found no room is sealed when there is some
            recover(volume, part)
        seen = np.unique(rig.presentation_90k(Track(1, TrackKind.MAIN)))
        assert set(np.diff(seen)) == {90_000 // 25}, "pictures are missing"
