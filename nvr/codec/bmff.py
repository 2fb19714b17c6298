"""Fragmented movies as bytes (ISO/IEC 14496-12): the init segment, movie fragments, the index at the end, reading back.

One video track in ticks of 90 kHz. `nvr.codec.box` holds the boxes themselves, `nvr.codec.movie` the movies
that are not fragmented.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from nvr.codec.box import BoxSpan, Bytes, box, find, full_box, mdat_header, read_span, walk
from nvr.codec.moov import TRACK_ID, edit_list, movie_header, sample_entry, sample_table, track
from nvr.codec.parameters import PictureFormat
from nvr.errors import IntegrityError
from nvr.media import ParameterSets

__all__ = [
    "BoxSpan",
    "MovieFragment",
    "box",
    "find",
    "full_box",
    "init_segment",
    "mdat_header",
    "mfra",
    "movie_fragment",
    "parse_moof",
    "read_span",
    "walk",
]

SYNC_SAMPLE_FLAGS = 0x0200_0000  # sample_depends_on = 2: on no other, section 8.8.3.1
OTHER_SAMPLE_FLAGS = 0x0101_0000  # sample_depends_on = 1: on others; sample_is_non_sync_sample
_NON_SYNC_BIT = 0x0001_0000
_FLAGS_BY_SYNC = (OTHER_SAMPLE_FLAGS, SYNC_SAMPLE_FLAGS)

_DEFAULT_BASE_IS_MOOF = 0x02_0000  # tfhd flags, section 8.8.7.1
_DATA_OFFSET = 0x001  # trun flags, section 8.8.8.1, and below
_SAMPLE_DURATION = 0x100
_SAMPLE_SIZE = 0x200
_SAMPLE_FLAGS = 0x400
_SAMPLE_COMPOSITION = 0x800
_PLAIN_RUN = _DATA_OFFSET | _SAMPLE_DURATION | _SAMPLE_SIZE | _SAMPLE_FLAGS
_REORDERED_RUN = 1 << 24 | _PLAIN_RUN | _SAMPLE_COMPOSITION  # version 1: signed composition offsets

_MFHD = "I4sII"
_TFHD = "I4sII"
_TFDT = "I4sIQ"
_TRUN = "I4sIIi"
_HEAD = f">I4s{_MFHD}I4s{_TFHD}{_TFDT}{_TRUN}"  # moof, mfhd, traf, tfhd, tfdt, trun up to its samples
_HEAD_BYTES = struct.calcsize(_HEAD)
_TRAF_BYTES = _HEAD_BYTES - 24  # without moof's header and mfhd
_TRUN_BYTES = 20

_EMPTY_TABLES = (
    full_box(b"stts", 0, 0, bytes(4)),
    full_box(b"stsc", 0, 0, bytes(4)),
    full_box(b"stsz", 0, 0, bytes(8)),
    full_box(b"stco", 0, 0, bytes(4)),
)


def init_segment(sets: ParameterSets, fmt: PictureFormat, *, composition_delay_90k: int = 0) -> bytes:
    """``ftyp`` and a ``moov`` without samples: what stands before the first fragment of a file.

    Args:
        sets: what the decoder is opened with.
        fmt: what `nvr.codec.parameters.describe` says of them.
        composition_delay_90k: presentation minus decode time of the first sample; an edit list takes it off, so
            that the movie starts with that sample at 0.

    Raises:
        CameraError: a parameter set is missing or cannot be read.
    """
    edits = edit_list([(composition_delay_90k, 0)]) if composition_delay_90k else b""
    table = sample_table([sample_entry(sets, fmt)], _EMPTY_TABLES)
    extends = box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">5I", TRACK_ID, 1, 0, 0, 0)))
    moov = box(b"moov", movie_header(0), *track((fmt.width, fmt.height), 0, 0, edits, table), extends)
    return box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcmp41") + moov


def movie_fragment(
    sequence: int,
    decode_90k: int,
    sizes: Sequence[int],
    durations_90k: Sequence[int],
    compositions_90k: Sequence[int],
    sync: Sequence[bool],
) -> bytes:
    """``moof`` for samples that stand, in this order, in an ``mdat`` that follows at once.

    13 samples take 5 to 8 µs (measured): it is made 220 times a second.

    Args:
        sequence: of the fragment in its file, from 1.
        decode_90k: decode time of the first sample.
        sizes: bytes of each sample.
        durations_90k: decode time from each sample to the next.
        compositions_90k: presentation minus decode time of each sample.
        sync: whether decoding can start at each sample.
    """
    count = len(sizes)
    flags = [_FLAGS_BY_SYNC[is_sync] for is_sync in sync]
    columns: tuple[Sequence[int], ...] = (durations_90k, sizes, flags)
    run_flags = _PLAIN_RUN
    if any(compositions_90k):
        columns = (*columns, compositions_90k)
        run_flags = _REORDERED_RUN
    fields = len(columns)
    rows_bytes = 4 * fields * count
    moof_bytes = _HEAD_BYTES + rows_bytes
    return _layout(count, fields).pack(
        *(moof_bytes, b"moof"),
        *(16, b"mfhd", 0, sequence),
        *(_TRAF_BYTES + rows_bytes, b"traf"),
        *(16, b"tfhd", _DEFAULT_BASE_IS_MOOF, TRACK_ID),
        *(20, b"tfdt", 1 << 24, decode_90k),
        *(_TRUN_BYTES + rows_bytes, b"trun", run_flags, count, moof_bytes + len(mdat_header(sum(sizes)))),
        *chain.from_iterable(zip(*columns, strict=True)),
    )


@lru_cache(maxsize=512)
def _layout(count: int, fields: int) -> struct.Struct:
    return struct.Struct(_HEAD + ("III" if fields == 3 else "IIIi") * count)


def mfra(sync_samples: Sequence[tuple[int, int]]) -> bytes:
    """``mfra``, the last box of a file: where the fragments are that start with a sync sample (section 8.8.9).

    Args:
        sync_samples: presentation time in ticks of the sync sample, offset in the file of its ``moof``. The 1s are
            the numbers of traf, trun and sample, a byte each.
    """
    entries = [struct.pack(">QQ3B", time_90k, offset, 1, 1, 1) for time_90k, offset in sync_samples]
    table = full_box(b"tfra", 1, 0, struct.pack(">III", TRACK_ID, 0, len(sync_samples)), *entries)
    length_bytes = 8 + len(table) + 16
    return box(b"mfra", table, full_box(b"mfro", 0, 0, struct.pack(">I", length_bytes)))


@dataclass(frozen=True, slots=True, eq=False)
class MovieFragment:
    """What a ``moof`` says. All arrays have one entry a sample, in decoding order."""

    sequence: int
    decode_90k: int  # of the first sample
    data_offset: int  # first byte of the first sample, from the start of the moof
    sizes: NDArray[np.uint32]
    durations_90k: NDArray[np.uint32]
    compositions_90k: NDArray[np.int32]
    sync: NDArray[np.bool_]


def parse_moof(view: Bytes, start: int = 0, end: int | None = None) -> MovieFragment:
    """Read the ``moof`` in ``view[start:end]``: one track fragment, one run, as `movie_fragment` writes them.

    Raises:
        IntegrityError: it is broken, or not of that form.
    """
    moof = read_span(view, start, len(view) if end is None else end)
    if moof.kind != b"moof":
        raise IntegrityError(f"a {moof.kind!r} box stands where a 'moof' should", where=f"byte {start}")
    mfhd = find(view, (b"mfhd",), moof.payload, moof.end)
    traf = find(view, (b"traf",), moof.payload, moof.end)
    (sequence,) = _fields(view, mfhd, ">4xI")
    (decode_90k,) = _fields(view, find(view, (b"tfdt",), traf.payload, traf.end), ">4xQ")
    trun = find(view, (b"trun",), traf.payload, traf.end)
    run_flags, count, data_offset = _fields(view, trun, ">IIi")
    fields = {_PLAIN_RUN: 3, _REORDERED_RUN: 4}.get(run_flags)
    if fields is None or trun.end - trun.start != _TRUN_BYTES + 4 * fields * count:
        raise IntegrityError(
            f"a run of {count} samples with flags {run_flags:#x} is not ours", where=f"byte {trun.start}"
        )
    rows = np.frombuffer(view, ">u4", count * fields, trun.payload + 12).reshape(count, fields)
    compositions = rows[:, 3].astype(np.uint32).view(np.int32) if fields == 4 else np.zeros(count, np.int32)
    durations, sizes = rows[:, 0].astype(np.uint32), rows[:, 1].astype(np.uint32)
    return MovieFragment(
        sequence, decode_90k, data_offset, sizes, durations, compositions, rows[:, 2] & _NON_SYNC_BIT == 0
    )


def _fields(view: Bytes, span: BoxSpan, layout: str) -> tuple[int, ...]:
    """The numbers at the start of a box's payload."""
    if span.end - span.payload < struct.calcsize(layout):
        raise IntegrityError(f"a {span.kind!r} box is too short", where=f"byte {span.start}")
    return struct.unpack_from(layout, view, span.payload)
