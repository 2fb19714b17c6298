"""Copies that every volume keeps at its root, in case the data folder is lost.

Of the holds, so that none ends, and of what is believed of the server's clock, so that no wrong one judges old footage.
"""

from nvr.chunk import identity
from nvr.chunk.filesystem import FileSystem, explained

HOLDS = "holds.json"
CLOCK = "clock.json"
_LIMIT_BYTES = 16 << 20  # chosen: some 50,000 holds


def write(fs: FileSystem, root_fd: int, where: str, file: str, data: bytes) -> None:
    """Store one of them; after any crash it is whole, old or new.

    Raises:
        StorageError: the disk does not take it.
    """
    try:
        identity.write_whole(fs, root_fd, file, data)
    except OSError as error:
        raise explained(error, f"{where}/{file}") from error


def read(fs: FileSystem, root_fd: int, where: str, file: str) -> bytes | None:
    """What it says; None: there is none.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        fd = fs.open(file, root_fd)
        try:
            return fs.read(fd, 0, _LIMIT_BYTES)
        finally:
            fs.close(fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explained(error, f"{where}/{file}") from error
