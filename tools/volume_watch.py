"""Volumes come and go while the recorder runs: added to nvr.toml or taken out of it, unmounted, back again."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from indexer.reader import IndexReader
from indexer.writer import IndexWriter
from nvr.chunk import identity
from nvr.chunk.volume import Volume
from nvr.config import VolumeSettings, load
from nvr.errors import ConfigError, StorageError, unforeseen
from nvr.log import get_logger
from nvr.periodic import PeriodicThread
from nvr.timebase import Clock

log = get_logger()

LOOK_S = 3.0  # chosen: an operator who mounts a disk sees it taken at once, and looking costs 0.1 ms
BACKOFF_S = 600.0  # chosen: a disk that takes footage and fails again costs a move of it each time
STEADY_S = 600.0  # chosen: whoever held out so long is trusted again


class Taker(Protocol):
    """Who writes to volumes: the engine."""

    def add(self, volume: Volume, weight: int) -> bool: ...
    def let_go(self, number: int) -> None: ...


class Tender(Protocol):
    """Who keeps volumes from filling: the sweeper."""

    def add(self, volume: Volume) -> None: ...
    def drop(self, number: int) -> None: ...


def clone_refused(who: identity.Identity, path: Path, place: Path) -> StorageError:
    """The error for a disk that is a copy of one that is in use."""
    return StorageError(
        f"this disk is a copy of volume {who.number}, which lies at {place}: both have the uuid {who.uuid}",
        where=str(path),
        hint="unmount one of the two; to record on this one, make a new file system on it, then nvr volumes add",
    )


class VolumeOpener:
    """Opens volumes for writing, as the index knows them."""

    def __init__(self, writer: IndexWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self.trouble: dict[int, str] = {}  # volume number → why it cannot be used, for people
        self.in_use = False  # whether another process writes one of them
        self._places: dict[bytes, Path] = {}  # uuid → where it was opened last

    def open(self, wanted: VolumeSettings) -> Volume | None:
        """The volume; None: it cannot be used, and `trouble` says why.

        Never made here: an empty mount point must not pass for the disk. `nvr init` makes volumes.

        Raises:
            StorageError: the index cannot be read.
        """
        try:
            return self._open(wanted)
        except StorageError:
            raise
        except Exception as error:  # whatever lies in that folder, this volume fails alone
            if wanted.number not in self.trouble:
                log.exception("a volume cannot be used", volume=wanted.number)
            self.trouble = self.trouble | {wanted.number: f"{wanted.path}: {unforeseen(error)}"}
            return None

    def _open(self, wanted: VolumeSettings) -> Volume | None:
        known = IndexReader(self._writer.store).volumes().get(wanted.number)
        try:
            volume = Volume.open(wanted.number, wanted.path, create=False, clock=self._clock, expected_uuid=known)
            try:
                volume.clear_drafts()
                self._writer.remember_volume(volume.number, volume.uuid)
            except Exception:
                volume.close()
                raise
        except StorageError as failure:
            error = self._is_clone(wanted) or failure
            self.in_use = self.in_use or isinstance(failure.__context__, BlockingIOError)
            if self.trouble.get(wanted.number) != str(error):
                log.error("a volume cannot be used", volume=wanted.number, error=str(error))  # noqa: TRY400 - no bug of ours
            self.trouble = self.trouble | {wanted.number: str(error)}
            return None
        self.trouble = {number: why for number, why in self.trouble.items() if number != wanted.number}
        self._places[volume.uuid] = wanted.path
        return volume

    def _is_clone(self, wanted: VolumeSettings) -> StorageError | None:
        """What to say where a disk is the copy of another one: its uuid is there twice."""
        who = identity.of_folder(wanted.path)
        place = None if who is None else self._places.get(who.uuid.bytes)
        if who is None or place is None or place == wanted.path or not place.exists():
            return None
        return clone_refused(who, wanted.path, place)


@dataclass(slots=True)
class _Failures:
    """How often in a row a volume was given up, and when it may be tried again; monotonic seconds."""

    count: int = 0
    taken_s: float = 0.0
    next_s: float = 0.0

    def add(self, now_s: float) -> None:
        self.count = 1 if now_s - self.taken_s > STEADY_S else self.count + 1
        self.next_s = now_s + min(LOOK_S * 2 ** (self.count - 1), BACKOFF_S)


class VolumeWatch(PeriodicThread):
    """Brings volumes to the recorder and takes them away.

    Args:
        config: nvr.toml; only its volumes are looked at.
        at_work: those that were opened for the start.
    """

    def __init__(
        self,
        config: Path,
        opener: VolumeOpener,
        taker: Taker,
        tender: Tender,
        at_work: list[Volume],
        on_new: Callable[[Volume], None],
    ) -> None:
        super().__init__("volumes", LOOK_S)
        self._config = config
        self.opener = opener
        self._taker = taker
        self._tender = tender
        self._on_new = on_new
        self._at_work = {volume.number: volume for volume in at_work}
        self._going: set[int] = set()
        self._failures: dict[int, _Failures] = {}
        self._ended: SimpleQueue[Volume] = SimpleQueue()
        self._changed_ns: int | None = None
        self.wanted: dict[int, VolumeSettings] = {}
        self._read_config()

    def ended(self, volume: Volume) -> None:
        """A volume is written no more. Any thread."""
        self._ended.put(volume)

    def at_work(self) -> dict[int, Volume]:
        """The volumes that are open now, by number. Any thread."""
        return dict(self._at_work)

    def taking(self, draining: Collection[int]) -> list[tuple[Volume, int]]:
        """Those of them that take new files, each with its weight. Any thread."""
        wanted = self.wanted
        return [
            (volume, wanted[number].weight)
            for number, volume in self.at_work().items()
            if number in wanted and number not in draining
        ]

    def close(self) -> None:
        """Close all that are still open, when nobody uses them any more."""
        for volume in self._at_work.values():
            volume.close()

    def look(self) -> None:
        """Once: what ended is closed, what is wanted is brought, what is not wanted is let go.

        Raises:
            StorageError: the index fails.
        """
        self._read_config()
        self._close_ended()
        for number in self._at_work.keys() - self.wanted.keys() - self._going:
            log.info("a volume is let go", volume=number)
            self._going.add(number)
            self._taker.let_go(number)
        for wanted in self.wanted.values():
            if wanted.number not in self._at_work and self._failed(wanted.number).next_s <= time.monotonic():
                self._bring(wanted)

    def _bring(self, wanted: VolumeSettings) -> None:
        volume = self.opener.open(wanted)
        if volume is None:
            return
        log.info("a volume is taken", volume=wanted.number, path=str(wanted.path))
        self._at_work[wanted.number] = volume
        self._failed(wanted.number).taken_s = time.monotonic()
        self._on_new(volume)
        if self._taker.add(volume, wanted.weight):
            self._tender.add(volume)

    def _close_ended(self) -> None:
        while True:
            try:
                volume = self._ended.get_nowait()
            except Empty:
                return
            if self._at_work.get(volume.number) is volume:
                self._tender.drop(volume.number)
                del self._at_work[volume.number]
                volume.close()
                if volume.number in self._going:
                    self._going.remove(volume.number)
                else:
                    self._failed(volume.number).add(time.monotonic())

    def _failed(self, number: int) -> _Failures:
        return self._failures.setdefault(number, _Failures())

    def _read_config(self) -> None:
        """A file that is being edited may be wrong for a while: then what it said before stays."""
        try:
            changed_ns = self._config.stat().st_mtime_ns
            if changed_ns == self._changed_ns:
                return
            self._changed_ns = changed_ns
            volumes = load(self._config).volumes
        except (ConfigError, OSError) as error:
            log.warning("nvr.toml cannot be used as it is; the volumes stay as they were", error=str(error))
            return
        self.wanted = {volume.number: volume for volume in volumes}
