"""Draws and codes a loop with x264 or x265, as cheaply as they can."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from nvr.errors import ConfigError
from nvr.media import Codec
from tools.simcam.loop import Loop
from tools.simcam.recipe import Recipe
from tools.simcam.scene import Scene

ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}


def encode(recipe: Recipe) -> Loop:
    """Draw and code the loop of ``recipe``: closed groups of pictures, parameter sets before each, near its bit rate.

    Raises:
        ConfigError: the encoder refuses the recipe.
    """
    data, offsets, shown, sync = bytearray(), [0], [], []
    try:
        for packet in _packets(recipe):
            for unit in _units(bytes(packet)):
                data += len(unit).to_bytes(4, "big") + unit
            offsets.append(len(data))
            shown.append(int(packet.pts or 0))
            sync.append(bool(packet.is_keyframe))
    except av.FFmpegError as error:
        raise ConfigError(f"the encoder refuses: {error}", where=recipe.name) from error
    return Loop(recipe, tuple(offsets), tuple(shown), tuple(sync), bytes(data))


def _packets(recipe: Recipe) -> Iterator["Packet[VideoStream]"]:
    context = _context(recipe)
    scene = Scene(recipe)
    for picture in range(recipe.frames):
        frame = VideoFrame.from_ndarray(scene.draw(picture), format="yuv420p")
        frame.pts = picture
        yield from context.encode(frame)
    yield from context.encode(None)


def _context(recipe: Recipe) -> VideoCodecContext:
    context = av.CodecContext.create(ENCODERS[recipe.codec], "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = recipe.width, recipe.height
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, recipe.fps)
    context.framerate = Fraction(recipe.fps)
    context.bit_rate = recipe.kbps * 1000
    context.thread_count = 1
    parameters = ":".join(f"{name}={value}" for name, value in _parameters(recipe).items())
    name = "x264-params" if recipe.codec is Codec.H264 else "x265-params"
    context.options = {"preset": "ultrafast", name: parameters}
    return context


def _parameters(recipe: Recipe) -> dict[str, str | int]:
    shared: dict[str, str | int] = {
        "keyint": recipe.gop_frames,
        "min-keyint": recipe.gop_frames,
        "scenecut": 0,
        "open-gop": 0,
        "repeat-headers": 1,
        "bframes": recipe.b_frames,
        "b-adapt": 0,
        "slices": recipe.slices,
        "aud": int(recipe.delimiters),
        "vbv-maxrate": recipe.kbps,
        "vbv-bufsize": recipe.kbps,  # a second: a sync picture may be large, as those of cameras are
    }
    if recipe.codec is Codec.H264:
        return shared | {"sliced-threads": 0, "rc-lookahead": 0, "b-pyramid": 0}
    threads: dict[str, str | int] = (
        {"pools": "1", "wpp": 1} if recipe.slices > 1 else {"pools": "none", "wpp": 0}
    )  # x265 wants it so
    return shared | {"log-level": "none", "frame-threads": 1, "rc-lookahead": 5} | threads


def _units(stream: bytes) -> Iterator[bytes]:
    """The NAL units between start codes (ISO/IEC 14496-10 annex B). A unit never ends with a zero byte."""
    start = stream.find(b"\0\0\1")
    while start >= 0:
        end = stream.find(b"\0\0\1", start + 3)
        yield (stream[start + 3 :] if end < 0 else stream[start + 3 : end]).rstrip(b"\0")
        start = end
