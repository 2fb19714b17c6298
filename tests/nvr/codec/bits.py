"""Parameter sets written bit by bit, as the standards draw them: the other half of what the parsers read."""

from dataclasses import dataclass, field


class BitWriter:
    """Collects bits, most significant first."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def u(self, count: int, number: int) -> None:
        assert 0 <= number < 1 << count
        self.text.append(f"{number:0{count}b}" if count else "")

    def ue(self, *numbers: int) -> None:
        for number in numbers:
            digits = f"{number + 1:b}"
            self.text.append("0" * (len(digits) - 1) + digits)

    def se(self, number: int) -> None:
        self.ue(2 * number - 1 if number > 0 else -2 * number)

    def nal(self, header: bytes) -> bytes:
        """Stop bit, alignment, emulation prevention."""
        text = "".join(self.text) + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        return header + escaped(raw)


def escaped(raw: bytes) -> bytes:
    """With emulation prevention bytes, section 7.4.1.1."""
    out = bytearray()
    for byte in raw:
        if byte <= 3 and out.endswith(b"\0\0"):
            out.append(3)
        out.append(byte)
    return bytes(out)


@dataclass(frozen=True)
class Vui:
    """What both codecs' VUI can say of what we read, and what stands in the way."""

    aspect: int | None = None
    signal: bool = False
    chroma_location: bool = False
    timing: tuple[int, int] | None = None
    hrd_buffers: tuple[int, int] = (0, 0)  # nal, vcl
    reorder: int | None = None

    def _start(self, bits: BitWriter) -> None:
        bits.u(1, self.aspect is not None)
        if self.aspect is not None:
            bits.u(8, self.aspect)
            if self.aspect == 255:
                bits.u(32, 0x0004_0003)
        bits.u(2, 0b11)  # overscan
        bits.u(1, self.signal)
        if self.signal:
            bits.u(4, 0b1011)
            bits.u(1, 1)
            bits.u(24, 0x010101)
        bits.u(1, self.chroma_location)
        if self.chroma_location:
            bits.ue(2, 2)

    def h264(self, bits: BitWriter) -> None:
        self._start(bits)
        bits.u(1, self.timing is not None)
        if self.timing is not None:
            bits.u(32, self.timing[0])
            bits.u(32, self.timing[1])
            bits.u(1, 1)
        for count in self.hrd_buffers:
            bits.u(1, count > 0)
            if count:
                bits.ue(count - 1)
                bits.u(8, 0x35)
                for number in range(count):
                    bits.ue(1000 + number, 70_000)
                    bits.u(1, 0)
                bits.u(20, 0x5A5A5)
        if any(self.hrd_buffers):
            bits.u(1, 0)
        bits.u(1, 1)  # pic_struct_present_flag
        bits.u(1, self.reorder is not None)
        if self.reorder is not None:
            bits.u(1, 1)
            bits.ue(2, 1, 10, 10, self.reorder, max(self.reorder, 1))

    def h265(self, bits: BitWriter) -> None:
        self._start(bits)
        bits.u(3, 0)
        bits.u(1, 0)  # default display window
        bits.u(1, self.timing is not None)
        if self.timing is not None:
            bits.u(32, self.timing[0])
            bits.u(32, self.timing[1])
            bits.u(1, 0)
            bits.u(1, 0)
        bits.u(1, 0)  # bitstream restriction


@dataclass(frozen=True)
class H264Sps:
    """Section 7.3.2.1.1."""

    profile: int = 77
    constraints: int = 0x40
    level: int = 31
    chroma: int = 1
    depths: tuple[int, int] = (0, 0)
    scaling_lists: tuple[tuple[int, ...] | None, ...] = ()  # deltas
    order_type: int = 0
    order_cycle: tuple[int, ...] = ()
    reference_frames: int = 1
    macroblocks: tuple[int, int] = (80, 45)  # of a frame, or of a field
    interlaced: bool = False
    crop: tuple[int, int, int, int] | None = None
    vui: Vui | None = None
    number: int = 0  # seq_parameter_set_id

    def nal(self) -> bytes:
        bits = BitWriter()
        for byte in (self.profile, self.constraints, self.level):
            bits.u(8, byte)
        bits.ue(self.number)
        if self.profile >= 100:
            bits.ue(self.chroma)
            if self.chroma == 3:
                bits.u(1, 0)
            bits.ue(*self.depths)
            bits.u(1, 0)
            bits.u(1, bool(self.scaling_lists))
            for deltas in self.scaling_lists:
                bits.u(1, deltas is not None)
                for delta in deltas or ():
                    bits.se(delta)
        bits.ue(4, self.order_type)
        if self.order_type == 0:
            bits.ue(2)
        elif self.order_type == 1:
            bits.u(1, 0)
            bits.se(-3)
            bits.se(2)
            bits.ue(len(self.order_cycle))
            for offset in self.order_cycle:
                bits.se(offset)
        bits.ue(self.reference_frames)
        bits.u(1, 0)
        bits.ue(self.macroblocks[0] - 1, self.macroblocks[1] - 1)
        bits.u(1, not self.interlaced)
        if self.interlaced:
            bits.u(1, 1)
        bits.u(1, 1)
        bits.u(1, self.crop is not None)
        bits.ue(*(self.crop or ()))
        bits.u(1, self.vui is not None)
        if self.vui is not None:
            self.vui.h264(bits)
        return bits.nal(b"\x67")


