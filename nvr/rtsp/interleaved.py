"""The bytes of an RTSP connection that also carries RTP: "$" frames and messages mixed (RFC 2326 section 10.12)."""

import re
from collections.abc import Callable
from enum import Enum, auto

from nvr.errors import CameraError
from nvr.rtsp import resync
from nvr.rtsp.depacketize import FRAME_BYTES, Depacketizer
from nvr.rtsp.message import DOLLAR, Message, MessageReader
from nvr.rtsp.rtp import HEADER_BYTES
from nvr.rtsp.transport import InterleavedChannels

_LINE_END = b"\r\n"
_PEEK_BYTES = FRAME_BYTES + 2  # as much of a frame as tells whether it can be one
_RTCP_HEADER_BYTES = 4
_RTP_VERSION = 2
_SURE = 3  # frames of a channel that is passed over, before its lengths are believed without a look at what follows
_METHOD = re.compile(rb"[A-Z_]{3,15} ")
_METHOD_BYTES = 16
_REPLY = b"RTSP/"

OnRtcp = Callable[[memoryview, int, int, int], None]  # view, start, end, received_us


class _Verdict(Enum):
    """What a frame is."""

    OURS = auto()
    FOREIGN = auto()  # to be passed over
    UNDECIDED = auto()  # more of the stream must be seen
    NONE = auto()  # this is no frame: the framing is lost


