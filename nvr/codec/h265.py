"""H.265: what a sequence parameter set says (ISO/IEC 23008-2), and its record in a file (ISO/IEC 14496-15)."""

import struct
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

from nvr.codec.nal import BitReader, counted, rbsp
from nvr.codec.vui import PARSED_BYTES, bounded, check_format, cropped, four, frame_ticks, skip_picture_signal
from nvr.errors import CameraError
from nvr.media import ParameterSets

MAX_DPB_PICTURES = 16  # annex A.4.2
_MAX_SHORT_TERM_SETS = 64  # section 7.4.3.2.1
_MAX_LONG_TERM_PICTURES = 32
_CHROMA_444 = 3


class NalType(IntEnum):
    """``nal_unit_type``, table 7-1: bits 1 to 6 of the first byte. Below 32: slices; 16 to 23: decoding can start."""

    TRAIL_N = 0
    TRAIL_R = 1
    TSA_N = 2
    TSA_R = 3
    STSA_N = 4
    STSA_R = 5
    RADL_N = 6
    RADL_R = 7
    RASL_N = 8
    RASL_R = 9
    BLA_W_LP = 16
    BLA_W_RADL = 17
    BLA_N_LP = 18
    IDR_W_RADL = 19
    IDR_N_LP = 20
    CRA = 21
    VPS = 32
    SPS = 33
    PPS = 34
    DELIMITER = 35
    END_OF_SEQUENCE = 36
    END_OF_STREAM = 37
    FILLER = 38
    SEI_PREFIX = 39
    SEI_SUFFIX = 40


@dataclass(frozen=True, slots=True)
class Profile:
    """The general part of profile_tier_level(), section 7.3.3."""

    space: int
    high_tier: bool
    idc: int
    compatibility: int  # 32 flags, the first the highest bit
    constraints: int  # 48 bits, as they stand in the stream
    level_idc: int  # 30 × the level


@dataclass(frozen=True, slots=True)
class SpsInfo:
    """What the recorder needs of a sequence parameter set."""

    width: int  # shown: the conformance window
    height: int
    profile: Profile
    chroma_format: int
    luma_depth_minus8: int
    chroma_depth_minus8: int
    temporal_layers: int
    temporal_nesting: bool
    reorder_frames: int  # sps_max_num_reorder_pics of the highest layer
    frame_90k: int | None  # duration of a picture, if the VUI says it


def parse_sps(nal: bytes) -> SpsInfo:
    """Read a sequence parameter set, a whole NAL unit with its header; bytes after its end are ignored.

    What only leads to the VUI may be broken: then the duration of a picture is not known, decoders judge the rest.

    Raises:
        CameraError: not an SPS, or it ends too early, or it says what cannot be.
    """
    if len(nal) < 2 or nal[0] >> 1 & 63 != NalType.SPS:
        raise CameraError("not a sequence parameter set (H.265)")
    bits = BitReader(rbsp(nal[:PARSED_BYTES], 2))
    bits.skip(4)  # sps_video_parameter_set_id
    sub_layers, nesting = bits.u(3), bits.flag()
    profile = _profile(bits, sub_layers)
    bits.ue()  # sps_seq_parameter_set_id
    chroma = bits.ue()
    separate = chroma == _CHROMA_444 and bits.flag()
    shown = _shown_size(bits, chroma, separate=separate)
    depths = (bits.ue(), bits.ue())
    check_format(chroma, *depths)
    order_bits = bits.ue() + 4
    reorder = _reorder(bits, sub_layers)
    frame_90k = None
    with suppress(CameraError):
        _skip_coding_tools(bits, order_bits)
        frame_90k = _frame_90k(bits)
    return SpsInfo(*shown, profile, chroma, *depths, sub_layers + 1, nesting, reorder, frame_90k)


def hvcc(sets: ParameterSets) -> bytes:
    """The HEVCDecoderConfigurationRecord, payload of ``hvcC`` (ISO/IEC 14496-15 section 8.3.3.1).

    Raises:
        CameraError: a set is missing, or its SPS cannot be read.
    """
    if not (sets.vps and sets.sps and sets.pps):
        raise CameraError(
            f"{len(sets.vps)} video, {len(sets.sps)} sequence and {len(sets.pps)} picture parameter sets, "
            "one of each is needed"
        )
    info = parse_sps(sets.sps[0])
    profile = info.profile
    head = struct.pack(
        ">BBI6sBHBBBBHBB",
        1,
        profile.space << 6 | profile.high_tier << 5 | profile.idc,
        profile.compatibility,
        profile.constraints.to_bytes(6, "big"),
        profile.level_idc,
        0xF000,  # min_spatial_segmentation_idc: not known
        0xFC,  # parallelismType: not known
        0xFC | info.chroma_format,
        0xF8 | info.luma_depth_minus8,
        0xF8 | info.chroma_depth_minus8,
        0,  # avgFrameRate: not known
        info.temporal_layers << 3 | info.temporal_nesting << 2 | 3,  # 3: lengths of 4 bytes
        3,  # arrays
    )
    arrays = ((NalType.VPS, sets.vps), (NalType.SPS, sets.sps), (NalType.PPS, sets.pps))
    return head + b"".join([_array(kind, units) for kind, units in arrays])


