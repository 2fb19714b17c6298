"""One track, for as long as it is configured: tries its camera again and again, and turns samples into events."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from ssl import SSLContext

from nvr.capture.backoff import Backoff
from nvr.capture.budget import BUFFER_BYTES
from nvr.capture.cadence import Cadence
from nvr.capture.cameraclock import CameraClock
from nvr.capture.descriptors import MORE_DESCRIPTORS, NO_DESCRIPTOR, RESERVED_DESCRIPTORS, free_descriptors
from nvr.capture.disk import Disk
from nvr.capture.events import Absence, ChunkEnded, ChunkLost, ChunkOpened, Event
from nvr.capture.gaps import GapLedger
from nvr.capture.ladder import Share
from nvr.capture.link import Link
from nvr.capture.linklistener import LinkSettings
from nvr.capture.meter import Meter
from nvr.capture.outlet import Outlet
from nvr.capture.reactor import Reactor, Timer
from nvr.capture.report import COARSE, OpenChunk, TrackReport, TrackState
from nvr.capture.resolver import Resolver
from nvr.capture.segmenter import Segmenter
from nvr.channel import Channel
from nvr.codec.parameters import PictureFormat, describe
from nvr.config import RecorderSettings
from nvr.errors import AuthenticationError, CameraError, NetworkError
from nvr.log import get_logger
from nvr.media import CutReason, Gap, GapReason, Sample, Track
from nvr.rtsp.habits import Habits
from nvr.timebase import US_PER_S

FIRST_TRY_US = 3 * US_PER_S // 10  # chosen: 110 handshakes in that time, and nobody waits long after a restart
STEADY_US = 10 * US_PER_S  # chosen: a session that was recorded so long may be tried again at once
NO_KEY_FRAME_US = 300 * US_PER_S  # chosen: the longest groups of pictures that cameras are set to last four minutes
WAIT_TOLD_US = 10 * US_PER_S  # chosen: usual groups are over by then
LATE_US = 2 * US_PER_S  # chosen: a picture a second is seldom asked for less than; else thrice the usual wait for one
LIVE_FRAGMENT_US = 120_000  # chosen: a watched camera is shown 0.2 s late, for a tenth of a per cent more bytes

log = get_logger()

CUTS = {
    GapReason.DISK: CutReason.DISK,
    GapReason.OVERLOAD: CutReason.OVERLOAD,
    GapReason.OPERATOR: CutReason.STOP,
    GapReason.CLOCK: CutReason.CLOCK,
}  # every other reason ends the RTSP session


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What all sessions share."""

    link: LinkSettings
    reconnect_max_us: int
    authentication_retry_us: int

    @classmethod
    def of(cls, settings: RecorderSettings, tls: SSLContext) -> "SessionSettings":
        buffer = memoryview(bytearray(BUFFER_BYTES))
        return cls(
            LinkSettings(int(settings.silence_s * US_PER_S), tls, buffer, settings.basic_in_clear),
            int(settings.reconnect_max_s * US_PER_S),
            int(settings.authentication_retry_s * US_PER_S),
        )


