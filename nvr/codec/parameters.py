"""The door to both codecs: what the parameter sets of a stream say about its pictures."""

from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from nvr.codec import h264, h265
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """What a stream's pictures are like, as its first sequence parameter set says."""

    codec: Codec
    width: int  # as shown, cropping taken off
    height: int
    codec_string: str  # as in MIME types and Media Source Extensions, RFC 6381
    reorder_frames: int  # pictures that may be decoded before and shown after another one; 0: no B-frames
    frame_90k: int | None  # duration of a picture, if the stream says it


@lru_cache(256)  # chosen: cameras have a few settings each; reading them anew was a fifth of a rebuild
def describe(sets: ParameterSets) -> PictureFormat:
    """Read the parameter sets of either codec.

    Raises:
        CameraError: there is no sequence parameter set that can be read.
    """
    if not sets.sps:
        raise CameraError("no sequence parameter set")
    match sets.codec:
        case Codec.H264:
            avc = h264.parse_sps(sets.sps[0])
            text = h264.codec_string(sets)
            return PictureFormat(sets.codec, avc.width, avc.height, text, avc.reorder_frames, avc.frame_90k)
        case Codec.H265:
            hevc = h265.parse_sps(sets.sps[0])
            text = h265.codec_string(sets)
            return PictureFormat(sets.codec, hevc.width, hevc.height, text, hevc.reorder_frames, hevc.frame_90k)
        case _:
            assert_never(sets.codec)


def decoder_configuration(sets: ParameterSets) -> bytes:
    """The record a decoder is opened with: payload of ``avcC`` or ``hvcC``, and WebCodecs' ``description``.

    Raises:
        CameraError: a set is missing or cannot be read.
    """
    match sets.codec:
        case Codec.H264:
            return h264.avcc(sets)
        case Codec.H265:
            return h265.hvcc(sets)
        case _:
            assert_never(sets.codec)
