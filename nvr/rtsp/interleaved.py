"""The bytes of an RTSP connection that also carries RTP: "$" frames and messages mixed (RFC 2326 section 10.12)."""

from collections.abc import Callable

from nvr.errors import CameraError
from nvr.rtsp.depacketize import FRAME_BYTES, Depacketizer
from nvr.rtsp.message import Message, MessageReader
from nvr.rtsp.rtp import HEADER_BYTES
from nvr.rtsp.transport import InterleavedChannels

DOLLAR = 0x24
_LINE_END = b"\r\n"
_PEEK_BYTES = FRAME_BYTES + 2  # as much of a frame as tells whether it can be one
_RTCP_KINDS = range(200, 208)  # RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 6
_RTCP_HEADER_BYTES = 4
_RTP_VERSION = 2

OnRtcp = Callable[[memoryview, int, int, int], None]  # view, start, end, received_us


class Deframer:
    """Takes the stream apart: RTP goes to the depacketizer, reports and messages to their callbacks, in order.

    The framing is checked at every frame ("$", a known channel, RTP version, length). Where it is lost the session is
    over: to search for the next "$" byte by byte finds wrong ones, and can starve a machine with 55 such cameras.

    Args:
        on_message: gets each RTSP message, and may call `attach`.
    """

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self._on_message = on_message
        self._reader = MessageReader()
        self._carried = bytearray()  # the frame that the last read ended in
        self._depacketizer: Depacketizer | None = None
        self._on_rtcp: OnRtcp | None = None
        self._rtp_channel = self._rtcp_channel = -1
        self._mark = 0
        self._rtp_heard = self._rtcp_heard = False

    def attach(self, channels: InterleavedChannels, depacketizer: Depacketizer, on_rtcp: OnRtcp) -> None:
        """From now on frames of these channels may come."""
        self._depacketizer, self._on_rtcp = depacketizer, on_rtcp
        self._rtp_channel, self._rtcp_channel = channels.rtp, channels.rtcp
        self._mark = DOLLAR << 8 | channels.rtp

    def feed(self, view: memoryview, received_us: int) -> None:
        """Take what was read; ``view`` is not needed any more afterwards.

        Raises:
            CameraError: lost framing, or what the callbacks and the depacketizer raise. Nothing may be fed after it.
        """
        try:
            self._walk(view, received_us)
        finally:
            if self._depacketizer is not None:
                self._depacketizer.hold()

    def _walk(self, view: memoryview, received_us: int) -> None:
        position = self._complete(view, received_us) if self._carried else 0
        size = len(view)
        inside = self._reader.inside
        while position < size:
            if inside or view[position] != DOLLAR:
                position = self._take_text(view, position)
                inside = self._reader.inside
                continue
            if size - position < _PEEK_BYTES:
                break
            channel = view[position + 1]
            end = position + FRAME_BYTES + (view[position + 2] << 8 | view[position + 3])
            if channel == self._rtp_channel and end <= size:  # nearly always
                position = self._take_rtp(view, position, end, received_us)
                continue
            self._check(view, position)
            if end > size:
                break
            self._take_frame(view, position, end, received_us)
            position = end
        if position < size:
            self._carried += view[position:]

    def _take_rtp(self, view: memoryview, position: int, end: int, received_us: int) -> int:
        """Hand a packet on, and those that plainly follow it; gives the position behind."""
        depacketizer = self._depacketizer
        assert depacketizer is not None
        self._rtp_heard = True
        depacketizer.push(view, position + FRAME_BYTES, end, received_us)
        return depacketizer.skim(view, end, self._mark, received_us)

    def _take_frame(self, view: memoryview, position: int, end: int, received_us: int) -> None:
        """Hand a frame on."""
        if view[position + 1] == self._rtp_channel:
            self._take_rtp(view, position, end, received_us)
        elif self._on_rtcp is not None:
            self._rtcp_heard = True
            self._on_rtcp(view, position + FRAME_BYTES, end, received_us)

    def _complete(self, view: memoryview, received_us: int) -> int:
        """Complete the frame that spans two reads or more: the only packet that is joined."""
        carried = self._carried
        taken = max(0, min(len(view), _PEEK_BYTES - len(carried)))
        carried += view[:taken]
        if len(carried) < _PEEK_BYTES:
            return taken
        self._check(memoryview(bytes(carried[:_PEEK_BYTES])), 0)
        missing = FRAME_BYTES + (carried[2] << 8 | carried[3]) - len(carried)
        carried += view[taken : taken + missing]
        if taken + missing > len(view):
            return len(view)
        frame = memoryview(bytes(carried))
        carried.clear()
        self._take_frame(frame, 0, len(frame), received_us)
        position = taken + missing
        if self._depacketizer is not None:
            position = self._depacketizer.skim(view, position, self._mark, received_us)
        return position

    def _take_text(self, view: memoryview, position: int) -> int:
        if not self._reader.inside:
            if view[position] in _LINE_END:  # odd cameras put empty lines behind their messages
                return position + 1
            if not 0x41 <= view[position] & 0xDF <= 0x5A:
                raise _lost(f"a byte {view[position]:#04x} stands where a frame or a message should begin")
        message, taken = self._reader.feed(view[position:])
        if message is not None:
            self._on_message(message)
        return position + taken

    def _check(self, view: memoryview, position: int) -> None:
        """Check channel, version and length, also before the rest of the frame is waited for."""
        if self._depacketizer is None:
            raise _lost("a frame came before any stream was set up")
        channel, version, kind = view[position + 1], view[position + 4] >> 6, view[position + 5]
        if channel not in (self._rtp_channel, self._rtcp_channel) and version == _RTP_VERSION:
            self._adopt(channel, kind)
        if channel not in (self._rtp_channel, self._rtcp_channel):
            raise _lost(f"a frame has the unknown channel {channel}")
        length = view[position + 2] << 8 | view[position + 3]
        shortest = HEADER_BYTES if channel == self._rtp_channel else _RTCP_HEADER_BYTES
        if version != _RTP_VERSION or length < shortest:
            raise _lost(f"a frame of {length} bytes holds no RTP")

    def _adopt(self, channel: int, kind: int) -> None:
        """A camera that uses other channels than it agreed to is believed by its first packets."""
        assert self._depacketizer is not None
        if kind in _RTCP_KINDS:
            if not self._rtcp_heard:
                self._rtcp_channel = channel
        elif not self._rtp_heard and self._depacketizer.announces(kind):
            self._rtp_channel = channel
            self._mark = DOLLAR << 8 | channel


def _lost(what: str) -> CameraError:
    return CameraError(f"the RTP framing is lost: {what}", hint="the session begins anew")
