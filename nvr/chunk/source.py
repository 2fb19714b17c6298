"""An opened file to read from: by offset, never beyond what is there, errors in plain words."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from nvr.chunk.filesystem import FileSystem, explained


class ByteSource:
    """A file descriptor for reading, which is closed with it. Threads may share it: it keeps no position.

    Never a memory map: a disk error or a file cut short would kill the process with SIGBUS.
    """

    def __init__(self, fd: int, where: str = "", fs: FileSystem | None = None) -> None:
        self.fd = fd
        self.where = where or f"file descriptor {fd}"
        self._fs = fs or FileSystem()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file by its path; a symbolic link is refused.

        Raises:
            StorageError: it is missing or cannot be opened.
        """
        try:
            return cls(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), str(path))
        except OSError as error:
            raise explained(error, str(path)) from error

    def size(self) -> int:
        """The file's length now; a part may grow."""
        try:
            return self._fs.size(self.fd)
        except OSError as error:
            raise explained(error, self.where) from error

    def read(self, offset: int, size_bytes: int) -> bytes:
        """So many bytes, fewer only where the file ends.

        Raises:
            StorageError: the disk cannot read them.
        """
        try:
            data = self._fs.read(self.fd, offset, size_bytes)
            while data and len(data) < size_bytes:
                more = self._fs.read(self.fd, offset + len(data), size_bytes - len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise explained(error, self.where) from error
        return data

    def forget_cached(self) -> None:
        """Let the kernel forget what was read: it was read once, and others need the memory."""
        with suppress(OSError):
            self._fs.drop_cache(self.fd)

    def close(self) -> None:
        """Close the file; once is enough, twice does no harm."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            self._fs.close(fd)
