"""Reads a chunk file, sealed or still growing. Never trusts it: what does not fit is an IntegrityError."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from nvr.chunk import verification
from nvr.chunk.footer import ChunkFooter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.scan import FragmentSpan, Preamble, contents, fragments, read_preamble, scan
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.sealing import summary
from nvr.chunk.source import ByteSource
from nvr.chunk.tables import SAMPLE_DTYPE, Array
from nvr.chunk.verification import ChunkProblem
from nvr.errors import IntegrityError
from nvr.timebase import us_from_90k

ROUNDING_US = 1  # us(a + b) − us(b) and us(a) differ by so much at most

__all__ = ["SAMPLE_DTYPE", "ChunkProblem", "ChunkReader", "FragmentSpan", "scan"]


class ChunkReader:
    """One chunk file.

    Nothing is read before it is asked for; then properties raise IntegrityError where the file is not what was
    written, and StorageError where the disk cannot read it.

    Args:
        file: its path, or a file descriptor (`Volume.open_read`), which then belongs to the reader.
    """

    def __init__(self, file: Path | int) -> None:
        self._source = ByteSource(file) if isinstance(file, int) else ByteSource.open(file)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _preamble(self) -> Preamble:
        return read_preamble(self._source)

    @property
    def header(self) -> ChunkHeader:
        """Whose footage it is."""
        return self._preamble.header

    @property
    def init_segment(self) -> bytes:
        """Ftyp and moov: what a player needs first."""
        return self._preamble.init_segment

    @property
    def preamble_bytes(self) -> int:
        """Where the first fragment's stamp stands."""
        return len(self._preamble.data)

    @property
    def size_bytes(self) -> int:
        """The file's length now."""
        return self._source.size()

    @cached_property
    def footer(self) -> ChunkFooter | None:
        """The footer; None: the file is not sealed, or its end is damaged (`problems` tells)."""
        try:
            footer, _ = verification.read_footer(self._source)
        except IntegrityError:
            return None
        return footer

    @property
    def sealed(self) -> bool:
        """Whether the file has a whole footer."""
        return self.footer is not None

    @property
    def start_us(self) -> int:
        """When the first picture is shown, wall time: from the footer, else as the last stamp says it."""
        if self.footer is not None:
            return self.footer.start_us
        spans = self.fragments()
        return start_us(self.header, spans[-1]) if spans else self.header.start_us

    def summary(self) -> SealedChunk:
        """What the index is to know of a sealed file.

        Raises:
            IntegrityError: it is not sealed.
        """
        if self.footer is None:
            raise IntegrityError("the file has no whole footer", where=self._source.where)
        return summary(self.header, self.footer, self._source.size())

    def samples(self) -> Array:
        """One row a sample, `SAMPLE_DTYPE`, in decoding order: from the footer, else by scanning.

        A sample is shown at ``start_us + us_from_90k(decode_90k + composition_90k − composition_delay_90k)``.
        """
        if self.footer is not None:
            return self.footer.samples
        found = list(fragments(self._source, self.preamble_bytes, verify=False))
        return contents(self._preamble, found).samples

    def fragments(self) -> list[FragmentSpan]:
        """The whole fragments, by scanning their stamps."""
        end = None if self.footer is None else verification.fragments_end(self.footer)
        return [found.span for found in fragments(self._source, self.preamble_bytes, end=end, verify=False)]

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Bytes of the file, fewer only at its end."""
        return self._source.read(offset, size_bytes)

    def problems(self) -> Iterator[ChunkProblem]:
        """Verify everything: each hash, each table against the media it describes. Nothing: the file is as written.

        Raises:
            StorageError: the disk cannot read it.
        """
        return verification.problems(self._source)


def start_us(header: ChunkHeader, span: FragmentSpan) -> int:
    """The chunk's start by what a fragment's stamp says: the later the fragment, the better it is known.

    The estimate in the header counts if there is nothing between them but the rounding of ticks to microseconds: it is
    where the chunk before ends, and two files of one run must not overlap.
    """
    start = span.stamp.wall_us - us_from_90k(span.presentation_90k - header.composition_delay_90k)
    return header.start_us if abs(start - header.start_us) <= ROUNDING_US else start
