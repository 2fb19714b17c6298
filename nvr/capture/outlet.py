"""Where a track's events go: the disk that placement chooses for each chunk."""

from collections.abc import Sequence

from nvr.capture.disk import Disk
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.placement import ranked
from nvr.media import GapReason, Track
from nvr.timebase import US_PER_S, Clock

RETRY_US = 10 * US_PER_S  # chosen: a full or failed volume is tried again so often


class DiskPool:
    """All disks, and which of them cannot be used at the moment."""

    def __init__(self, disks: Sequence[Disk], clock: Clock) -> None:
        self.disks = tuple(disks)
        self._clock = clock
        self._unusable_until_us: dict[int, int] = {}
        self.trouble: dict[int, str] = {}  # volume number → what is wrong, for people
        self.draining: frozenset[int] = frozenset()  # volumes that take footage only where no other does

    def failed(self, number: int, what: str) -> None:
        """A volume could not be written: leave it alone for a while."""
        self._unusable_until_us[number] = self._clock.monotonic_us() + RETRY_US
        self.trouble[number] = what

    def worked(self, number: int) -> None:
        """A volume takes fragments."""
        if self.trouble and number not in self._unusable_until_us:
            self.trouble.pop(number, None)

    def choose(self, channel: int, wall_us: int) -> Disk | None:
        """The disk for a chunk that starts now; None: no volume can be used."""
        now_us = self._clock.monotonic_us()
        self._unusable_until_us = {n: until for n, until in self._unusable_until_us.items() if until > now_us}
        usable = [disk for disk in self.disks if disk.volume.number not in self._unusable_until_us]
        wanted = [disk for disk in usable if disk.volume.number not in self.draining]
        return next(iter(ranked(channel, wall_us, wanted or usable)), None)


class Outlet:
    """Carries one track's events to the disks."""

    def __init__(self, track: Track, pool: DiskPool) -> None:
        self._track = track
        self._pool = pool
        self._disk: Disk | None = None
        self.urgent = False  # somebody watches: do not wait for the disk's next turn

    def carry(self, events: list[Event]) -> GapReason | None:
        """Queue events; None: all were taken, otherwise why the open chunk cannot go on (the rest is dropped)."""
        for event in events:
            if isinstance(event, ChunkOpened):
                self._disk = self._pool.choose(self._track.channel, event.start_us)
            if self._disk is None:
                return GapReason.DISK
            if not self._disk.queue.put(self._track, event, urgent=self.urgent and isinstance(event, FragmentClosed)):
                return GapReason.OVERLOAD
        return None

    def end(self, events: list[Event]) -> None:
        """Queue the end of a chunk that cannot go on; what does not fit before it is dropped."""
        for event in events:
            if self._disk is not None:
                self._disk.queue.put(self._track, event)
                if isinstance(event, ChunkEnded):
                    self._disk = None