class Deframer:
    """Takes the stream apart: RTP goes to the depacketizer, reports and messages to their callbacks, in order.

    Frames of other channels, of sessions that are over, and empty ones are passed over where what follows them begins a
    frame or a message. Where that is not so the framing is lost, and found again as `nvr.rtsp.resync` says, within
    bounds; nothing that was read is thrown away before.

    Args:
        on_message: gets each RTSP message, and may call `attach`.
    """

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self._on_message = on_message
        self._reader = MessageReader()
        self._carried = bytearray()  # the frame of ours that the last read ended in
        self._undecided = b""  # what cannot be judged before more comes
        self._passing_bytes = 0  # of a foreign frame, still to come
        self._depacketizer: Depacketizer | None = None
        self._on_rtcp: OnRtcp | None = None
        self._rtp_channel = self._rtcp_channel = self._agreed_channel = -1
        self._mark = 0
        self._rtp_heard = self._rtcp_heard = False
        self._others: dict[int, int] = {}  # foreign channels: how many frames of them were sound
        self._lost: bytearray | None = None  # what came since the framing was lost
        self._lost_since_us = 0
        self._search_from = 0

    def attach(self, channels: InterleavedChannels, depacketizer: Depacketizer, on_rtcp: OnRtcp) -> None:
        """From now on frames of these channels are taken."""
        self._depacketizer, self._on_rtcp = depacketizer, on_rtcp
        self._rtp_channel, self._rtcp_channel = channels.rtp, channels.rtcp
        self._agreed_channel = channels.rtp
        self._mark = DOLLAR << 8 | channels.rtp

    def feed(self, view: memoryview, received_us: int) -> None:
        """Take what was read; ``view`` is not needed any more afterwards.

        Raises:
            CameraError: the framing is lost for good, or what the callbacks and the depacketizer raise. Nothing may be
                fed after it.
        """
        rest: memoryview | None = view
        try:
            if self._lost is not None:
                self._lost += view
                rest = self._search(received_us)
            elif self._undecided:
                rest, self._undecided = memoryview(self._undecided + view), b""
            while rest is not None:
                rest = self._walk(rest, received_us)
        finally:
            if self._depacketizer is not None:
                self._depacketizer.hold()

    def _walk(self, view: memoryview, received_us: int) -> memoryview | None:
        """Take what can be taken; gives what is to be walked next, if the framing was lost and found again."""
        position = self._complete(view, received_us) if self._carried else self._pass_over(view)
        size = len(view)
        reader = self._reader
        inside = reader.inside
        while position < size:
            if view[position] != DOLLAR or (inside and not reader.between_lines):
                if not inside and not self._is_text(view, position):
                    return self._stray(bytes(view[position:]), received_us)
                taken = self._take_text(view, position)
                if taken < 0:
                    return self._stray(reader.abandon()[: -taken - 1] + bytes(view[position:]), received_us)
                position += taken
                inside = reader.inside
                continue
            if (
                size - position >= _PEEK_BYTES
                and view[position + 1] == self._rtp_channel
                and view[position + 4] >> 6 == 2
            ):
                end = position + FRAME_BYTES + (view[position + 2] << 8 | view[position + 3])
                if position + FRAME_BYTES + HEADER_BYTES <= end <= size:  # nearly always
                    position = self._take_frame(view, position, end, received_us)
                    continue
            verdict, end = self._judge(view, position)
            if verdict is _Verdict.OURS:
                if end > size:
                    self._carried += view[position:]
                    return None
                position = self._take_frame(view, position, end, received_us)
            elif verdict is _Verdict.FOREIGN:
                self._passing_bytes = max(0, end - size)
                position = end
            elif verdict is _Verdict.UNDECIDED:
                return self._wait(bytes(view[position:]))
            else:
                return self._stray(bytes(view[position:]), received_us)
        return None

    # -- frames --------------------------------------------------------------------------------------------------

    def _judge(self, view: memoryview, position: int) -> tuple[_Verdict, int]:
        """What the frame at this place is, and where it ends."""
        left = len(view) - position
        if left < FRAME_BYTES:
            return _Verdict.UNDECIDED, 0
        channel, length = view[position + 1], view[position + 2] << 8 | view[position + 3]
        end = position + FRAME_BYTES + length
        if length > 1:
            if left < _PEEK_BYTES:
                return _Verdict.UNDECIDED, end
            if view[position + 4] >> 6 == _RTP_VERSION:
                if channel != self._rtp_channel and channel != self._rtcp_channel:
                    self._adopt(channel, view[position + 5])
                if channel == self._rtp_channel and length >= HEADER_BYTES:
                    return _Verdict.OURS, end
                if channel == self._rtcp_channel and length >= _RTCP_HEADER_BYTES:
                    return _Verdict.OURS, end
        return self._judge_foreign(view, channel, end), end

    def _judge_foreign(self, view: memoryview, channel: int, end: int) -> _Verdict:
        """Judge a frame that is none of ours by what follows it, until its channel has proved itself."""
        is_ours = channel in (self._rtp_channel, self._rtcp_channel)
        if not is_ours and self._others.get(channel, 0) >= _SURE:
            return _Verdict.FOREIGN
        if end >= len(view):
            return _Verdict.UNDECIDED
        if view[end] != DOLLAR and not self._is_text(view, end):
            return _Verdict.NONE
        self._others[channel] = self._others.get(channel, 0) + 1
        return _Verdict.FOREIGN

    def _take_run(self, view: memoryview, position: int, received_us: int) -> int:
        """Hand on frames of RTP, which is nearly all that comes, as long as they follow each other and are whole."""
        depacketizer, channel, mark, size = self._depacketizer, self._rtp_channel, self._mark, len(view)
        if depacketizer is None:
            return position
        while size - position >= FRAME_BYTES + HEADER_BYTES and view[position] == DOLLAR:
            end = position + FRAME_BYTES + (view[position + 2] << 8 | view[position + 3])
            is_whole = position + FRAME_BYTES + HEADER_BYTES <= end <= size
            if view[position + 1] != channel or view[position + 4] & 0xC0 != 0x80 or not is_whole:
                break
            self._rtp_heard = True
            depacketizer.push(view, position + FRAME_BYTES, end, received_us)
            position = depacketizer.skim(view, end, mark, received_us)
        return position

    def _take_frame(self, view: memoryview, position: int, end: int, received_us: int) -> int:
        """Hand a frame of ours on, and those that plainly follow it; gives the position behind."""
        depacketizer = self._depacketizer
        assert depacketizer is not None
        if view[position + 1] != self._rtp_channel:
            assert self._on_rtcp is not None
            self._rtcp_heard = True
            self._on_rtcp(view, position + FRAME_BYTES, end, received_us)
            return end
        self._rtp_heard = True
        depacketizer.push(view, position + FRAME_BYTES, end, received_us)
        return depacketizer.skim(view, end, self._mark, received_us)

    def _complete(self, view: memoryview, received_us: int) -> int:
        """Complete the frame of ours that spans two reads or more: the only packet that is joined."""
        carried = self._carried
        missing = FRAME_BYTES + (carried[2] << 8 | carried[3]) - len(carried)
        carried += view[:missing]
        if missing > len(view):
            return len(view)
        frame = memoryview(bytes(carried))
        carried.clear()
        self._take_frame(frame, 0, len(frame), received_us)
        if self._depacketizer is not None:
            return self._depacketizer.skim(view, missing, self._mark, received_us)
        return missing

    def _pass_over(self, view: memoryview) -> int:
        """Go past what is left of a foreign frame."""
        passed = min(self._passing_bytes, len(view))
        self._passing_bytes -= passed
        return passed

    def _adopt(self, channel: int, kind: int) -> None:
        """A camera that uses other channels than it agreed to is believed by its first packets, until it uses those."""
        if self._depacketizer is None:
            return
        if kind in resync.RTCP_KINDS:
            if not self._rtcp_heard:
                self._rtcp_channel = channel
        elif (not self._rtp_heard or channel == self._agreed_channel) and self._depacketizer.announces(kind):
            self._rtp_channel = channel
            self._mark = DOLLAR << 8 | channel

    # -- messages ------------------------------------------------------------------------------------------------

    def _is_text(self, view: memoryview, position: int) -> bool:
        """Whether a message may begin here, or an empty line, as odd cameras put behind their messages.

        While a stream is set up anything with a letter: whoever answers there may not speak RTSP at all, and the reader
        says so. Inside a head, which some cameras put frames into, another header.
        """
        head = bytes(view[position : position + _METHOD_BYTES])
        if head[0] in _LINE_END:
            return True
        if self._depacketizer is None or self._reader.inside:
            return 0x41 <= head[0] & 0xDF <= 0x5A
        may_be_reply = head.startswith(_REPLY) or _REPLY.startswith(head)
        may_be_request = bool(_METHOD.match(head)) or (len(head) < _METHOD_BYTES and head.replace(b"_", b"A").isupper())
        return may_be_reply or may_be_request

    def _take_text(self, view: memoryview, position: int) -> int:
        """Read on in a message, or begin one.

        Returns:
            how many bytes were taken; -1 or less: this is no message, and of what the reader abandons so many bytes
            less one are of earlier reads.
        """
        reader = self._reader
        before = reader.head_bytes
        if not reader.inside and view[position] in _LINE_END:
            return 1
        try:
            message, taken = reader.feed(view[position:])
        except CameraError:
            if self._depacketizer is None:
                raise
            return -before - 1
        if message is not None:
            self._on_message(message)
        return taken

    # -- lost framing --------------------------------------------------------------------------------------------

    def _wait(self, data: bytes) -> memoryview | None:
        """More must be seen of what stands here, unless it is a "$" that belongs to nothing before sound frames."""
        if self._depacketizer is not None:
            found, _ = resync.find(data, 1, self._expected(self._depacketizer))
            if found is not None:
                return memoryview(data)[found:]
        self._undecided = data
        return None

    def _stray(self, data: bytes, received_us: int) -> memoryview | None:
        """The framing is lost at the first of these bytes."""
        if self._depacketizer is None:
            raise _lost("something else stands where a frame or a message should begin")
        self._lost, self._lost_since_us, self._search_from = bytearray(data), received_us, 1
        return self._search(received_us)

    def _search(self, received_us: int) -> memoryview | None:
        """What is to be walked next, None while the framing stays lost."""
        lost, depacketizer = self._lost, self._depacketizer
        assert lost is not None
        assert depacketizer is not None
        window = lost if len(lost) <= resync.LIMIT_BYTES else lost[: resync.LIMIT_BYTES]
        found, self._search_from = resync.find(window, self._search_from, self._expected(depacketizer))
        if found is not None:
            self._lost = None
            return memoryview(bytes(memoryview(lost)[found:]))
        if len(lost) > resync.LIMIT_BYTES or received_us - self._lost_since_us > resync.LIMIT_US:
            raise _lost(f"{len(lost)} bytes hold no frames in a row")
        return None

    def _expected(self, depacketizer: Depacketizer) -> resync.Expected:
        is_known = depacketizer.sequence.expected >= 0
        return resync.Expected(
            self._rtp_channel,
            self._rtcp_channel,
            depacketizer.payload_type,
            depacketizer.ssrc if is_known else None,
            depacketizer.sequence.expected,
            frozenset(channel for channel, count in self._others.items() if count >= _SURE),
        )


def _lost(what: str) -> CameraError:
    return CameraError(f"the RTP framing is lost: {what}", hint="the session begins anew")
