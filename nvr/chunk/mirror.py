"""The copy of the holds that every volume keeps at its root, so that a lost registry ends none."""

from nvr.chunk import identity
from nvr.chunk.filesystem import FileSystem, explained

FILE = "holds.json"
_LIMIT_BYTES = 16 << 20  # chosen: some 50,000 holds


def write(fs: FileSystem, root_fd: int, where: str, data: bytes) -> None:
    """Store it; after any crash it is whole, old or new.

    Raises:
        StorageError: the disk does not take it.
    """
    try:
        identity.write_whole(fs, root_fd, FILE, data)
    except OSError as error:
        raise explained(error, f"{where}/{FILE}") from error


def read(fs: FileSystem, root_fd: int, where: str) -> bytes | None:
    """What it says; None: there is none.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        fd = fs.open(FILE, root_fd)
        try:
            return fs.read(fd, 0, _LIMIT_BYTES)
        finally:
            fs.close(fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explained(error, f"{where}/{FILE}") from error
