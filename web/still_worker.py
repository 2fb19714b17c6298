"""The decoder process: samples in, a JPEG or a small grey part out. Nothing else here imports a C video decoder.

It runs as a program of its own, ``python -m web.still_worker DESCRIPTOR``, that can do nothing but decode
(`web.still_confinement`), and may die: the parent (`web.decoder`) starts another. Samples are decoded as they come, so
that a long group of pictures takes no memory.
"""

import os
import socket
import sys
from collections.abc import Iterable
from fractions import Fraction

import av
import msgspec
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from nvr.timebase import TICKS_PER_S
from web.finding.likeness import frame as around
from web.oom import DECODER_SCORE, first_to_go
from web.still_confinement import forbid, let_go_of_all_but, limit
from web.still_job import SAMPLE_BYTES, GivenUp, Link, Order, Ready, StillJob, StillPicture, View

ORDER_BYTES = 64 << 20  # the times of seven million samples
FAILURE_CHARACTERS = 300
QUALITY = 4  # mjpeg's quantiser, 2 (best) … 31; chosen: blocks are not seen, 1080p takes some 200 kB
FULL_RANGE_420 = "yuvj420p"  # JPEG is full range (JFIF 1.02)
ALONE = 1  # thread: more would only add delay, cores are shared with the recorder, and none may be started here
_MEDIA_CLOCK = Fraction(1, TICKS_PER_S)


def serve(end: socket.socket) -> None:
    """The child's main: answer jobs until the parent hangs up."""
    os.nice(5)  # recording and serving go first
    first_to_go(DECODER_SCORE)
    av.logging.set_level(None)
    encode(VideoFrame(16, 16, "yuv420p"), None)  # what is loaded late is loaded now: later no file can be opened
    let_go_of_all_but([end.fileno()])
    limit()
    link = Link(end)
    link.send(msgspec.msgpack.encode(Ready(forbid())))
    while True:
        try:
            answer = _answer(link)
        except GivenUp:
            continue
        except (EOFError, KeyboardInterrupt):
            return
        link.send(msgspec.msgpack.encode(answer))


def _answer(link: Link) -> StillPicture:
    order = msgspec.msgpack.decode(link.receive(ORDER_BYTES), type=Order)
    samples = (link.receive(SAMPLE_BYTES) for _ in order.presentations_90k)
    try:
        frame = decode(order, samples)
        if frame is None:
            answer = StillPicture(b"", "the decoder gave no picture for this instant")
        else:
            answer = StillPicture(encode(frame, order.width) if order.view is None else cut(frame, order.view))
    except (av.FFmpegError, ValueError, MemoryError) as error:
        answer = StillPicture(b"", f"the picture cannot be decoded: {error}"[:FAILURE_CHARACTERS])
    for _ in samples:
        pass  # what was not needed: the next order stands behind it
    return answer


def decode(job: Order | StillJob, samples: Iterable[bytes]) -> VideoFrame | None:
    """The picture of the job's last sample: all it refers to precedes it in decoding order, so no more is fed."""
    context = av.CodecContext.create(job.decoder, "r")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{job.decoder} is no video decoder")  # noqa: TRY004 - the job's value is wrong, not a type
    context.extradata = job.configuration
    context.thread_count = ALONE
    context.flags |= Flags.output_corrupt  # behind a recovery point: what is there of a picture, until all of it is
    wanted_90k = job.presentations_90k[-1]
    for data, presentation_90k in zip(samples, job.presentations_90k, strict=True):
        packet = av.Packet(data)
        packet.pts, packet.time_base = presentation_90k, _MEDIA_CLOCK
        for frame in context.decode(packet):
            if frame.pts == wanted_90k:
                return frame
    return next((frame for frame in context.decode(None) if frame.pts == wanted_90k), None)


def cut(frame: VideoFrame, view: View) -> bytes:
    """The view's part of a picture, each pixel the mean of those it stands for."""
    place = around(view.box, frame.width, frame.height)
    grey = frame.reformat(format="gray8", threads=ALONE).to_ndarray().astype(np.uint8, copy=False)
    part = VideoFrame.from_ndarray(
        np.ascontiguousarray(grey[place.top : place.bottom, place.left : place.right]), format="gray8"
    )
    small = part.reformat(width=view.size[0], height=view.size[1], interpolation="AREA", threads=ALONE)
    return small.to_ndarray().tobytes()


def encode(frame: VideoFrame, width: int | None) -> bytes:
    """A picture as JPEG, scaled down to ``width`` in its own proportions; never enlarged, always even (4:2:0)."""
    shown = min(width or frame.width, frame.width)
    height = max(2, round(frame.height * shown / frame.width) & ~1)
    width = max(2, shown & ~1)
    picture = frame.reformat(width, height, FULL_RANGE_420, interpolation="AREA", threads=ALONE)
    context = av.CodecContext.create("mjpeg", "w")
    if not isinstance(context, VideoCodecContext):
        raise ValueError("mjpeg is no video encoder")  # noqa: TRY004
    context.width, context.height, context.pix_fmt = picture.width, picture.height, FULL_RANGE_420
    context.time_base = Fraction(1, 25)
    context.qmin = context.qmax = QUALITY
    context.thread_count = ALONE
    return b"".join(bytes(packet) for packet in (*context.encode(picture), *context.encode(None)))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
