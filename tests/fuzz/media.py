"""Bytes of a fuzzer as what a camera may send while it plays: each picks a packet and its peculiarities.

A stream of mere noise ends at its first byte. So the fuzzer's bytes are read as a script: a code, then what it needs.
"""

import struct
from collections.abc import Iterator

from tests.nvr.rtsp.camera import PPS, SPS, frame, fu_a, goodbye, idr, rtp, sender_report, slice_, stap_a


class Script:
    """Reads a fuzzer's bytes; behind their end all is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece.ljust(size, b"\0")

    def number(self, size: int = 1) -> int:
        return int.from_bytes(self.take(size), "big")


class Player:
    """Turns a script into the bytes of an interleaved stream."""

    def __init__(self, data: bytes) -> None:
        self._script = Script(data)
        self._sequence, self._time = 65_530, 1000

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """What each read gives, and how many milliseconds after the one before."""
        while self._script:
            code = self._script.number()
            yield self._piece(code), 1000 if code & 0x80 else 40

    def _piece(self, code: int) -> bytes:
        kinds = (
            self._key, self._picture, self._fragments, self._late, self._skipped, self._payload, self._fragment,
            self._aggregate, self._header, self._report, self._foreign, self._noise, self._set, self._request,
            self._rtcp, self._unit,
        )  # fmt: skip
        return kinds[code & 0x0F](bool(code & 0x10))

    def _key(self, _: bool) -> bytes:
        return self._sent(SPS, PPS, idr())

    def _picture(self, _: bool) -> bytes:
        return self._sent(slice_())

    def _fragments(self, _: bool) -> bytes:
        return self._sent(*fu_a(idr(200), 40))

    def _late(self, _: bool) -> bytes:
        """Any step of time."""
        self._time += struct.unpack(">i", self._script.take(4))[0]
        return self._sent(slice_())

    def _skipped(self, _: bool) -> bytes:
        """Any step of sequence numbers."""
        self._sequence += struct.unpack(">h", self._script.take(2))[0]
        return b""

    def _payload(self, marker: bool) -> bytes:
        return self._sent(self._script.take(self._script.number() + 1), marker=marker)

    def _fragment(self, marker: bool) -> bytes:
        return self._sent(b"\x7c" + self._script.take(self._script.number() % 64 + 1), marker=marker)

    def _aggregate(self, marker: bool) -> bytes:
        """Cut anywhere."""
        return self._sent(stap_a(SPS, PPS)[: self._script.number() + 1], marker=marker)

    def _header(self, _: bool) -> bytes:
        """One byte of it is anything."""
        packet = bytearray(rtp(self._sequence, self._time, slice_(), marker=True))
        packet[self._script.number() % 12] = self._script.number()
        return frame(0, bytes(packet))

    def _report(self, _: bool) -> bytes:
        return frame(1, sender_report(self._script.number(8), self._script.number(4)))

    def _foreign(self, _: bool) -> bytes:
        """A frame of any channel."""
        return frame(self._script.number(), self._script.take(self._script.number()))

    def _noise(self, _: bool) -> bytes:
        """No frame at all."""
        return self._script.take(self._script.number() % 32)

    def _set(self, is_picture_set: bool) -> bytes:
        """Any parameter set before a key picture."""
        kind = 0x68 if is_picture_set else 0x67
        return self._sent(bytes((kind,)) + self._script.take(self._script.number() % 48 + 1), idr())

    def _request(self, _: bool) -> bytes:
        return b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n" + self._script.take(self._script.number() % 40) + b"\r\n\r\n"

    def _rtcp(self, is_noise: bool) -> bytes:
        return frame(1, self._script.take(self._script.number() % 60) if is_noise else goodbye())

    def _unit(self, _: bool) -> bytes:
        """A NAL unit of any type."""
        return self._sent(bytes((self._script.number(), 0x88)) + self._script.take(20))

    def _sent(self, *payloads: bytes, marker: bool = True) -> bytes:
        out = b""
        for number, payload in enumerate(payloads):
            last = marker and number == len(payloads) - 1
            out += frame(0, rtp(self._sequence, self._time, payload, marker=last))
            self._sequence += 1
        self._time += 3600 * marker
        return out
