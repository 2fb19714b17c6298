"""The seal of a chunk: footer and mfra from what the file holds, whether just written or found after a crash."""

from dataclasses import dataclass, replace

from nvr.chunk import tables
from nvr.chunk.footer import ChunkFooter
from nvr.chunk.header import NO_ROOT, ChunkHeader
from nvr.chunk.sealed import SealedChunk
from nvr.media import CutReason

_U32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What stands in a file before its footer. The arrays have `tables.FRAGMENT_DTYPE` and `tables.SAMPLE_DTYPE`."""

    header: ChunkHeader
    preamble_bytes: int
    leaves: tuple[bytes, ...]  # of the preamble and of each fragment
    fragments: tables.Array
    samples: tables.Array
    is_coarse: bool  # whether the stamp of at least one fragment says so


def seal(
    contents: Contents, *, start_us: int, duration_us: int, cut: CutReason, recovered: bool
) -> tuple[bytes, SealedChunk]:
    """The bytes that end the file, and what the index is to know of it."""
    footer = _footer(contents, start_us, duration_us, cut, recovered)
    tail = footer.encode() + footer.random_access()
    end = int(contents.fragments["end"][-1]) if len(contents.fragments) else contents.preamble_bytes
    return tail, summary(contents.header, footer, end + len(tail))


def _footer(contents: Contents, start_us: int, duration_us: int, cut: CutReason, recovered: bool) -> ChunkFooter:
    fragments, samples = contents.fragments, contents.samples
    draft = ChunkFooter(
        start_us=start_us,
        duration_us=duration_us,
        cut=cut,
        recovered=recovered,
        lost_packets=min(_U32, int(fragments["lost_packets"].sum())),
        preamble_bytes=contents.preamble_bytes,
        composition_delay_90k=contents.header.composition_delay_90k,
        media_90k=int(samples["duration_90k"].sum()),
        leaves=contents.leaves,
        root=NO_ROOT,
        fragments=fragments,
        samples=samples,
        is_coarse=contents.is_coarse,
    )
    return replace(draft, root=draft.computed_root())


def summary(header: ChunkHeader, footer: ChunkFooter, file_bytes: int) -> SealedChunk:
    """What the index is to know of a sealed file."""
    return SealedChunk(
        header=header,
        start_us=footer.start_us,
        duration_us=footer.duration_us,
        samples=len(footer.samples),
        fragments=len(footer.fragments),
        root=footer.root,
        cut=footer.cut,
        lost_packets=footer.lost_packets,
        keyframes=footer.keyframes(),
        preamble_bytes=footer.preamble_bytes,
        media_90k=footer.media_90k,
        bytes=file_bytes,
        recovered=footer.recovered,
        is_coarse=footer.is_coarse,
    )
