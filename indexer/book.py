"""Small books beside the index, each an environment of its own: recording must not wait for one that cannot be used."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from indexer.store import Reading, Store, Writing
from nvr.errors import StorageError


class BriefStore:
    """A store that is open only while it is used: an environment costs three file descriptors, and 0.3 ms to open.

    Args:
        opened: opens it.
    """

    def __init__(self, opened: Callable[[], Store]) -> None:
        self._opened = opened
        self._lock = threading.Lock()  # LMDB: an environment is open once in a process

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """As `Store.read`."""
        with self._lock, self._opened() as store, store.read() as txn:
            yield txn

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """As `Store.write`."""
        with self._lock, self._opened() as store, store.write() as txn:
            yield txn

    def close(self) -> None:
        """Nothing is open."""


class Book:
    """An opened book. Threads may share it; other processes may have it open as well. ``with`` closes it.

    Raises, everywhere:
        StorageError: LMDB fails.
    """

    SCHEMA: ClassVar[str]  # name and version of what is in it
    TABLES: ClassVar[Sequence[str]]
    MAP_BYTES: ClassVar[int]  # the most it may grow to
    ROOM_BYTES: ClassVar[int] = 0  # kept for it, so that it can be written when the disk is full

    def __init__(self, store: Store | BriefStore) -> None:
        self._store = store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open it; for writing it is made if it is missing.

        Raises:
            StorageError: it cannot be used, or is missing.
        """
        store = cls._opened(path, read_only=read_only)
        if cls.ROOM_BYTES and not read_only:
            store.reserve(cls.ROOM_BYTES)
        return cls(store)

    @classmethod
    def renewed(cls, path: Path) -> Self:
        """The same for writing; one that cannot be used is kept as ``<name>.damaged``, the newest only, and begun anew.

        Raises:
            StorageError: no new one can be made either.
        """
        try:
            return cls.open(path)
        except StorageError:
            aside = path.with_name(f"{path.name}.damaged")
            try:
                shutil.rmtree(aside, ignore_errors=True)
                path.rename(aside)
            except OSError as error:
                raise StorageError(f"it cannot be moved aside: {error.strerror}", where=str(path)) from error
            return cls.open(path)

    @classmethod
    def brief(cls, path: Path) -> Self:
        """As `renewed`, and open only while it is used: for a process that needs its descriptors for cameras."""
        cls.renewed(path).close()
        return cls(BriefStore(lambda: cls._opened(path)))

    @classmethod
    def _opened(cls, path: Path, *, read_only: bool = False) -> Store:
        return Store.open(path, cls.TABLES, schema=cls.SCHEMA, map_bytes=cls.MAP_BYTES, read_only=read_only)

    def close(self) -> None:
        """Close it."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
