"""Cameras that fail: they are tried again, the missing stretch has its reason, and the others never notice."""

import itertools
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.media import GapReason, Track, TrackKind
from tests.nvr.capture.rig import Rig, recording
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Picture, Town

SICK, WELL = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(Town(channels=2, main=Picture(320, 180, 25, 300), sub=None), Manners()) as fleet:
        yield fleet


@pytest.fixture
def rig(fleet: Fleet, tmp_path: Path) -> Iterator[Rig]:
    with recording(tmp_path, fleet.channels(), authentication_retry_s=1) as rig:
        rig.wait_for_samples([SICK, WELL], 30)
        yield rig
    fleet.clear()


def state(rig: Rig) -> TrackState:
    return rig.books.reports[SICK].state


def wait_until_failed_and_back(rig: Rig, fleet: Fleet, reason: GapReason) -> None:
    rig.wait(lambda: rig.books.reports[SICK].reason is reason, "the failure")
    fleet.clear()
    rig.wait(lambda: state(rig) is TrackState.RECORDING, "recording again")
    rig.wait_for_samples([SICK], 60)


def assert_gaps(rig: Rig, reasons: list[GapReason]) -> None:
    rig.stop()
    gaps = [gap for gap in rig.books.gaps if gap.track == SICK]
    assert [gap.reason for gap in gaps][-len(reasons) :] == reasons
    assert all(a.end_us == b.start_us for a, b in pairwise(gaps))
    assert 0 < gaps[-1].end_us - gaps[0].start_us < 15_000_000
    well_90k = sorted(rig.presentation_90k(WELL))
    assert {b - a for a, b in itertools.pairwise(well_90k)} == {3600}
    assert [gap for gap in rig.books.gaps if gap.track == WELL] == []


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("stop", [GapReason.NETWORK]),  # silent for silence_s
        ("disconnect", [GapReason.CAMERA]),
        ("refuse", [GapReason.CAMERA]),
        ("wrong_password", [GapReason.AUTHENTICATION]),
    ],
)
def test_fault_makes_a_gap_with_its_reason_and_the_camera_comes_back(
    rig: Rig, fleet: Fleet, fault: str, reasons: list[GapReason]
) -> None:
    fleet.fault(SICK.channel, fault)
    wait_until_failed_and_back(rig, fleet, reasons[-1])
    assert_gaps(rig, reasons)


def test_stray_bytes_between_frames_end_no_session(rig: Rig, fleet: Fleet) -> None:
    fleet.fault(SICK.channel, "desync")
    rig.wait_for_samples([SICK], 60)
    assert state(rig) is TrackState.RECORDING
    assert rig.books.reports[SICK].reconnects == 0


def test_wrong_password_says_so_and_is_not_tried_in_a_hurry(fleet: Fleet, tmp_path: Path) -> None:
    wrong = [Channel(c.number, c.name, c.main_url, "", "admin", "not it") for c in fleet.channels() if c.number == 1]
    with recording(tmp_path, wrong, authentication_retry_s=3600) as rig:
        rig.wait(lambda: SICK in rig.books.reports and state(rig) is TrackState.WAITING, "the refusal")
        report = rig.books.reports[SICK]
        assert report.reason is GapReason.AUTHENTICATION
        assert "not it" not in repr(report)
        rig.wait(lambda: rig.books.reports[SICK] is not report, "another report")
        assert rig.books.reports[SICK].reconnects == 0


def test_jump_of_camera_time_neither_moves_nor_loses_a_picture(rig: Rig, fleet: Fleet) -> None:
    fleet.fault(SICK.channel, "jump", s=3600)
    rig.wait_for_samples([SICK], 80)
    rig.stop()
    assert len({reader.header.run for reader in rig.readers(SICK)}) == 1
    assert any(reader.summary().is_coarse for reader in rig.readers(SICK))  # until the clock is believed again
    assert rig.books.gaps == []


def test_lost_packets_are_counted_and_recording_goes_on(rig: Rig, fleet: Fleet) -> None:
    fleet.fault(SICK.channel, "drop", percent=5)
    rig.wait(lambda: rig.books.reports[SICK].lost_packets > 10, "lost packets")
    rig.wait_for_samples([SICK], 60)
    assert state(rig) is TrackState.RECORDING
    rig.stop()
    assert sum(chunk.lost_packets for chunk in rig.books.sealed if chunk.header.track == SICK) > 10
    assert all(list(reader.problems()) == [] for reader in rig.readers(SICK))
    assert [gap for gap in rig.books.gaps if gap.track == WELL] == []


def test_channel_that_is_removed_stops_and_the_other_goes_on(rig: Rig, fleet: Fleet) -> None:
    keep = [channel for channel in fleet.channels() if channel.number == WELL.channel]
    rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(keep))
    before = rig.books.reports[SICK].samples
    rig.wait_for_samples([WELL], 60)
    assert rig.books.reports[SICK].samples <= before + 50
    rig.stop()
    assert [gap for gap in rig.books.gaps if gap.track == WELL] == []
