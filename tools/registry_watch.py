"""The thread that copies the registry to two volumes: within a minute of a change, and looked after every hour."""

from collections.abc import Callable, Mapping
from time import monotonic

from indexer import registry_copy
from indexer.registry import Registry
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.log import get_logger
from nvr.periodic import PeriodicThread
from nvr.timebase import Clock

log = get_logger()

LOOK_S = 5.0  # chosen: asking costs microseconds
CHANGED_S = 60.0  # chosen: not more often, however often somebody changes something
AGAIN_S = 3600.0  # and so often it is read again whether the copies are there and whole
PLACES = 2  # volumes that hold it


class RegistryWatch(PeriodicThread):
    """The thread.

    Args:
        registry: what is copied.
        at_work: the volumes that are open now, by number.
        clock: tells when a copy was made.
    """

    def __init__(self, registry: Registry, at_work: Callable[[], Mapping[int, Volume]], clock: Clock) -> None:
        super().__init__("registry", LOOK_S)
        self._registry = registry
        self._at_work = at_work
        self._clock = clock
        self._copied: tuple[int, frozenset[int]] | None = None  # the change and the volumes, last time
        self._next_s = 0.0  # monotonic: not before
        self._again_s = 0.0
        self.trouble = ""  # for people

    def failed(self, error: Exception) -> None:
        super().failed(error)
        self.trouble = f"the camera list cannot be copied: {error}"
        self._next_s = monotonic() + CHANGED_S

    def look(self) -> None:
        """Copy it if it is time.

        Raises:
            StorageError: the registry cannot be read.
        """
        now_s, volumes = monotonic(), self._at_work()
        state = (self._registry.last_change(), frozenset(volumes))
        if now_s < self._next_s or (state == self._copied and now_s < self._again_s) or not volumes:
            return
        self._next_s, self._again_s = now_s + CHANGED_S, now_s + AGAIN_S
        self.copy(volumes)
        self._copied = (self._registry.last_change(), state[1])

    def copy(self, volumes: Mapping[int, Volume]) -> None:
        """Write it where it is not yet, verify it where it is; `trouble` says what that does not solve."""
        if self._registry.is_empty():
            self.trouble = _found_words(volumes)
            return
        data, good, why = self._registry.copy(self._clock.wall_us()), 0, ""
        for number in sorted(volumes):
            if good == PLACES:
                break
            try:
                _keep(volumes[number], data)
                good += 1
            except (StorageError, IntegrityError) as error:
                why = f": {error}"
                log.error("the camera list cannot be copied to a disk", volume=number, error=str(error))  # noqa: TRY400
        wanted = min(PLACES, len(volumes))
        self.trouble = "" if good >= wanted else f"the camera list lies on {good} of {wanted} disks only{why}"


def _keep(volume: Volume, data: bytes) -> None:
    """See that a volume has this content as its newest copy, and whole.

    Raises:
        StorageError: the disk does not take it.
        IntegrityError: it gives other bytes than it was given.
    """
    files, name = volume.root_files(), registry_copy.name_of(data)
    _, registry, digest = registry_copy.parts_of(name) or (0, "", "")
    names = files.names(registry_copy.PREFIX, registry_copy.SUFFIX)
    own = [known for known in names if (parts := registry_copy.parts_of(known)) and parts[1] == registry]
    newest = own[-1] if own and (registry_copy.parts_of(own[-1]) or (0, "", ""))[2] == digest else None
    if newest is None or not _is_whole(volume, newest):
        files.write(name, data)
        registry_copy.read(files.read(name, registry_copy.LIMIT_BYTES), f"{volume.path}/{name}")
        names.append(name)
    for old in registry_copy.surplus(names, registry):
        files.remove(old)


def _is_whole(volume: Volume, name: str) -> bool:
    try:
        registry_copy.read(volume.root_files().read(name, registry_copy.LIMIT_BYTES), name)
    except IntegrityError as error:
        log.error("a copy of the camera list is damaged", volume=volume.number, error=str(error))  # noqa: TRY400
        return False
    return True


def _found_words(volumes: Mapping[int, Volume]) -> str:
    """What to say where there is no camera, though there was one once."""
    for number in sorted(volumes):
        try:
            names = volumes[number].root_files().names(registry_copy.PREFIX, registry_copy.SUFFIX)
        except StorageError:
            continue
        if names:
            return f"the camera list is empty, and disk {number} has a copy of one: nvr registry restore"
    return ""
