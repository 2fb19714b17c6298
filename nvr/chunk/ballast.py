"""Room that a volume keeps for the moment in which it runs full: a file at its root that holds nothing."""

from nvr.chunk.filesystem import FileSystem, explained

FILE = "ballast"


def make(fs: FileSystem, root_fd: int, where: str, size_bytes: int) -> None:
    """Reserve the room; if there is a ballast already, it stays as it is.

    Raises:
        StorageError: the disk does not take it.
    """
    try:
        if fs.exists(FILE, root_fd):
            return
        fd = fs.create(FILE, root_fd)
        try:
            fs.reserve(fd, size_bytes)
        except OSError:
            fs.unlink(FILE, root_fd)
            raise
        finally:
            fs.close(fd)
    except OSError as error:
        raise explained(error, f"{where}/{FILE}") from error


def give_up(fs: FileSystem, root_fd: int) -> bool:
    """Free the room; whether there was some."""
    try:
        fs.unlink(FILE, root_fd)
    except OSError:  # there is none, or the disk has failed: whoever writes next is told
        return False
    return True


def exists(fs: FileSystem, root_fd: int, where: str) -> bool:
    """Whether there is a ballast.

    Raises:
        StorageError: the disk cannot be asked.
    """
    try:
        return fs.exists(FILE, root_fd)
    except OSError as error:
        raise explained(error, f"{where}/{FILE}") from error
