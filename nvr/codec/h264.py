"""H.264: what a sequence parameter set says (ISO/IEC 14496-10), and its record in a file (ISO/IEC 14496-15)."""

from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

from nvr.codec.nal import BitReader, counted, rbsp
from nvr.codec.vui import PARSED_BYTES, bounded, check_format, cropped, four, frame_ticks, skip_picture_signal
from nvr.errors import CameraError
from nvr.media import ParameterSets

MAX_DPB_FRAMES = 16  # annex A.3.1
_MAX_CPB_COUNT = 32  # annex E.2.2
_CHROMA_420 = 1
_CHROMA_444 = 3
_CONSTRAINT_SET3 = 0x10
_BASELINE = 66
_WITHOUT_EXTENSION = frozenset({66, 77, 88})  # profiles whose record ends after the PPS, 14496-15 section 5.3.3.1.2
_WITH_CHROMA_FORMAT = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})  # section 7.3.2.1.1
_INTRA_WITH_SET3 = frozenset({44, 86, 100, 110, 122, 244})  # constraint_set3_flag: every picture intra, section E.2.1
_MAX_DPB_MACROBLOCKS = (  # table A-1: level_idc up to → MaxDpbMbs
    (10, 396),
    (11, 900),
    (20, 2_376),
    (21, 4_752),
    (30, 8_100),
    (31, 18_000),
    (32, 20_480),
    (41, 32_768),
    (42, 34_816),
    (50, 110_400),
    (52, 184_320),
    (255, 696_320),
)


class NalType(IntEnum):
    """``nal_unit_type``, table 7-1: the low five bits of a unit's first byte."""

    SLICE = 1
    PARTITION_A = 2
    PARTITION_B = 3
    PARTITION_C = 4
    IDR = 5
    SEI = 6
    SPS = 7
    PPS = 8
    DELIMITER = 9
    END_OF_SEQUENCE = 10
    END_OF_STREAM = 11
    FILLER = 12


@dataclass(frozen=True, slots=True)
class SpsInfo:
    """What the recorder needs of a sequence parameter set."""

    width: int  # shown: cropping is taken off
    height: int
    profile_idc: int
    constraint_flags: int  # the byte between profile_idc and level_idc
    level_idc: int
    chroma_format: int
    luma_depth_minus8: int
    chroma_depth_minus8: int
    reorder_frames: int  # pictures that may be decoded before and shown after another one; an estimate without VUI
    frame_90k: int | None  # duration of a frame, if the VUI says it


def parse_sps(nal: bytes) -> SpsInfo:
    """Read a sequence parameter set, a whole NAL unit with its header; bytes after its end are ignored.

    A VUI that is broken counts as none: cameras get it wrong, and decoders need nothing of it.

    Raises:
        CameraError: not an SPS, or it ends too early, or it says what cannot be.
    """
    if not nal or nal[0] & 31 != NalType.SPS:
        raise CameraError("not a sequence parameter set (H.264)")
    bits = BitReader(rbsp(nal[:PARSED_BYTES], 1))
    profile, constraints, level = bits.u(8), bits.u(8), bits.u(8)
    bits.ue()  # seq_parameter_set_id
    chroma, luma_depth, chroma_depth = _sample_format(bits, profile)
    bits.ue()  # log2_max_frame_num_minus4
    order_type = _picture_order(bits)
    reference_frames = bits.ue()
    bits.skip(1)  # gaps_in_frame_num_value_allowed_flag
    macroblocks, shown = _picture_size(bits, chroma)
    reorder, frame_90k = None, None
    if bits.flag():  # vui_parameters_present_flag
        with suppress(CameraError):
            frame_90k, reorder = _vui(bits)
    if reorder is None:
        in_order = profile == _BASELINE or order_type == 2 or _is_intra(profile, constraints)
        reorder = 0 if in_order else _guess_reorder(level, macroblocks, reference_frames)
    return SpsInfo(*shown, profile, constraints, level, chroma, luma_depth, chroma_depth, reorder, frame_90k)


def avcc(sets: ParameterSets) -> bytes:
    """The AVCDecoderConfigurationRecord, payload of ``avcC`` (ISO/IEC 14496-15 section 5.3.3.1).

    Raises:
        CameraError: a set is missing, or its SPS cannot be read.
    """
    if not 0 < len(sets.sps) < 32 or not 0 < len(sets.pps) < 256:
        raise CameraError(f"{len(sets.sps)} sequence and {len(sets.pps)} picture parameter sets, one of each is needed")
    info = parse_sps(sets.sps[0])
    head = bytes((1, info.profile_idc, info.constraint_flags, info.level_idc, 0xFF, 0xE0 | len(sets.sps)))
    record = head + b"".join(map(counted, sets.sps)) + bytes((len(sets.pps),)) + b"".join(map(counted, sets.pps))
    if info.profile_idc in _WITHOUT_EXTENSION:
        return record
    depths = (0xF8 | info.luma_depth_minus8, 0xF8 | info.chroma_depth_minus8)
    return record + bytes((0xFC | info.chroma_format, *depths, 0))  # 0: no SPS extension


