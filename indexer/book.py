"""Small books beside the index, each an environment of its own: recording must not wait for one that cannot be used."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from indexer.store import Store
from nvr.errors import StorageError


class Book:
    """An opened book. Threads may share it; other processes may have it open as well. ``with`` closes it.

    Raises, everywhere:
        StorageError: LMDB fails.
    """

    SCHEMA: ClassVar[str]  # name and version of what is in it
    TABLES: ClassVar[Sequence[str]]
    MAP_BYTES: ClassVar[int]  # the most it may grow to
    ROOM_BYTES: ClassVar[int] = 0  # kept for it, so that it can be written when the disk is full

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open it; for writing it is made if it is missing.

        Raises:
            StorageError: it cannot be used, or is missing.
        """
        store = Store.open(path, cls.TABLES, schema=cls.SCHEMA, map_bytes=cls.MAP_BYTES, read_only=read_only)
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

    def close(self) -> None:
        """Close it."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
