"""One chunk file as the web server knows it: where it lies, when it plays, what names it."""

import os
from dataclasses import dataclass

from indexer.board import TrackStatus
from indexer.records import ChunkRecord
from nvr.chunk.name import ChunkName, parse_part
from nvr.media import Track
from nvr.timebase import TimeRange

Signature = tuple[int, ...]  # of a file: device, inode, length, when it was changed


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk file that can be read. Hashable: a sealed one is the same for ever."""

    track: Track
    run: int
    sequence: int
    start_us: int
    end_us: int
    volume: int
    path: str  # relative to the volume, from index, board or folder, never from a request
    readable_bytes: int  # sealed: the whole file; growing: what is committed, always whole fragments
    sealed: bool
    is_clock_doubtful: bool = False  # the server's clock was not believed when it was recorded; as far as is known
    root: bytes = b""  # the beginning of its Merkle root, where the index knows it

    @property
    def identity(self) -> tuple[int, int]:
        """What names the chunk among those of its track, whether it grows or is sealed."""
        return self.run, self.sequence

    @property
    def time(self) -> TimeRange:
        return TimeRange(self.start_us, max(self.start_us, self.end_us))


def from_record(record: ChunkRecord) -> StoredChunk:
    """The file of a row."""
    return StoredChunk(
        track=record.track,
        run=record.run,
        sequence=record.sequence,
        start_us=record.start_us,
        end_us=record.start_us + record.duration_us,
        volume=record.volume,
        path=record.name().path(),
        readable_bytes=record.bytes,
        sealed=True,
        is_clock_doubtful=record.is_clock_doubtful,
        root=b"" if record.by_name else record.root,
    )


def from_name(name: ChunkName, volume: int, size_bytes: int) -> StoredChunk:
    """A sealed file that has no row yet."""
    end_us = name.start_us + name.duration_ms * 1000
    return StoredChunk(
        name.track, name.run, name.sequence, name.start_us, end_us, volume, name.path(), size_bytes, sealed=True
    )


def from_status(status: TrackStatus) -> StoredChunk | None:
    """The file that grows, as the board tells it; None: there is none."""
    part = parse_part(status.part_path) if status.part_path else None
    if part is None or status.committed_bytes <= 0:
        return None
    return StoredChunk(
        track=part.track,
        run=part.run,
        sequence=part.sequence,
        start_us=status.start_us,
        end_us=status.end_us,
        volume=status.volume,
        path=status.part_path,
        readable_bytes=status.committed_bytes,
        sealed=False,
    )


def signature_of(facts: os.stat_result) -> Signature:
    """A file's, from what the kernel says of it."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
