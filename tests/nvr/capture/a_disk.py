"""A disk without an engine: its thread writes a real volume, and what it says is kept in lists."""

import threading
from collections.abc import Collection

from nvr.capture.bookkeeper import Batch
from nvr.capture.disk import Disk
from nvr.capture.diskqueue import DiskQueue
from nvr.capture.gaps import GapLedger
from nvr.capture.report import Progress
from nvr.capture.unsynced import Unsynced
from nvr.chunk.header import ChunkHeader
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, Clock


class Heard:
    """What the disk says, in lists."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.broken: dict[Track, str] = {}
        self.failures: list[StorageError] = []
        self.ended = threading.Event()

    def commit(self, batch: Batch) -> None:
        self.batches.append(batch)

    def progress(self, rows: list[Progress]) -> None:
        pass

    def volume_failed(self, volume: Volume, error: StorageError) -> None:
        self.failures.append(error)

    def ballast_given_up(self, volume: Volume) -> None:
        pass

    def chunk_failed(self, track: Track, what: str) -> None:
        self.broken[track] = what

    def disk_ended(self, disk: Disk) -> None:
        self.ended.set()

    def move_on(self, disk: Disk, left: Unsynced, tracks: Collection[Track] | None, error: StorageError) -> None:
        raise AssertionError("nothing of this is the disk's fault")

    @property
    def sealed(self) -> list[ChunkHeader]:
        return [chunk.header for batch in self.batches for chunk in batch.sealed]


def a_disk(volume: Volume, heard: Heard, clock: Clock, reserve_bytes: int = 0) -> Disk:
    """Not started yet."""
    return Disk(
        volume,
        DiskQueue(1 << 30),
        heard,
        GapLedger(),
        clock=clock,
        weight=1,
        site="test",
        engine="test",
        roots={},
        name_of=str,
        is_clock_doubtful=lambda: False,
        reserve_bytes=lambda track: reserve_bytes,
        sync_interval_us=US_PER_S,
    )
