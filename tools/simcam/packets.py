"""A loop cut into RTP packets once and for all (RFC 3550, 6184, 7798), in the framing of RFC 2326 section 10.12.

Only six bytes of a packet change from one turn of the loop to the next: its sequence number and its time. They are
patched with numpy in a copy of the whole access unit, so that one `send` carries it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nvr.media import Codec
from tools.simcam.loop import Loop, is_parameter_set

PAYLOAD_TYPE = 96
FRAMING_BYTES = 4  # $, channel, length
RTP_HEADER_BYTES = 12
SEQUENCE_AT = 2  # in the RTP header; four bytes of time follow it
PATCHED_BYTES = 6
H264_STAP_A, H264_FU_A = 24, 28
H265_AP, H265_FU = 48, 49
FIRST_CSRC = 0xC0DE0000
EXTENSION = b"\xbe\xde\0\1\x10\x55\0\0"  # one word, RFC 8285


class SetsPlace(Enum):
    """Where a camera tells its parameter sets."""

    BOTH = "both"
    SDP = "sdp"
    BAND = "band"


@dataclass(frozen=True, slots=True)
class PacketStyle:
    """How a camera packs; the odd ways of real ones."""

    payload_bytes: int = 1400
    markers: bool = True
    padding_bytes: int = 0
    csrcs: int = 0
    extension: bool = False
    sets: SetsPlace = SetsPlace.BOTH
    trailing: bool = False  # zero bytes after parameter sets
    aggregate: bool = False  # neighbouring small NAL units share a packet


@dataclass(frozen=True, slots=True)
class Frame:
    """An access unit on its way: whole, as it goes over TCP, and where in it each packet's framing begins."""

    wire: NDArray[np.uint8]
    starts: NDArray[np.int64]

    def packets(self) -> list[memoryview]:
        """The packets, each behind its four bytes of framing."""
        edges = [*self.starts.tolist(), self.wire.size]
        view = self.wire.data
        return [view[start:end] for start, end in pairwise(edges)]


class PacketLoop:
    """The packets of one loop in one style."""

    def __init__(self, loop: Loop, style: PacketStyle, ssrc: int) -> None:
        self.loop, self.style = loop, style
        wire, starts = bytearray(), []
        self._frame_at, self._packet_at = [0], [0]
        for place in range(loop.frames):
            frame_start = len(wire)
            for packet in self._packets(place, ssrc):
                starts.append(len(wire) - frame_start)
                wire += packet
            self._frame_at.append(len(wire))
            self._packet_at.append(len(starts))
        loop.forget_pages()
        self._wire = np.frombuffer(bytes(wire), np.uint8)
        self._starts = np.array(starts, np.int64)
        self._patched = self._starts[:, None] + np.arange(PATCHED_BYTES) + (FRAMING_BYTES + SEQUENCE_AT)

    def sequence(self, number: int) -> int:
        """The sequence number, not wrapped, of the first packet of access unit ``number``."""
        turn, place = divmod(number + self.loop.cadence.shift, self.loop.frames)
        return turn * self._packet_at[-1] + self._packet_at[place]

    def packet_count(self, number: int) -> int:
        """Of access unit ``number``."""
        place = self.loop.place(number)
        return self._packet_at[place + 1] - self._packet_at[place]

    def frame(self, number: int, sequence: int, rtp_90k: int, channel: int) -> Frame:
        """Access unit ``number`` with its sequence numbers, its time and its interleaved channel written in."""
        place = self.loop.place(number)
        first, last = self._packet_at[place], self._packet_at[place + 1]
        wire = self._wire[self._frame_at[place] : self._frame_at[place + 1]].copy()
        values = np.empty((last - first, PATCHED_BYTES), np.uint8)
        numbers = np.arange(sequence, sequence + last - first).astype(">u2")
        values[:, :2] = numbers.view(np.uint8).reshape(-1, 2)
        values[:, 2:] = tuple((rtp_90k & 0xFFFFFFFF).to_bytes(4, "big"))
        wire[self._patched[first:last]] = values
        starts = self._starts[first:last]
        if channel:
            wire[starts + 1] = channel
        return Frame(wire, starts)

    def units(self, number: int) -> list[bytes]:
        """The NAL units that access unit ``number`` carries in this style."""
        return self._units(self.loop.place(number))

    def _units(self, place: int) -> list[bytes]:
        codec, style = self.loop.recipe.codec, self.style
        units = self.loop.units_at(place)
        if style.sets is SetsPlace.SDP:
            units = [unit for unit in units if not is_parameter_set(codec, unit)]
        if style.trailing:
            units = [unit + b"\0\0\0" if is_parameter_set(codec, unit) else unit for unit in units]
        return units

    def _packets(self, place: int, ssrc: int) -> Iterator[bytes]:
        style, codec = self.style, self.loop.recipe.codec
        payloads = [
            p for unit in self._grouped(self._units(place)) for p in _payloads(codec, unit, style.payload_bytes)
        ]
        first = 0x80 | bool(style.padding_bytes) << 5 | style.extension << 4 | style.csrcs
        csrcs = b"".join((FIRST_CSRC + source).to_bytes(4, "big") for source in range(style.csrcs))
        extras = csrcs + EXTENSION * style.extension
        padding = bytes(style.padding_bytes - 1) + bytes((style.padding_bytes,)) if style.padding_bytes else b""
        for index, payload in enumerate(payloads):
            marker = style.markers and index == len(payloads) - 1
            header = (
                bytes((first, marker << 7 | PAYLOAD_TYPE)) + bytes(PATCHED_BYTES) + ssrc.to_bytes(4, "big") + extras
            )
            size = len(header) + len(payload) + len(padding)
            yield b"".join((b"$\0", size.to_bytes(2, "big"), header, payload, padding))

    def _grouped(self, units: list[bytes]) -> list[bytes]:
        """The units, neighbouring small ones in one STAP-A (RFC 6184 section 5.7.1) or AP (RFC 7798 section 4.4.2)."""
        if not self.style.aggregate:
            return units
        codec, groups = self.loop.recipe.codec, list[list[bytes]]([[]])
        room = self.style.payload_bytes - 2
        for unit in units:
            if groups[-1] and sum(len(u) + 2 for u in groups[-1]) + len(unit) + 2 > room:
                groups.append([])
            groups[-1].append(unit)
        return [group[0] if len(group) == 1 else _aggregate(codec, group) for group in groups]


def _aggregate(codec: Codec, units: Sequence[bytes]) -> bytes:
    if codec is Codec.H264:
        head = bytes((max(unit[0] & 0x60 for unit in units) | H264_STAP_A,))
    else:
        head = bytes((H265_AP << 1, 1))
    return head + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _payloads(codec: Codec, unit: bytes, most_bytes: int) -> Iterator[bytes]:
    """A NAL unit as it is, or cut into FU-A (RFC 6184 section 5.8) or FU (RFC 7798 section 4.4.3)."""
    if len(unit) <= most_bytes:
        yield unit
        return
    if codec is Codec.H264:
        head, kind, body = bytes((unit[0] & 0xE0 | H264_FU_A,)), unit[0] & 0x1F, unit[1:]
    else:
        head, kind, body = bytes((unit[0] & 0x81 | H265_FU << 1, unit[1])), unit[0] >> 1 & 0x3F, unit[2:]
    room = most_bytes - len(head) - 1
    for start in range(0, len(body), room):
        is_first, is_last = start == 0, start + room >= len(body)
        yield b"".join((head, bytes((is_first << 7 | is_last << 6 | kind,)), body[start : start + room]))
