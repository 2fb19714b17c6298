"""What the end of an earlier recorder left on a volume: parts to be sealed, and sealed files without a row.

Cameras are recorded meanwhile: nothing here waits for them, nor they for it. What was open in the last hours is looked
for first, for retention and the gaps of the start wait for it; an old part is found when all folders are looked
through, which takes minutes where millions of files lie.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from nvr.capture.bookkeeper import Batch, Bookkeeper
from nvr.capture.disk import Disk
from nvr.chunk.filesystem import be_idle
from nvr.chunk.name import ChunkName
from nvr.chunk.recovery import adopt, recover
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.errors import StorageError, VolumeFull
from nvr.log import get_logger
from nvr.timebase import US_PER_S

log = get_logger()

LOOK_BACK_US = 3 * 3600 * US_PER_S  # chosen: what a crash leaves open was begun within the hour before
UNSYNCED_MS = 120_000  # chosen: twice the longest time between two syncs; what ended earlier is not read anew


class Salvage:
    """One volume's. Made before its disk takes the first chunk, whose own parts it leaves alone (`Disk.made`).

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
        self._looked_at: set[str] = set()
        self._newest_us = self._newest()

    def _newest(self) -> int:
        """The beginning of the newest hour. A volume that cannot say so must not keep the others from recording."""
        try:
            return self._volume.newest_us() or 0
        except StorageError as error:
            self._failed(self._volume, error)
            return self._before_us

    def _parts(
        self, disk: Disk, since_us: int | None = None, is_over: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        """Those that are nobody's, each once."""
        try:
            for path in self._volume.parts(since_us, is_over):
                if path not in (disk.made or ()) and path not in self._looked_at:
                    self._looked_at.add(path)
                    yield path
        except StorageError as error:
            self._failed(self._volume, error)

    def run(self, disk: Disk) -> list[SealedChunk]:
        """Seal, adopt, sync and index. Each file for itself: one that cannot be read must not keep the others out."""
        try:
            return self._run(disk)
        except Exception:  # whatever lies on it, this volume fails alone: what it holds waits for the next start
            log.exception("what an earlier recorder left cannot be taken in", volume=self._volume.number)
            return []

    def _run(self, disk: Disk) -> list[SealedChunk]:
        volume, names = self._volume, self._unindexed()
        newest_us = min(self._newest_us, self._before_us)  # a disk that was away for a week looks back from there
        found = [self._recovered(disk, path) for path in list(self._parts(disk, newest_us - LOOK_BACK_US))]
        synced_ms = max(map(_end_ms, names), default=0) - UNSYNCED_MS
        for name in names:
            synced = _end_ms(name) < synced_ms
            salvage = partial(adopt, volume, name, synced=synced, from_disk=self._from_disk)
            found.append(self._salvaged(disk, name.part_path(), salvage))
        return self._committed(found)

    def run_old(self, disk: Disk, is_over: Callable[[], bool]) -> None:
        """Look through all folders for old parts and seal them, until it is over; each is indexed before the next."""
        be_idle()
        try:
            for path in self._parts(disk, None, is_over):
                self._committed([self._recovered(disk, path)])
        except Exception:  # whatever lies on it, this volume fails alone: what it holds waits for the next start
            log.exception("old parts cannot be looked for", volume=self._volume.number)
        finally:
            disk.made = None  # nobody asks any more: it must not grow for as long as the recorder runs

    def _recovered(self, disk: Disk, path: str) -> SealedChunk | None:
        return self._salvaged(disk, path, partial(recover, self._volume, path, from_disk=self._from_disk))

    def _committed(self, found: Iterable[SealedChunk | None]) -> list[SealedChunk]:
        sealed = [chunk for chunk in found if chunk is not None]
        try:
            if sealed:
                self._volume.sync_apart()
                self._bookkeeper.commit(Batch(self._volume.number, tuple(sealed), ()))
        except StorageError as error:
            self._failed(self._volume, error)
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
