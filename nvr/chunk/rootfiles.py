"""Small files at the root of a volume: copies of what lies elsewhere and must not be lost with it."""

from collections.abc import Callable

from nvr.chunk import identity
from nvr.chunk.filesystem import FileSystem, explained


class RootFiles:
    """Of one volume. Raises StorageError everywhere: the disk cannot do it.

    Args:
        fs: the system calls.
        root_fd: of the volume; -1 once it is closed, for its number may be another's folder by then.
        where: the volume's folder, for messages.
    """

    def __init__(self, fs: FileSystem, root_fd: Callable[[], int], where: str) -> None:
        self._fs = fs
        self._root_fd = root_fd
        self._where = where

    def names(self, prefix: str, suffix: str) -> list[str]:
        """Those that are called so, by name."""
        try:
            entries = self._fs.entries(".", self._root_fd())
        except OSError as error:
            raise explained(error, self._where) from error
        names = (entry.name for entry in entries if not entry.is_folder)
        return sorted(name for name in names if name.startswith(prefix) and name.endswith(suffix))

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The beginning of a file."""
        try:
            fd = self._fs.open(name, self._root_fd())
            try:
                return self._whole(fd, limit_bytes)
            finally:
                self._fs.close(fd)
        except OSError as error:
            raise explained(error, f"{self._where}/{name}") from error

    def _whole(self, fd: int, limit_bytes: int) -> bytes:
        data = b""
        while len(data) < limit_bytes and (piece := self._fs.read(fd, len(data), limit_bytes - len(data))):
            data += piece
        return data

    def write(self, name: str, data: bytes) -> None:
        """Store a file; after any crash it is whole, old or new."""
        try:
            identity.write_whole(self._fs, self._root_fd(), name, data)
        except OSError as error:
            self._clear(f"{name}.new")
            raise explained(error, f"{self._where}/{name}") from error

    def _clear(self, draft: str) -> None:
        """A draft for which there was no room takes none."""
        try:
            self._fs.unlink(draft, self._root_fd())
        except OSError:  # there is none, or the disk has failed: the next write replaces it
            return

    def remove(self, name: str) -> None:
        """Delete a file that is there."""
        try:
            self._fs.unlink(name, self._root_fd())
        except OSError as error:
            raise explained(error, f"{self._where}/{name}") from error
