"""Something that is opened when first used: the recorder may not have made it yet."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Late(Generic[T]):
    """Something that is opened when first used, and tried again at the next use if it is not there yet.

    Safe between threads: LMDB must not be opened twice by one process. What was replaced on disk (an index
    that was made anew) is opened again; the old one ends with its last reader, not before.

    Args:
        opener: opens it.
        path: the file that is it.
    """

    def __init__(self, opener: Callable[[], T], path: Path) -> None:
        self._opener = opener
        self._path = path
        self._value: T | None = None
        self._file: tuple[int, int] | None = None
        self._lock = Lock()

    def __call__(self) -> T:
        """The thing.

        Raises:
            StorageError: it cannot be opened now.
        """
        with self._lock:
            if self._value is None or self._file_now() != self._file:
                self._value = None
                self._value = self._opener()
                self._file = self._file_now()
            return self._value

    def _file_now(self) -> tuple[int, int] | None:
        try:
            facts = self._path.stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino
