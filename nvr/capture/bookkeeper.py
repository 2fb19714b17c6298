"""What the engine needs of the memory above it: it may not import the index, so it says here what it calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nvr.capture.report import TrackReport
from nvr.chunk.name import ChunkName
from nvr.chunk.volume import Volume
from nvr.chunk.writer import SealedChunk
from nvr.media import Gap, GapReason, Track


@dataclass(frozen=True, slots=True)
class Batch:
    """What one sync made durable."""

    volume: int
    sealed: tuple[SealedChunk, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class LastFootage:
    """Where a track's recorded history ends."""

    end_us: int
    run: int
    root: bytes  # Merkle root of the last chunk, 32 bytes; zeros: not known
    reason: GapReason  # why it ends there, as far as the index knows: stopped by a person, or not
    detail: str


class Bookkeeper(Protocol):
    """Remembers. Called from the reactor's and the disks' threads; none of these may block for long."""

    def last(self, track: Track) -> LastFootage | None:
        """The end of a track's history; None: it was never recorded."""

    def commit(self, batch: Batch) -> None:
        """These chunks and gaps are on the disk: index them, in this order, soon."""

    def publish(self, reports: Sequence[TrackReport]) -> None:
        """Show the state of these tracks to whoever looks."""

    def unindexed(self, volume: Volume, before_us: int) -> list[ChunkName]:
        """Sealed files on a volume, begun before an instant, that a crash kept out of the index."""
