"""The decoder process: samples in, a JPEG or a small grey part out. Nothing else here imports a C video decoder.

It runs as a spawned child with limits on memory and open files, knows no path and no address, and may die: the parent
(`web.decoder`) starts another.
"""

import os
import resource
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from nvr.timebase import TICKS_PER_S
from web.finding.likeness import Box
from web.finding.likeness import frame as around

MEMORY_BYTES = 2 << 30  # chosen: a 3840×2160 H.265 stream with 16 reference pictures takes some 300 MB
QUALITY = 4  # mjpeg's quantiser, 2 (best) … 31; chosen: blocks are not seen, 1080p takes some 200 kB
FULL_RANGE_420 = "yuvj420p"  # JPEG is full range (JFIF 1.02)
_MEDIA_CLOCK = Fraction(1, TICKS_PER_S)


@dataclass(frozen=True, slots=True)
class View:
    """A part of the picture in shades of grey, small: what a search compares."""

    box: Box
    size: tuple[int, int]  # width and height of the answer


@dataclass(frozen=True, slots=True)
class StillJob:
    """What is needed to decode one picture and no more.

    ``samples`` are length-prefixed access units in decoding order from a sync sample; the last one, and the one that
    is wanted, is shown at ``presentations_90k[-1]``.
    """

    decoder: str  # ffmpeg's name: h264, hevc
    configuration: bytes  # the payload of avcC or hvcC
    samples: tuple[bytes, ...]
    presentations_90k: tuple[int, ...]
    width: int | None  # of the answer; None: as it is
    view: View | None = None  # wanted in place of a JPEG


@dataclass(frozen=True, slots=True)
class StillPicture:
    """A JPEG, or the grey bytes of a view, row by row; or the sentence that says why there is none."""

    data: bytes
    failure: str = ""


def serve(connection: Connection) -> None:
    """The child's main: answer jobs until the parent hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # recording and serving go first
    av.logging.set_level(None)
    while True:
        try:
            job = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        connection.send(_answer(job))


def _answer(job: StillJob) -> StillPicture:
    try:
        frame = decode(job)
        if frame is None:
            return StillPicture(b"", "the decoder gave no picture for this instant")
        return StillPicture(encode(frame, job.width) if job.view is None else cut(frame, job.view))
    except (av.FFmpegError, ValueError, MemoryError) as error:
        return StillPicture(b"", f"the picture cannot be decoded: {error}")


def decode(job: StillJob) -> VideoFrame | None:
    """The picture of the job's last sample: all it refers to precedes it in decoding order, so no more is fed."""
    context = av.CodecContext.create(job.decoder, "r")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{job.decoder} is no video decoder")  # noqa: TRY004 - the job's value is wrong, not a type
    context.extradata = job.configuration
    context.thread_count = 1  # frame threads would only add delay, and we share two cores with the recorder
    wanted_90k = job.presentations_90k[-1]
    for data, presentation_90k in zip(job.samples, job.presentations_90k, strict=True):
        packet = av.Packet(data)
        packet.pts, packet.time_base = presentation_90k, _MEDIA_CLOCK
        for frame in context.decode(packet):
            if frame.pts == wanted_90k:
                return frame
    return next((frame for frame in context.decode(None) if frame.pts == wanted_90k), None)


def cut(frame: VideoFrame, view: View) -> bytes:
    """The view's part of a picture, each pixel the mean of those it stands for."""
    place = around(view.box, frame.width, frame.height)
    grey = frame.reformat(format="gray8").to_ndarray().astype(np.uint8, copy=False)
    part = VideoFrame.from_ndarray(
        np.ascontiguousarray(grey[place.top : place.bottom, place.left : place.right]), format="gray8"
    )
    small = part.reformat(width=view.size[0], height=view.size[1], interpolation="AREA")
    return small.to_ndarray().tobytes()


def encode(frame: VideoFrame, width: int | None) -> bytes:
    """A picture as JPEG, scaled down to ``width`` in its own proportions; never enlarged, always even (4:2:0)."""
    shown = min(width or frame.width, frame.width)
    height = max(2, round(frame.height * shown / frame.width) & ~1)
    picture = frame.reformat(width=max(2, shown & ~1), height=height, format=FULL_RANGE_420, interpolation="AREA")
    context = av.CodecContext.create("mjpeg", "w")
    if not isinstance(context, VideoCodecContext):
        raise ValueError("mjpeg is no video encoder")  # noqa: TRY004
    context.width, context.height, context.pix_fmt = picture.width, picture.height, FULL_RANGE_420
    context.time_base = Fraction(1, 25)
    context.qmin = context.qmax = QUALITY
    return b"".join(bytes(packet) for packet in (*context.encode(picture), *context.encode(None)))
