"""Movies that are not fragmented: all tables first, then the media (ISO/IEC 14496-12 sections 8.6 and 8.7).

For clips that are built on request: every player seeks in them, and the length is known before the first byte.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvr.codec.box import box, box_pieces, full_box_pieces, mdat_header
from nvr.codec.moov import edit_list, movie_header, sample_entry, sample_table, track
from nvr.codec.parameters import describe
from nvr.media import ParameterSets

_FTYP = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")  # 512: as every muxer writes, no meaning


@dataclass(frozen=True, slots=True, eq=False)
class MovieTables:
    """Which bytes are shown when. Sample arrays have one entry a sample, in decoding order; run arrays one a run.

    A run is a stretch of the payload where one sample follows the other without a gap.
    """

    entries: tuple[ParameterSets, ...]  # at least one
    sizes: NDArray[np.uint32]  # bytes of each sample
    durations_90k: NDArray[np.uint32]  # decode time from each sample to the next
    compositions_90k: NDArray[np.int32]  # presentation − decode time
    sync: NDArray[np.bool_]
    entry: NDArray[np.integer]  # index into `entries`; the same for all samples of a run
    run_offsets: NDArray[np.int64]  # of each run's first byte, from the start of the payload
    run_samples: NDArray[np.uint32]  # at least 1 each
    edits: tuple[tuple[int, int], ...] = ()  # media time and duration of each piece shown; none: everything is


def progressive_head(movie: MovieTables, payload_bytes: int) -> bytes:
    """``ftyp``, ``moov`` and the header of the ``mdat``: all of a file that stands before its payload.

    Raises:
        CameraError: a parameter set is missing or cannot be read.
        ValueError: the tables do not fit each other.
    """
    header = mdat_header(payload_bytes)
    moov = _moov(movie)
    payload_offset = len(_FTYP) + sum(map(len, moov)) + len(header)
    moov[-1] = _offsets(movie, payload_offset)  # as long as before
    return b"".join((_FTYP, *moov, header))


def progressive_moov(movie: MovieTables, payload_offset: int) -> bytes:
    """``moov`` with the tables of all samples.

    24 hours at 25 pictures a second take 15 ms where all last equally long, 50 ms where none do (measured).

    Args:
        movie: the tables.
        payload_offset: where in the file the payload starts.

    Raises:
        CameraError: a parameter set is missing or cannot be read.
        ValueError: the tables do not fit each other.
    """
    moov = _moov(movie)
    moov[-1] = _offsets(movie, payload_offset)
    return b"".join(moov)


def _moov(movie: MovieTables) -> list[bytes]:
    """The pieces of ``moov``; the last one is the offsets of the runs, from the start of the payload."""
    _check(movie)
    formats = [describe(sets) for sets in movie.entries]
    entries = [sample_entry(sets, fmt) for sets, fmt in zip(movie.entries, formats, strict=True)]
    media_90k = int(movie.durations_90k.sum(dtype=np.int64))
    shown_90k = sum(duration for _, duration in movie.edits) if movie.edits else media_90k
    edits = edit_list(movie.edits) if movie.edits else b""
    size = (max(fmt.width for fmt in formats), max(fmt.height for fmt in formats))
    table = sample_table(entries, _tables(movie))
    return box_pieces(b"moov", movie_header(shown_90k), *track(size, shown_90k, media_90k, edits, table))


def _check(movie: MovieTables) -> None:
    count = len(movie.sizes)
    columns = (movie.durations_90k, movie.compositions_90k, movie.sync, movie.entry)
    if any(len(column) != count for column in columns) or len(movie.run_offsets) != len(movie.run_samples):
        raise ValueError("the columns of a movie's tables differ in length")
    if int(movie.run_samples.sum(dtype=np.int64)) != count or not movie.run_samples.all():
        raise ValueError(f"the runs of a movie do not hold its {count} samples")
    if not np.array_equal(np.repeat(_run_entries(movie), movie.run_samples), movie.entry):
        raise ValueError("a run of a movie has samples of two sample entries")


def _run_entries(movie: MovieTables) -> NDArray[np.integer]:
    """The index of the sample entry of each run."""
    first_samples = np.cumsum(movie.run_samples, dtype=np.int64) - movie.run_samples
    entries: NDArray[np.integer] = movie.entry[first_samples]
    return entries


def _tables(movie: MovieTables) -> list[bytes]:
    """The pieces of the tables of ``stbl`` after ``stsd``."""
    pieces = _run_lengths(b"stts", 0, movie.durations_90k)
    if movie.compositions_90k.any():
        pieces += _run_lengths(b"ctts", 1, movie.compositions_90k)
    if not movie.sync.all():
        pieces += _table(b"stss", 0, np.flatnonzero(movie.sync) + 1)
    pieces += _sample_to_chunk(movie)
    count = struct.pack(">II", 0, len(movie.sizes))
    pieces += full_box_pieces(b"stsz", 0, 0, count, movie.sizes.astype(">u4").tobytes())
    count = struct.pack(">I", len(movie.run_offsets))
    return pieces + full_box_pieces(b"co64", 0, 0, count, _offsets(movie, 0))


def _offsets(movie: MovieTables, payload_offset: int) -> bytes:
    return (movie.run_offsets + payload_offset).astype(">u8").tobytes()


def _sample_to_chunk(movie: MovieTables) -> list[bytes]:
    """``stsc``: samples in each run and their sample entry, where they differ from the run before (section 8.7.4)."""
    entries = _run_entries(movie)
    starts = _change_points(movie.run_samples, entries)
    columns = (starts + 1, movie.run_samples[starts], entries[starts] + 1)
    return _table(b"stsc", 0, *columns)


def _run_lengths(kind: bytes, version: int, values: NDArray[np.integer]) -> list[bytes]:
    """``stts`` or ``ctts``: how often, which value (sections 8.6.1.2 and 8.6.1.3)."""
    starts = _change_points(values)
    counts = np.diff(starts, append=len(values))
    return _table(kind, version, counts, values[starts])


def _change_points(*columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """Indices at which any of the columns differs from the row before; the first row always does."""
    changed = np.zeros(len(columns[0]), np.bool_)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed).astype(np.int64)


def _table(kind: bytes, version: int, *columns: NDArray[np.integer]) -> list[bytes]:
    """A table of 32-bit numbers behind the count of its rows."""
    rows = np.empty((len(columns[0]), len(columns)), ">u4")
    for number, column in enumerate(columns):
        rows[:, number] = column.astype(np.uint32)  # negative numbers in two's complement
    return full_box_pieces(kind, version, 0, struct.pack(">I", len(rows)), rows.tobytes())
