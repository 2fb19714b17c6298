"""What a slice or an SEI message says about where decoding can start, and with which parameter sets.

Only the first bits are read. A unit that ends too early says nothing: these are questions, never a judgement.
"""

from nvr.codec.nal import BitReader, Bytes, rbsp
from nvr.errors import CameraError
from nvr.media import Codec

_HEADER_BYTES = {Codec.H264: 1, Codec.H265: 2}
_HEAD_BYTES = 32  # more than the numbers at the start of a slice take: three codes of at most 65 bits
_SEI_BYTES = 1024  # chosen: a recovery point stands among the first messages, before long texts of the maker's
_SEI_KINDS = {Codec.H264: 6, Codec.H265: 39}  # nal_unit_type of (prefix) SEI
_RECOVERY_POINT = 6  # payloadType in both, ISO/IEC 14496-10 section D.1, 23008-2 section D.2
_IRAP = range(16, 24)  # 23008-2 section 7.4.2.2: these slices have a flag more
_INTRA = (2, 4, 7, 9)  # slice_type I and SI, 14496-10 table 7-6
_SLICES_264 = range(1, 6)


def nal_kind(codec: Codec, nal: Bytes) -> int:
    """``nal_unit_type`` of a NAL unit, which is not empty."""
    return nal[0] & 31 if codec is Codec.H264 else nal[0] >> 1 & 63


def is_slice(codec: Codec, nal: Bytes) -> bool:
    """Whether a NAL unit, which is not empty, holds a slice."""
    kind = nal_kind(codec, nal)
    return kind in _SLICES_264 if codec is Codec.H264 else kind < 32


def picture_parameter_set(codec: Codec, nal: Bytes) -> int | None:
    """The id of the picture parameter set that a slice uses; None where it cannot be read.

    ISO/IEC 14496-10 section 7.3.3, 23008-2 section 7.3.6.1.
    """
    bits = BitReader(rbsp(nal[:_HEAD_BYTES], _HEADER_BYTES[codec]))
    try:
        if codec is Codec.H264:
            bits.ue()  # first_mb_in_slice
            bits.ue()  # slice_type
        else:
            bits.skip(2 if nal_kind(codec, nal) in _IRAP else 1)
        return bits.ue()
    except CameraError:
        return None


def is_intra(nal: Bytes) -> bool:
    """Whether an H.264 slice refers to no other picture (section 7.3.3: slice_type)."""
    bits = BitReader(rbsp(nal[:_HEAD_BYTES], 1))
    try:
        bits.ue()  # first_mb_in_slice
        return bits.ue() in _INTRA
    except CameraError:
        return False


def is_recovery_point(codec: Codec, nal: Bytes) -> bool:
    """Whether a NAL unit, which is not empty, is an SEI that says: who starts decoding here will soon show it right.

    With ``recovery_frame_cnt`` (or ``recovery_poc_cnt``) above 0 the pictures up to there are shown only in part.
    """
    if nal_kind(codec, nal) != _SEI_KINDS[codec]:
        return False
    data = rbsp(nal[:_SEI_BYTES], _HEADER_BYTES[codec])
    position = 0
    while position + 2 < len(data):  # a message takes three bytes, the stop bit one
        kind, position = _sei_number(data, position)
        size, position = _sei_number(data, position)
        if kind == _RECOVERY_POINT:
            return True
        position += size
    return False


def _sei_number(data: bytes, position: int) -> tuple[int, int]:
    """A number coded as bytes of 255 and a last one (section 7.3.2.3.1), and the position behind it."""
    number = 0
    while position < len(data):
        octet = data[position]
        number += octet
        position += 1
        if octet != 255:
            break
    return number, position
