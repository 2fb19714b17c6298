"""How a simulator is set up: cameras, media, ports, manners."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from nvr.errors import ConfigError
from nvr.media import Codec, TrackKind
from tools.simcam.gate import Account
from tools.simcam.recipe import DEFAULT_LOOP_S, Recipe


class Join(Enum):
    """Where a reader who begins to play gets in."""

    KEY = "key"  # at the next sync picture, as most cameras do
    ANY = "any"  # at the next picture


@dataclass(frozen=True, slots=True)
class Picture:
    """The media of one kind of stream."""

    width: int
    height: int
    fps: int
    kbps: int
    codec: Codec = Codec.H264


MAIN = Picture(640, 360, 25, 800)
SUB = Picture(320, 180, 15, 200)


@dataclass(frozen=True, slots=True)
class Town:
    """The cameras: channels 1…channels, each with a main stream and, unless ``sub`` is None, a sub stream."""

    channels: int = 55
    main: Picture = MAIN
    sub: Picture | None = SUB
    h265_channels: frozenset[int] = frozenset()  # whose main stream is H.265 whatever ``main`` says
    gop_ms: int = 2000
    b_frames: int = 0
    slices: int = 1
    delimiters: bool = False
    loop_s: int = DEFAULT_LOOP_S

    def recipes(self) -> list[Recipe]:
        """The loop of every stream."""
        return [
            recipe
            for channel in range(1, self.channels + 1)
            for kind in TrackKind
            if (recipe := self.recipe(channel, kind)) is not None
        ]

    def recipe(self, channel: int, kind: TrackKind) -> Recipe | None:
        """The loop of one stream; None where there is no such stream."""
        picture = self.main if kind is TrackKind.MAIN else self.sub
        if picture is None or not 1 <= channel <= self.channels:
            return None
        is_h265 = kind is TrackKind.MAIN and channel in self.h265_channels
        return Recipe(
            channel,
            kind,
            Codec.H265 if is_h265 else picture.codec,
            picture.width,
            picture.height,
            picture.fps,
            picture.kbps,
            self.gop_ms,
            self.b_frames,
            self.slices,
            self.delimiters,
            loop_s=self.loop_s,
        )


@dataclass(frozen=True, slots=True)
class Manners:
    """How the server behaves to everybody."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any that is free
    tls_port: int | None = None  # rtsps as well
    control_port: int = 0
    account: Account = field(default_factory=Account)
    session_timeout_s: int = 60
    join: Join = Join.KEY
    trickle: bool = False
    most_bytes: int = 4 << 20  # that may wait for a slow reader, chosen: 8 s at 4 Mbit/s
    cache: Path | None = None


def size(text: str) -> tuple[int, int]:
    """``1920x1080`` as width and height.

    Raises:
        ConfigError: it is no size.
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ConfigError(f"{text!r} is no size", hint="write it as 1920x1080")
    return int(width), int(height)


def channel_set(text: str) -> frozenset[int]:
    """``2,5-8`` as {2, 5, 6, 7, 8}; an empty text is an empty set.

    Raises:
        ConfigError: it is no list of channels.
    """
    numbers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            raise ConfigError(f"{text!r} is no list of channels", hint="write it as 2,5-8")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
