"""Decoding, so that tests see what a camera sent."""

from collections.abc import Iterable, Sequence

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from nvr.media import Codec

DECODERS = {Codec.H264: "h264", Codec.H265: "hevc"}


def decoded(codec: Codec, access_units: Iterable[Sequence[bytes]]) -> list[NDArray[np.uint8]]:
    """The luma of all pictures, in the order of showing."""
    context = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(context, VideoCodecContext)
    pictures = []
    for units in access_units:
        pictures += context.decode(av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units)))
    pictures += context.decode(None)
    return [luma(picture) for picture in pictures]


def luma(picture: av.VideoFrame) -> NDArray[np.uint8]:
    """Height × width."""
    return np.asarray(picture.to_ndarray(format="gray"), np.uint8)
