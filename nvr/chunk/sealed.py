"""What is known of a finished chunk file: all that the index wants to hear of it."""

from dataclasses import dataclass
from typing import NamedTuple

from nvr.chunk.header import ChunkHeader
from nvr.media import CutReason


class Keyframe(NamedTuple):
    """A fragment that starts with a sync sample: playing can start here."""

    offset_90k: int  # when its first sample is shown, since the chunk's start
    file_offset: int  # of the fragment's stamp box
    sequence: int  # of the fragment, from 1


@dataclass(frozen=True, slots=True)
class SealedChunk:
    """One finished chunk file."""

    header: ChunkHeader
    start_us: int  # final; `ChunkHeader.start_us` was an estimate
    duration_us: int  # wall time
    samples: int
    fragments: int
    root: bytes  # Merkle root, 32 bytes
    cut: CutReason
    lost_packets: int
    keyframes: tuple[Keyframe, ...]
    preamble_bytes: int  # ftyp, moov and header: the first fragment's stamp stands here
    media_90k: int  # sum of the samples' durations
    bytes: int  # of the whole file
    recovered: bool = False
    is_coarse: bool = False  # times in at least one fragment are those of receipt

    @property
    def end_us(self) -> int:
        return self.start_us + self.duration_us