def codec_string(sets: ParameterSets) -> str:
    """``avc1.4d4028``: profile, constraints and level as six hexadecimal digits (RFC 6381 section 3.3).

    Raises:
        CameraError: there is no SPS that can be read.
    """
    if not sets.sps:
        raise CameraError("no sequence parameter set (H.264)")
    info = parse_sps(sets.sps[0])
    return f"avc1.{info.profile_idc:02x}{info.constraint_flags:02x}{info.level_idc:02x}"


def _sample_format(bits: BitReader, profile: int) -> tuple[int, int, int]:
    """chroma_format_idc, bit_depth_luma_minus8, bit_depth_chroma_minus8; separate colour planes count as format 0."""
    if profile not in _WITH_CHROMA_FORMAT:
        return _CHROMA_420, 0, 0
    chroma = bits.ue()
    separate = chroma == _CHROMA_444 and bits.flag()
    luma_depth, chroma_depth = bits.ue(), bits.ue()
    check_format(chroma, luma_depth, chroma_depth)
    bits.skip(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():  # seq_scaling_matrix_present_flag
        for number in range(12 if chroma == _CHROMA_444 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    return 0 if separate else chroma, luma_depth, chroma_depth


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    """Section 7.3.2.1.1.1: a scale of zero ends the list early."""
    last = 8
    for _ in range(size):
        last = (last + bits.se()) % 256
        if last == 0:
            return


def _picture_order(bits: BitReader) -> int:
    """pic_order_cnt_type, with what belongs to it passed over."""
    order_type = bits.ue()
    if order_type == 0:
        bits.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif order_type == 1:
        bits.skip(1)
        for _ in range(2):
            bits.se()
        for _ in range(bounded(bits.ue(), 255, "frames in a picture order cycle")):
            bits.se()
    elif order_type > 2:
        raise CameraError(f"sequence parameter set names picture order type {order_type}")
    return order_type


def _picture_size(bits: BitReader, chroma: int) -> tuple[int, tuple[int, int]]:
    """Macroblocks of a frame, and the shown width and height."""
    across, down = bits.ue() + 1, bits.ue() + 1
    fields = 1 if bits.flag() else 2  # frame_mbs_only_flag
    if fields == 2:
        bits.skip(1)  # mb_adaptive_frame_field_flag
    bits.skip(1)  # direct_8x8_inference_flag
    crop = four(bits) if bits.flag() else (0, 0, 0, 0)
    unit_across = 2 if chroma in (1, 2) else 1  # table 6-1: SubWidthC, SubHeightC
    unit_down = (2 if chroma == _CHROMA_420 else 1) * fields
    shown = cropped(16 * across, 16 * down * fields, crop, (unit_across, unit_down))
    return across * down * fields, shown


def _vui(bits: BitReader) -> tuple[int | None, int | None]:
    """Duration of a frame in ticks, max_num_reorder_frames; each None where not said (section E.1.1)."""
    skip_picture_signal(bits)
    frame_90k = None
    if bits.flag():  # timing_info_present_flag; a tick is the duration of a field
        frame_90k = frame_ticks(2 * bits.u(32), bits.u(32))
        bits.skip(1)
    return frame_90k, _reorder(bits)


def _reorder(bits: BitReader) -> int | None:
    """The rest of the VUI: max_num_reorder_frames, None where it is not said or broken."""
    with suppress(CameraError):
        buffers = 0
        for _ in range(2):  # nal_hrd_parameters, vcl_hrd_parameters
            if bits.flag():
                _skip_hrd(bits)
                buffers += 1
        bits.skip(2 if buffers else 1)  # low_delay_hrd_flag, pic_struct_present_flag
        if bits.flag():  # bitstream_restriction_flag
            bits.skip(1)
            for _ in range(4):
                bits.ue()
            return bounded(bits.ue(), MAX_DPB_FRAMES, "frames out of order")
    return None


def _skip_hrd(bits: BitReader) -> None:
    """Section E.1.2."""
    count = bounded(bits.ue() + 1, _MAX_CPB_COUNT, "buffers")
    bits.skip(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.skip(1)
    bits.skip(20)


def _is_intra(profile: int, constraints: int) -> bool:
    return profile in _INTRA_WITH_SET3 and constraints & _CONSTRAINT_SET3 != 0


def _guess_reorder(level: int, macroblocks: int, reference_frames: int) -> int:
    """A bound where the VUI says nothing.

    The standard's is the size of the decoded picture buffer (section E.2.1). A tighter one holds for all encoders
    known: what is decoded early is there to be referred to, along with at least one picture that was shown before.
    """
    room = next(limit for top, limit in _MAX_DPB_MACROBLOCKS if level <= top)
    return min(room // macroblocks, MAX_DPB_FRAMES, max(0, reference_frames - 1))
