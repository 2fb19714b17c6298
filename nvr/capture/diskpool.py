"""The disks at work: which of them takes the next chunk, and which are left alone for a while."""

from nvr.capture.disk import Disk
from nvr.capture.placement import ranked
from nvr.errors import StorageError, VolumeFull
from nvr.timebase import US_PER_S, Clock

RETRY_US = 10 * US_PER_S  # chosen: a volume that failed is tried again so often


class DiskPool:
    """The disks at work, and which of them cannot be used at the moment."""

    def __init__(self, clock: Clock) -> None:
        self.disks: tuple[Disk, ...] = ()  # replaced, never changed: other threads read it
        self._clock = clock
        self._unusable_until_us: dict[int, int] = {}
        self._full: set[int] = set()  # those of them that only want room
        self.trouble: dict[int, str] = {}  # volume number → what is wrong, for people
        self.draining: frozenset[int] = frozenset()  # volumes that take footage only where no other does

    def add(self, disk: Disk) -> None:
        """From now on this disk takes its share."""
        self.disks = (*self.disks, disk)
        self.trouble.pop(disk.volume.number, None)

    def drop(self, disk: Disk) -> None:
        """This disk takes nothing any more."""
        self.disks = tuple(one for one in self.disks if one is not disk)
        self._unusable_until_us.pop(disk.volume.number, None)  # the trouble stays until the volume is added again

    def failed(self, number: int, error: StorageError) -> None:
        """A volume could not be written: leave it alone for a while, a full one until there is room."""
        (self._full.add if isinstance(error, VolumeFull) else self._full.discard)(number)
        self._unusable_until_us[number] = self._clock.monotonic_us() + RETRY_US
        self.trouble[number] = str(error)

    def room_made(self, number: int) -> None:
        """Footage has been deleted there: if it was full, it is tried again at once."""
        if number in self._full:
            self._full.discard(number)
            self._unusable_until_us.pop(number, None)

    def avoid(self, disk: Disk, error: StorageError) -> bool:
        """A disk does not keep up: leave it alone for a while if there is another one; whether there is."""
        others = [one for one in self.usable() if one is not disk]
        if others:
            self.failed(disk.volume.number, error)
        else:
            self.trouble = self.trouble | {disk.volume.number: str(error)}
        return bool(others)

    def worked(self, number: int) -> None:
        """A volume takes fragments."""
        if self.trouble and number not in self._unusable_until_us:
            self.trouble.pop(number, None)

    def usable(self) -> list[Disk]:
        """The disks that can be used at present."""
        now_us = self._clock.monotonic_us()
        self._unusable_until_us = {n: until for n, until in self._unusable_until_us.items() if until > now_us}
        out = self._unusable_until_us
        return [disk for disk in self.disks if disk.volume.number not in out and not disk.leaving]

    def choose(self, channel: int, wall_us: int) -> Disk | None:
        """The disk for a chunk that starts now; None: no volume can be used."""
        usable = self.usable()
        wanted = [disk for disk in usable if disk.volume.number not in self.draining]
        return next(iter(ranked(channel, wall_us, wanted or usable)), None)
