"""Is this the volume it claims to be? ``volume.json`` at its root says who it is."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from uuid import UUID, uuid4

from nvr.chunk.filesystem import FileSystem, explained
from nvr.errors import StorageError
from nvr.ownership import make_folder
from nvr.timebase import Clock, format_utc

FORMAT = 1
FILE = "volume.json"
_LIMIT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a volume is, for as long as it lives."""

    uuid: UUID
    number: int  # what stands for it in the index
    own_file_system: bool  # it was a mount when it was made, so it must always be one
    created: str  # RFC 3339

    @classmethod
    def new(cls, number: int, clock: Clock, *, own_file_system: bool) -> Self:
        return cls(uuid4(), number, own_file_system, format_utc(clock.wall_us()))

    def encode(self) -> bytes:
        """The text of ``volume.json``."""
        fields = {
            "format": FORMAT,
            "uuid": str(self.uuid),
            "number": self.number,
            "own_file_system": self.own_file_system,
            "created": self.created,
        }
        return (json.dumps(fields, indent=2) + "\n").encode()

    @classmethod
    def decode(cls, data: bytes, where: str) -> Self:
        """Read ``volume.json``.

        Raises:
            StorageError: it is damaged, or of another format.
        """
        try:
            match json.loads(data):
                case {"format": int(version)} if version != FORMAT:
                    raise StorageError(
                        f"the volume has format {version}, this program knows {FORMAT}",
                        where=where,
                        hint="a newer program made it: install that version again; the footage is plain MP4 meanwhile",
                    )
                case {
                    "format": 1,
                    "uuid": str(uuid),
                    "number": int(number),
                    "own_file_system": bool(own_file_system),
                    "created": str(created),
                }:
                    return cls(UUID(uuid), number, own_file_system, created)
        except ValueError:  # not JSON, not UTF-8, not a UUID
            pass
        raise StorageError(
            "the volume's identity is damaged", where=where, hint="its uuid stands in every chunk: nvr show tells it"
        )

    def check(self, number: int, expected_uuid: bytes | None, where: str, *, mounted: bool) -> None:
        """Refuse a volume that is not the one that was meant.

        Raises:
            StorageError: another number, another uuid, or a copy that lies where the mount should be.
        """
        if self.number != number:
            hint = "give nvr.toml the right number or path; a disk that is new here is added with nvr volumes add"
            raise StorageError(f"this is volume {self.number}, not {number}", where=where, hint=hint)
        if expected_uuid is not None and self.uuid.bytes != expected_uuid:
            raise StorageError(
                f"another disk is here: its uuid is {self.uuid}, expected was {UUID(bytes=expected_uuid)}",
                where=where,
                hint=f"mount the right disk; if this one is to take its place for good: nvr volumes replace {number}",
            )
        if self.own_file_system and not mounted:
            raise StorageError(
                "this volume is a disk of its own, but none is mounted here", where=where, hint="mount it"
            )


def read(fs: FileSystem, root_fd: int, where: str) -> Identity | None:
    """The identity of an opened volume; None: it has none.

    Raises:
        StorageError: it is damaged.
        OSError: it cannot be read.
    """
    try:
        fd = fs.open(FILE, root_fd)
    except FileNotFoundError:
        return None
    try:
        return Identity.decode(fs.read(fd, 0, _LIMIT_BYTES), f"{where}/{FILE}")
    finally:
        fs.close(fd)


def of_folder(path: Path, fs: FileSystem | None = None) -> Identity | None:
    """The identity that a folder has; None: it is no volume, or cannot be looked at."""
    fs = fs or FileSystem()
    try:
        root_fd = fs.open_folder(path)
    except OSError:
        return None
    try:
        return read(fs, root_fd, str(path))
    except (OSError, StorageError):
        return None
    finally:
        fs.close(root_fd)


def write(fs: FileSystem, root_fd: int, identity: Identity) -> None:
    """Store an identity.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(fs, root_fd, FILE, identity.encode())


def renumber(path: Path, who: Identity, number: int) -> None:
    """Give a volume that nobody writes another number: chunk files name its uuid, not its number.

    Raises:
        StorageError: another process writes it, or it cannot be written.
    """
    fs = FileSystem()
    root_fd = open_root(fs, path, create=False)
    try:
        claim(fs, root_fd, str(path))
        write(fs, root_fd, replace(who, number=number))
    except OSError as error:
        raise explained(error, str(path)) from error
    finally:
        fs.close(root_fd)


def write_whole(fs: FileSystem, root_fd: int, name: str, data: bytes) -> None:
    """Store a small file at a volume's root so that after any crash it is whole, old or new.

    Raises:
        OSError: it cannot be written.
    """
    draft = f"{name}.new"
    if fs.exists(draft, root_fd):
        fs.unlink(draft, root_fd)
    fd = fs.create(draft, root_fd)
    try:
        fs.write(fd, [data])
        fs.sync_file(fd)
    finally:
        fs.close(fd)
    fs.rename(draft, name, root_fd)
    fs.sync_file(root_fd)


def open_root(fs: FileSystem, path: Path, *, create: bool) -> int:
    """Open a volume's folder, made first if it may be; never one on which fstab wants something mounted.

    Raises:
        StorageError: it is missing, cannot be opened, or its disk is not mounted.
    """
    where = str(path)
    missing = fs.missing_mount(path)
    if missing is not None:
        raise StorageError(f"the disk of {missing} is not mounted", where=where, hint=f"mount it: mount {missing}")
    try:
        if create:
            make_folder(path)
        return fs.open_folder(path)
    except FileNotFoundError:
        raise StorageError("there is no such folder", where=where, hint="mount the disk, or run nvr init") from None
    except OSError as error:
        raise explained(error, where) from error


def claim(fs: FileSystem, root_fd: int, where: str) -> None:
    """Lock an opened volume for writing.

    Raises:
        StorageError: it is read-only, or another process writes it.
        OSError: it cannot be locked.
    """
    if fs.is_read_only(root_fd):
        hint = "look in the kernel's log for disk errors, then mount it writable again"
        raise StorageError("the volume is read-only", where=where, hint=hint)
    try:
        fs.lock(root_fd)
    except BlockingIOError:
        hint = "only one recorder may use it: stop the other one"
        raise StorageError("another process writes this volume", where=where, hint=hint) from None
