"""What a camera does wrong, one kind a class: changes of what a good camera says, made while it passes by.

The kinds are those of real cameras and of hostile ones. Each says which reasons a hole in its footage may have; the
times of its pictures are never changed on the way, so the blocks in them stay the truth.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nvr.media import GapReason

RTP_BYTES = 12
H264_FU_A, H264_SPS = 28, 7
CAMERA, NETWORK, AUTHENTICATION = GapReason.CAMERA, GapReason.NETWORK, GapReason.AUTHENTICATION
TICKS_PER_S = 90_000


class Mischief:
    """A camera that is well. ``draw`` gives all chance, so that a seed tells the whole camera."""

    reasons: frozenset[GapReason] = frozenset()

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw

    @property
    def name(self) -> str:
        kind = getattr(self, "kind", "")
        return f"{type(self).__name__} ({kind})" if kind else type(self).__name__

    def begin(self, now_s: float) -> None:
        """A recorder has connected."""

    def answer(self, text: bytes) -> bytes:
        """An RTSP message of the camera's, head and body."""
        return text

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        """What is sent in place of an RTP packet."""
        return [bytes(packet)]

    def between(self) -> bytes:
        """Bytes behind an interleaved frame."""
        return b""

    def delay_s(self) -> float:
        """How long an answer waits."""
        return 0.0

    def ends(self, now_s: float) -> bool:
        """Whether the connection is cut now."""
        return False


class _Times(Mischief):
    """Another RTP time for each picture: `time_90k` of its number and true time since the session's first."""

    def begin(self, now_s: float) -> None:
        super().begin(now_s)
        self._number, self._first, self._last = -1, 0, -1

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        true = int.from_bytes(packet[4:8], "big")
        if self._number < 0:
            self._first = true
        if true != self._last:
            self._number += 1
            self._last = true
        told = self.time_90k(self._number, (true - self._first) % (1 << 32)) % (1 << 32)
        packet[4:8] = told.to_bytes(4, "big")
        return [bytes(packet)]

    def time_90k(self, number: int, true_90k: int) -> int:
        raise NotImplementedError


