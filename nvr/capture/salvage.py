"""What the end of an earlier recorder left on a volume: parts to be sealed, and sealed files without a row.

Cameras are recorded meanwhile: nothing here waits for them, nor they for it.
"""

from collections.abc import Callable
from functools import partial

from nvr.capture.bookkeeper import Batch, Bookkeeper
from nvr.capture.disk import Disk
from nvr.chunk.name import ChunkName
from nvr.chunk.recovery import adopt, recover
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.errors import StorageError, VolumeFull
from nvr.log import get_logger

log = get_logger()

UNSYNCED_MS = 120_000  # chosen: twice the longest time between two syncs; what ended earlier is not read anew


class Salvage:
    """One volume's. Made before its disk takes the first chunk: what is open then is nobody's.

    Args:
        failed: takes what cannot be read or written.
        before_us: files that began later are the recorder's own.
        from_disk: the volume has failed before: what the kernel remembers of it may never have got there.
    """

    def __init__(
        self,
        volume: Volume,
        bookkeeper: Bookkeeper,
        failed: Callable[[Volume, StorageError], None],
        before_us: int,
        *,
        from_disk: bool = False,
    ) -> None:
        self._volume = volume
        self._bookkeeper = bookkeeper
        self._failed = failed
        self._before_us = before_us
        self._from_disk = from_disk
        self._parts = self._parts_left()

    def _parts_left(self) -> list[str]:
        """A volume that cannot say so must not keep the others from recording."""
        try:
            return list(self._volume.parts())
        except StorageError as error:
            self._failed(self._volume, error)
            return []

    def run(self, disk: Disk) -> list[SealedChunk]:
        """Seal, adopt, sync and index. Each file for itself: one that cannot be read must not keep the others out."""
        try:
            return self._run(disk)
        except Exception:  # whatever lies on it, this volume fails alone: what it holds waits for the next start
            log.exception("what an earlier recorder left cannot be taken in", volume=self._volume.number)
            return []

    def _run(self, disk: Disk) -> list[SealedChunk]:
        volume, names = self._volume, self._unindexed()
        found = [
            self._salvaged(disk, path, partial(recover, volume, path, from_disk=self._from_disk))
            for path in self._parts
        ]
        synced_ms = max(map(_end_ms, names), default=0) - UNSYNCED_MS
        for name in names:
            synced = _end_ms(name) < synced_ms
            salvage = partial(adopt, volume, name, synced=synced, from_disk=self._from_disk)
            found.append(self._salvaged(disk, name.part_path(), salvage))
        sealed = [chunk for chunk in found if chunk is not None]
        try:
            if sealed:
                volume.sync_apart()
                self._bookkeeper.commit(Batch(volume.number, tuple(sealed), ()))
        except StorageError as error:
            self._failed(volume, error)
            return []
        return sealed

    def _unindexed(self) -> list[ChunkName]:
        try:
            return self._bookkeeper.unindexed(self._volume, self._before_us)
        except StorageError as error:
            self._failed(self._volume, error)
            return []

    def _salvaged(self, disk: Disk, part_path: str, salvage: Callable[[], SealedChunk | None]) -> SealedChunk | None:
        try:
            return salvage()
        except VolumeFull as error:
            disk.add_orphan(part_path)
            self._failed(self._volume, error)
        except StorageError as error:
            self._failed(self._volume, error)
        except Exception:  # whatever stands in it, this file fails alone: it stays, for a person to look at
            log.exception("a file cannot be taken in", path=part_path, volume=self._volume.number)
        return None


def _end_ms(name: ChunkName) -> int:
    return name.start_us // 1000 + name.duration_ms
