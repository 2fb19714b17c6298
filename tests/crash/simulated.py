"""A file system that crashes: it remembers every call, and makes any state that a power cut may leave behind.

The model promises less than ext4 and xfs do with their journals: until a sync, the names of each folder change in the
order of the calls up to some call and no further, each folder for itself; of each file any earlier length may be found,
and any of its 4 KiB pages may be as at the last sync. A sync makes all of it durable.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from nvr.chunk.filesystem import FileSystem

PAGE_BYTES = 4096


class Kind(Enum):
    """What a call changes."""

    MAKE_FOLDER = auto()
    REMOVE_FOLDER = auto()
    CREATE = auto()
    RENAME = auto()
    UNLINK = auto()
    WRITE = auto()
    TRUNCATE = auto()
    SYNC = auto()
    SYNC_DATA = auto()  # contents without names; nothing of ours calls it, but a mutant
    COMMIT = auto()  # of the index, which lies on another disk and is durable at once


NAMES = {Kind.MAKE_FOLDER, Kind.REMOVE_FOLDER, Kind.CREATE, Kind.RENAME, Kind.UNLINK}
CONTENTS = {Kind.WRITE, Kind.TRUNCATE}


@dataclass(frozen=True, slots=True)
class Call:
    """One call that succeeded."""

    kind: Kind
    noted: int  # lines of the ledger by then
    path: str = ""
    target: str = ""  # of a rename
    file: int = 0  # the file's number, whatever its name
    offset: int = 0  # of a write; the length of a truncation
    data: bytes = b""  # of a write; the index of a commit


class RecordingFileSystem(FileSystem):
    """The kernel's file system, whose calls are remembered.

    Args:
        noted: how many lines the ledger has.
    """

    def __init__(self, noted: Callable[[], int]) -> None:
        self.calls: list[Call] = []
        self._noted = noted
        self._files: dict[str, int] = {}
        self._open: dict[int, int] = {}
        self._newest = 0

    def take_over(self, tree: "Tree") -> None:
        """What an earlier crash has left, all of it durable, is there before the first call."""
        for path, file in sorted(tree.names.items()):
            self._newest = max(self._newest, file)
            self.add(Kind.CREATE if file else Kind.MAKE_FOLDER, path=path, file=file)
            if file:
                self._files[path] = file
                self.add(Kind.WRITE, file=file, data=bytes(tree.contents[file]))
        self.add(Kind.SYNC)

    def add(self, kind: Kind, **facts: object) -> None:
        """Remember a call."""
        self.calls.append(Call(kind, self._noted(), **facts))  # type: ignore[arg-type]

    def make_folder(self, path: str, folder_fd: int) -> None:
        if not self.exists(path, folder_fd):
            super().make_folder(path, folder_fd)
            self.add(Kind.MAKE_FOLDER, path=path)

    def remove_folder(self, path: str, folder_fd: int) -> None:
        super().remove_folder(path, folder_fd)
        self.add(Kind.REMOVE_FOLDER, path=path)

    def create(self, path: str, folder_fd: int) -> int:
        fd = super().create(path, folder_fd)
        self._newest += 1
        self._files[path] = self._open[fd] = self._newest
        self.add(Kind.CREATE, path=path, file=self._newest)
        return fd

    def open(self, path: str, folder_fd: int, *, writable: bool = False) -> int:
        fd = super().open(path, folder_fd, writable=writable)
        if path in self._files:
            self._open[fd] = self._files[path]
        return fd

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        super().close(fd)

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        written = super().write(fd, buffers)
        end = self.size(fd)  # files only grow at their end
        data = b"".join(buffers)[:written]
        self.add(Kind.WRITE, file=self._open[fd], offset=end - written, data=data)
        return written

    def truncate(self, fd: int, size_bytes: int) -> None:
        super().truncate(fd, size_bytes)
        self.add(Kind.TRUNCATE, file=self._open[fd], offset=size_bytes)

    def rename(self, source: str, target: str, folder_fd: int) -> None:
        super().rename(source, target, folder_fd)
        self._files[target] = self._files.pop(source)
        self.add(Kind.RENAME, path=source, target=target)

    def unlink(self, path: str, folder_fd: int) -> None:
        super().unlink(path, folder_fd)
        self._files.pop(path, None)
        self.add(Kind.UNLINK, path=path)

    def sync(self, fd: int) -> None:
        self.add(Kind.SYNC)


class Luck(Enum):
    """What a crash keeps of what was not synced."""

    NOTHING = auto()
    NAMES = auto()  # lengths and contents are lost
    CONTENTS = auto()  # names are lost
    EVERYTHING = auto()
    MIXED = auto()  # each folder, length and page for itself


@dataclass(slots=True)
class Tree:
    """Names, and what files hold."""

    names: dict[str, int] = field(default_factory=dict)  # path → file; 0: a folder
    contents: dict[int, bytearray] = field(default_factory=dict)

    def apply(self, call: Call) -> None:
        """Carry a call out; one whose folder or file is not there changes nothing."""
        match call.kind:
            case Kind.MAKE_FOLDER | Kind.CREATE:
                if self._has_folder_of(call.path):
                    self.names[call.path] = call.file
            case Kind.REMOVE_FOLDER:
                if not any(name.startswith(call.path + "/") for name in self.names):
                    self.names.pop(call.path, None)
            case Kind.UNLINK:
                self.names.pop(call.path, None)
            case Kind.RENAME:
                if call.path in self.names and self._has_folder_of(call.target):
                    self.names[call.target] = self.names.pop(call.path)
            case Kind.WRITE | Kind.TRUNCATE:
                self._change(call)

    def _has_folder_of(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        return not folder or folder in self.names

    def _change(self, call: Call) -> None:
        content = self.contents.setdefault(call.file, bytearray())
        end = call.offset + len(call.data)
        if call.kind is Kind.TRUNCATE:
            del content[call.offset :]
        content.extend(bytes(max(0, end - len(content))))
        content[call.offset : end] = call.data


def crash(calls: Sequence[Call], at: int, luck: Luck, seed: int) -> Tree:
    """What is found after a crash before call number ``at``, or after the last one."""
    draw = random.Random(seed)
    names_from, contents_from = _synced(calls, at)
    found = _replayed(calls[:names_from], NAMES)
    for call in _kept_names(calls[names_from:at], luck, draw):
        found.apply(call)
    durable = _replayed(calls[:contents_from], CONTENTS).contents
    newest = _replayed(calls[:at], CONTENTS).contents
    lengths = _lengths(calls[contents_from:at])
    for file in found.names.values():
        old, new = durable.get(file, bytearray()), newest.get(file, bytearray())
        found.contents[file] = _content(old, new, [len(old), *lengths.get(file, [])], luck, draw)
    return found


def _synced(calls: Sequence[Call], at: int) -> tuple[int, int]:
    """From which call on names, and from which on contents, are not durable."""
    names = max((number + 1 for number, call in enumerate(calls[:at]) if call.kind is Kind.SYNC), default=0)
    both = (Kind.SYNC, Kind.SYNC_DATA)
    return names, max((number + 1 for number, call in enumerate(calls[:at]) if call.kind in both), default=0)


def _replayed(calls: Sequence[Call], kinds: set[Kind]) -> Tree:
    tree = Tree()
    for call in calls:
        if call.kind in kinds:
            tree.apply(call)
    return tree


def _kept_names(calls: Sequence[Call], luck: Luck, draw: random.Random) -> Iterator[Call]:
    pending = [call for call in calls if call.kind in NAMES]
    if luck in (Luck.NAMES, Luck.EVERYTHING):
        yield from pending
    if luck is not Luck.MIXED:
        return
    counts: dict[str, int] = {}
    for call in pending:
        counts[_folder(call)] = counts.get(_folder(call), 0) + 1
    left = {folder: draw.randint(0, count) for folder, count in counts.items()}
    for call in pending:
        if left[_folder(call)] > 0:
            left[_folder(call)] -= 1
            yield call


def _folder(call: Call) -> str:
    """Whose order a change of names belongs to; a rename is whole, whatever folders it joins."""
    return (call.target or call.path).rpartition("/")[0]


def _lengths(calls: Sequence[Call]) -> dict[int, list[int]]:
    """Every length that each file had meanwhile."""
    found: dict[int, list[int]] = {}
    for call in calls:
        if call.kind in CONTENTS:
            found.setdefault(call.file, []).append(call.offset + len(call.data))
    return found


def _content(old: bytearray, new: bytearray, lengths: list[int], luck: Luck, draw: random.Random) -> bytearray:
    match luck:
        case Luck.EVERYTHING | Luck.CONTENTS:
            return new
        case Luck.NOTHING | Luck.NAMES:
            return old
        case Luck.MIXED:
            content = bytearray(draw.choice(lengths))
            for start in range(0, len(content), PAGE_BYTES):
                page = slice(start, min(start + PAGE_BYTES, len(content)))
                part = (new if draw.random() < 0.7 else old)[page]
                content[start : start + len(part)] = part
            return content


def lay_out(tree: Tree, folder: Path) -> None:
    """Make the found state real, below ``folder``."""
    for path, file in sorted(tree.names.items()):
        if file:
            (folder / path).write_bytes(tree.contents[file])
        else:
            (folder / path).mkdir()
