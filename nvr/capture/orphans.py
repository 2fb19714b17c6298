"""Parts of this recorder that could not be sealed for want of room: tried again and again."""

from collections.abc import Callable

from nvr.chunk.recovery import recover
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.errors import StorageError, VolumeFull
from nvr.log import get_logger
from nvr.timebase import US_PER_S

RETRY_US = 10 * US_PER_S

log = get_logger()


class Orphans:
    """One volume's. Belongs to its disk's thread, but for `add`."""

    def __init__(self, volume: Volume, now_us: int) -> None:
        self._volume = volume
        self._paths: list[str] = []
        self._due_us = now_us + RETRY_US

    def add(self, part_path: str) -> None:
        """Nobody writes this part any more."""
        if part_path not in self._paths:
            self._paths.append(part_path)

    def due(self, now_us: int) -> bool:
        """Whether it is time to try, by the monotonic clock; then not for a while."""
        if now_us < self._due_us:
            return False
        self._due_us = now_us + RETRY_US
        return bool(self._paths)

    def adopt(self, failed: Callable[[StorageError], None]) -> list[SealedChunk]:
        """Seal those for which there is room. The chunks are durable only after the volume's next sync."""
        waiting, self._paths = self._paths, []
        found = []
        for path in waiting:
            try:
                found.append(recover(self._volume, path))
            except VolumeFull:
                self._paths.append(path)
            except StorageError as error:
                failed(error)  # what cannot be read now waits for the next start
            except Exception:  # whatever stands in it, this file fails alone, and waits for the next start as well
                log.exception("a part cannot be sealed", path=path, volume=self._volume.number)
        return [chunk for chunk in found if chunk is not None]
