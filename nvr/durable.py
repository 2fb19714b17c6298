"""A rename that survives a power cut: POSIX promises it only once the folder is synced too."""

import os
from pathlib import Path


def rename(draft: Path, path: Path) -> None:
    """Give ``draft`` its final name in the same file system, and sync the folder in which it then lies.

    Raises:
        OSError: it cannot be renamed, or the disk fails.
    """
    draft.rename(path)
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
