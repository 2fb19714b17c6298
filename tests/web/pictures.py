"""Coded pictures that say which one they are: picture n carries the number n as a row of blocks."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from nvr.codec.nal import length_prefixed, split_annex_b
from nvr.media import Codec, ParameterSets, TrackKind
from tools.simcam import blocks

_ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}
_SETS = {Codec.H264: {7: "sps", 8: "pps"}, Codec.H265: {32: "vps", 33: "sps", 34: "pps"}}


@dataclass(frozen=True, slots=True)
class Coded:
    """One access unit in decoding order. Times count from 0; the first has decode time 0."""

    data: bytes
    decode_90k: int
    presentation_90k: int
    sync: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """A coded stream whose picture n is shown at n · ticks."""

    sets: ParameterSets
    units: tuple[Coded, ...]
    ticks_90k: int  # of one picture
    delay_90k: int  # presentation − decode time of the first
    group: int  # pictures from one sync sample to the next
    size: tuple[int, int]


@cache
def stream(
    *,
    codec: Codec = Codec.H264,
    pictures: int = 100,
    fps: int = 25,
    group: int = 25,
    b_frames: int = 0,
    size: tuple[int, int] = (320, 180),
    channel: int = 1,
    first: int = 0,
    open_groups: bool = False,
) -> Stream:
    """Encode ``pictures`` pictures, numbered from ``first``. Open groups (H.265): CRA pictures with leading ones."""
    frames = (picture(first + number, size, channel) for number in range(pictures))
    return coded(frames, size, codec=codec, fps=fps, group=group, b_frames=b_frames, open_groups=open_groups)


def coded(
    frames: Iterable[VideoFrame],
    size: tuple[int, int],
    *,
    codec: Codec = Codec.H264,
    fps: int = 25,
    group: int = 25,
    b_frames: int = 0,
    open_groups: bool = False,
) -> Stream:
    """Encode any pictures of this size."""
    context = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, fps)
    context.framerate = Fraction(fps)
    context.gop_size = group
    context.max_b_frames = b_frames
    keep = f"keyint={group}:min-keyint={group}:scenecut=0:bframes={b_frames}"
    name = "x264-params" if codec is Codec.H264 else "x265-params"
    extra = (
        ":b-adapt=0:b-pyramid=none"
        if codec is Codec.H264
        else f":b-adapt=0:open-gop={int(open_groups)}:log-level=none:pools=1"
    )
    context.options = {"preset": "ultrafast", "crf": "26", name: keep + extra}
    context.thread_count = 1
    packets = []
    for number, frame in enumerate(frames):
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    return _stream(codec, packets, fps, group, size)


def stream_of(packets: "list[av.Packet[Any]]", group: int, size: tuple[int, int]) -> Stream:
    """What somebody else's H.264 encoder made of 25 pictures a second."""
    return _stream(Codec.H264, packets, 25, group, size)


def grey(luma: npt.NDArray[np.uint8]) -> VideoFrame:
    """A picture without colours."""
    height, width = luma.shape
    planes = np.concatenate([luma.reshape(-1), np.full(height * width // 2, 128, np.uint8)])
    return VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")


def picture(number: int, size: tuple[int, int], channel: int = 1) -> VideoFrame:
    """A grey picture with a bar that moves and the number in blocks at its foot."""
    width, height = size
    luma = np.full((height, width), 96, np.uint8)
    luma[:, number * 4 % width : number * 4 % width + 16] = 160
    blocks.paint(luma, blocks.Stamp(channel, TrackKind.MAIN, number))
    return grey(luma)


def _stream(codec: Codec, packets: "list[av.Packet[Any]]", fps: int, group: int, size: tuple[int, int]) -> Stream:
    ticks_90k = 90_000 // fps
    sets: dict[str, tuple[bytes, ...]] = {"vps": (), "sps": (), "pps": ()}
    units = []
    first_dts = packets[0].dts or 0
    for packet in packets:
        raw = bytes(packet)
        nals = [raw[start:end] for start, end in split_annex_b(raw)]
        for nal in nals:
            kind = nal[0] & 31 if codec is Codec.H264 else nal[0] >> 1 & 63
            if kind in _SETS[codec]:
                sets[_SETS[codec][kind]] = (nal,)
        assert packet.dts is not None
        assert packet.pts is not None
        decode, shown = (packet.dts - first_dts) * ticks_90k, (packet.pts - first_dts) * ticks_90k
        units.append(Coded(length_prefixed(*nals), decode, shown, packet.is_keyframe))
    delay_90k = units[0].presentation_90k
    return Stream(ParameterSets(codec, **sets), tuple(units), ticks_90k, delay_90k, group, size)


def read(frame: VideoFrame) -> int:
    """The number that a decoded picture carries."""
    stamp = blocks.read(frame.to_ndarray(format="gray").astype(np.uint8))
    assert stamp is not None, "the picture carries no readable number"
    return stamp.picture


def read_jpeg(data: bytes) -> int:
    """The number of a JPEG."""
    with av.open(io.BytesIO(data), "r", format="jpeg_pipe") as container:
        return read(next(container.decode(video=0)))


def shown(source: str | io.BytesIO, count: int | None = None, **options: str) -> list[tuple[int, Fraction]]:
    """Number and time in seconds of each picture that a player would show, edit lists honoured."""
    found = []
    with av.open(source, "r", options=options) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            found.append((read(frame), frame.pts * frame.time_base))
            if len(found) == count:
                break
    return found
