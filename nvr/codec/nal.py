"""NAL units: framing, emulation prevention, and reading bits (ISO/IEC 14496-10 and 23008-2 section 7.3.1)."""

from collections.abc import Iterator

from nvr.errors import CameraError

Bytes = bytes | bytearray | memoryview

LENGTH_BYTES = 4  # of the length before each NAL unit in a sample, ISO/IEC 14496-15 lengthSizeMinusOne + 1
_MAX_EXP_GOLOMB_ZEROS = 32  # ue(v) holds at most 2^32 − 2, ISO/IEC 14496-10 section 9.1


def split(data: Bytes) -> Iterator[tuple[int, int]]:
    """Ranges ``(start, end)`` of the NAL units in a sample whose units stand behind 4-byte lengths.

    Raises:
        CameraError: a length reaches past the end of ``data``; the ranges before it have been given.
    """
    position, total = 0, len(data)
    while position < total:
        start = position + LENGTH_BYTES
        position = start + int.from_bytes(data[position:start], "big")
        if start > total or position > total:
            raise CameraError(f"a NAL unit reaches to byte {max(start, position)} of a sample of {total}")
        yield start, position


def split_annex_b(data: bytes) -> Iterator[tuple[int, int]]:
    """Ranges of the NAL units between start codes (ISO/IEC 14496-10 annex B); trailing zero bytes are not theirs.

    What stands before the first start code is skipped. Empty units are left out.
    """
    code = data.find(b"\0\0\1")
    while code >= 0:
        start = code + 3
        code = data.find(b"\0\0\1", start)
        end = len(data) if code < 0 else code
        while end > start and data[end - 1] == 0:
            end -= 1
        if end > start:
            yield start, end


def length_prefixed(*units: bytes) -> bytes:
    """NAL units as the data of a sample: each behind its 4-byte length."""
    return b"".join([part for unit in units for part in (len(unit).to_bytes(LENGTH_BYTES, "big"), unit)])


def rbsp(nal: Bytes, header_bytes: int) -> bytes:
    """The payload of a NAL unit, without its header and without the emulation prevention bytes."""
    raw = bytes(nal[header_bytes:])
    position = raw.find(b"\0\0\3")
    if position < 0:
        return raw
    parts, start = [], 0
    while position >= 0:
        parts.append(raw[start : position + 2])
        start = position + 3
        position = raw.find(b"\0\0\3", start)
    parts.append(raw[start:])
    return b"".join(parts)


def counted(nal: bytes) -> bytes:
    """A parameter set behind its 16-bit length, as the records of ISO/IEC 14496-15 hold it.

    Without the zero bytes that some cameras leave behind a unit: none ends with one (section 7.4.1).

    Raises:
        CameraError: it is too long for such a record.
    """
    bare = nal.rstrip(b"\0")
    if len(bare) > 0xFFFF:
        raise CameraError(f"a parameter set of {len(bare)} bytes is longer than any record holds")
    return len(bare).to_bytes(2, "big") + bare


class BitReader:
    """Reads the bits of an RBSP from the most significant one on, each call in a time that does not grow with the data.

    All methods raise CameraError where the data ends too early or a code is not one.
    """

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0  # in bits
        self._end = 8 * len(data)

    @property
    def left(self) -> int:
        """How many bits have not been read."""
        return self._end - self._position

    def u(self, count: int) -> int:
        """The next ``count`` bits as a number."""
        start = self._position
        self.skip(count)
        last = self._position + 7 >> 3
        return int.from_bytes(self._data[start >> 3 : last], "big") >> 8 * last - self._position & (1 << count) - 1

    def flag(self) -> bool:
        """The next bit, u(1)."""
        return self.u(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code."""
        sight = min(_MAX_EXP_GOLOMB_ZEROS + 1, self.left)
        ahead = self.u(sight)
        zeros = sight - ahead.bit_length()
        if not ahead:
            raise CameraError("parameter set holds a number longer than 32 bits, or ends inside one")
        self._position -= sight - zeros - 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def skip(self, count: int) -> None:
        """Pass over ``count`` bits."""
        if count > self._end - self._position:
            raise CameraError(f"parameter set ends too early: {count} bits wanted, {self.left} there")
        self._position += count
