"""What H.264 and H.265 write alike in their sequence parameter sets (ISO/IEC 14496-10 annex E, 23008-2 annex E)."""

from nvr.codec.nal import BitReader
from nvr.errors import CameraError
from nvr.timebase import TICKS_PER_S

MAX_SIDE = 16_384  # pixels; chosen: twice the largest H.264 picture (level 6.2), more is a broken parameter set
MAX_BIT_DEPTH_MINUS8 = 6  # section 7.4.2.1.1
LONGEST_FRAME_90K = 60 * TICKS_PER_S  # chosen: a time lapse of one picture a minute is the slowest camera believed
SHORTEST_FRAME_90K = TICKS_PER_S // 1000  # chosen: no camera shows more than 1000 pictures a second
EXTENDED_SAR = 255
PARSED_BYTES = 4096  # chosen: real sets have 20 to 300 bytes; bounds the time that a hostile one can take to 10 ms


def skip_picture_signal(bits: BitReader) -> None:
    """Pass over the start of the VUI: aspect ratio, overscan, video signal type, chroma location."""
    if bits.flag() and bits.u(8) == EXTENDED_SAR:
        bits.skip(32)
    if bits.flag():  # overscan_info_present_flag
        bits.skip(1)
    if bits.flag():  # video_signal_type_present_flag
        bits.skip(4)
        if bits.flag():  # colour_description_present_flag
            bits.skip(24)
    if bits.flag():  # chroma_loc_info_present_flag
        bits.ue()
        bits.ue()


def frame_ticks(num_units_in_tick: int, time_scale: int) -> int | None:
    """The duration of ``num_units_in_tick / time_scale`` seconds in 90 kHz ticks; None: no sane one."""
    if time_scale == 0:
        return None
    ticks = (TICKS_PER_S * num_units_in_tick + time_scale // 2) // time_scale
    return ticks if SHORTEST_FRAME_90K <= ticks <= LONGEST_FRAME_90K else None


def cropped(width: int, height: int, crop: tuple[int, int, int, int], unit: tuple[int, int]) -> tuple[int, int]:
    """The size that is shown of a coded picture.

    Args:
        width: coded, in luma samples.
        height: coded, in luma samples.
        crop: left, right, top, bottom, as coded.
        unit: luma samples that one step of ``crop`` stands for, across and down.

    Raises:
        CameraError: nothing is left, or more than any camera has.
    """
    left, right, top, bottom = crop
    shown = (width - unit[0] * (left + right), height - unit[1] * (top + bottom))
    if not (0 < shown[0] <= MAX_SIDE and 0 < shown[1] <= MAX_SIDE):
        raise CameraError(f"sequence parameter set speaks of a picture of {shown[0]} × {shown[1]}")
    return shown


def four(bits: BitReader) -> tuple[int, int, int, int]:
    """The four offsets of a cropping or conformance window: left, right, top, bottom."""
    return bits.ue(), bits.ue(), bits.ue(), bits.ue()


def bounded(number: int, limit: int, what: str) -> int:
    """``number``, if the standard allows it.

    Raises:
        CameraError: it is more than ``limit``.
    """
    if number > limit:
        raise CameraError(f"sequence parameter set speaks of {number} {what}, the standard allows {limit}")
    return number


def check_format(chroma_format: int, luma_depth_minus8: int, chroma_depth_minus8: int) -> None:
    """Refuse a sample format that neither standard has, and no record in a file can hold.

    Raises:
        CameraError: it is not one.
    """
    if chroma_format > 3 or max(luma_depth_minus8, chroma_depth_minus8) > MAX_BIT_DEPTH_MINUS8:
        raise CameraError(
            f"sequence parameter set names chroma format {chroma_format}, "
            f"{luma_depth_minus8 + 8} and {chroma_depth_minus8 + 8} bits a sample"
        )
