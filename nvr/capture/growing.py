"""A chunk's file on a volume, from its first byte to its seal. Belongs to the volume's disk thread."""

from contextlib import suppress
from dataclasses import dataclass, replace

from nvr.capture.events import Absence, ChunkEnded
from nvr.capture.report import OpenChunk
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.volume import PartFile
from nvr.chunk.writer import ChunkWriter, SealedChunk
from nvr.errors import StorageError
from nvr.media import Fragment
from nvr.timebase import us_from_90k


@dataclass(slots=True)
class GrowingFile:
    """A file that grows. It may be the rest of a chunk: what the segmenter says is then shifted by so much.

    Raises, where it writes:
        VolumeFull: there is no room.
        StorageError: the disk does not take it. In both cases the file is of no use any more: `abandon` it.
    """

    writer: ChunkWriter
    part: PartFile
    header: ChunkHeader
    end_us: int
    absence: Absence | None = None  # before it
    behind_90k: int = 0  # decode time
    behind_us: int = 0  # time of showing

    def append(self, fragment: Fragment) -> tuple[int, int]:
        """Write a fragment; gives from when to when, wall time, there is footage by it."""
        if self.behind_90k:
            fragment = replace(fragment, decode_90k=fragment.decode_90k - self.behind_90k)
        self.part.append(self.writer.append(fragment))
        # With B-frames what follows may be shown before the last picture that is here, but not before it is decoded.
        complete_90k = fragment.duration_90k - fragment.composition_90k[0]
        begin_us = min(self.end_us, fragment.wall_us)
        self.end_us = max(self.header.start_us, fragment.wall_us + us_from_90k(complete_90k))
        return begin_us, self.end_us

    def seal(self, ended: ChunkEnded) -> SealedChunk:
        """Complete the file; it is durable only after the volume's next sync."""
        start_us, duration_us = ended.start_us + self.behind_us, max(1, ended.duration_us - self.behind_us)
        tail, sealed = self.writer.seal(start_us=start_us, duration_us=duration_us, cut=ended.cut)
        self.part.seal(tail, ChunkName.of(sealed))
        return sealed

    def abandon(self) -> None:
        """Close it as it is: what is whole in it stays as a part, to be sealed later."""
        with suppress(StorageError):  # why it is given up has been told already
            self.part.abandon()

    def shown(self, volume: int) -> OpenChunk:
        """How far it can be read, for live viewers."""
        return OpenChunk(
            volume=volume,
            part_path=self.part.path,
            committed_bytes=self.writer.written_bytes,
            run=self.header.run,
            start_us=self.header.start_us,
            end_us=self.end_us,
        )
