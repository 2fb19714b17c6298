"""From RTP packets to the NAL units and fragments in them: what H.264 (RFC 6184) and H.265 (RFC 7798) have in common.

This is the hot path: 20,000 packets a second. `Depacketizer.skim` takes most packets, `Depacketizer.push` the others.
"""

import struct
from abc import ABC, abstractmethod
from functools import lru_cache

from nvr.errors import CameraError
from nvr.rtsp.assemble import SLICE, Assembler
from nvr.rtsp.rtp import (
    HEADER_BYTES,
    MARKER_BIT,
    PLAIN_MASK,
    VERSION_BITS,
    VERSION_MASK,
    ForeignNumbers,
    SequenceTracker,
    payload_range,
)
from nvr.rtsp.sdp import MediaDescription

FRAME_BYTES = 4  # "$", channel, length before a packet inside the RTSP connection, RFC 2326 section 10.12
FOREIGN_LIMIT = 500  # chosen: packets of another payload type before we say that the stream is not the one described

_RTP = struct.Struct(">HHII")
_COMMON = struct.Struct(">II")  # time stamp and SSRC
_NONE = (-1, -1)


@lru_cache(maxsize=1024)
def _fragment_layout(length: int, skip: int) -> struct.Struct:
    """An interleaved packet with a fragment.

    Its fields: all from the frame header to the sequence number; what the packets of an access unit have in common
    (time stamp, SSRC, the ``skip`` bytes before the data); the data.
    """
    return struct.Struct(f">Q{_COMMON.size + skip}s{length - HEADER_BYTES - skip}s")


