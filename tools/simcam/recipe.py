"""What a loop of test pictures is to be: the key of the media cache."""

from dataclasses import dataclass
from enum import Enum

from nvr.errors import ConfigError
from nvr.media import Codec, TrackKind
from tools.simcam.cadence import Cadence

EDITION = 1  # counts up when scenes or coding change, so that old loops are not taken for new ones
DEFAULT_LOOP_S = 14  # divides neither 60 nor 300: a seek that is wrong by a chunk shows another picture


class Look(Enum):
    """What is the matter with the picture. The clock and the blocks are drawn by the camera behind its lens."""

    PLAIN = "plain"
    BLACK = "black"  # the lens is covered: the scene is black, clock and blocks go on
    BLUR = "blur"  # out of focus: the scene is blurred, clock and blocks stay sharp
    FREEZE = "freeze"  # the same picture for ever, clock and blocks included


@dataclass(frozen=True, slots=True)
class Recipe:
    """One loop: ``loop_s`` seconds of pictures of one stream, coded so that it can follow itself without a seam."""

    channel: int
    kind: TrackKind
    codec: Codec = Codec.H264
    width: int = 640
    height: int = 360
    fps: int = 25
    kbps: int = 800
    gop_ms: int = 2000
    b_frames: int = 0
    slices: int = 1
    delimiters: bool = False  # access unit delimiters
    look: Look = Look.PLAIN
    loop_s: int = DEFAULT_LOOP_S

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 64:
            raise ConfigError(
                f"{self.width}x{self.height} is no picture size", hint="give even numbers of at least 64 pixels"
            )
        if not 1 <= self.fps <= 60 or self.frames >= 1 << 12 or self.kbps < 1:
            raise ConfigError(f"{self.fps} pictures a second, {self.kbps} kbit/s", hint="give 1 to 60, and 1 or more")

    @property
    def frames(self) -> int:
        return self.loop_s * self.fps

    @property
    def gop_frames(self) -> int:
        return max(1, self.gop_ms * self.fps // 1000)

    @property
    def cadence(self) -> Cadence:
        return Cadence.of_channel(self.channel, self.fps, self.frames)

    @property
    def name(self) -> str:
        """The loop's file name in the cache; two recipes have the same name only if they are equal."""
        extras = f"g{self.gop_ms}-b{self.b_frames}-s{self.slices}{'-aud' if self.delimiters else ''}"
        size = f"{self.width}x{self.height}-{self.fps}fps-{self.kbps}k-{self.loop_s}s"
        stream = f"ch{self.channel:03d}-{self.kind.word}-{self.codec.value}"
        return f"{stream}-{size}-{extras}-{self.look.value}-e{EDITION}.loop"
