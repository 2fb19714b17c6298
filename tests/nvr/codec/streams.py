"""Small real streams, coded with x264 and x265, as the recorder would hold them."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from nvr.codec import h264, h265
from nvr.codec.bmff import init_segment, mdat_header, movie_fragment
from nvr.codec.nal import length_prefixed, split_annex_b
from nvr.codec.parameters import describe
from nvr.media import Codec, ParameterSets

ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}


@dataclass(frozen=True)
class Stream:
    """A coded stream; lists have one entry a sample, in decoding order."""

    sets: ParameterSets
    data: list[bytes]  # behind 4-byte lengths
    decode_90k: list[int]  # from 0
    duration_90k: list[int]
    composition_90k: list[int]
    sync: list[bool]

    @property
    def delay_90k(self) -> int:
        return self.composition_90k[0]

    @property
    def presentation_90k(self) -> list[int]:
        """From 0, in decoding order."""
        return [d + c - self.delay_90k for d, c in zip(self.decode_90k, self.composition_90k, strict=True)]


def pictures(width: int, height: int, count: int) -> Iterator[av.VideoFrame]:
    """Moving noise on a slope: enough to make coders use every tool."""
    noise = np.random.default_rng(1).integers(0, 60, (height, width), np.uint8)
    slope = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8) // 2
    for number in range(count):
        luma = slope + np.roll(noise, (number, 3 * number), (0, 1))
        frame = av.VideoFrame.from_ndarray(np.repeat(luma[:, :, None], 3, 2), "rgb24")
        frame.pts = number
        yield frame


@lru_cache(maxsize=64)
def encode(
    codec: Codec,
    width: int = 160,
    height: int = 96,
    *,
    frames: int = 30,
    fps: Fraction = Fraction(25),
    pixels: str = "yuv420p",
    options: str = "",
) -> Stream:
    """A stream with a sync sample every 10 pictures. ``options``: x264-params or x265-params."""
    context = av.CodecContext.create(ENCODERS[codec], "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.framerate, context.time_base = fps, 1 / fps
    given = f"keyint=10:min-keyint=10:scenecut=0:{options}".strip(":")
    context.options = (
        {"preset": "veryfast", "x264-params": given}
        if codec is Codec.H264
        else {
            "preset": "ultrafast",
            "x265-params": f"log-level=none:open-gop=0:{given}",
        }
    )
    if options == "baseline":
        context.options = {"preset": "ultrafast", "profile": "baseline", "x264-params": "keyint=10:min-keyint=10"}
    packets = [p for frame in pictures(width, height, frames) for p in context.encode(frame.reformat(format=pixels))]
    packets += context.encode(None)
    times = [(p.pts or 0, p.dts or 0) for p in packets]
    units = [[bytes(p)[a:b] for a, b in split_annex_b(bytes(p))] for p in packets]
    tick = 90_000 / fps
    decode = [int((dts - times[0][1]) * tick) for _, dts in times]
    return Stream(
        parameter_sets(codec, units[0]),
        [length_prefixed(*u) for u in units],
        decode,
        [b - a for a, b in pairwise([*decode, decode[-1] + int(tick)])],
        [int((pts - dts) * tick) for pts, dts in times],
        [p.is_keyframe for p in packets],
    )


def parameter_sets(codec: Codec, units: Sequence[bytes]) -> ParameterSets:
    if codec is Codec.H264:
        kinds: list[int] = [u[0] & 31 for u in units]
        wanted: tuple[int, ...] = (-1, h264.NalType.SPS, h264.NalType.PPS)
    else:
        kinds = [u[0] >> 1 & 63 for u in units]
        wanted = (h265.NalType.VPS, h265.NalType.SPS, h265.NalType.PPS)
    vps, sps, pps = (tuple(u for u, kind in zip(units, kinds, strict=True) if kind == w) for w in wanted)
    return ParameterSets(codec, vps, sps, pps)


def fragmented(stream: Stream, samples_each: int = 10) -> bytes:
    """The whole stream as a fragmented movie."""
    parts = [init_segment(stream.sets, describe(stream.sets), composition_delay_90k=stream.delay_90k)]
    for number, first in enumerate(range(0, len(stream.data), samples_each)):
        some = slice(first, first + samples_each)
        data = stream.data[some]
        sizes = [len(d) for d in data]
        parts.append(
            movie_fragment(
                number + 1,
                stream.decode_90k[first],
                sizes,
                stream.duration_90k[some],
                stream.composition_90k[some],
                stream.sync[some],
            )
        )
        parts += [mdat_header(sum(sizes)), *data]
    return b"".join(parts)


def decode_errors(path: Path, *options: str) -> str:
    """What Debian's ffmpeg says against a file: nothing, if it is right."""
    command = ["ffmpeg", "-nostdin", "-v", "error", *options, "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stderr + done.stdout
