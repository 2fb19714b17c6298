"""The system calls that a volume makes, one method each, so that a test can put a simulated disk in their place."""

import ctypes
import errno
import fcntl
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nvr.errors import StorageError, TooManyFiles, VolumeFull
from nvr.ownership import hand_over

FILE_MODE = 0o640
FOLDER_MODE = 0o750
FALLOC_FL_KEEP_SIZE = 1  # linux/falloc.h
IOV_MAX = os.sysconf("SC_IOV_MAX")

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}  # ioprio_set(2), which glibc does not wrap
_IOPRIO_WHO_PROCESS = 1  # linux/ioprio.h; with id 0 the calling thread
_IOPRIO_IDLE = 3 << 13

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_libc.syncfs.argtypes = (ctypes.c_int,)

# What a person is told, and what may help. Anything else is told in the kernel's words.
_PLAIN_WORDS = {
    errno.ENOSPC: ("the volume is full", "make room, or lower the retention"),
    errno.EDQUOT: ("the volume's quota is used up", "raise the quota, or lower the retention"),
    errno.EROFS: ("the volume is read-only", "look in the kernel's log for disk errors, then mount it writable again"),
    errno.EIO: ("the disk reports an error", "look at its SMART state and cabling; replace it if it is failing"),
    errno.ENODEV: ("the disk is gone", "check its cable and power"),
    errno.ENXIO: ("the disk is gone", "check its cable and power"),
    errno.ENOENT: ("the file or folder is missing", "nvr check tells what else is"),
    errno.EACCES: ("the recorder may not do this here", "give its user the folder: chown -R"),
    errno.EPERM: ("the recorder may not do this here", "give its user the folder: chown -R"),
    errno.EMFILE: ("too many files are open", "raise the limit: ulimit -n, or LimitNOFILE= in the unit"),
    errno.ENFILE: ("too many files are open in the whole system", "raise fs.file-max"),
}

_KINDS: dict[int, type[StorageError]] = {
    errno.ENOSPC: VolumeFull,
    errno.EDQUOT: VolumeFull,
    errno.EMFILE: TooManyFiles,
    errno.ENFILE: TooManyFiles,
}


def explained(error: OSError, where: str) -> StorageError:
    """The error in plain words; `VolumeFull` if room is all that is missing, `TooManyFiles` if descriptors are."""
    what, hint = _PLAIN_WORDS.get(error.errno or 0, (error.strerror or str(error), ""))
    return _KINDS.get(error.errno or 0, StorageError)(what, where=where, hint=hint)


def be_idle() -> None:
    """Let this thread, and no other, have the disk and the processor only when nobody else wants them.

    Where the kernel does not know the call, or its I/O scheduler knows no classes, nothing changes.
    """
    number = _IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        _libc.syscall(ctypes.c_long(number), _IOPRIO_WHO_PROCESS, 0, _IOPRIO_IDLE)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)  # to Linux a thread is a process


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    is_folder: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Space:
    """How full a file system is, as far as it is for us."""

    free_bytes: int
    total_bytes: int
    free_files: int  # so many files and folders may be made: inodes
    total_files: int  # in all; 0: it does not count them, as btrfs


