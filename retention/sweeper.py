"""The thread that keeps the disks from filling: decides again and again what must go, and deletes it."""

import math
import queue
import resource
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from indexer.writer import IndexWriter
from nvr.believedclock import Belief
from nvr.capture.ladder import Rung
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings
from nvr.errors import StorageError
from nvr.log import get_logger
from nvr.timebase import US_PER_S, Clock
from retention import ageing, ballast
from retention.deletion import Deletion
from retention.facts import Facts
from retention.holds import Standing
from retention.ladder import rung
from retention.plan import DeletePlan, Shortage, VolumeRoom, Why, plan
from retention.policy import GB, policies, quotas

log = get_logger()

MIB = 1 << 20
YOUNG = "it takes footage that is younger than min_days: raise quota_gb, or lower min_days, of these channels"
HELD = "held footage alone is more than it allows: raise quota_gb, or release holds that nobody needs"
LOOK_S = 1.0  # chosen: a small volume may be full before the next sweep, and asking costs 0.2 ms
YOUNG_GOES = (
    "there is too little room, and footage younger than min_days is deleted here, as last_resort in nvr.toml wants "
    "(add a disk, remove other files, or lower min_days)"
)


SINGLE = (
    "there is too little room, and footage younger than min_days is kept in one file only, although copies in nvr.toml "
    "wants two (add a disk, remove other files, or lower min_days)"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast footage is deleted.

    50 files a second or so are 1.5 GB a second of 30 MB chunks: fifty times what 55 cameras bring, so that any backlog
    shrinks, while the writers have the disk for themselves at least half of the time.
    """

    interval_s: float = 30.0  # between two sweeps
    turn_files: int = 50  # deleted in one go
    pause_s: float = 0.5  # between two turns


class Sweeper(threading.Thread):
    """Sweeps every 30 s, and at once when a volume is short or says that it is full. ``with`` starts and stops it.

    Args:
        writer: of the index; others may share it.
        volumes: those that can be written at present.
        settings: the retention defaults.
        ingest_bps: bits that all cameras bring in a second, as measured.
        ready: whether recovery is over. Before that only what a crash left half deleted is deleted to the end: a row
            that left while recovery compares files with rows would make it adopt a file that is about to go.
        clock: tells the believed time.
        belief: what is believed of the server's clock now: by it ages are judged.
        holds: what must not be deleted.
        pace: how fast.
    """

    def __init__(
        self,
        writer: IndexWriter,
        volumes: Sequence[Volume],
        settings: RetentionSettings,
        *,
        ingest_bps: Callable[[], int],
        ready: Callable[[], bool],
        clock: Clock,
        belief: Callable[[], Belief],
        holds: Standing,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(name="sweeper")
        self._settings = settings
        self._quotas = quotas(settings)
        self._told: set[tuple[str, str]] = set()  # quota and trouble: each is told once
        self._ready = ready
        self._clock = clock
        self._belief = belief
        self._holds = holds
        self._pace = pace or Pace()
        self._volumes = {volume.number: volume for volume in volumes}
        self._facts = Facts(writer.store, settings, ingest_bps, clock)
        self.deletion = Deletion(writer, self._volumes, holds.frozen, clock, self._pace.turn_files)
        self._full: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self.trouble: dict[int, str] = {}  # volume number → what is wrong, for people; replaced, never changed
        self.swept_us = 0  # wall time of the last look after which nothing was left to delete
        self.cpu_us = 0  # of this thread
        self.rung = Rung.ALL
        self._with_ballast: set[int] = set()  # volumes that have one, or had one and ran full
        self.on_room: Callable[[int], None] = lambda _: None  # told, by this thread, where files have gone
        self.on_rung: Callable[[Rung], None] = lambda _: None  # told, by this thread, when the rung changes

    # -- volumes come and go (any thread) --------------------------------------------------------------------------

    def add(self, volume: Volume) -> None:
        """From the next sweep on this volume is kept from filling as well."""
        self._take(self._volumes | {volume.number: volume})

    def drop(self, number: int) -> None:
        """This volume is gone: nothing is deleted there any more."""
        self._take({other: volume for other, volume in self._volumes.items() if other != number})

    def _take(self, volumes: dict[int, Volume]) -> None:
        self._volumes = self.deletion.volumes = volumes  # replaced, never changed: a sweep may be under way

    # -- life (any thread) -----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish the turn and end; what is half deleted is deleted at the next start."""
        self._stopping.set()
        self._wake.set()
        self.join()

    def look_again(self) -> None:
        """The index has learned of footage that was there before: sweep now."""
        self._facts.forget()
        self._wake.set()

    def volume_full(self, number: int) -> None:
        """A volume has refused a write for want of room: sweep now."""
        self._full.put(number)
        self._wake.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.sweep()
            except Exception as error:  # outermost loop: without this thread every disk fills, so it tries again
                log.exception("sweep")
                self.trouble = dict.fromkeys(self._volumes, f"old footage cannot be deleted: {error}")
            usage = resource.getrusage(resource.RUSAGE_THREAD)
            self.cpu_us = int((usage.ru_utime + usage.ru_stime) * US_PER_S)
            self._rest()

    def _rest(self) -> None:
        """Until the next sweep is due, a volume is short, or somebody wakes us."""
        rest_s = self._pace.interval_s if self._ready() else self._pace.pause_s
        for _ in range(math.ceil(rest_s / LOOK_S)):
            if self._wake.wait(min(rest_s, LOOK_S)) or self._is_short():
                break
        self._wake.clear()

    def _is_short(self) -> bool:
        """Whether a volume fell below its mark; not one that cannot be helped."""
        hopeful = [volume for number, volume in self._volumes.items() if number not in self.trouble]
        try:
            rooms = [self._facts.room(volume, said_full=False) for volume in hopeful]
        except StorageError:
            return True  # the sweep will say so
        return any(room.is_short for room in rooms)

    # -- a sweep ---------------------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Delete what crashes left half deleted, then all that must go now; `trouble` says what that does not solve.

        Raises:
            StorageError: the index fails.
        """
        self._holds.refresh()
        unmirrored = self._holds.mirror(self._volumes.values())
        self.deletion.retry()
        self._clear()
        if not self._ready():
            return
        said_full, young, single = self._said_full(), set[int](), set[int]()
        while not self._stopping.is_set():
            looked_us = self._clock.wall_us()
            made = self.decide(said_full)
            moved = self._carry_out(made)
            young |= made.young
            single |= made.single
            self._tell_quotas(made)
            if not made.is_partial or not moved:
                self.swept_us = looked_us
                alarms = self._ballasts() | dict.fromkeys(single, SINGLE) | dict.fromkeys(young, YOUNG_GOES)
                self.trouble = unmirrored | alarms | self._troubles(made.shortages)
                self._take_rung()
                return
            said_full = set()

    def decide(self, said_full: Iterable[int] = ()) -> DeletePlan:
        """The next plan. Volumes that do not let go of their garbage are left out: they would lose all and gain none.

        Raises:
            StorageError: the index cannot be read.
        """
        usage_bytes = self._facts.usage_bytes()
        full, belief = set(said_full), self._belief()
        self._facts.pieces = ageing.pieces(belief)
        return plan(
            belief.now_us,
            policies(self._settings, {track.channel for track, _ in usage_bytes}),
            self._quotas,
            usage_bytes,
            list(filter(None, (self._room(volume, full) for volume in self._volumes.values()))),
            self._facts.oldest,
            self._holds.is_held,
            limit=self._pace.turn_files,
            by_age=belief.is_believed,
            spare_young=self._settings.last_resort == "record_less",
            doubles=self._facts.doubles,
        )

    def _room(self, volume: Volume, said_full: set[int]) -> VolumeRoom | None:
        if volume.number in self.deletion.stuck:
            return None
        try:
            return self._facts.room(volume, said_full=volume.number in said_full)
        except StorageError as error:
            self.deletion.stuck[volume.number] = str(error)
            return None

    def _carry_out(self, made: DeletePlan) -> int:
        """Turn by turn; how many chunks have left the index."""
        moved, size = 0, self._pace.turn_files
        for first in range(0, len(made.victims), size):
            if self._stopping.is_set():
                break
            turn = made.victims[first : first + size]
            moved += self.deletion.condemn(victim.chunk for victim in turn if victim.only is None)
            moved += self.deletion.thin((victim.chunk, victim.only) for victim in turn if victim.only is not None)
            self._clear()
            self._stopping.wait(self._pace.pause_s)
        if moved:
            _tell(made, moved)
        return moved

    def _clear(self) -> None:
        """Delete the garbage of every volume, with pauses if it is more than one turn's."""
        for number in self._volumes:
            while gone := self.deletion.clear(number):
                self.on_room(number)
                if gone < self._pace.turn_files or self._stopping.is_set():
                    break
                self._stopping.wait(self._pace.pause_s)

    def _said_full(self) -> set[int]:
        numbers = set()
        while not self._full.empty():
            numbers.add(self._full.get())
        return numbers

    def _take_rung(self) -> None:
        """Record less while nothing more may be deleted, and more again when there is room."""
        try:
            rooms = [self._facts.room(volume, said_full=False) for volume in self._volumes.values()]
        except StorageError:
            return  # `trouble` says so; what cannot be asked cannot be judged
        next_rung = rung(self.rung, rooms, self.trouble.keys())
        if next_rung is not self.rung:
            log.error("recording changes", records=next_rung.word, before=self.rung.word, why="room on the disks")
            self.rung = next_rung
            self.on_rung(next_rung)

    def _ballasts(self) -> dict[int, str]:
        """Make the ballasts for which there is room; gives the alarms about those that are used up."""
        alarms = {}
        for number, volume in self._volumes.items():
            with suppress(StorageError):  # who writes or sweeps there says so
                alarm = self._ballast(volume)
                if alarm:
                    alarms[number] = alarm
        return alarms

    def _ballast(self, volume: Volume) -> str:
        had, has = volume.number in self._with_ballast, volume.has_ballast()
        size_bytes = ballast.size_bytes(volume.total_bytes(), self._settings.ballast_mib)
        if not has and ballast.may_make(self._facts.room(volume, said_full=False), size_bytes):
            volume.make_ballast(size_bytes)
            has = True
        if had and not has and volume.number not in self.trouble:
            log.error("ballast", volume=volume.number, trouble=ballast.words(size_bytes))
        if has:
            self._with_ballast.add(volume.number)
        return ballast.words(size_bytes) if had and not has else ""

    # -- words for people ------------------------------------------------------------------------------------------

    def _troubles(self, shortages: Iterable[Shortage]) -> dict[int, str]:
        short = {shortage.volume: self._words(shortage) for shortage in shortages}
        stuck = {number: f"old footage cannot be deleted: {why}" for number, why in self.deletion.stuck.items()}
        for number, words in (short | stuck).items():
            if number not in self.trouble:
                log.error("room", volume=number, trouble=words)
        return short | stuck

    def _tell_quotas(self, made: DeletePlan) -> None:
        """A quota is a promise that may break another one: nobody is to learn it from missing footage."""
        troubles = [(quota, YOUNG) for quota in made.too_small] + [(quota, HELD) for quota in made.exceeded]
        for quota, trouble in troubles:
            if (quota.whose, trouble) not in self._told:
                self._told.add((quota.whose, trouble))
                log.error("quota", whose=quota.whose, quota_gb=quota.bytes / GB, trouble=trouble)

    def _words(self, shortage: Shortage) -> str:
        wanted = [f"{-(-shortage.missing_bytes // MIB)} MiB"] if shortage.missing_bytes else []
        wanted += [f"{shortage.missing_files} files (inodes)"] if shortage.missing_files else []
        return (
            f"there is too little room, {' and '.join(wanted)} more are needed, and nothing that may "
            f"be deleted is left: all footage here is younger than min_days ({self._settings.min_days:g}) or held, or "
            "other files fill the disk (add a disk, remove other files, or lower min_days)"
        )


def _tell(made: DeletePlan, moved: int) -> None:
    why = Counter(victim.why for victim in made.victims)
    log.info(
        "footage deleted",
        chunks=moved,
        mib=sum(victim.freed_bytes() for victim in made.victims) // MIB,
        too_old=why[Why.MAX_AGE],
        over_quota=why[Why.QUOTA],
        for_room=why[Why.LOW_WATER],
        second_files=why[Why.SECOND_FILE],
        younger_than_min_days=why[Why.LAST_RESORT],
    )