class Session:
    """Records one track. Belongs to the reactor's thread, but for `report`, which only reads.

    Args:
        channel: the camera; the URL is that of the track.
        cadence: how long the pieces are.
        next_run: numbers the runs.
        found_gap: takes a gap that ended for another reason than it began.
    """

    def __init__(
        self,
        track: Track,
        channel: Channel,
        settings: SessionSettings,
        reactor: Reactor,
        resolver: Resolver,
        outlet: Outlet,
        gaps: GapLedger,
        *,
        cadence: Cadence,
        next_run: Callable[[], int],
        found_gap: Callable[[Gap], None],
        draw: random.Random,
    ) -> None:
        self.track = track
        self.channel = channel
        self.cadence = cadence
        self._settings = settings
        self._reactor = reactor
        self._resolver = resolver
        self._clock = reactor.clock
        self.outlet = outlet
        self._gaps = gaps
        self._found_gap = found_gap
        self._backoff = Backoff(settings.reconnect_max_us, draw)
        self._draw = draw
        self._new_segmenter: Callable[[], Segmenter] = lambda: Segmenter(track, cadence, next_run)
        self._segmenter = self._new_segmenter()
        self.meter = Meter()
        self._camera_clock = CameraClock()
        self._habits = Habits()
        self._link: Link | None = None
        self._retry: Timer | None = None
        self._picture: PictureFormat | None = None
        self._watched = False
        self._share = Share.ALL
        self._wanted = Share.ALL
        self._reconnects = 0
        self._recorded_since_us: int | None = None  # monotonic, within this link
        self._played_us = self._pictured_us = 0  # monotonic: this link began to play, the last picture came
        self._usual_wait_us = 0  # for a picture, of late
        self._absence: Absence | None = None  # why footage was missing the last time
        self.refused = ""
        self._state = TrackState.CONNECTING
        self._reason: GapReason | None = None
        self._message = ""
        self._since_us = self._clock.wall_us()

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self, refused: str = "") -> None:
        """Try the camera, at once but for a jitter that spreads the first tries.

        Args:
            refused: why it is not tried at all, for people.
        """
        self.refused = refused
        if refused:
            self._missing(GapReason.SETTINGS, refused)
            self._enter(TrackState.WAITING, GapReason.SETTINGS, refused)
            return
        self._retry = self._reactor.call_after(self._draw.randrange(FIRST_TRY_US), self._connect)

    def close(self, reason: GapReason, detail: str) -> None:
        """End for good; what was received is written."""
        if self._retry is not None:
            self._retry.cancel()
        if self._link is not None:
            self._link.close()
            self._link = None
        self._interrupt(reason, detail)
        self._enter(TrackState.OFF, reason, detail)

    def disk_failed(self, detail: str) -> None:
        """The open chunk was lost with its volume; the next sync sample opens another, if any volume takes it."""
        self._end_chunk(CutReason.DISK)
        self._missing(GapReason.DISK, detail)

    def broke(self, what: str) -> None:
        """This camera's footage cannot be written, whatever the disk: its session ends and is tried again."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
            self.link_failed(CameraError(what))

    def leave(self, disk: Disk) -> None:
        """This disk does not answer: if the open chunk lies there, the next one begins at the next sync sample."""
        if self.outlet.leads_to(disk):
            self._segmenter.leave()

    def keep(self, share: Share) -> None:
        """Record so much of what arrives: nothing from now on, or else another share from the next sync sample on."""
        self._wanted = share
        if share is Share.NOTHING:
            self._change_share()
            self._leave_out()

    def _change_share(self) -> None:
        """The open chunk ends, so that a file is of one kind."""
        self._share = self._wanted
        if self._segmenter.recording:  # else the gap has its reason already
            self._interrupt(GapReason.DISK, self._share.value or "everything is recorded again")

    def _leave_out(self) -> None:
        if self._state in (TrackState.STARTING, TrackState.RECORDING):
            self._enter(TrackState.NO_DISK, GapReason.DISK, self._share.value)

    @property
    def watched(self) -> bool:
        """Whether somebody watches live."""
        return self._watched

    @watched.setter
    def watched(self, watched: bool) -> None:
        self._watched = watched
        self.outlet.urgent = watched
        self._segmenter.fragment_us = LIVE_FRAGMENT_US if watched else self.cadence.fragment_us
        if self._link is not None:
            self._link.watched = watched

    def _connect_again(self) -> None:
        self._reconnects += 1
        self._connect()

    def _connect(self) -> None:
        if free_descriptors() < RESERVED_DESCRIPTORS:
            self.link_failed(CameraError(NO_DESCRIPTOR, where=self.channel.name, hint=MORE_DESCRIPTORS))
            return
        self._enter(TrackState.CONNECTING, self._reason, self._message)
        url = self.channel.tracks()[self.track]
        self._link = Link(self.channel, url, self._settings.link, self._reactor, self._resolver, self, self._habits)
        self._link.watched = self._watched
        self._link.start()

    # -- what the link says --------------------------------------------------------------------------------------

    def link_plays(self) -> None:
        self._played_us = self._pictured_us = self._clock.monotonic_us()
        self._usual_wait_us = 0
        self._enter(TrackState.STARTING, self._reason, "waiting for the first picture that can be shown")
        if self._share is Share.NOTHING:
            self._missing(GapReason.DISK, self._share.value)
            self._leave_out()

    def link_received(self, samples: list[Sample]) -> None:
        wall_offset_us = self._clock.wall_us() - self._clock.monotonic_us()
        if self._link is not None and self._link.reception is not None:
            self._camera_clock.observe(self._link.reception.sender_report, wall_offset_us)
        self._note_pictures(self._clock.monotonic_us())
        for sample in samples:
            self.meter.count(sample)
            if sample.is_sync and self._share is not self._wanted:
                self._change_share()
            if self._share is Share.ALL or (self._share is Share.KEY_FRAMES and sample.is_sync):
                self._carry(self._segmenter.push(sample, wall_offset_us))
            else:
                self._segmenter.skip(sample)
            if self._segmenter.fault:
                raise CameraError(self._segmenter.fault, where=self.channel.name, hint="look at the camera's settings")

    def _note_pictures(self, now_us: int) -> None:
        """Pictures came.

        Raises:
            CameraError: none of them for minutes is one that recording could begin with.
        """
        self._usual_wait_us = max(now_us - self._pictured_us, self._usual_wait_us * 7 // 8)
        self._pictured_us = now_us
        if self._state is TrackState.STARTING and now_us - self._played_us > NO_KEY_FRAME_US:
            what = f"{self._lack()}, for {NO_KEY_FRAME_US // US_PER_S} s"
            raise CameraError(what, where=self.channel.name, hint="set its key frame interval to a few seconds")

    def _lack(self) -> str:
        """Why recording cannot begin with what comes. Any thread."""
        link = self._link
        known = link.reception.lacks if link is not None and link.reception is not None else ""
        return known or "the camera sends no key frame"

    def link_failed(self, error: CameraError) -> None:
        self._link = None
        reason = _reason_for(error)
        self._interrupt(reason, error.what)
        if self._recorded_since_us is not None:
            if self._clock.monotonic_us() - self._recorded_since_us >= STEADY_US:
                self._backoff.succeeded()
            self._recorded_since_us = None
        self._enter(TrackState.WAITING, reason, str(error))
        self._retry = self._reactor.call_after(self._wait_us(reason), self._connect_again)

    def _wait_us(self, reason: GapReason) -> int:
        if reason is GapReason.AUTHENTICATION:
            return self._settings.authentication_retry_us
        return self._backoff.wait_us()

    # -- samples to disk -----------------------------------------------------------------------------------------

    def _carry(self, events: list[Event]) -> None:
        if not events:
            return
        events = self._explained(events)
        refused = self.outlet.carry(events)
        if refused is not None:
            self._interrupt(refused, self.outlet.refusal)
            self._enter(TrackState.NO_DISK, refused, f"nothing is recorded: {self.outlet.refusal}")
            return
        for event in events:
            match event:
                case ChunkOpened():
                    self._picture = describe(event.parameter_sets)
                    self._recorded_since_us = self._recorded_since_us or self._clock.monotonic_us()
                    self._enter(TrackState.RECORDING, None, self._share.value)
                    self._gaps.resumes(self.track)

    def _explained(self, events: list[Event]) -> list[Event]:
        """The same, each opening with why there is no footage before it."""
        return [self._explain(event) for event in events]

    def _explain(self, event: Event) -> Event:
        match event:
            case ChunkEnded(cut=CutReason.CLOCK):
                self._missing(GapReason.CLOCK, "the server's clock was set")
            case ChunkEnded(cut=CutReason.SILENCE):
                self._tell_silence()
            case ChunkOpened():
                return replace(event, absence=self._absence)
            case _:
                pass
        return event

    def _tell_silence(self) -> None:
        if self._segmenter.has_lost:
            self._missing(GapReason.NETWORK, "no picture came for seconds, and packets were lost")
        else:
            self._missing(GapReason.CAMERA, "the camera sent no picture for seconds")

    def _interrupt(self, reason: GapReason, detail: str) -> None:
        """Footage ends here, for now."""
        events = self._explained(self._end_chunk(CUTS.get(reason, CutReason.SESSION)))
        self.outlet.end(events)
        if any(isinstance(event, ChunkOpened) for event in events):
            self._gaps.resumes(self.track)
        self._missing(reason, detail)

    def _end_chunk(self, cut: CutReason) -> list[Event]:
        try:
            return self._segmenter.end(cut)
        except Exception:  # whatever the camera's last pictures made of it, this chunk fails alone
            log.exception("a chunk cannot be ended", track=str(self.track))
            self._segmenter = self._new_segmenter()
            return [ChunkLost()]

    def _missing(self, reason: GapReason, detail: str) -> None:
        self._absence = Absence(reason, detail)
        gap = self._gaps.missing(self.track, reason, detail, self._clock.wall_us())
        if gap is not None:
            self._found_gap(gap)

    # -- the report ----------------------------------------------------------------------------------------------

    def _enter(self, state: TrackState, reason: GapReason | None, message: str) -> None:
        if state is not self._state or reason is not self._reason:
            self._since_us = self._clock.wall_us()
        self._state, self._reason, self._message = state, reason, message

    def _shown(self, now_us: int) -> tuple[TrackState, GapReason | None, str, int]:
        """State, reason, message, and since when: nothing is told to be recorded that is not."""
        late_us, since_us = now_us - self._pictured_us, self._since_us
        if self._state is TrackState.RECORDING and late_us > max(LATE_US, 3 * self._usual_wait_us):
            message = f"no picture has come for {late_us // US_PER_S} s"
            return TrackState.STARTING, GapReason.CAMERA, message, self._clock.wall_us() - late_us
        if self._state is TrackState.RECORDING and not self._segmenter.recording:
            why = self._absence or Absence(GapReason.CAMERA)
            return TrackState.STARTING, why.reason, f"{why.detail}: recording goes on with the next key frame", since_us
        stuck_us = self.outlet.stuck_us(now_us)
        if self._state is TrackState.RECORDING and stuck_us > 0:
            message = f"the disk has not answered for {stuck_us // US_PER_S} s: what comes waits in memory"
            return TrackState.NO_DISK, GapReason.DISK, message, self._clock.wall_us() - stuck_us
        waits_us = now_us - self._played_us
        if self._state is TrackState.STARTING and waits_us > WAIT_TOLD_US and late_us < LATE_US:
            return TrackState.STARTING, GapReason.CAMERA, f"{self._lack()}, for {waits_us // US_PER_S} s now", since_us
        return self._state, self._reason, self._message, since_us

    def report(self, open_chunk: OpenChunk | None) -> TrackReport:
        """The track's state now. Any thread."""
        now_us = self._clock.monotonic_us()
        bitrate_bps, fps_milli = self.meter.rates(now_us)
        state, reason, message, since_us = self._shown(now_us)
        picture = self._picture
        is_coarse = self._state is TrackState.RECORDING and self._segmenter.is_coarse
        return TrackReport(
            track=self.track,
            state=state,
            reason=reason,
            message=message or (COARSE if is_coarse else ""),
            since_us=since_us,
            open_chunk=open_chunk,
            codec=picture.codec_string if picture else "",
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            samples=self.meter.samples,
            bytes=self.meter.bytes,
            lost_packets=self.meter.lost_packets,
            reconnects=self._reconnects,
            bitrate_bps=bitrate_bps,
            fps_milli=fps_milli,
            clock_offset_us=self._camera_clock.offset_us,
        )


def _reason_for(error: CameraError) -> GapReason:
    if isinstance(error, AuthenticationError):
        return GapReason.AUTHENTICATION
    return GapReason.NETWORK if isinstance(error, NetworkError) else GapReason.CAMERA