class FileSystem:
    """The kernel's file systems. Every method raises OSError as the kernel gives it."""

    def open_folder(self, path: Path) -> int:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def make_folder(self, path: str, folder_fd: int) -> None:
        """Make one folder; it may be there already."""
        try:
            os.mkdir(path, FOLDER_MODE, dir_fd=folder_fd)
        except FileExistsError:
            return
        if os.geteuid() == 0:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd)
            try:
                hand_over(fd, folder_fd)
            finally:
                os.close(fd)

    def remove_folder(self, path: str, folder_fd: int) -> None:
        os.rmdir(path, dir_fd=folder_fd)

    def create(self, path: str, folder_fd: int) -> int:
        """A new file for writing; it must not exist."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(path, flags, FILE_MODE, dir_fd=folder_fd)
        hand_over(fd, folder_fd)
        return fd

    def open(self, path: str, folder_fd: int, *, writable: bool = False) -> int:
        """An existing file; a symbolic link is refused (ELOOP)."""
        flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(path, flags, dir_fd=folder_fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Write at the file's position, at most `IOV_MAX` buffers; how many bytes were taken."""
        return os.writev(fd, buffers)

    def seek_end(self, fd: int) -> int:
        return os.lseek(fd, 0, os.SEEK_END)

    def read(self, fd: int, offset: int, size_bytes: int) -> bytes:
        """At most so many bytes; fewer only at the end of the file, or where the kernel likes to stop."""
        return os.pread(fd, size_bytes, offset)

    def drop_cache(self, fd: int) -> None:
        """Forget the file's pages, but for those that wait to be written (posix_fadvise(2))."""
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def exists(self, path: str, folder_fd: int) -> bool:
        try:
            os.stat(path, dir_fd=folder_fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def truncate(self, fd: int, size_bytes: int) -> None:
        """Set the length; room reserved beyond it is given back."""
        os.ftruncate(fd, size_bytes)

    def reserve(self, fd: int, size_bytes: int) -> None:
        """Reserve room from the file's start without changing its length; not every file system can."""
        if _libc.fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size_bytes) != 0:
            code = ctypes.get_errno()
            if code not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise OSError(code, os.strerror(code))

    def rename(self, source: str, target: str, folder_fd: int) -> None:
        os.rename(source, target, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)

    def unlink(self, path: str, folder_fd: int) -> None:
        os.unlink(path, dir_fd=folder_fd)

    def entries(self, path: str, folder_fd: int) -> list[Entry]:
        """What a folder holds, sorted by name; symbolic links are left out."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd)
        found = []
        try:
            with os.scandir(fd) as listing:
                for entry in listing:
                    if entry.is_dir(follow_symlinks=False):
                        found.append(Entry(entry.name, True, 0))
                    elif entry.is_file(follow_symlinks=False):
                        found.append(Entry(entry.name, False, entry.stat(follow_symlinks=False).st_size))
        finally:
            os.close(fd)
        return sorted(found, key=lambda entry: entry.name)

    def sync(self, fd: int) -> None:
        """Everything of the file system that holds ``fd`` to the disk: data, names and folders (syncfs(2))."""
        if _libc.syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def sync_file(self, fd: int) -> None:
        os.fsync(fd)

    def lock(self, fd: int) -> None:
        """Lock against other processes until the file is closed; BlockingIOError: somebody else has it."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def space(self, fd: int) -> Space:
        facts = os.fstatvfs(fd)
        free_bytes, total_bytes = facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize
        return Space(free_bytes, total_bytes, facts.f_favail, facts.f_files)

    def is_read_only(self, fd: int) -> bool:
        return bool(os.fstatvfs(fd).f_flag & os.ST_RDONLY)

    def is_mount(self, fd: int) -> bool:
        """Whether another file system stands above the folder: it is a mount, or the root."""
        above = os.stat("..", dir_fd=fd)
        here = os.fstat(fd)
        return above.st_dev != here.st_dev or above.st_ino == here.st_ino

    def leads_to(self, path: Path, fd: int) -> bool:
        """Whether a path leads to the opened folder."""
        try:
            there = path.stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(fd))

    def missing_mount(self, path: Path) -> Path | None:
        """The folder at or above ``path`` on which fstab(5) wants something mounted, and nothing is."""
        try:
            lines = Path("/etc/fstab").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        fields = (line.split() for line in lines if not line.lstrip().startswith("#"))
        planned = {Path(row[1].replace("\\040", " ")) for row in fields if len(row) >= 2}
        real = path.absolute()
        return next((place for place in (real, *real.parents) if place in planned and not place.is_mount()), None)
