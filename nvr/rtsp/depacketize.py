"""From RTP packets to samples: what H.264 (RFC 6184) and H.265 (RFC 7798) have in common.

This is the hot path: 20,000 packets a second. Nothing is joined and no object is made per packet but the piece that is
kept; a whole access unit is joined once. `Depacketizer.skim` takes most packets, `Depacketizer.push` the others.
"""

import struct
from abc import ABC, abstractmethod
from functools import lru_cache

from nvr.errors import CameraError
from nvr.media import Sample
from nvr.rtsp.parametersets import ParameterSetStore
from nvr.rtsp.rtcp import SenderReport
from nvr.rtsp.rtp import (
    HEADER_BYTES,
    MARKER_BIT,
    PLAIN_MASK,
    VERSION_BITS,
    SequenceTracker,
    TimestampUnwrapper,
    payload_range,
)
from nvr.rtsp.sdp import MediaDescription

FRAME_BYTES = 4  # "$", channel, length before a packet inside the RTSP connection, RFC 2326 section 10.12
UNIT_LIMIT_BYTES = 16 << 20  # chosen: 30 times the largest key frame seen at 16 Mbit/s
TRIAL_UNITS = 8  # chosen: so many access units must end with a marker bit before it is believed
FOREIGN_LIMIT = 500  # chosen: packets of another payload type before we say that the stream is not the one described

SLICE, SYNC, PARAMETERS, OTHER = 1, 2, 4, 8  # what a NAL unit is, bits

_RTP = struct.Struct(">HHII")
_COMMON = struct.Struct(">II")  # time stamp and SSRC
_UNKNOWN_LENGTH = bytes(4)


@lru_cache(maxsize=1024)
def _fragment_layout(length: int, skip: int) -> struct.Struct:
    """An interleaved packet with a fragment.

    Its fields: all from the frame header to the sequence number; what the packets of an access unit have in common
    (time stamp, SSRC, the ``skip`` bytes before the data); the data.
    """
    return struct.Struct(f">Q{_COMMON.size + skip}s{length - HEADER_BYTES - skip}s")


