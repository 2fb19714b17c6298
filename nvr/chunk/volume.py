"""A volume: one file system that holds chunk files. The only room that touches a disk.

A volume knows itself by ``volume.json``; a disk that is not mounted, or another one in its place, is refused, so that
footage never fills the root disk.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Self, TypeVar

from nvr.chunk import ballast, identity, mirror, rootfiles
from nvr.chunk.filesystem import FileSystem, Space, explained
from nvr.chunk.header import ChunkHeader
from nvr.chunk.listing import Listing
from nvr.chunk.name import ChunkName, PartName, parse, parse_part
from nvr.chunk.partfile import PartFile
from nvr.chunk.source import ByteSource
from nvr.errors import StorageError
from nvr.timebase import Clock

__all__ = ["PartFile", "Volume"]

T = TypeVar("T")
DRAFTS = "drafts"
_FOLDER_ATTEMPTS = 5  # chosen: the race with a deletion is won at the second


class Volume:
    """An opened volume. Threads may share it; each `PartFile` belongs to one thread."""

    def __init__(self, number: int, path: Path, uuid: bytes, root_fd: int, fs: FileSystem) -> None:
        self.number = number
        self.path = path
        self.uuid = uuid  # 16 bytes
        self._root_fd = root_fd
        self._fs = fs
        self._listing = Listing(fs, lambda: self._root_fd, str(path))

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
                    hint = "is the disk mounted? nvr init makes a new one, nvr volumes replace one in another's place"
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
        root_fd, self._root_fd = self._root_fd, -1  # first: threads may still look, and the number is soon another's
        if root_fd >= 0:
            self._fs.close(root_fd)

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
        return self._new_part(PartName.of(header).path(), reserve_bytes, self._rename)

    def _new_part(self, path: str, reserve_bytes: int, rename: Callable[[str, str], None]) -> PartFile:
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
        return PartFile(self._fs, fd, path, 0, where, rename)

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

    def draft(self, name: ChunkName, size_bytes: int, *, replaces: bool = False) -> PartFile:
        """A new file for a copy of a chunk, with so much room reserved: its `seal` gives it the chunk's name.

        It lies outside of all footage until then: no start takes a draft for a chunk that a crash left open.

        Args:
            name: the chunk's.
            size_bytes: of the whole file.
            replaces: a damaged file of that name makes place for it.

        Raises:
            VolumeFull: there is not so much room.
            StorageError: the disk does not take it.
        """
        return self._new_part(_draft_path(name), size_bytes, self._replace if replaces else self._rename)

    def clear_draft(self, name: ChunkName) -> None:
        """Delete the draft of one chunk, if there is one; StorageError: the disk cannot do it."""
        path = _draft_path(name)
        try:
            with suppress(FileNotFoundError):
                self._fs.unlink(path, self._root_fd)
        except OSError as error:
            raise explained(error, str(self.path / path)) from error

    def clear_drafts(self) -> None:
        """Delete what copying has left unfinished, before it begins anew.

        Raises:
            StorageError: the disk cannot do it.
        """
        try:
            for entry in self._listing.entries(DRAFTS):
                self._fs.unlink(f"{DRAFTS}/{entry.name}", self._root_fd)
        except OSError as error:
            raise explained(error, str(self.path / DRAFTS)) from error

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

    def write_mirror(self, file: str, data: bytes) -> None:
        """Store one of the copies of `nvr.chunk.mirror`. StorageError: it was not taken."""
        mirror.write(self._fs, self._root_fd, str(self.path), file, data)

    def read_mirror(self, file: str) -> bytes | None:
        """One of them; None: there is none. StorageError: it cannot be read."""
        return mirror.read(self._fs, self._root_fd, str(self.path), file)

    def root_files(self) -> rootfiles.RootFiles:
        """The small files at its root."""
        return rootfiles.RootFiles(self._fs, lambda: self._root_fd, str(self.path))

    def make_ballast(self, size_bytes: int) -> None:
        """Keep so much room for the moment in which the disk runs full; StorageError: it does not take it."""
        ballast.make(self._fs, self._root_fd, str(self.path), size_bytes)

    def give_up_ballast(self) -> bool:
        """Free that room; whether there was some."""
        return ballast.give_up(self._fs, self._root_fd)

    def has_ballast(self) -> bool:
        """Whether there is such room; StorageError: the disk cannot be asked."""
        return ballast.exists(self._fs, self._root_fd, str(self.path))

    def free_bytes(self) -> int:
        """Room that is left for us."""
        return self.space().free_bytes

    def total_bytes(self) -> int:
        """Room in all."""
        return self.space().total_bytes

    def chunks(self, *, channel: int | None = None, since_us: int | None = None) -> Iterator[tuple[ChunkName, int]]:
        """Every sealed chunk with its length in bytes, by channel and time.

        Args:
            channel: only this one's: one folder read instead of one a channel.
            since_us: only those in folders of that hour or later.
        """
        for path, entry in self._listing.files(channel, since_us):
            name = parse(path)
            if name is not None:
                yield name, entry.size_bytes

    def chunks_by_age(self) -> Iterator[tuple[ChunkName, int]]:
        """The same of all channels, the oldest day first."""
        for path, entry in self._listing.by_age():
            name = parse(path)
            if name is not None:
                yield name, entry.size_bytes

    def oldest_us(self, channel: int) -> int | None:
        """The beginning of the oldest hour of a channel of which there may be chunks; None: there are none."""
        return self._listing.oldest_us(channel)

    def newest_us(self) -> int | None:
        """The beginning of the newest hour in which a chunk was begun; None: there is none."""
        return self._listing.newest_us()

    def parts(self, since_us: int | None = None, is_over: Callable[[], bool] = lambda: False) -> Iterator[str]:
        """Every part, sealed or not, in folders of that hour or later, until it is over: paths in the volume."""
        files = takewhile(lambda _: not is_over(), self._listing.files(since_us=since_us))
        yield from (path for path, _ in files if parse_part(path) is not None)

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
        for path, _ in self._listing.files():
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
        except OSError as error:
            raise explained(error, str(self.path / target)) from error
        self._replace(source, target)

    def _replace(self, source: str, target: str) -> None:
        try:
            self._with_folders(target, lambda: self._fs.rename(source, target, self._root_fd))
        except OSError as error:
            raise explained(error, str(self.path / target)) from error

    def space(self) -> Space:
        """How full it is; StorageError: the disk cannot be asked."""
        try:
            return self._fs.space(self._root_fd)
        except OSError as error:
            raise explained(error, str(self.path)) from error


def _draft_path(name: ChunkName) -> str:
    return f"{DRAFTS}/{name.path().rpartition('/')[2]}"
