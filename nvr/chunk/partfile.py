"""A chunk file that is being written. Made by `nvr.chunk.volume.Volume`; one thread writes it."""

from collections.abc import Callable, Sequence

from nvr.chunk.filesystem import IOV_MAX, FileSystem, explained
from nvr.chunk.name import ChunkName
from nvr.errors import StorageError

Rename = Callable[[str, str], None]


class PartFile:
    """Grows by whole fragments and is closed by `seal` or `abandon`.

    Args:
        fs: the system calls.
        fd: open for writing, at the end of what is written.
        path: relative to the volume.
        size_bytes: how much stands in it.
        where: the full path, for messages.
        rename: gives the file its final name, from and to relative to the volume.
    """

    def __init__(self, fs: FileSystem, fd: int, path: str, size_bytes: int, where: str, rename: Rename) -> None:
        self.path = path
        self.size_bytes = size_bytes  # of what `append` has written whole
        self._fs = fs
        self._fd = fd
        self._where = where
        self._rename = rename

    def append(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Write all buffers one after the other: one system call for up to `IOV_MAX` of them.

        If it fails, the file is closed as by `abandon`: nothing may stand behind torn bytes.

        Raises:
            VolumeFull: there is no room.
            StorageError: the disk does not take it, or the file is closed.
        """
        if self._fd < 0:
            raise StorageError("this part is closed", where=self._where)
        total = sum(map(len, buffers))
        try:
            written = self._fs.write(self._fd, buffers[:IOV_MAX])
            if written < total:
                self._write_rest(buffers, written)
        except OSError as error:
            self.abandon()
            raise explained(error, self._where) from error
        self.size_bytes += total

    def _write_rest(self, buffers: Sequence[bytes | memoryview], written: int) -> None:
        """Go on after a short write, or beyond `IOV_MAX` buffers; disks that run full are where this happens."""
        rest = [memoryview(buffer) for buffer in buffers]
        while True:
            done = 0
            while done < len(rest) and written >= len(rest[done]):
                written -= len(rest[done])
                done += 1
            rest = rest[done:]
            if not rest:
                return
            rest[0] = rest[0][written:]
            written = self._fs.write(self._fd, rest[:IOV_MAX])

    def seal(self, tail: bytes, name: ChunkName) -> None:
        """Write the tail, give back the reserved room and give the file its final name.

        The file is closed in any case; if it fails, it stays behind as a part, without the tail.

        Raises:
            VolumeFull: there is no room for the tail.
            StorageError: the disk does not take it, or a file of that name exists.
        """
        whole_bytes = self.size_bytes
        self.append([tail])
        try:
            self._fs.truncate(self._fd, self.size_bytes)
            self._rename(self.path, name.path())
        except OSError as error:
            self.size_bytes = whole_bytes
            self.abandon()
            raise explained(error, self._where) from error
        except StorageError:
            self.size_bytes = whole_bytes
            self.abandon()
            raise
        self._close()

    def abandon(self) -> None:
        """Close the file; what is whole stays as a part for `nvr.chunk.recovery`, torn bytes and reserved room go."""
        if self._fd < 0:
            return
        try:
            self._fs.truncate(self._fd, self.size_bytes)
        except OSError:  # the disk is broken, and its owner has been told; recovery will cut the file
            pass
        finally:
            self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        try:
            self._fs.close(fd)
        except OSError as error:
            raise explained(error, self._where) from error
