"""Small books beside the index: recording must not wait for one that cannot be used, so a new one is begun."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nvr.errors import StorageError

T = TypeVar("T")


def renewed(open_: Callable[[Path], T], path: Path) -> T:
    """Open a book for writing; what cannot be used is kept as ``<name>.damaged``, the newest only.

    Raises:
        StorageError: no new one can be made either.
    """
    try:
        return open_(path)
    except StorageError:
        aside = path.with_name(f"{path.name}.damaged")
        try:
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
        except OSError as error:
            raise StorageError(f"it cannot be moved aside: {error.strerror}", where=str(path)) from error
        return open_(path)
