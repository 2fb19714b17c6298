"""One stream of one camera as it comes in: the door of this room for a capture session."""

import contextlib
import struct

from nvr.errors import CameraError
from nvr.media import Codec, Sample
from nvr.rtsp import rtcp
from nvr.rtsp.client import RtspClient
from nvr.rtsp.depacketize import Depacketizer
from nvr.rtsp.depacketize_h264 import H264Depacketizer
from nvr.rtsp.depacketize_h265 import H265Depacketizer
from nvr.rtsp.events import Event, Playing, SetUp
from nvr.rtsp.interleaved import Deframer
from nvr.rtsp.message import DOLLAR, Message
from nvr.rtsp.reorder import ReorderBuffer
from nvr.rtsp.sdp import MediaDescription
from nvr.rtsp.transport import InterleavedChannels


def depacketizer_for(media: MediaDescription) -> Depacketizer:
    """What makes samples of this stream.

    Raises:
        CameraError: the format cannot be recorded.
    """
    return H265Depacketizer(media) if media.codec is Codec.H265 else H264Depacketizer(media)


class Reception:
    """Bytes and datagrams in; samples, events and bytes to be sent out.

    All that can go wrong raises: `AuthenticationError` for refused credentials, `CameraError` for the rest. The session
    is over then, but `finish` and `take_samples` still give what came before.
    """

    def __init__(self, client: RtspClient) -> None:
        self.client = client
        self._deframer = Deframer(self._on_message)
        self._depacketizer: Depacketizer | None = None
        self._reorder: ReorderBuffer | None = None
        self._channels: InterleavedChannels | None = None
        self._events: list[Event] = []
        self._reports: list[bytes] = []  # framed, for the RTSP connection
        self._reported = (0, 0)  # packets and losses at the last report

    @property
    def sender_report(self) -> rtcp.SenderReport | None:
        """The camera's latest report: its clock at an RTP time."""
        return self._depacketizer.sender_report if self._depacketizer is not None else None

    @property
    def packets(self) -> int:
        """RTP packets received."""
        return self._depacketizer.sequence.packets if self._depacketizer is not None else 0

    @property
    def lost_packets(self) -> int:
        """RTP packets missing, by their sequence numbers."""
        return self._depacketizer.sequence.lost if self._depacketizer is not None else 0

    @property
    def lacks(self) -> str:
        """What is missing for a recording if nothing came yet that one can begin with; a sentence."""
        return self._depacketizer.lacks if self._depacketizer is not None else "the camera does not play"

    def start(self) -> None:
        """Begin the session."""
        self.client.start()

    def feed(self, view: memoryview, received_us: int) -> None:
        """Take what was read from the RTSP connection; ``view`` is not needed any more afterwards."""
        self._deframer.feed(view, received_us)

    def feed_rtp(self, view: memoryview, received_us: int) -> None:
        """Take an RTP datagram; ``view`` is not needed any more afterwards."""
        if self._reorder is not None and self._depacketizer is not None:
            self._reorder.push(view, received_us)
            self._depacketizer.hold()

    def feed_rtcp(self, view: memoryview, received_us: int) -> None:
        """Take an RTCP datagram."""
        self._on_rtcp(view, 0, len(view), received_us)

    def expire(self, now_us: int) -> None:
        """Give up waiting for datagrams that are too late. To be called now and then."""
        if self._reorder is not None:
            self._reorder.expire(now_us)

    def take_samples(self) -> list[Sample]:
        """The access units finished since the last call, in decoding order."""
        return self._depacketizer.take() if self._depacketizer is not None else []

    def take_events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def take_output(self) -> bytes:
        """The bytes to be sent on the RTSP connection."""
        data = self.client.take_output() + b"".join(self._reports)
        self._reports.clear()
        return data

    def finish(self) -> None:
        """The session is over: complete what can be completed."""
        if self._reorder is not None:
            with contextlib.suppress(CameraError):  # whatever it says, there is no session to end any more
                self._reorder.flush()
        if self._depacketizer is not None:
            self._depacketizer.finish()

    def keep_alive(self, now_us: int) -> None:
        """Keep the session; over TCP this reports to the camera as well."""
        self.client.keep_alive(now_us)
        self.report(now_us)

    def report(self, now_us: int) -> None:
        """Report to the camera over TCP: some end sessions that do not within 10 s (mediamtx's issue 1403)."""
        report = self.receiver_report(now_us) if self._channels is not None else b""
        if report and self._channels is not None:
            self._reports.append(struct.pack(">BBH", DOLLAR, self._channels.rtcp, len(report)) + report)

    def receiver_report(self, now_us: int) -> bytes:
        """An RTCP report on what was received since the last one; empty before there was anything."""
        depacketizer = self._depacketizer
        if depacketizer is None or not depacketizer.sequence.packets:
            return b""
        tracker = depacketizer.sequence
        packets, lost = tracker.packets - self._reported[0], tracker.lost - self._reported[1]
        self._reported = (tracker.packets, tracker.lost)
        figures = rtcp.ReceptionFigures(
            ssrc=depacketizer.ssrc,
            packets=tracker.packets,
            lost=tracker.lost,
            lost_fraction_256=lost * 256 // (packets + lost) if packets + lost else 0,
            highest_sequence=tracker.extended_highest,
        )
        ours = depacketizer.ssrc ^ 0xFFFFFFFF  # any number but the camera's
        return rtcp.receiver_report(ours, figures, depacketizer.sender_report, now_us)

    def teardown(self) -> None:
        """End the session."""
        self.client.teardown()

    def _on_message(self, message: Message) -> None:
        self.client.handle(message)
        for event in self.client.take_events():
            match event:
                case SetUp():
                    self._set_up(event)
                case Playing() if self._depacketizer is not None:
                    self._depacketizer.awaited_ssrc = None  # cameras announce one and use another
            self._events.append(event)

    def _set_up(self, event: SetUp) -> None:
        self._depacketizer = depacketizer_for(event.media)
        self._depacketizer.awaited_ssrc = event.ssrc or None  # until then frames of an older session may come
        if event.channels is not None:
            self._channels = event.channels
            self._deframer.attach(event.channels, self._depacketizer, self._on_rtcp)
        else:
            self._reorder = ReorderBuffer(self._depacketizer.push, self._depacketizer.announces)

    def _on_rtcp(self, view: memoryview, start: int, end: int, received_us: int) -> None:
        depacketizer = self._depacketizer
        if depacketizer is None:
            return
        for report in rtcp.parse(view, start, end, received_us):
            match report:
                case rtcp.SenderReport():
                    depacketizer.sender_report = report
                case rtcp.Goodbye(ssrcs) if depacketizer.ssrc in ssrcs or not ssrcs:
                    raise CameraError("the camera ended the stream", where=self.client.url)
                case rtcp.Goodbye():
                    pass  # another source, such as its audio