def codec_string(sets: ParameterSets) -> str:
    """``hvc1.1.6.L120.90``: profile, compatibility, tier and level, constraints (ISO/IEC 14496-15 annex E.3).

    Raises:
        CameraError: there is no SPS that can be read.
    """
    if not sets.sps:
        raise CameraError("no sequence parameter set (H.265)")
    profile = parse_sps(sets.sps[0]).profile
    space = ("", "A", "B", "C")[profile.space]
    reversed_flags = int(f"{profile.compatibility:032b}"[::-1], 2)
    constraints = profile.constraints.to_bytes(6, "big").rstrip(b"\0")
    parts = ["hvc1", f"{space}{profile.idc}", f"{reversed_flags:X}", f"{'LH'[profile.high_tier]}{profile.level_idc}"]
    return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])


def _array(kind: NalType, units: tuple[bytes, ...]) -> bytes:
    """All parameter sets of one kind; marked complete, as ``hvc1`` asks (section 8.4.1.1)."""
    return struct.pack(">BH", 0x80 | kind, len(units)) + b"".join(map(counted, units))


def _profile(bits: BitReader, sub_layers: int) -> Profile:
    """profile_tier_level(1, sub_layers), section 7.3.3."""
    space, tier, idc = bits.u(2), bits.flag(), bits.u(5)
    compatibility, constraints, level = bits.u(32), bits.u(48), bits.u(8)
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.skip(88 * has_profile + 8 * has_level)
    return Profile(space, tier, idc, compatibility, constraints, level)


def _shown_size(bits: BitReader, chroma: int, *, separate: bool) -> tuple[int, int]:
    width, height = bits.ue(), bits.ue()
    window = four(bits) if bits.flag() else (0, 0, 0, 0)
    unit_across = 2 if chroma in (1, 2) and not separate else 1  # table 6-1: SubWidthC, SubHeightC
    unit_down = 2 if chroma == 1 else 1
    return cropped(width, height, window, (unit_across, unit_down))


def _reorder(bits: BitReader, sub_layers: int) -> int:
    """sps_max_num_reorder_pics of the highest temporal layer."""
    reorder = 0
    for _ in range(sub_layers + 1 if bits.flag() else 1):
        bits.ue()  # sps_max_dec_pic_buffering_minus1
        reorder = bits.ue()
        bits.ue()  # sps_max_latency_increase_plus1
    return bounded(reorder, MAX_DPB_PICTURES, "pictures out of order")


def _skip_coding_tools(bits: BitReader, order_bits: int) -> None:
    """What stands between the reordering and the VUI, section 7.3.2.2.1."""
    for _ in range(6):  # sizes of coding and transform blocks, depths of transforms
        bits.ue()
    if bits.flag() and bits.flag():  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        _skip_scaling_lists(bits)
    bits.skip(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag():  # pcm_enabled_flag
        bits.skip(8)
        bits.ue()
        bits.ue()
        bits.skip(1)
    _skip_short_term_sets(bits)
    if bits.flag():  # long_term_ref_pics_present_flag
        count = bounded(bits.ue(), _MAX_LONG_TERM_PICTURES, "long-term pictures")
        bits.skip(count * (order_bits + 1))
    bits.skip(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag


def _skip_scaling_lists(bits: BitReader) -> None:
    """scaling_list_data(), section 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():  # scaling_list_pred_mode_flag
                bits.ue()
                continue
            for _ in range(min(64, 16 << 2 * size) + (size > 1)):
                bits.se()


def _skip_short_term_sets(bits: BitReader) -> None:
    """All st_ref_pic_set() of the SPS, section 7.3.7: the length of one depends on the one before."""
    offsets: list[int] = []
    for index in range(bounded(bits.ue(), _MAX_SHORT_TERM_SETS, "reference picture sets")):
        inter = index > 0 and bits.flag()  # inter_ref_pic_set_prediction_flag
        offsets = _predicted_set(bits, offsets) if inter else _coded_set(bits)


def _coded_set(bits: BitReader) -> list[int]:
    """Picture order offsets of a set that stands for itself."""
    negative = bounded(bits.ue(), MAX_DPB_PICTURES, "reference pictures")
    positive = bounded(bits.ue(), MAX_DPB_PICTURES, "reference pictures")
    offsets = []
    for sign, count in ((-1, negative), (1, positive)):
        offset = 0
        for _ in range(count):
            offset += sign * (bits.ue() + 1)
            bits.skip(1)
            offsets.append(offset)
    return offsets


def _predicted_set(bits: BitReader, reference: list[int]) -> list[int]:
    """Picture order offsets of a set told as the differences from the set before (equations 7-61 and 7-62)."""
    sign = -1 if bits.flag() else 1
    step = sign * (bits.ue() + 1)
    offsets = []
    for offset in (*reference, 0):
        used = bits.flag() or bits.flag()  # used_by_curr_pic_flag, else use_delta_flag
        if used and offset + step != 0:
            offsets.append(offset + step)
    bounded(len(offsets), MAX_DPB_PICTURES, "reference pictures")
    return sorted([o for o in offsets if o < 0], reverse=True) + sorted([o for o in offsets if o > 0])


def _frame_90k(bits: BitReader) -> int | None:
    """Duration of a picture from the VUI, None where it is not said (section E.2.1)."""
    if not bits.flag():  # vui_parameters_present_flag
        return None
    skip_picture_signal(bits)
    bits.skip(3)  # neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
    if bits.flag():  # default_display_window_flag
        four(bits)
    return frame_ticks(bits.u(32), bits.u(32)) if bits.flag() else None  # vui_timing_info_present_flag
