"""Is a chunk file what was written? Every byte is covered by a hash, a CRC or a comparison."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nvr.chunk import footer as footers
from nvr.chunk.footer import ChunkFooter
from nvr.chunk.scan import Preamble, Scanned, contents, read_fragment, read_preamble
from nvr.chunk.sealing import Contents
from nvr.chunk.source import ByteSource
from nvr.errors import IntegrityError

_TAIL_BYTES = 65536


@dataclass(frozen=True, slots=True)
class ChunkProblem:
    """One thing that is wrong with a file."""

    offset: int  # where in the file
    what: str  # one plain sentence without a full stop


def fragments_end(footer: ChunkFooter) -> int:
    """Where the last fragment ends and the footer begins."""
    return int(footer.fragments["end"][-1]) if len(footer.fragments) else footer.preamble_bytes


def read_footer(source: ByteSource) -> tuple[ChunkFooter, int]:
    """The footer, found from the file's end, and where mfra begins behind it.

    Raises:
        IntegrityError: there is none, or it is damaged.
        StorageError: the disk cannot read it.
    """
    size = source.size()
    tail_start = max(0, size - _TAIL_BYTES)
    tail = source.read(tail_start, size - tail_start)
    mfra_bytes = int.from_bytes(tail[-4:], "big")
    footer_end = size - mfra_bytes
    if tail[-12:-8] != b"mfro":
        raise IntegrityError("the file does not end with mfra", where=source.where)
    if not tail_start <= footer_end - footers.END_BYTES:
        raise IntegrityError("the file's end points outside of it", where=source.where)
    at = footer_end - tail_start - footers.END_BYTES
    footer_bytes = int.from_bytes(tail[at : at + 4], "big")
    start = footer_end - footer_bytes
    if start < 0 or footer_bytes > footers.LIMIT_BYTES:
        raise IntegrityError("no footer stands before mfra", where=source.where)
    is_in_tail = start >= tail_start  # a minute's footer takes some 10 kB
    data = tail[start - tail_start : footer_end - tail_start] if is_in_tail else source.read(start, footer_bytes)
    footer = ChunkFooter.decode(data)
    if fragments_end(footer) != start:
        raise IntegrityError("the footer stands somewhere else than it says", where=source.where)
    return footer, footer_end


def problems(source: ByteSource) -> Iterator[ChunkProblem]:
    """All that is wrong with a file, in the order of its bytes, as far as it can be walked.

    Raises:
        StorageError: the disk cannot read it.
    """
    preamble = None
    try:
        preamble = read_preamble(source)
    except IntegrityError as error:
        yield ChunkProblem(0, error.what)
    try:
        footer, footer_end = read_footer(source)
    except IntegrityError as error:
        if preamble is not None:
            yield from _unsealed_problems(source, preamble)
        yield ChunkProblem(source.size(), f"not sealed, cut short or damaged at its end: {error.what}")
        return
    yield from _sealed_problems(source, preamble, footer)
    if source.read(footer_end, source.size() - footer_end) != footer.random_access():
        yield ChunkProblem(footer_end, "mfra is not what the footer asks for")


def _unsealed_problems(source: ByteSource, preamble: Preamble) -> Iterator[ChunkProblem]:
    start, end, number = len(preamble.data), source.size(), 1
    while start < end:
        try:
            found = read_fragment(source, start, end, verify=True)
        except IntegrityError as error:
            yield ChunkProblem(start, error.what)
            return
        if found.span.stamp.sequence != number:
            yield ChunkProblem(start, f"fragment {found.span.stamp.sequence} stands where {number} should")
            return
        start, number = found.span.end, number + 1


def _sealed_problems(source: ByteSource, preamble: Preamble | None, footer: ChunkFooter) -> Iterator[ChunkProblem]:
    if preamble is not None and (preamble.leaf != footer.leaves[0] or len(preamble.data) != footer.preamble_bytes):
        yield ChunkProblem(0, "ftyp, moov and header are not those that were sealed")
    scanned: list[Scanned] = []
    rows = zip(footer.fragments["offset"].tolist(), footer.fragments["end"].tolist(), footer.leaves[1:], strict=True)
    for offset, end, leaf in rows:
        try:
            found = read_fragment(source, offset, end, verify=True)
        except IntegrityError as error:
            yield ChunkProblem(offset, error.what)
            continue
        if found.leaf != leaf or found.span.end != end:
            yield ChunkProblem(offset, "the fragment is not the one that was sealed")
        scanned.append(found)
    if preamble is not None and len(scanned) == len(footer.fragments):
        yield from _table_problems(contents(preamble, scanned), footer)


def _table_problems(found: Contents, footer: ChunkFooter) -> Iterator[ChunkProblem]:
    """Compare the footer's tables with the media they describe."""
    at = fragments_end(footer)
    if not np.array_equal(found.fragments, footer.fragments):
        yield ChunkProblem(at, "the footer's fragment table does not fit the fragments")
    if not np.array_equal(found.samples, footer.samples):
        yield ChunkProblem(at, "the footer's sample table does not fit the samples")
    media_90k = int(found.samples["duration_90k"].sum(dtype=np.int64))
    lost_packets = int(found.fragments["lost_packets"].sum(dtype=np.int64))
    delay_90k = found.header.composition_delay_90k
    facts = (footer.media_90k, min(footer.lost_packets, lost_packets), footer.composition_delay_90k)
    if facts != (media_90k, footer.lost_packets, delay_90k):
        yield ChunkProblem(at, "the footer's sums do not fit the samples")
    if found.is_coarse != footer.is_coarse:
        yield ChunkProblem(at, "footer and stamps differ on whether times are coarse")