@dataclass(frozen=True)
class CodedSet:
    """A reference picture set: distances − 1 from one picture to the next, before and after."""

    negative: tuple[int, ...]
    positive: tuple[int, ...] = ()


@dataclass(frozen=True)
class PredictedSet:
    """A reference picture set told from the one before; one pair a picture of that one, and one more."""

    step: int  # not 0
    flags: tuple[tuple[bool, bool], ...]  # used_by_curr_pic_flag, use_delta_flag


@dataclass(frozen=True)
class H265Sps:
    """Section 7.3.2.2.1."""

    sub_layers: int = 0
    size: tuple[int, int] = (1920, 1080)
    window: tuple[int, int, int, int] | None = None
    depths: tuple[int, int] = (0, 0)
    reorder: tuple[int, ...] = (0,)
    scaling: bool | None = None  # None: off; False: default lists; True: lists given
    pcm: bool = False
    sets: tuple[CodedSet | PredictedSet, ...] = field(default=(CodedSet((0,)),))
    long_term: int | None = None
    vui: Vui | None = None
    number: int = 0  # sps_seq_parameter_set_id

    def nal(self) -> bytes:
        bits = BitWriter()
        bits.u(4, 0)
        bits.u(3, self.sub_layers)
        bits.u(1, 1)
        self._profile(bits)
        bits.ue(self.number, 1, *self.size)
        bits.u(1, self.window is not None)
        bits.ue(*(self.window or ()))
        bits.ue(*self.depths, 4)
        bits.u(1, len(self.reorder) > 1 or self.sub_layers == 0)
        for reorder in self.reorder:
            bits.ue(reorder + 1, reorder, 0)
        bits.ue(0, 2, 0, 3, 1, 1)
        self._scaling(bits)
        bits.u(2, 0b01)
        bits.u(1, self.pcm)
        if self.pcm:
            bits.u(8, 0x77)
            bits.ue(0, 1)
            bits.u(1, 0)
        self._references(bits)
        bits.u(1, self.long_term is not None)
        if self.long_term is not None:
            bits.ue(self.long_term)
            for number in range(self.long_term):
                bits.u(9, number)
        bits.u(2, 0b10)
        bits.u(1, self.vui is not None)
        if self.vui is not None:
            self.vui.h265(bits)
        bits.u(1, 0)  # no extension
        return bits.nal(b"\x42\x01")

    def vps(self) -> bytes:
        """A video parameter set to go with it, section 7.3.2.1."""
        bits = BitWriter()
        bits.u(4, 0)
        bits.u(8, 0b11_000000)
        bits.u(3, self.sub_layers)
        bits.u(1, 1)
        bits.u(16, 0xFFFF)
        self._profile(bits)
        bits.u(1, 0)
        bits.ue(15, 14, 0)
        bits.u(6, 0)
        bits.ue(0)
        bits.u(2, 0)
        return bits.nal(b"\x40\x01")

    def _profile(self, bits: BitWriter) -> None:
        main10 = any(self.depths)
        bits.u(8, 2 if main10 else 1)
        bits.u(32, 0x2000_0000 if main10 else 0x6000_0000)
        bits.u(48, 0x9000_0000_0000)
        bits.u(8, 120)
        for _ in range(self.sub_layers):
            bits.u(2, 0b01)
        if self.sub_layers:
            bits.u(2 * (8 - self.sub_layers), 0)
        for _ in range(self.sub_layers):
            bits.u(8, 90)

    def _scaling(self, bits: BitWriter) -> None:
        bits.u(1, self.scaling is not None)
        if self.scaling is None:
            return
        bits.u(1, self.scaling)
        if not self.scaling:
            return
        for size in range(4):
            for matrix in range(0, 6, 3 if size == 3 else 1):
                given = matrix % 2 == 0
                bits.u(1, given)
                if not given:
                    bits.ue(0)
                    continue
                if size > 1:
                    bits.se(-2)
                for number in range(min(64, 1 << (4 + (size << 1)))):
                    bits.se(number % 3 - 1)

    def _references(self, bits: BitWriter) -> None:
        bits.ue(len(self.sets))
        for index, one in enumerate(self.sets):
            if index:
                bits.u(1, isinstance(one, PredictedSet))
            if isinstance(one, PredictedSet):
                bits.u(1, one.step < 0)
                bits.ue(abs(one.step) - 1)
                for used, use_delta in one.flags:
                    bits.u(1, used)
                    if not used:
                        bits.u(1, use_delta)
                continue
            bits.ue(len(one.negative), len(one.positive))
            for distance in (*one.negative, *one.positive):
                bits.ue(distance)
                bits.u(1, 1)
