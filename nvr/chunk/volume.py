"""A volume: one file system that holds chunk files. The only room that touches a disk.

A volume knows itself by ``volume.json``; a disk that is not mounted, or another one in its place, is refused, so that
footage never fills the root disk.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from nvr.chunk import identity
from nvr.chunk.filesystem import Entry, FileSystem, explained
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName, PartName, hour_folder, hour_us, parse, parse_part
from nvr.chunk.partfile import PartFile
from nvr.chunk.source import ByteSource
from nvr.errors import StorageError
from nvr.timebase import Clock

__all__ = ["PartFile", "Volume"]

T = TypeVar("T")
HOLDS_FILE = "holds.json"
_HOLDS_LIMIT_BYTES = 16 << 20  # chosen: some 50,000 holds
_FOLDER_ATTEMPTS = 5  # chosen: the race with a deletion is won at the second


class Volume:
    """An opened volume. Threads may share it; each `PartFile` belongs to one thread."""

    def __init__(self, number: int, path: Path, uuid: bytes, root_fd: int, fs: FileSystem) -> None:
        self.number = number
        self.path = path
        self.uuid = uuid  # 16 bytes
        self._root_fd = root_fd
        self._fs = fs

    @classmethod
    def open(
        cls,
        number: int,
        path: Path,
        *,
        create: bool,
        clock: Clock,
        read_only: bool = False,
        expected_uuid: bytes | None = None,
        fs: FileSystem | None = None,
    ) -> Self:
        """Open a volume for the one process that writes it, or for one of many that read it.

        Args:
            number: what stands for it in the index.
            path: its folder, best a mount of its own.
            create: make folder and identity if they are missing.
            clock: tells when it was created.
            read_only: take no lock and write nothing.
            expected_uuid: what the volume was when it was last seen, 16 bytes.
            fs: the system calls; a test may bring its own.

        Raises:
            StorageError: it is not there, not mounted, not the one expected, read-only or in use by another recorder.
        """
        fs = fs or FileSystem()
        root_fd = identity.open_root(fs, path, create=create and not read_only)
        try:
            if not read_only:
                identity.claim(fs, root_fd, str(path))
            who = identity.read(fs, root_fd, str(path))
            if who is None:
                if not create or read_only or expected_uuid is not None or fs.exists("v1", root_fd):
                    hint = "is the disk mounted? nvr init makes a new one"
                    raise StorageError("this folder is not a volume", where=str(path), hint=hint)  # noqa: TRY301
                who = identity.Identity.new(number, clock, own_file_system=fs.is_mount(root_fd))
                identity.write(fs, root_fd, who)
            who.check(number, expected_uuid, str(path), mounted=fs.is_mount(root_fd))
        except OSError as error:
            fs.close(root_fd)
            raise explained(error, str(path)) from error
        except StorageError:
            fs.close(root_fd)
            raise
        return cls(number, path, who.uuid.bytes, root_fd, fs)

    def close(self) -> None:
        """Give up the volume and its lock."""
        if self._root_fd >= 0:
            self._fs.close(self._root_fd)
            self._root_fd = -1

    def is_in_place(self) -> bool:
        """Whether the volume's path still leads to it, and not to an empty mount point or another disk."""
        return self._fs.leads_to(self.path, self._root_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(self, header: ChunkHeader, reserve_bytes: int) -> PartFile:
        """A new, empty part for the chunk, with so much room reserved.

        Raises:
            VolumeFull: there is not so much room.
            StorageError: the file exists already, or the disk does not take it.
        """
        path = PartName.of(header).path()
        where = str(self.path / path)
        try:
            fd = self._with_folders(path, lambda: self._fs.create(path, self._root_fd))
            try:
                if reserve_bytes > 0:
                    self._fs.reserve(fd, reserve_bytes)
            except OSError:  # a file without room is of no use: leave none behind
                self._fs.close(fd)
                self._fs.unlink(path, self._root_fd)
                raise
        except OSError as error:
            raise explained(error, where) from error
        return PartFile(self._fs, fd, path, 0, where, self._rename)

    def reopen(self, part_path: str, size_bytes: int) -> PartFile:
        """A part that was left behind, cut to ``size_bytes``, for `nvr.chunk.recovery` to seal."""
        where = str(self.resolve(part_path))
        try:
            fd = self._fs.open(part_path, self._root_fd, writable=True)
            try:
                self._fs.truncate(fd, size_bytes)
                self._fs.seek_end(fd)
            except OSError:
                self._fs.close(fd)
                raise
        except OSError as error:
            raise explained(error, where) from error
        return PartFile(self._fs, fd, part_path, size_bytes, where, self._rename)

    def adopt(self, part_path: str, name: ChunkName) -> None:
        """Give a part that is already sealed its final name.

        Raises:
            StorageError: the disk does not take it, or a file of that name exists.
        """
        self.resolve(part_path)
        self._rename(part_path, name.path())

    def unseal(self, name: ChunkName) -> str:
        """Give a file with a chunk's name the name of a part again, for `nvr.chunk.recovery`; the part's path.

        Raises:
            StorageError: the disk does not take it, or a part of that name exists.
        """
        part_path = name.part_path()
        self._rename(name.path(), part_path)
        return part_path

    def sync(self) -> None:
        """One syncfs: everything written so far, names and folders too, is on the disk when it returns.

        Raises:
            StorageError: never try again: the kernel has marked the pages clean (ATC'20, Rebello et al.).
        """
        try:
            self._fs.sync(self._root_fd)
        except OSError as error:
            raise explained(error, str(self.path)) from error

    def sync_apart(self) -> None:
        """The same for any thread but the writer's.

        The kernel tells of a failed write once for each open file (errseq_t): through a descriptor of its own this
        call cannot take away the error that the writer's next `sync` must see.

        Raises:
            StorageError: what was changed before may not be on the disk.
        """
        try:
            fd = self._fs.open(".", self._root_fd)
            try:
                self._fs.sync(fd)
            finally:
                self._fs.close(fd)
        except OSError as error:
            raise explained(error, str(self.path)) from error

    def write_holds(self, data: bytes) -> None:
        """Store the mirror of the holds at the root; after any crash it is whole, old or new.

        Raises:
            StorageError: the disk does not take it.
        """
        try:
            identity.write_whole(self._fs, self._root_fd, HOLDS_FILE, data)
        except OSError as error:
            raise explained(error, str(self.path / HOLDS_FILE)) from error

    def read_holds(self) -> bytes | None:
        """The mirror of the holds; None: there is none.

        Raises:
            StorageError: it cannot be read.
        """
        try:
            fd = self._fs.open(HOLDS_FILE, self._root_fd)
            try:
                return self._fs.read(fd, 0, _HOLDS_LIMIT_BYTES)
            finally:
                self._fs.close(fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise explained(error, str(self.path / HOLDS_FILE)) from error

    def free_bytes(self) -> int:
        """Room that is left for us."""
        return self._space()[0]

    def total_bytes(self) -> int:
        """Room in all."""
        return self._space()[1]

    def chunks(self, *, channel: int | None = None, since_us: int | None = None) -> Iterator[tuple[ChunkName, int]]:
        """Every sealed chunk with its length in bytes, by channel and time.

        Args:
            channel: only this one's: one folder read instead of one a channel.
            since_us: only those in folders of that hour or later.
        """
        for path, entry in self._files(channel, since_us):
            name = parse(path)
            if name is not None:
                yield name, entry.size_bytes

    def oldest_us(self, channel: int) -> int | None:
        """The beginning of the oldest hour of a channel of which there may be chunks; None: there are none."""
        place = f"v1/{channel:05d}"
        for day in self._folders(place):
            for hour in self._folders(day):
                with suppress(ValueError):  # somebody else's folder
                    return hour_us(hour.removeprefix(f"{place}/"))
        return None

    def newest_us(self) -> int | None:
        """The beginning of the newest hour in which a chunk was begun; None: there is none."""
        newest = []
        for place in self._folders("v1"):
            for day in self._folders(place)[-1:]:
                for hour in self._folders(day)[-1:]:
                    with suppress(ValueError):  # somebody else's folder
                        newest.append(hour_us(hour.removeprefix(f"{place}/")))
        return max(newest, default=None)

    def parts(self) -> Iterator[str]:
        """Every part, sealed or not: paths relative to the volume."""
        for path, _ in self._files():
            if parse_part(path) is not None:
                yield path

    def resolve(self, relative: str | ChunkName) -> Path:
        """The full path of a chunk or part.

        Raises:
            StorageError: it names neither: no other path leads into a volume.
        """
        path = relative.path() if isinstance(relative, ChunkName) else relative
        if parse(path) is None and parse_part(path) is None:
            raise StorageError("this is not the name of a chunk", where=path)
        return self.path / path

    def open_read(self, name: ChunkName) -> int:
        """A file descriptor for reading; the caller closes it. A symbolic link is refused.

        Raises:
            StorageError: the file is missing or cannot be read.
        """
        return self.open_read_path(name.path())

    def open_read_path(self, relative: str, *, from_disk: bool = False) -> int:
        """The same for a path relative to the volume, of a chunk or of a part that grows.

        With ``from_disk`` what the kernel remembers of the file is forgotten, unless it waits to be written.
        """
        where = str(self.resolve(relative))
        try:
            fd = self._fs.open(relative, self._root_fd)
            if from_disk:
                self._fs.drop_cache(fd)
        except OSError as error:
            raise explained(error, where) from error
        return fd

    def source(self, relative: str | ChunkName) -> ByteSource:
        """A chunk or a part, opened for reading through the volume's own system calls.

        Raises:
            StorageError: the file is missing or cannot be read.
        """
        path = relative.path() if isinstance(relative, ChunkName) else relative
        return ByteSource(self.open_read_path(path), str(self.path / path), self._fs)

    def strangers(self) -> Iterator[str]:
        """Files in the folders of footage whose names are neither of a chunk nor of a part: relative paths."""
        for path, _ in self._files():
            if parse(path) is None and parse_part(path) is None:
                yield path

    def unlink(self, name: ChunkName) -> None:
        """Delete a chunk, and its folders if nothing else is in them. One that is gone already is no error."""
        self._unlink(name.path())

    def unlink_part(self, part_path: str) -> None:
        """Delete a part; only for one without a single whole fragment."""
        self.resolve(part_path)
        self._unlink(part_path)

    def _unlink(self, path: str) -> None:
        try:
            with suppress(FileNotFoundError):
                self._fs.unlink(path, self._root_fd)
        except OSError as error:
            raise explained(error, str(self.path / path)) from error
        hour, _, _ = path.rpartition("/")
        day, _, _ = hour.rpartition("/")
        with suppress(OSError):  # another chunk is in it
            self._fs.remove_folder(hour, self._root_fd)
            self._fs.remove_folder(day, self._root_fd)

    def _with_folders(self, path: str, call: Callable[[], T]) -> T:
        """Do what needs the folders of ``path``; if they are missing make them, though `unlink` may be clearing up."""
        for _ in range(_FOLDER_ATTEMPTS):
            try:
                return call()
            except FileNotFoundError:
                with suppress(FileNotFoundError):
                    self._make_folders(path)
        return call()

    def _make_folders(self, path: str) -> None:
        at = path.find("/")
        while at >= 0:
            self._fs.make_folder(path[:at], self._root_fd)
            at = path.find("/", at + 1)

    def _rename(self, source: str, target: str) -> None:
        try:
            if self._fs.exists(target, self._root_fd):
                raise StorageError("a chunk of this name exists; it is not replaced", where=str(self.path / target))
            self._with_folders(target, lambda: self._fs.rename(source, target, self._root_fd))
        except OSError as error:
            raise explained(error, str(self.path / target)) from error

    def _space(self) -> tuple[int, int]:
        try:
            return self._fs.space(self._root_fd)
        except OSError as error:
            raise explained(error, str(self.path)) from error

    def _files(self, channel: int | None = None, since_us: int | None = None) -> Iterator[tuple[str, Entry]]:
        for place in self._folders("v1") if channel is None else [f"v1/{channel:05d}"]:
            oldest = "" if since_us is None else f"{place}/{hour_folder(since_us)}"
            for day in self._folders(place):
                if day < oldest[: len(day)]:
                    continue
                for hour in self._folders(day):
                    if hour >= oldest:
                        yield from ((f"{hour}/{e.name}", e) for e in self._entries(hour) if not e.is_folder)

    def _folders(self, path: str) -> list[str]:
        return [f"{path}/{entry.name}" for entry in self._entries(path) if entry.is_folder and entry.name.isdigit()]

    def _entries(self, path: str) -> list[Entry]:
        try:
            return self._fs.entries(path, self._root_fd)
        except FileNotFoundError:  # nothing recorded yet, or removed while we look
            return []
        except OSError as error:
            raise explained(error, str(self.path / path)) from error
