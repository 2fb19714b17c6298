"""Pictures that were decoded already, on disk within a bound, so that a strip of thumbnails costs its decoding once.

A file's name is made of the integers that name the picture and nothing else; its first 16 bytes are the BLAKE2b of
that name and of the JPEG behind them, so that what a power cut, a bad disk or a hand has changed is never shown.
Footage that was deleted must not live on here: `StillCache.sweep` removes the pictures of chunks that are gone, and
who asks for a picture must have found its chunk first. A cache never costs a picture: where the disk fails, it is
empty.
"""

import os
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from nvr.media import Track, TrackKind

RESERVE_BYTES = 2 << 30  # chosen: index and registry lie on the same disk and must never lack room
LARGEST_SHARE = 8  # chosen: a picture of more than an eighth of the bound would push too many others out
DIGEST_BYTES = 16
_NAME = re.compile(r"(\d{1,9})-(\d)-(\d{1,16})-(\d{1,10})-(\d{1,10})-(\d{1,10})-(\d{1,4})\.still", re.ASCII)


@dataclass(frozen=True, slots=True)
class StillName:
    """What names a decoded picture for ever: a sealed chunk, the sample in it, and the width; 0: as it is."""

    track: Track
    start_us: int
    run: int
    sequence: int
    sample: int
    width: int

    @property
    def file(self) -> str:
        """Its file's name."""
        numbers = (self.start_us, self.run, self.sequence, self.sample, self.width)
        return "-".join(map(str, (self.track.channel, self.track.kind.value, *numbers))) + ".still"

    @property
    def chunk(self) -> tuple[Track, int, int, int]:
        """What names its chunk."""
        return self.track, self.start_us, self.run, self.sequence

    @classmethod
    def parse(cls, file: str) -> "StillName | None":
        """The name that a file has; None: it is none of ours."""
        row = _NAME.fullmatch(file)
        if row is None:
            return None
        channel, kind, *numbers = map(int, row.groups())
        try:
            name = cls(Track(channel, TrackKind(kind)), *numbers)
        except ValueError:
            return None
        return name if name.file == file else None  # leading zeros


class StillCache:
    """Keeps pictures; the ones that were not asked for longest go first. Safe between threads of one process.

    Args:
        folder: where they lie; made when needed, and whatever else lies in it is removed.
        limit_bytes: of all files together; 0: nothing is kept.
        reserve_bytes: with less free on the disk nothing is written.
    """

    def __init__(self, folder: Path, limit_bytes: int, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._reserve_bytes = reserve_bytes
        self._sizes: OrderedDict[StillName, int] | None = None  # the one asked for last stands last; None: not looked
        self._bytes = 0  # the sum of the sizes
        self._lock = Lock()

    def get(self, name: StillName) -> bytes | None:
        """A picture, if it is there and whole. The caller knows that its chunk still exists."""
        with self._lock:
            if name not in self._known():
                return None
            try:
                data = (self._folder / name.file).read_bytes()
            except OSError:
                data = b""
            jpeg = data[DIGEST_BYTES:]
            if not jpeg or data[:DIGEST_BYTES] != _digest(name, jpeg):
                self._drop(name)
                return None
            self._known().move_to_end(name)
            with suppress(OSError):
                os.utime(self._folder / name.file)  # so that the order outlives a restart
            return jpeg

    def put(self, name: StillName, jpeg: bytes) -> None:
        """Keep a picture, unless there is no room. It appears whole or not at all."""
        size_bytes = DIGEST_BYTES + len(jpeg)
        if not jpeg or size_bytes > self._limit_bytes // LARGEST_SHARE:
            return
        with self._lock:
            known = self._known()
            self._bytes -= known.pop(name, 0)
            self._make_room(size_bytes)
            if self._write(name, _digest(name, jpeg) + jpeg):
                known[name] = size_bytes
                self._bytes += size_bytes

    def sweep(self, exists: Callable[[StillName], bool]) -> int:
        """Remove the pictures of chunks that are gone; gives how many.

        Args:
            exists: whether a picture's chunk does; asked once for each chunk.
        """
        with self._lock:
            names = {name.chunk: name for name in self._known()}
        gone = {chunk for chunk, name in names.items() if not exists(name)}
        with self._lock:
            dead = [name for name in self._known() if name.chunk in gone]
            for name in dead:
                self._drop(name)
        return len(dead)

    def __len__(self) -> int:
        with self._lock:
            return len(self._known())

    def _known(self) -> OrderedDict[StillName, int]:
        if self._sizes is None:
            self._sizes = self._look()
            self._bytes = sum(self._sizes.values())
            self._make_room(0)
        return self._sizes

    def _look(self) -> OrderedDict[StillName, int]:
        """What lies in the folder, the one used last at the end; whatever is not ours is removed."""
        found: list[tuple[int, StillName, int]] = []
        with suppress(OSError):
            for entry in os.scandir(self._folder):
                name = StillName.parse(entry.name)
                facts = entry.stat(follow_symlinks=False)
                if name is not None and entry.is_file(follow_symlinks=False):
                    found.append((facts.st_mtime_ns, name, facts.st_size))
                elif not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
        return OrderedDict((name, size) for _, name, size in sorted(found, key=lambda row: row[0]))

    def _make_room(self, size_bytes: int) -> None:
        known = self._known()
        while known and self._bytes + size_bytes > self._limit_bytes:
            self._drop(next(iter(known)))

    def _write(self, name: StillName, data: bytes) -> bool:
        new = self._folder / "new"  # no name of ours: a crash leaves what the next start removes
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)  # footage: for nobody else's eyes
            disk = os.statvfs(self._folder)
            if disk.f_bavail * disk.f_frsize - len(data) < self._reserve_bytes:
                return False
            new.write_bytes(data)
            new.replace(self._folder / name.file)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            return False
        return True

    def _drop(self, name: StillName) -> None:
        """Forget a picture. What cannot be unlinked is found again at the next start."""
        self._bytes -= self._known().pop(name, 0)
        with suppress(OSError):
            (self._folder / name.file).unlink(missing_ok=True)


def _digest(name: StillName, jpeg: bytes) -> bytes:
    return blake2b(name.file.encode() + b"\n" + jpeg, digest_size=DIGEST_BYTES).digest()
