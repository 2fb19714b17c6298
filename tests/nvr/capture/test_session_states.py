"""What a session says it does is what it does: recording only while pictures come, and starting comes to an end."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.capture.cadence import Cadence
from nvr.capture.connection import tls_context
from nvr.capture.disk import HANGS_US
from nvr.capture.diskpool import DiskPool
from nvr.capture.events import Absence, ChunkOpened, Event, FragmentClosed
from nvr.capture.gaps import GapLedger
from nvr.capture.outlet import Outlet
from nvr.capture.reactor import Reactor
from nvr.capture.report import TrackReport, TrackState
from nvr.capture.resolver import Resolver
from nvr.capture.session import NO_KEY_FRAME_US, Session, SessionSettings
from nvr.channel import Channel
from nvr.chunk.volume import Volume
from nvr.config import RecorderSettings
from nvr.errors import CameraError
from nvr.media import GapReason, Sample, Track, TrackKind
from nvr.timebase import US_PER_S, SystemClock, ticks_from_us
from tests.manual_clock import ManualClock
from tests.nvr.capture.a_disk import Heard, a_disk
from tests.nvr.chunk.footage import START_US, footage

TRACK = Track(1, TrackKind.MAIN)


class Stage:
    """A session whose link is a script, on a clock that is moved by hand."""

    def __init__(self, volume: Volume) -> None:
        self.clock = ManualClock(START_US, 1_000 * US_PER_S)
        self.reactor = Reactor(self.clock)
        self.resolver = Resolver(self.reactor)
        self.disk = a_disk(volume, Heard(), self.clock)
        pool = DiskPool(self.clock)
        pool.add(self.disk)
        self.session = Session(
            TRACK,
            Channel(1, "Gate", "rtsp://192.0.2.1/a"),
            SessionSettings.of(RecorderSettings(), tls_context(verify=False)),  # type: ignore[call-arg]
            self.reactor,
            self.resolver,
            Outlet(TRACK, pool),
            GapLedger(),
            cadence=Cadence.of(TRACK, fragment_ms=500, main_chunk_s=60, sub_chunk_s=300),
            next_run=lambda: 1,
            found_gap=lambda gap: None,
            draw=random.Random(1),
        )
        self.session.link_plays()

    def close(self) -> None:
        self.resolver.close()
        self.reactor.close()

    def pass_s(self, seconds: float) -> TrackReport:
        self.clock.advance(int(seconds * US_PER_S))
        return self.session.report(None)

    def receive(self, *, sync: bool, behind_s: float = 0) -> None:
        """A picture of this instant, the stamps of which may be behind."""
        now_us = self.clock.monotonic_us()
        stamp_90k = ticks_from_us(now_us - int(behind_s * US_PER_S))
        sets = footage().sets if sync else None
        self.session.link_received([Sample(bytes(100), stamp_90k, sync, now_us, sets)])


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Volume.open(1, tmp_path, create=True, clock=SystemClock()) as volume:
        stage = Stage(volume)
        yield stage
        stage.close()


def test_recording_is_told_only_while_pictures_come(stage: Stage) -> None:
    stage.receive(sync=True)
    assert stage.pass_s(0.04).state is TrackState.RECORDING
    for _ in range(50):
        stage.receive(sync=False)
        assert stage.pass_s(0.04).state is TrackState.RECORDING
    report = stage.pass_s(4)
    assert (report.state, report.reason) == (TrackState.STARTING, GapReason.CAMERA)
    assert report.message == "no picture has come for 4 s"
    assert report.since_us == stage.clock.wall_us() - 4_040_000
    stage.receive(sync=False)
    assert stage.pass_s(0.04).state is TrackState.RECORDING


def test_chunk_that_was_lost_with_its_disk_is_told_until_the_next_key_frame(stage: Stage) -> None:
    stage.receive(sync=True)
    stage.pass_s(0.04)
    stage.session.disk_failed("volume 1: the disk is gone")
    report = stage.pass_s(0.04)
    assert (report.state, report.reason) == (TrackState.STARTING, GapReason.DISK)
    assert "the disk is gone" in report.message


def test_camera_that_is_slow_by_habit_is_not_told_to_be_late(stage: Stage) -> None:
    for _ in range(4):  # a picture every five seconds
        stage.receive(sync=True)
        report = stage.pass_s(5)
    assert report.state is TrackState.RECORDING


def test_wait_for_a_key_frame_is_told_and_has_an_end(stage: Stage) -> None:
    report = stage.pass_s(0)
    for _ in range(30):
        report = stage.pass_s(1)
        stage.receive(sync=False)
    assert (report.state, report.reason) == (TrackState.STARTING, GapReason.CAMERA)
    assert report.message == "the camera sends no key frame, for 30 s now"
    stage.pass_s(NO_KEY_FRAME_US / US_PER_S)
    with pytest.raises(CameraError, match="no key frame") as caught:
        stage.receive(sync=False)
    assert "key frame interval" in caught.value.hint


def test_group_of_four_minutes_is_waited_for(stage: Stage) -> None:
    for _ in range(240):
        stage.receive(sync=False)
        stage.pass_s(1)
    stage.receive(sync=True)
    assert stage.pass_s(0.1).state is TrackState.RECORDING


def test_disk_that_hangs_is_told_by_each_camera_whose_pictures_wait(stage: Stage) -> None:
    stage.receive(sync=True)
    stage.disk.busy_since_us = stage.clock.monotonic_us()
    for _ in range(HANGS_US // US_PER_S):
        assert stage.pass_s(0).state is TrackState.RECORDING
        stage.pass_s(1)
        stage.receive(sync=True)
    report = stage.pass_s(0)
    assert (report.state, report.reason) == (TrackState.NO_DISK, GapReason.DISK)
    assert "has not answered for 8 s" in report.message
    stage.disk.busy_since_us = None
    assert stage.pass_s(0).state is TrackState.RECORDING


def queued(stage: Stage) -> list[Event]:
    """What has been given to the disk, and is taken from it."""
    return [event for _, event in stage.disk.queue.withdraw(None)]


def pictures(events: list[Event]) -> int:
    return sum(len(event.fragment.data) for event in events if isinstance(event, FragmentClosed))


def test_pictures_after_a_silence_that_come_out_only_at_the_stop_are_kept_and_the_silence_is_told(stage: Stage) -> None:
    for number in range(50):
        stage.receive(sync=number % 25 == 0)
        stage.pass_s(0.04)
    stage.pass_s(14)
    stage.receive(sync=False, behind_s=14)  # waits for what follows: did the stamps stop, or the network?
    stage.session.close(GapReason.OPERATOR, "the recorder was stopped")
    events = queued(stage)
    assert pictures(events) == 51
    assert [one.absence for one in events if isinstance(one, ChunkOpened)][-1] == Absence(
        GapReason.CAMERA, "the camera sent no picture for seconds"
    )


def test_absence_before_a_session_that_is_stopped_at_once_keeps_its_reason(stage: Stage) -> None:
    stage.receive(sync=True)
    stage.session.link_failed(CameraError("the camera has closed"))
    stage.pass_s(20)
    stage.session.link_plays()
    stage.receive(sync=True)
    stage.session.close(GapReason.OPERATOR, "the recorder was stopped")
    events = queued(stage)
    assert pictures(events) == 2
    absences = [one.absence for one in events if isinstance(one, ChunkOpened)]
    assert absences == [None, Absence(GapReason.CAMERA, "the camera has closed")]