class Rate(_Times):
    """Stamps of another rate than pictures come, as at night with long exposures, or of another clock."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.kind = draw.choice((0.5, 0.6, 0.96, 0.999, 1.001, 1.02, 5 / 3, 2.0))

    def time_90k(self, number: int, true_90k: int) -> int:
        return int(true_90k * self.kind)


class Stuck(_Times):
    """The same time for ever, or a time that counts pictures or milliseconds."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.kind = draw.choice(("zero", "count", "milliseconds"))

    def time_90k(self, number: int, true_90k: int) -> int:
        return {"zero": 0, "count": number, "milliseconds": true_90k // 90}[self.kind]


class Backwards(_Times):
    """Time that runs back."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._step_90k = draw.choice((90, 6000, 9 * TICKS_PER_S))

    def time_90k(self, number: int, true_90k: int) -> int:
        return -number * self._step_90k


class Steps(_Times):
    """A right clock that is set by some seconds now and then."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._offset_90k = 0

    def time_90k(self, number: int, true_90k: int) -> int:
        if number and self.draw.random() < 0.004:
            self._offset_90k += self.draw.choice((-8, -3, -1, 1, 3, 8, 60)) * TICKS_PER_S
        return true_90k + self._offset_90k


class OneBad(_Times):
    """One wrong time in many right ones."""

    def time_90k(self, number: int, true_90k: int) -> int:
        return true_90k if number == 0 or self.draw.random() > 0.02 else self.draw.randrange(1 << 32)


class Noise(_Times):
    """Times without any sense."""

    def time_90k(self, number: int, true_90k: int) -> int:
        return self.draw.randrange(1 << 32)


class _Numbered(Mischief):
    """Sequence numbers are counted anew, so that packets can be put in without a loss."""

    def begin(self, now_s: float) -> None:
        super().begin(now_s)
        self._next = self.draw.choice((0, 100, 65_400))

    def numbered(self, packet: bytes) -> bytes:
        number, self._next = self._next, self.following(self._next)
        return packet[:2] + number.to_bytes(2, "big") + packet[4:]

    def following(self, number: int) -> int:
        return (number + 1) & 0xFFFF


class SkipsZero(_Numbered):
    """Behind 65535 comes 1."""

    def following(self, number: int) -> int:
        return number + 1 if number < 65_535 else 1

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        return [self.numbered(bytes(packet))]


class Foreign(_Numbered):
    """Packets of another payload type, SSRC, version or with broken padding take part in the numbering, or not."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.kind = draw.choice(("type", "source", "version", "padding"))

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        if self.draw.random() > 0.1:
            return [self.numbered(bytes(packet))]
        other = bytearray(packet[:RTP_BYTES] + bytes((0xFF, 0, 0, 250)))
        match self.kind:
            case "type":
                other[1] = 99
                return [self.numbered(bytes(other)), self.numbered(bytes(packet))]
            case "source":
                other[1], other[8:12] = 99, b"\1\2\3\4"
                other[2:4] = b"\0\7"
                return [bytes(other), self.numbered(bytes(packet))]
            case "version":
                other[0] = 0x40
                return [bytes(other), self.numbered(bytes(packet))]
            case _:
                other[0] |= 0x20
                return [bytes(other), self.numbered(bytes(packet))]


class NoEnds(Mischief):
    """Fragments without end bits, or access units without markers."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._markers = draw.random() < 0.5

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        if self._markers:
            packet[1] &= 0x7F
        elif len(packet) > RTP_BYTES + 2 and packet[RTP_BYTES] & 0x1F == H264_FU_A:
            packet[RTP_BYTES + 1] &= ~0x40
        return [bytes(packet)]


class Stray(Mischief):
    """Frames of other channels, empty ones, short reports, or bytes that are none of anything."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.kind = draw.choice(("channel", "empty", "report", "noise"))
        if self.kind == "noise":
            self.reasons = frozenset((CAMERA, NETWORK))

    def between(self) -> bytes:
        if self.draw.random() > 0.03:
            return b""
        match self.kind:
            case "channel":
                return b"$" + bytes((self.draw.randrange(2, 256),)) + b"\0\x20" + self.draw.randbytes(32)
            case "empty":
                return b"$" + bytes((self.draw.randrange(4),)) + b"\0\0"
            case "report":
                return b"$\1\0\4" + b"\x80\xc8\0\6"
            case _:
                return self.draw.randbytes(self.draw.randrange(1, 40))


class SetsFlood(_Numbered):
    """Parameter sets whose ids count up, valid and not."""

    def begin(self, now_s: float) -> None:
        super().begin(now_s)
        self._count = 0

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        sent = [self.numbered(bytes(packet))]
        if packet[1] & 0x80 and self.draw.random() < 0.5:
            self._count += 1
            # profile, constraints, level, then seq_parameter_set_id as Exp-Golomb code, then noise
            code = f"{self._count % 60 + 1:b}"
            bits = "0" * (len(code) - 1) + code + "0110100101"
            body = int(bits, 2).to_bytes((len(bits) + 7) // 8, "big")
            sets = bytes(packet[:RTP_BYTES]) + bytes((0x60 | H264_SPS, 66, 0, 30)) + body
            sent.append(self.numbered(sets[:1] + bytes((sets[1] & 0x7F,)) + sets[2:]))
        return sent


class Pauses(Mischief):
    """No pictures for some seconds, while the rest goes on, again and again."""

    reasons = frozenset((CAMERA, NETWORK))

    def begin(self, now_s: float) -> None:
        super().begin(now_s)
        self._from_s = now_s + self.draw.uniform(5, 15)
        self._until_s = self._from_s + self.draw.choice((4, 8, 30))

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        if now_s < self._from_s:
            return [bytes(packet)]
        if now_s > self._until_s:
            self.begin(now_s)
        return []


class Cuts(Mischief):
    """The connection is cut now and then, or a moment after its first pictures."""

    reasons = frozenset((CAMERA, NETWORK))

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._often = draw.random() < 0.5

    def begin(self, now_s: float) -> None:
        super().begin(now_s)
        self._at_s = now_s + (self.draw.uniform(0.3, 2) if self._often else self.draw.uniform(5, 30))

    def ends(self, now_s: float) -> bool:
        return now_s > self._at_s


class Words(Mischief):
    """Answers with odd, long or wrong words."""

    reasons = frozenset((CAMERA, NETWORK, AUTHENTICATION))

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.kind = draw.choice(("cseq", "control", "long", "headers", "challenge", "keep-alive"))

    def answer(self, text: bytes) -> bytes:
        head, blank, body = text.partition(b"\r\n\r\n")
        status, _, rest = head.partition(b"\r\n")
        match self.kind:
            case "cseq":
                rest = b"\r\n".join(b"CSeq: 77" if line.startswith(b"CSeq") else line for line in rest.split(b"\r\n"))
            case "control":
                rest += b"\r\nServer: \x1b[31mred\x07 \xe2\x80\xaetxet"
            case "long":
                rest += b"\r\nServer: " + b"x" * 6000
            case "headers":
                rest += b"".join(b"\r\nX-%d: y" % number for number in range(60))
            case "challenge":
                rest += b'\r\nWWW-Authenticate: Digest a="' + b'\\"' * 12_000
            case _ if b"Public" not in head and b"\r\n\r\n" in text and not body and b"Session" in head:
                if b"Transport" not in head and b"RTP-Info" not in head:
                    status = b"RTSP/1.0 454 Session Not Found"
        return status + b"\r\n" + rest + blank + body


class Slow(Mischief):
    """Answers that take their time."""

    reasons = frozenset((CAMERA, NETWORK))

    def delay_s(self) -> float:
        return self.draw.choice((0.5, 3.0))


class Asks(Mischief):
    """Requests of its own without end; it does not care for the answers."""

    reasons = frozenset((CAMERA, NETWORK))

    def between(self) -> bytes:
        count = 400 if self.draw.random() < 0.05 else 0
        return b"".join(b"OPTIONS * RTSP/1.0\r\nCSeq: %d\r\n\r\n" % number for number in range(count))


class Flood(_Numbered):
    """Bursts of NAL units that nobody wants, in packets of full size."""

    reasons = frozenset((CAMERA, NETWORK, GapReason.OVERLOAD))

    def packets(self, packet: bytearray, now_s: float) -> list[bytes]:
        sent = [self.numbered(bytes(packet))]
        if int(now_s) % 10 < 2 and packet[1] & 0x80:  # two seconds of ten
            junk = bytes((packet[0], packet[1] & 0x7F)) + bytes(packet[2:RTP_BYTES]) + b"\x0c" + bytes(1400)
            sent = [self.numbered(junk) for _ in range(1000)] + sent
        return sent


KINDS: tuple[Callable[[random.Random], Mischief], ...] = (
    Rate, Stuck, Backwards, Steps, OneBad, Noise, SkipsZero, Foreign, NoEnds, Stray, SetsFlood, Pauses, Cuts, Words,
    Slow, Asks, Flood,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Character:
    """All that one camera does wrong."""

    mischiefs: tuple[Mischief, ...]

    @classmethod
    def drawn(cls, seed: int, channel: int) -> "Character":
        """One kind for certain, so that all are there among many cameras, and up to two more."""
        draw = random.Random(seed * 1000 + channel)
        chosen = [KINDS[(seed + channel) % len(KINDS)], *draw.sample(KINDS, draw.choice((0, 0, 1, 2)))]
        return cls(tuple([kind(random.Random(draw.random())) for kind in dict.fromkeys(chosen)]))

    @property
    def name(self) -> str:
        return " + ".join(mischief.name for mischief in self.mischiefs)

    @property
    def reasons(self) -> frozenset[GapReason]:
        return frozenset().union(*(mischief.reasons for mischief in self.mischiefs))

    def packets(self, packet: bytes, now_s: float) -> Iterator[bytes]:
        """What the recorder gets in place of an RTP packet: each kind changes what the one before gave."""
        sent = [packet]
        for mischief in self.mischiefs:
            sent = [changed for one in sent for changed in mischief.packets(bytearray(one), now_s)]
        yield from sent
