"""One process for each data folder, whatever disks are there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nvr.errors import StorageError
from nvr.ownership import make_folder


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Keep a second recorder from the same data, also while no disk is there that could tell it.

    Raises:
        StorageError: another one runs.
    """
    make_folder(data_dir)
    fd = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "stop it first, or use a data_dir and volumes of its own"
            raise StorageError("a recorder uses this data", where=str(data_dir), hint=hint) from None
        yield
    finally:
        os.close(fd)
