"""What a workload meant to record and what it was told is safe: lines of a file outside the disk that will crash."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from nvr.media import Track

Picture = tuple[Track, int]  # and the wall time at which it was taken, µs

PUT, WRITTEN, SYNCED, LEAVES, STARTED = "put", "written", "synced", "leaves", "started"


class Ledger:
    """Notes events in order; each is one ``write`` call, so that a kill leaves whole lines.

    Args:
        path: the file to add to; None: keep the lines in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.lines: list[str] = path.read_text().splitlines() if path is not None and path.exists() else []
        self._fd = -1 if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def note(self, what: str, track: Track | None = None, at_us: int = 0) -> None:
        """Note that a picture was put, was written, or may be deleted; or a sync of all since the start, or a start."""
        line = f"{what} {track.id if track else 0} {at_us}"
        self.lines.append(line)
        if self._fd >= 0:
            os.write(self._fd, line.encode() + b"\n")

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@dataclass(slots=True)
class Account:
    """What the lines of a ledger come to."""

    put: set[Picture] = field(default_factory=set)
    written: set[Picture] = field(default_factory=set)  # the write call returned: safe from a kill
    synced: set[Picture] = field(default_factory=set)  # and the sync after it: safe from a power cut
    leaves: set[Picture] = field(default_factory=set)  # retention was allowed to delete its chunk
    end_us: int = 0

    @classmethod
    def of(cls, lines: list[str]) -> "Account":
        account = cls()
        pending: set[Picture] = set()
        for line in lines:
            what, track, at = line.split()
            picture = (Track.from_id(int(track)), int(at)) if int(track) else None
            account.end_us = max(account.end_us, int(at))
            if picture is not None:
                {PUT: account.put, WRITTEN: account.written, LEAVES: account.leaves}[what].add(picture)
            if picture is not None and what == WRITTEN:
                pending.add(picture)
            elif picture is None:  # what a crash took is not brought back by a later sync
                account.synced |= pending if what == SYNCED else set()
                pending.clear()
        return account
