"""What each rung leaves of a track, in a table and with real cameras."""

from itertools import pairwise
from pathlib import Path

import pytest

from nvr.capture.ladder import Rung, Share, share
from nvr.capture.report import TrackState
from nvr.media import CutReason, GapReason, Track, TrackKind
from tests.nvr.capture.rig import Rig, recording
from tools.simcam.fleet import Fleet
from tools.simcam.options import SUB, Manners, Picture, Town

MAIN, SMALL = Track(1, TrackKind.MAIN), Track(1, TrackKind.SUB)


@pytest.mark.parametrize(
    ("rung", "main", "sub", "lone"),
    [
        (Rung.ALL, Share.ALL, Share.ALL, Share.ALL),
        (Rung.SUB_ONLY, Share.NOTHING, Share.ALL, Share.ALL),
        (Rung.KEY_FRAMES, Share.NOTHING, Share.KEY_FRAMES, Share.KEY_FRAMES),
        (Rung.NOTHING, Share.NOTHING, Share.NOTHING, Share.NOTHING),
    ],
)
def test_rung_leaves_its_share(rung: Rung, main: Share, sub: Share, lone: Share) -> None:
    assert share(rung, TrackKind.MAIN, has_sub=True) is main
    assert share(rung, TrackKind.SUB, has_sub=True) is sub
    assert share(rung, TrackKind.MAIN, has_sub=False) is lone


def stand(rig: Rig, rung: Rung, main: TrackState, sub: TrackState) -> None:
    """Step on a rung, and wait until both tracks have got there and more pictures have come."""
    rig.engine.stand(rung)
    rig.wait(
        lambda: (rig.books.reports[MAIN].state, rig.books.reports[SMALL].state) == (main, sub),
        f"{rung.word}: main {main.value}, sub {sub.value}",
    )
    rig.wait_for_samples([MAIN, SMALL], 60)


@pytest.mark.slow
def test_rungs_down_and_up_leave_whole_files_and_gaps_that_say_why(tmp_path: Path) -> None:
    with (
        Fleet(Town(channels=1, main=Picture(320, 180, 25, 300), sub=SUB), Manners()) as fleet,
        recording(tmp_path, fleet.channels(), silence_s=30) as rig,
    ):
        rig.wait_for_samples([MAIN, SMALL], 30)
        stand(rig, Rung.ALL, TrackState.RECORDING, TrackState.RECORDING)
        stand(rig, Rung.SUB_ONLY, TrackState.NO_DISK, TrackState.RECORDING)
        stand(rig, Rung.KEY_FRAMES, TrackState.NO_DISK, TrackState.RECORDING)
        assert "key frames" in rig.books.reports[SMALL].message
        stand(rig, Rung.NOTHING, TrackState.NO_DISK, TrackState.NO_DISK)
        assert rig.books.reports[SMALL].reason is GapReason.DISK
        stand(rig, Rung.ALL, TrackState.RECORDING, TrackState.RECORDING)
        assert rig.books.reports[SMALL].message == ""
        rig.stop()

        for track in (MAIN, SMALL):
            gaps = [gap for gap in rig.books.gaps if gap.track == track]
            assert {(gap.reason, gap.detail) for gap in gaps} >= {(GapReason.DISK, Share.NOTHING.value)}
            assert {gap.reason for gap in gaps} == {GapReason.DISK}
        chunks = [chunk for chunk in rig.books.sealed if chunk.header.track == SMALL]
        assert CutReason.DISK in {chunk.cut for chunk in chunks}
        kinds = [bool(reader.samples()["sync"].all()) for reader in rig.readers(SMALL)]
        assert True in kinds[1:-1], "a file of key frames only"
        assert not kinds[0]
        assert not kinds[-1]
        assert all(list(reader.problems()) == [] for track in (MAIN, SMALL) for reader in rig.readers(track))
        ends = [
            (reader.header.start_us, chunk.end_us) for reader, chunk in zip(rig.readers(SMALL), chunks, strict=True)
        ]
        assert all(end_us <= start_us for (_, end_us), (start_us, _) in pairwise(ends))


def test_camera_that_comes_back_on_the_last_rung_is_not_recorded_until_there_is_room(tmp_path: Path) -> None:
    with (
        Fleet(Town(channels=1, main=Picture(320, 180, 25, 300), sub=None), Manners()) as fleet,
        recording(tmp_path, fleet.channels()) as rig,
    ):
        rig.wait_for_samples([MAIN], 30)
        rig.engine.stand(Rung.NOTHING)
        rig.wait(lambda: rig.books.reports[MAIN].state is TrackState.NO_DISK, "nothing is recorded")
        fleet.fault(1, "disconnect")
        rig.wait(lambda: rig.books.reports[MAIN].reconnects > 0, "the camera is lost")
        fleet.clear()
        rig.wait(lambda: rig.books.reports[MAIN].state is TrackState.NO_DISK, "back, and not recorded")
        rig.wait_for_samples([MAIN], 60)
        assert rig.books.reports[MAIN].open_chunk is None
        rig.engine.stand(Rung.ALL)
        rig.wait(lambda: rig.books.reports[MAIN].state is TrackState.RECORDING, "recording again")