class Depacketizer(ABC):
    """Makes samples of the RTP packets of one source.

    Views that are pushed are read until `hold` is called, which copies what is kept of them.

    Args:
        media: the stream as described; its parameter sets are in force until the stream brings others.
    """

    # Of the codec:
    _kinds: tuple[int, ...]  # bits by NAL unit type; 0 for types that are no NAL units of video
    _kind_shift: int  # of the first byte of a NAL unit, to its type
    _header_bytes: int  # of a NAL unit
    _fragment_skip: int  # bytes before the data of a fragmentation unit

    def __init__(self, media: MediaDescription) -> None:
        if media.codec is None:
            raise CameraError(f"{media.format or 'this stream'} cannot be recorded, only H.264 and H.265")
        self.sequence = SequenceTracker()
        self.sender_report: SenderReport | None = None
        self.ssrc = 0
        self._plain = VERSION_BITS | media.payload_type
        self._store = ParameterSetStore(media.codec, media.parameter_nals)
        self._announced: object = None  # the sets last given with a sample
        self._unwrapper = TimestampUnwrapper()
        self._samples: list[Sample] = []
        self._foreign = 0
        # The open access unit:
        self._parts: list[bytes | memoryview] = []
        self._held = 0  # parts before this are ours; the others may be views of the caller's buffer
        self._held_bytes = 0
        self._fragmented = -1  # index of the length of the NAL unit whose fragments are coming; -1: none
        self._middle = -1  # the first bytes of the next fragment, if it is a plain middle one
        self._nal_bytes = 0  # of the NAL unit whose fragments are coming
        self._flags = 0
        self._damaged = False  # something is missing in it
        self._lost = 0  # packets since the last sample
        self._timestamp = 0
        self._marked = False  # its last packet had the marker bit, which is not believed yet
        self._trial = TRIAL_UNITS
        self._emitted_timestamp = -1
        self._received_us = 0

    @property
    def timestamps_jumped(self) -> int:
        """How often the RTP time stepped by more than 10 s."""
        return self._unwrapper.jumps

    def announces(self, octet: int) -> bool:
        """Whether the second byte of an RTP packet names the described payload type."""
        return not (octet ^ self._plain) & 0x7F

    def take(self) -> list[Sample]:
        """The samples finished since the last call, in decoding order."""
        samples, self._samples = self._samples, []
        return samples

    def push(self, view: memoryview, start: int, end: int, received_us: int) -> None:
        """Take the RTP packet in ``view[start:end]``; packets must come in order of sequence, but may be missing.

        Raises:
            CameraError: this is no RTP, or nothing that can be recorded.
        """
        if end - start < HEADER_BYTES:
            raise CameraError(f"the camera sends an RTP packet of {end - start} bytes")
        head, sequence, timestamp, ssrc = _RTP.unpack_from(view, start)
        if head & PLAIN_MASK == self._plain:
            start += HEADER_BYTES
        else:
            start, end = payload_range(view, start, end)
        missing = 0
        if sequence == self.sequence.expected and ssrc == self.ssrc:
            self.sequence.expected = sequence + 1 & 0xFFFF
            self.sequence.packets += 1
        elif (missing := self._accept_out_of_turn(head, sequence, ssrc)) < 0:
            return
        if (head ^ self._plain) & 0x7F:
            self._reject_foreign()
            return
        if timestamp != self._timestamp:
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

    def hold(self) -> None:
        """Copy what the open access unit keeps of the views pushed so far: they may be reused after this."""
        parts, held = self._parts, self._held
        if held == len(parts):
            return
        cut = self._fragmented
        if cut >= held:
            before, rest = parts[held:cut], parts[cut + 1 :]
            parts[held:] = [b"".join(before), _UNKNOWN_LENGTH, b"".join(rest)]
            self._fragmented = held + 1
            self._held_bytes += len(parts[held])
        else:
            parts[held:] = [b"".join(parts[held:])]
        self._held = len(parts)
        self._held_bytes += len(parts[-1])
        if self._held_bytes > UNIT_LIMIT_BYTES:
            raise CameraError(f"the camera sends a picture of more than {UNIT_LIMIT_BYTES >> 20} MiB")

    def finish(self) -> None:
        """The stream is over: give out the open access unit, unless it is known to be a part of one.

        Where marker bits can be believed, its end would have been seen. Where not, it may be whole: it counts a loss.
        """
        if self._trial == 0 or self._fragmented >= 0:
            self._fragmented = self._middle = -1
            self._clear()
            return
        if not self._marked:
            self._lost = max(self._lost, 1)
        self._end_unit()

    # -- for the codecs ------------------------------------------------------------------------------------------

    @abstractmethod
    def _payload(self, view: memoryview, start: int, end: int) -> None:
        """Take the payload of a packet, which is not empty."""

    def _whole(self, view: memoryview, start: int, end: int) -> None:
        """Take a whole NAL unit; types that are none are passed over, as RFC 6184 section 5.2 wants."""
        kind = view[start] >> self._kind_shift & len(self._kinds) - 1
        flags = self._kinds[kind]
        body = start + self._header_bytes
        if body >= end or not flags:
            return
        if self._fragmented >= 0:
            self._drop_fragments()
        self._begin_nal(flags, view[body])
        if flags & PARAMETERS:
            self._store.offer(bytes(view[start:end]))
        self._flags |= flags
        self._parts += ((end - start).to_bytes(4, "big"), view[start:end])

    def _aggregate(self, view: memoryview, position: int, end: int) -> None:
        """Take NAL units that stand behind 16-bit lengths, up to the first that does not fit."""
        while position + 2 <= end:
            start = position + 2
            position = start + (view[position] << 8 | view[position + 1])
            if position > end:
                break
            if start < position:
                self._whole(view, start, position)
        if position != end:
            self._count_malformed()

    def _first_fragment(self, header: bytes, data: memoryview, kind: int, middle: int) -> None:
        """Begin a NAL unit that comes in fragments; the header is the one it had before it was cut up."""
        if self._fragmented >= 0:
            self._drop_fragments()
        if not self._kinds[kind] or not data:
            self._count_malformed()
            return
        self._begin_nal(self._kinds[kind], data[0])
        self._fragmented = len(self._parts)
        self._parts += (_UNKNOWN_LENGTH, header, data)
        self._nal_bytes = len(header) + len(data)
        self._middle = middle

    def _next_fragment(self, data: memoryview, middle: int) -> None:
        """Take a further fragment; one that is none of the open NAL unit is dropped, and that unit with it."""
        if self._fragmented < 0 or (middle ^ self._middle) & 0x3F:  # another NAL unit type
            self._drop_fragments()
            if not self._damaged:
                self._count_malformed()
            return
        self._parts.append(data)
        self._nal_bytes += len(data)

    def _last_fragment(self, kind: int) -> None:
        """The open NAL unit, if there is one, is complete."""
        if self._fragmented < 0:
            return
        parts, at = self._parts, self._fragmented
        parts[at] = self._nal_bytes.to_bytes(4, "big")
        flags = self._kinds[kind]
        if flags & PARAMETERS:
            self._store.offer(b"".join(parts[at + 1 :]))
        self._flags |= flags
        self._fragmented = self._middle = -1

    def _count_malformed(self) -> None:
        """A packet cannot be used: it is as good as lost."""
        self._lost += 1
        self._damaged = True

    # -- access units --------------------------------------------------------------------------------------------

    def _begin_nal(self, flags: int, first_octet: int) -> None:
        """Look at the first byte behind a NAL unit's header, to tell where a marker bit was wrong.

        Its first bit says of a slice that it begins a picture: first_mb_in_slice is 0 (ISO/IEC 14496-10 section 7.3.3),
        or first_slice_segment_in_pic_flag is 1 (23008-2 section 7.3.6.1).
        """
        continues = bool(flags & SLICE) and not first_octet & 0x80
        if self._marked:
            self._marked = False
            if continues:
                self._trial = -1
            elif flags & SLICE:
                self._end_unit()
        elif continues and not self._flags & SLICE and self._timestamp == self._emitted_timestamp:
            self._trial = -1  # too late for the picture that came out cut in two; the next ones come out whole

    def _take_marker(self) -> None:
        """The packet is the last of its access unit, if the camera is to be believed."""
        if self._fragmented >= 0:
            return
        if self._trial == 0:
            self._end_unit()
        else:
            self._marked = bool(self._flags & SLICE)

    def _end_unit(self) -> None:
        if self._fragmented >= 0:
            self._drop_fragments()
        if self._marked:
            self._marked = False
            self._trial -= self._trial > 0
        if not self._flags & SLICE:
            self._end_without_picture()
            return
        sets = self._store.current()
        is_sync = self._flags & SYNC != 0
        if sets is self._announced or not (is_sync or self._announced is None):
            sets = None
        else:
            self._announced = sets
        timestamp, report = self._timestamp, self.sender_report
        ntp = report.ntp_at(timestamp) if report is not None else 0
        presentation_90k = self._unwrapper.unwrap(timestamp)
        self._samples.append(
            Sample(b"".join(self._parts), presentation_90k, is_sync, self._received_us, sets, self._lost, ntp)
        )
        self._emitted_timestamp = timestamp
        self._lost = 0
        self._clear()

    def _end_without_picture(self) -> None:
        """Parameter sets, SEI or a delimiter alone belong to the next picture; the ruins of a picture to none."""
        if self._damaged:
            self._clear()

    def _clear(self) -> None:
        self._parts = []
        self._held = self._held_bytes = 0
        self._flags = 0
        self._damaged = False

    # -- losses --------------------------------------------------------------------------------------------------

    def _accept_out_of_turn(self, head: int, sequence: int, ssrc: int) -> int:
        """How many packets are missing before one that is not the next of its source; -1: it must be thrown away."""
        if ssrc != self.ssrc:
            if (head ^ self._plain) & 0x7F:  # not video, and with numbers of its own
                self._reject_foreign()
                return -1
            began_anew = self.sequence.expected >= 0
            self.sequence.expected = -1
            self.ssrc = ssrc
            self.sequence.accept(sequence)
            if began_anew:
                self._lose(1)  # how many are missing cannot be known
            return int(began_anew)
        missing = self.sequence.accept(sequence)
        if missing > 0:
            self._lose(missing)
        return missing

    def _lose(self, packets: int) -> None:
        """Packets are missing before this one: they may be of the open access unit, of the next one, or of both."""
        if self._marked:
            self._end_unit()
        self._lost += packets
        self._drop_fragments()
        self._damaged = True

    def _drop_fragments(self) -> None:
        """A NAL unit whose fragments are not all there is none the camera sent: forget it."""
        if self._fragmented >= 0:
            del self._parts[self._fragmented :]
            self._held = min(self._held, len(self._parts))
            self._fragmented = self._middle = -1
            self._damaged = True
            self._lost = max(self._lost, 1)

    def _reject_foreign(self) -> None:
        self._foreign += 1
        if self._foreign > FOREIGN_LIMIT and self._emitted_timestamp < 0:
            raise CameraError(f"the camera does not send payload type {self._plain & 0x7F}, which it announced")
