"""RTP: the header, sequence numbers and time stamps (RFC 3550 section 5.1, appendix A.1)."""

import struct

from nvr.errors import CameraError
from nvr.timebase import TICKS_PER_S

HEADER_BYTES = 12
VERSION_BITS = 0x8000  # version 2 in the first two bytes of a header
VERSION_MASK = 0xC000
MARKER_BIT = 0x0080
PLAIN_MASK = 0xFF7F  # everything in the first two bytes but the marker
JUMP_90K = 10 * TICKS_PER_S  # DESIGN section 5: a longer step is no pause but another clock
MISORDER_LIMIT = 100  # RFC 3550 appendix A.1, MAX_MISORDER: further back means that the sender began anew
FIRST_EPOCH_90K = 1 << 32  # unwrapped times start here, so that a B-frame before the first picture is not negative

_PADDING, _EXTENSION = 0x2000, 0x1000


def payload_range(view: memoryview, start: int, end: int) -> tuple[int, int]:
    """Where the payload of the packet in ``view[start:end]`` lies, without CSRCs, extension and padding.

    Raises:
        CameraError: this is no RTP of version 2, or its lengths do not fit into the packet.
    """
    if end - start < HEADER_BYTES or view[start] & 0xC0 != 0x80:
        raise CameraError("the camera sends something that is not RTP")
    head = view[start] << 8
    payload = start + HEADER_BYTES + 4 * (view[start] & 15)
    if head & _EXTENSION:
        if payload + 4 > end:
            raise CameraError("an RTP header extension reaches past its packet")
        payload += 4 + 4 * (view[payload + 2] << 8 | view[payload + 3])
    if head & _PADDING and payload < end:
        end -= view[end - 1]
    if payload > end:
        raise CameraError("an RTP header or its padding reaches past its packet")
    return payload, end


def sequence_of(view: memoryview | bytes, start: int) -> int:
    """The sequence number of the packet that begins at ``start``."""
    number: int = struct.unpack_from(">H", view, start + 2)[0]
    return number


def signed_32(number: int) -> int:
    """A difference of two 32-bit numbers that wrap, as the nearest one: -2^31 … 2^31-1."""
    return (number + 0x80000000 & 0xFFFFFFFF) - 0x80000000


class SequenceTracker:
    """Follows the sequence numbers of one source; knows gaps, repetitions and new beginnings."""

    __slots__ = ("expected", "first", "lost", "packets")

    def __init__(self) -> None:
        self.expected = -1  # the next number; -1: any
        self.first = 0
        self.packets = 0  # received; whoever finds the expected one counts for itself, that is cheaper
        self.lost = 0

    def accept(self, sequence: int, taken: int = 0) -> int:
        """Take the next packet's number.

        Some senders leave out 0 when the number wraps (ExoPlayer's issue 9697 shows one): that is no loss.

        Args:
            sequence: its number.
            taken: how many of the numbers before it packets of another kind have taken.

        Returns:
            how many packets are missing before it; -1: it repeats or is behind the times, and must be thrown away.
        """
        if self.expected < 0:
            self.first = self.expected = sequence
        ahead = sequence - self.expected & 0xFFFF
        if ahead >= 0x10000 - MISORDER_LIMIT:
            return -1
        skipped = ahead if ahead == sequence == 1 else taken
        self.first += skipped
        missing = ahead - skipped if ahead < 0x8000 else 1  # a new beginning: how many are missing cannot be known
        self.expected = sequence + 1 & 0xFFFF
        self.packets += 1
        self.lost += missing
        return missing

    @property
    def extended_highest(self) -> int:
        """The highest number received, with the count of wraps above its 16 bits (RFC 3550 section 6.4.1)."""
        return self.first + self.packets + self.lost - 1 & 0xFFFF0000 | self.expected - 1 & 0xFFFF


class ForeignNumbers:
    """Sequence numbers that packets of another payload type have taken since the last packet of ours.

    Some cameras number all that they send in one row, some each type by itself. Only where one of ours is missing does
    it tell: that number may have been another's.
    """

    __slots__ = ("_numbers", "_packets")

    def __init__(self) -> None:
        self._numbers: set[int] = set()
        self._packets = 0

    def note(self, sequence: int, packets: int) -> None:
        """A foreign packet came, behind so many packets of ours."""
        if packets != self._packets or len(self._numbers) >= MISORDER_LIMIT:
            self._numbers.clear()
            self._packets = packets
        self._numbers.add(sequence)

    def between(self, expected: int, sequence: int, packets: int) -> int:
        """How many of the numbers from the one that was expected up to the one that came were theirs."""
        if packets != self._packets or not self._numbers:
            return 0
        ahead = sequence - expected & 0xFFFF
        return sum((number - expected & 0xFFFF) < ahead < 0x8000 for number in self._numbers)


class TimestampUnwrapper:
    """Makes 64-bit times of 32-bit ones that wrap every 13 hours, in any order of showing."""

    __slots__ = ("_last", "jumps")

    def __init__(self) -> None:
        self._last: int | None = None
        self.jumps = 0  # steps over 10 s, either way

    def unwrap(self, timestamp: int) -> int:
        """The time stamp nearest to the last one; mod 2^32 it is the one in the packet."""
        if self._last is None:
            self._last = FIRST_EPOCH_90K + timestamp
            return self._last
        step = signed_32(timestamp - self._last)
        if not -JUMP_90K <= step <= JUMP_90K:
            self.jumps += 1
        self._last += step
        return self._last