class Depacketizer(Assembler, ABC):
    """Makes samples of the RTP packets of one source.

    A packet that is none of this stream, or that nobody can read, is passed over: of RTP that goes wrong, one packet is
    the price, and no session.

    Args:
        media: the stream as described; its parameter sets are in force until the stream brings others.
    """

    _fragment_skip: int  # bytes before the data of a fragmentation unit

    def __init__(self, media: MediaDescription) -> None:
        super().__init__(media)
        self.sequence = SequenceTracker()
        self.ssrc = 0
        self.awaited_ssrc: int | None = None  # of the session that is being set up: until it plays no other is believed
        self._plain = VERSION_BITS | media.payload_type
        self._newcomer: tuple[int, int, bytes] | None = None  # another source, its next number, its first packet
        self._foreign = 0
        self._foreign_numbers = ForeignNumbers()

    @property
    def payload_type(self) -> int:
        """The described one."""
        return self._plain & 0x7F

    def announces(self, octet: int) -> bool:
        """Whether the second byte of an RTP packet names the described payload type."""
        return not (octet ^ self._plain) & 0x7F

    def push(self, view: memoryview, start: int, end: int, received_us: int) -> None:
        """Take the RTP packet in ``view[start:end]``; packets must come in order of sequence, but may be missing.

        Raises:
            CameraError: nothing that can be recorded.
        """
        if end - start < HEADER_BYTES:
            return
        head, sequence, timestamp, ssrc = _RTP.unpack_from(view, start)
        begin, stop = start, end
        if head & PLAIN_MASK == self._plain:
            start += HEADER_BYTES
        else:
            start, end = self._odd_range(view, start, end)
            if start < 0:
                return
        missing = 0
        if sequence == self.sequence.expected and ssrc == self.ssrc:
            self.sequence.expected = sequence + 1 & 0xFFFF
            self.sequence.packets += 1
        elif ssrc != self.ssrc and sequence != self.sequence.expected >= 0:
            self._meet(view[begin:stop], sequence, ssrc, received_us)
            return
        elif (missing := self._accept_out_of_turn(sequence, ssrc)) < 0:
            return
        if timestamp != self._timestamp and (missing or not self._parts or not self._goes_on(view, start, end)):
            self._end_unit()
            self._timestamp = timestamp
            self._damaged = missing > 0
        self._received_us = received_us
        if start < end:  # a packet without payload (probing, or all padding) only counts
            self._payload(view, start, end)
        if head & MARKER_BIT:
            self._take_marker()

    def skim(self, view: memoryview, position: int, mark: int, received_us: int) -> int:
        """Take interleaved packets, as long as they are plain middle fragments of the open NAL unit and of one length.

        This is `push` for nine packets of ten at a fifth of its cost: whole headers are compared, as a number and some
        bytes, with what the next packet must have. It stops before anything out of the ordinary: that is for `push`.

        Args:
            view: what was read.
            position: where a frame may begin.
            mark: "$" and the channel of this stream, as a 16-bit number.
            received_us: monotonic, when it was read.

        Returns:
            the position of the first byte not taken.
        """
        middle, skip = self._middle, self._fragment_skip
        if middle < 0 or position + FRAME_BYTES > len(view):
            return position
        length = view[position + 2] << 8 | view[position + 3]
        before_wrap = 0x10000 - self.sequence.expected  # push takes the sequence number over its wrap
        frames = min((len(view) - position) // (FRAME_BYTES + length), before_wrap)
        if not frames or length <= HEADER_BYTES + skip:
            return position
        expected = first = mark << 48 | length << 32 | self._plain << 16 | self.sequence.expected
        common = _COMMON.pack(self._timestamp, self.ssrc) + middle.to_bytes(skip, "big")
        append = self._parts.append
        stretch = view[position : position + frames * (FRAME_BYTES + length)]
        for head, others, data in _fragment_layout(length, skip).iter_unpack(stretch):
            if head != expected or others != common:
                break
            append(data)
            expected += 1
        taken = expected - first
        self._nal_bytes += taken * (length - HEADER_BYTES - skip)
        self.sequence.packets += taken
        self.sequence.expected = self.sequence.expected + taken & 0xFFFF
        self._received_us = received_us
        return position + taken * (FRAME_BYTES + length)

    # -- for the codecs ------------------------------------------------------------------------------------------

    @abstractmethod
    def _payload(self, view: memoryview, start: int, end: int) -> None:
        """Take the payload of a packet, which is not empty."""

    @abstractmethod
    def _is_inner(self, view: memoryview, start: int, end: int) -> bool:
        """Whether a payload cannot be the first of an access unit: a fragment without start bit, or a further slice."""

    # -- what is out of the ordinary -----------------------------------------------------------------------------

    def _goes_on(self, view: memoryview, start: int, end: int) -> bool:
        """Whether a packet with another time stamp still belongs to the open access unit: one stamp of a row is wrong.

        Nothing is missing before it. Cameras that never set the start bit cannot be judged by it.
        """
        is_open = self._fragmented >= 0 or (self._flags & SLICE != 0 and not self._marked)
        return is_open and self._is_inner(view, start, end)

    def _odd_range(self, view: memoryview, start: int, end: int) -> tuple[int, int]:
        """Where the payload of a packet lies whose header is not the plain one; negative: it is passed over.

        The payload type is judged before the sequence number, for a foreign type may have numbers of its own. The
        number of a packet that cannot be read stays missing.
        """
        head, sequence, _, ssrc = _RTP.unpack_from(view, start)
        if head & VERSION_MASK != VERSION_BITS:
            return _NONE
        if (head ^ self._plain) & 0x7F:
            if ssrc == self.ssrc:
                self._foreign_numbers.note(sequence, self.sequence.packets)
            self._reject_foreign()
            return _NONE
        try:
            return payload_range(view, start, end)
        except CameraError:
            return _NONE

    def _accept_out_of_turn(self, sequence: int, ssrc: int) -> int:
        """How many packets are missing before one that is not the next of its source; -1: it must be thrown away.

        A source that only calls itself otherwise and goes on counting is the same one.
        """
        if self.sequence.expected < 0 and self.awaited_ssrc not in (None, ssrc):
            return -1
        self.ssrc = ssrc
        taken = self._foreign_numbers.between(self.sequence.expected, sequence, self.sequence.packets)
        missing = self.sequence.accept(sequence, taken)
        if missing > 0:
            self._lose(missing)
        return missing

    def _meet(self, packet: memoryview, sequence: int, ssrc: int, received_us: int) -> None:
        """Keep a packet of another source. It is believed when its next one follows (RFC 3550 appendix A.1).

        A few stray bytes that look like a packet must not drive out the source that was there.
        """
        newcomer, self._newcomer = self._newcomer, (ssrc, sequence + 1 & 0xFFFF, bytes(packet))
        if newcomer is None or newcomer[:2] != (ssrc, sequence):
            return
        self._newcomer = None
        self._lose(1)  # how many are missing cannot be known
        self._begun = False
        self.sequence.expected = -1
        self.awaited_ssrc = None
        for each in (memoryview(newcomer[2]), packet):
            self.push(each, 0, len(each), received_us)

    def _lose(self, packets: int) -> None:
        """Packets are missing before this one: they may be of the open access unit, of the next one, or of both."""
        if self._marked:
            self._end_unit()
        self._lost += packets
        self._drop_fragments()
        self._damaged = True

    def _reject_foreign(self) -> None:
        self._foreign += 1
        if self._foreign > FOREIGN_LIMIT and not self._emitted:
            raise CameraError(f"the camera does not send payload type {self.payload_type}, which it announced")
