"""How one simulated stream behaves: well, unless a fault has been asked for. Faults are named by what goes wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from nvr.errors import ConfigError
from tools.simcam.packets import PacketStyle, SetsPlace
from tools.simcam.recipe import Look, Recipe

Argument = int | str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Everything that can be odd about a stream; the defaults are a good camera."""

    # the picture: other loops are sent from the next sync picture on
    look: Look = Look.PLAIN
    size: tuple[int, int] | None = None
    b_frames: int | None = None
    gop_ms: int | None = None
    slices: int | None = None
    # the packing
    style: PacketStyle = PacketStyle()  # noqa: RUF009 - frozen
    # the sending
    stopped: bool = False
    jitter_ms: int = 0
    drop_percent: int = 0
    request_every: int = 0  # access units between two RTSP requests of the camera's own; 0: none
    reports: bool = True
    # the conversation
    refuses: bool = False  # cuts every connection that asks for this stream
    wrong_password: bool = False
    mute: bool = False  # takes requests and never answers
    channels_from: int | None = None  # first interleaved channel, whatever was asked for
    base: str = "right"  # Content-Base: right; missing; odd (another host); bare (no slash at its end)
    control: str = "relative"  # a=control of the media: relative, absolute or missing
    stale_nonce: bool = False  # every nonce is good for one request
    audio: bool = False  # the SDP offers sound too

    def recipe(self, plain: Recipe) -> Recipe:
        """The loop to send, given the one of a camera that is well."""
        width, height = self.size or (plain.width, plain.height)
        return replace(
            plain,
            look=self.look,
            width=width,
            height=height,
            b_frames=plain.b_frames if self.b_frames is None else self.b_frames,
            gop_ms=self.gop_ms or plain.gop_ms,
            slices=self.slices or plain.slices,
        )


class Arguments:
    """The arguments of a fault; each is taken once, and none may be left."""

    def __init__(self, fault: str, given: Mapping[str, Argument]) -> None:
        self._fault, self._left = fault, dict(given)

    def number(self, name: str, default: int) -> int:
        value = self._left.pop(name, default)
        if not isinstance(value, int):
            raise ConfigError(f"{name} is {value!r}, not a whole number", where=f"fault {self._fault}")
        return value

    def word(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self._left.pop(name, default)
        if value not in choices:
            raise ConfigError(
                f"{name} is {value!r}", where=f"fault {self._fault}", hint=f"choose one of {', '.join(choices)}"
            )
        return str(value)

    def end(self) -> None:
        if self._left:
            raise ConfigError(f"there is no argument {', '.join(self._left)}", where=f"fault {self._fault}")


Change = Callable[[Behaviour, Arguments], Behaviour]


def _style(behaviour: Behaviour, **changes: bool | int | SetsPlace) -> Behaviour:
    return replace(behaviour, style=replace(behaviour.style, **changes))  # type: ignore[arg-type]


# Faults that last until they are cleared. Those that happen once (disconnect, step of the clock …) are in `faults`.
LASTING: dict[str, Change] = {
    "black": lambda b, _: replace(b, look=Look.BLACK),
    "blur": lambda b, _: replace(b, look=Look.BLUR),
    "freeze": lambda b, _: replace(b, look=Look.FREEZE),
    "size": lambda b, a: replace(b, size=(a.number("width", 480), a.number("height", 270))),
    "b_frames": lambda b, a: replace(b, b_frames=a.number("count", 2)),
    "slow_gop": lambda b, a: replace(b, gop_ms=a.number("ms", 10_000)),
    "slices": lambda b, a: replace(b, slices=a.number("count", 4)),
    "no_markers": lambda b, _: _style(b, markers=False),
    "padding": lambda b, a: _style(b, padding_bytes=a.number("bytes", 7)),
    "csrc": lambda b, a: _style(b, csrcs=a.number("count", 2)),
    "extension": lambda b, _: _style(b, extension=True),
    "parameter_sets": lambda b, a: _style(b, sets=SetsPlace(a.word("where", "sdp", ("sdp", "band", "both")))),
    "trailing_bytes": lambda b, _: _style(b, trailing=True),
    "aggregate": lambda b, _: _style(b, aggregate=True),
    "stop": lambda b, _: replace(b, stopped=True),
    "jitter": lambda b, a: replace(b, jitter_ms=a.number("ms", 100)),
    "drop": lambda b, a: replace(b, drop_percent=a.number("percent", 2)),
    "requests": lambda b, a: replace(b, request_every=a.number("every", 10)),
    "no_reports": lambda b, _: replace(b, reports=False),
    "refuse": lambda b, _: replace(b, refuses=True),
    "wrong_password": lambda b, _: replace(b, wrong_password=True),
    "mute": lambda b, _: replace(b, mute=True),
    "channels": lambda b, a: replace(b, channels_from=a.number("first", 4)),
    "base": lambda b, a: replace(b, base=a.word("how", "missing", ("missing", "odd", "bare"))),
    "control": lambda b, a: replace(b, control=a.word("how", "missing", ("missing", "absolute"))),
    "stale_nonce": lambda b, _: replace(b, stale_nonce=True),
    "audio": lambda b, _: replace(b, audio=True),
}


def changed(behaviour: Behaviour, name: str, given: Mapping[str, Argument]) -> Behaviour:
    """``behaviour`` with the lasting fault ``name``.

    Raises:
        ConfigError: there is no such fault or argument.
    """
    if name not in LASTING:
        raise ConfigError(f"there is no fault {name!r}", hint=f"choose one of {', '.join(sorted(LASTING))}")
    arguments = Arguments(name, given)
    result = LASTING[name](behaviour, arguments)
    arguments.end()
    return result
