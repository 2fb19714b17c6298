"""What every ``moov`` here is made of, fragmented or not: one video track, in ticks of 90 kHz (ISO/IEC 14496-12)."""

import struct
from collections.abc import Sequence
from typing import assert_never

from nvr.codec.box import box, box_pieces, full_box
from nvr.codec.parameters import PictureFormat, decoder_configuration
from nvr.media import Codec, ParameterSets
from nvr.timebase import TICKS_PER_S

TRACK_ID = 1
_ONE = 0x0001_0000  # 1.0 in 16.16 fixed point
_IDENTITY = struct.pack(">9i", _ONE, 0, 0, 0, _ONE, 0, 0, 0, 0x4000_0000)  # transformation matrix, section 6.2.2
_ENABLED_IN_MOVIE = 3  # tkhd flags, section 8.3.2.3
_UNDETERMINED = 0x55C4  # "und", the language packed into 15 bits, section 8.4.2.3
_DOTS_PER_INCH = 72 * _ONE
_DEPTH = 24  # "colour with no alpha", section 12.1.3.3
_SAME_FILE = full_box(b"url ", 0, 1)
_DATA_INFORMATION = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), _SAME_FILE))
_VIDEO_MEDIA_HEADER = full_box(b"vmhd", 0, 1, bytes(8))
_HANDLER = full_box(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"video\0")


def movie_header(duration_90k: int) -> bytes:
    """``mvhd`` for a movie of this duration; 0 where fragments say it."""
    times = struct.pack(">QQIQ", 0, 0, TICKS_PER_S, duration_90k)
    rate_and_volume = struct.pack(">IH10x", _ONE, 0x0100)
    return full_box(b"mvhd", 1, 0, times, rate_and_volume, _IDENTITY, bytes(24), struct.pack(">I", TRACK_ID + 1))


def track(
    size: tuple[int, int], duration_90k: int, media_90k: int, edits: bytes, table: Sequence[bytes]
) -> list[bytes]:
    """The pieces of ``trak``: the one video track.

    Args:
        size: width and height at which it is shown.
        duration_90k: of what is shown, after the edits; 0 where fragments say it.
        media_90k: of all samples together; 0 where fragments say it.
        edits: an ``edts`` box, or nothing.
        table: the pieces of ``stbl``.
    """
    identity = struct.pack(">QQIIQ", 0, 0, TRACK_ID, 0, duration_90k)
    shown = struct.pack(">II", size[0] << 16, size[1] << 16)
    header = full_box(b"tkhd", 1, _ENABLED_IN_MOVIE, identity, bytes(16), _IDENTITY, shown)
    clock = struct.pack(">QQIQHH", 0, 0, TICKS_PER_S, media_90k, _UNDETERMINED, 0)
    information = box_pieces(b"minf", _VIDEO_MEDIA_HEADER, _DATA_INFORMATION, *table)
    media = box_pieces(b"mdia", full_box(b"mdhd", 1, 0, clock), _HANDLER, *information)
    return box_pieces(b"trak", header, edits, *media)


def edit_list(edits: Sequence[tuple[int, int]]) -> bytes:
    """``edts``: what of the media is shown, piece after piece (section 8.6.6).

    Args:
        edits: media time at which a piece starts, and its duration; duration 0: all that follows.
    """
    entries = [struct.pack(">QqI", duration_90k, media_90k, _ONE) for media_90k, duration_90k in edits]
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(entries)), *entries))


def sample_table(entries: Sequence[bytes], tables: Sequence[bytes]) -> list[bytes]:
    """The pieces of ``stbl``: the sample entries, then the other tables as they are."""
    return box_pieces(b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries), *tables)


def sample_entry(sets: ParameterSets, fmt: PictureFormat) -> bytes:
    """The VisualSampleEntry, section 12.1.3, with what the decoder is opened with.

    ``avc1`` and ``hvc1``, not ``avc3`` and ``hev1``: the entry holds the sets in force, and those that a camera
    repeats between its pictures are the same ones. Apple's players take no ``hev1``.

    Raises:
        CameraError: a parameter set is missing or cannot be read.
    """
    match sets.codec:
        case Codec.H264:
            kind, record = b"avc1", b"avcC"
        case Codec.H265:
            kind, record = b"hvc1", b"hvcC"
        case _:
            assert_never(sets.codec)
    resolution = struct.pack(">HHII4xH", fmt.width, fmt.height, _DOTS_PER_INCH, _DOTS_PER_INCH, 1)
    depth = struct.pack(">32xHh", _DEPTH, -1)
    return box(kind, struct.pack(">6xH16x", 1), resolution, depth, box(record, decoder_configuration(sets)))
