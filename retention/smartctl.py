"""Asks the disks how they are, where smartctl is installed: the only program that the recorder starts.

Its arguments are fixed, its device comes from the kernel, nothing of it from a request or from nvr.toml.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.log import get_logger
from nvr.periodic import PeriodicThread
from retention.diskhealth import DiskHealth, Health, judge, worst

log = get_logger()

LOOK_S = 5.0  # chosen: a disk that is added is asked soon
AGAIN_LOOKS = 720  # chosen: each disk once an hour; what SMART counts changes in days
LONGEST_S = 60.0  # chosen: a disk that is asleep or busy answers in seconds
_OPEN_FAILED = 0b11  # bits of smartctl's exit status: bad command line, device cannot be opened (man smartctl)
ARGUMENTS = ("--json=c", "--info", "--health", "--attributes")
SBIN = "/usr/sbin:/sbin"  # where it lies; a service's PATH need not have it
SYS = Path("/sys/dev/block")


def disks_under(path: Path, sys: Path = SYS) -> list[str]:
    """Kernel names (``sda``, ``nvme0n1``) of the disks on which a folder's file system lies; a RAID has several.

    Raises:
        StorageError: the folder cannot be asked.
    """
    try:
        number = path.stat().st_dev
    except OSError as error:
        raise StorageError(f"it cannot be asked for its disk: {error.strerror}", where=str(path)) from error
    node = sys / f"{os.major(number)}:{os.minor(number)}"
    return sorted(set(_whole(node.resolve()))) if node.exists() else []


def _whole(node: Path) -> list[str]:
    """Partitions belong to the disk above them; device mapper and md name their parts as slaves."""
    slaves = sorted((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
    if slaves:
        return [name for slave in slaves for name in _whole(slave.resolve())]
    return [node.parent.name if (node / "partition").exists() else node.name]


def ask(disk: str, program: str) -> DiskHealth:
    """One disk's health. May wait for the disk up to a minute.

    Raises:
        StorageError: smartctl cannot be run, or does not end.
        IntegrityError: it answers something else.
    """
    command = (program, *ARGUMENTS, f"/dev/{disk}")  # nothing of it comes from outside
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageError(f"smartctl does not answer: {error}", where=disk) from error
    found = judge(done.stdout)
    if done.returncode & _OPEN_FAILED and found.health is Health.UNKNOWN:
        return DiskHealth(
            Health.UNKNOWN, found.words or "smartctl may not open the disk (the service needs root or CAP_SYS_RAWIO)"
        )
    return found


class SmartWatch(PeriodicThread):
    """Asks every disk once an hour; without smartctl it does nothing.

    Args:
        at_work: the volumes that are open, by number.
        program: smartctl's path; None: there is none.
    """

    def __init__(self, at_work: Callable[[], Mapping[int, Volume]], program: str | None) -> None:
        super().__init__("smart", LOOK_S, daemon=True)  # a process in the kernel's hands may not end with us
        self._at_work = at_work
        self._program = program
        self._looks = 0
        self.health: dict[int, DiskHealth] = {}  # by volume; replaced, never changed: any thread may read it

    @classmethod
    def found(cls, at_work: Callable[[], Mapping[int, Volume]]) -> Self:
        """With the system's smartctl, if there is one."""
        program = shutil.which("smartctl") or shutil.which("smartctl", path=SBIN)
        if program is None:
            log.info("smartctl is not installed: the disks are not asked for their health")
        return cls(at_work, program)

    def troubles(self, health: Health) -> dict[int, str]:
        """For people, by volume: what is the matter with the disks that are so. Any thread."""
        return {
            number: f"{one.model or 'the disk'}: {one.words}"
            for number, one in self.health.items()
            if one.health is health
        }

    def run(self) -> None:
        if self._program is not None:
            super().run()

    def begin(self) -> None:
        self.look()

    def look(self) -> None:
        """Once: the disks whose turn it is, and those that are new."""
        if self._program is None:
            return
        volumes = self._at_work()
        everyone = self._looks % AGAIN_LOOKS == 0
        self._looks += 1
        self.health = {number: one for number, one in self.health.items() if number in volumes}
        for number, volume in volumes.items():
            if (everyone or number not in self.health) and not self._stopping.is_set():
                self.health = self.health | {number: self._ask(volume, self._program)}

    def _ask(self, volume: Volume, program: str) -> DiskHealth:
        try:
            found = worst([ask(disk, program) for disk in disks_under(volume.path)])
        except (StorageError, IntegrityError) as error:
            found = DiskHealth(Health.UNKNOWN, str(error))
        known = self.health.get(volume.number)
        if known is None or known.health is not found.health:
            log.info("disk health", volume=volume.number, health=found.health.value, words=found.words)
        return found
