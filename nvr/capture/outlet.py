"""Where a track's events go: the disk that placement chooses for each chunk."""

from nvr.capture.disk import HANGS_US, Disk
from nvr.capture.diskpool import DiskPool
from nvr.capture.events import ChunkEnded, ChunkLost, ChunkOpened, ChunkRest, Event, FragmentClosed, start_of
from nvr.errors import StorageError
from nvr.media import GapReason, Track

NO_VOLUME = "every volume is full or has failed; free space or replace the disk"
TOO_SLOW = "the disk cannot keep up; look for other load on it, or add a volume"
TOO_MUCH = "this camera sends so much that the disk cannot keep up, and the others go first; lower its bit rate"
SLOW = "see whether another program uses it; if not, it may be about to fail"


class Outlet:
    """Carries one track's events to the disks."""

    def __init__(self, track: Track, pool: DiskPool) -> None:
        self._track = track
        self._pool = pool
        self._disk: Disk | None = None
        self.refusal = ""  # why `carry` took not everything the last time, for people
        self.urgent = False  # somebody watches: do not wait for the disk's next turn

    def carry(self, events: list[Event]) -> GapReason | None:
        """Queue events; None: all were taken, otherwise why the open chunk cannot go on (the rest is dropped)."""
        for event in events:
            if isinstance(event, ChunkOpened):
                self._disk = self._pool.choose(self._track.channel, event.start_us)
            if self._disk is None:
                self.refusal = NO_VOLUME
                return GapReason.DISK
            queue = self._disk.queue
            if queue.put(self._track, event, urgent=self.urgent and isinstance(event, FragmentClosed)):
                continue
            self.refusal = TOO_MUCH if queue.is_crowded_by(self._track) else TOO_SLOW
            self._pool.avoid(self._disk, StorageError("the disk is slower than what comes in", hint=SLOW))
            return GapReason.OVERLOAD
        return None

    def stuck_us(self, now_us: int) -> int:
        """For how long the disk of the open chunk has not answered, if that is so long that it hangs; monotonic."""
        since_us = self._disk.busy_since_us if self._disk is not None else None
        return 0 if since_us is None or now_us - since_us < HANGS_US else now_us - since_us

    def leads_to(self, disk: Disk) -> bool:
        """Whether the open chunk lies on this disk."""
        return self._disk is disk

    def end(self, events: list[Event]) -> None:
        """Queue the end of a chunk that cannot go on; what does not fit before it is dropped."""
        for event in events:
            if isinstance(event, ChunkOpened):  # after a cut that came out only now
                self._disk = self._pool.choose(self._track.channel, event.start_us)
            if self._disk is not None:
                self._disk.queue.put(self._track, event)
                if isinstance(event, ChunkEnded | ChunkLost):
                    self._disk = None

    def move(self, rest: ChunkOpened | ChunkRest, away: Disk) -> bool:
        """Bring what a volume did not keep to one that can be used, the same if its ballast has made room; or False."""
        disk = self._pool.choose(self._track.channel, start_of(rest))
        if disk is None:
            return False
        disk.queue.put(self._track, rest, urgent=True)
        if self._disk is away and not (isinstance(rest, ChunkRest) and rest.ended):
            self._disk = disk
        return True
