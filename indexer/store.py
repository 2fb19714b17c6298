"""LMDB: the only room that imports it. Opens an environment and gives typed transactions.

What must be so, and is: the 0.9 data format (``lib_version=0``: py-lmdb 3 carries two formats that cannot read each
other); never NOSYNC for what must survive; never WRITEMAP; one environment per file and process (LMDB's locks are per
process); an environment is never carried over a fork (we spawn); map_size is the same in all processes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import lmdb

from nvr.chunk.filesystem import FileSystem
from nvr.errors import StorageError
from nvr.ownership import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE, hand_over_path, keep_private, make_folder

MAP_BYTES = 64 << 30  # address space, not disk: so much an index may ever grow
MAX_READERS = 512
_FORMAT_09 = 0  # lib_version
_TAIL_BYTES = 1 << 20  # pages a transaction took and gave back may be missing at the end
_META = "meta"
_SCHEMA_KEY = b"schema"

Row = tuple[bytes, bytes]


class Store:
    """An opened environment. Threads may share it; transactions belong to the thread that began them."""

    def __init__(self, env: lmdb.Environment, tables: dict[str, lmdb._Database], path: Path) -> None:
        self.path = path
        self._env = env
        self._tables = tables

    @classmethod
    def open(
        cls,
        path: Path,
        tables: Sequence[str],
        *,
        schema: str,
        read_only: bool = False,
        durable: bool = True,
        map_bytes: int = MAP_BYTES,
    ) -> Self:
        """Open, and unless ``read_only`` create, an environment; only its owner may look into its folder.

        Args:
            path: its folder; never on a network file system.
            tables: the names of its tables.
            schema: name and version of what is in it; another one is refused.
            read_only: it must exist; nothing is written but LMDB's table of readers.
            durable: a commit is on the disk when it returns; only what may be lost does without.
            map_bytes: the most it may grow to.

        Raises:
            StorageError: it is not there, cannot be used, or is something else.
        """
        try:
            if not read_only:
                make_folder(path, PRIVATE_FOLDER_MODE)
                keep_private(path)
            env = lmdb.Environment(
                os.fspath(path),
                map_size=map_bytes,
                readonly=read_only,
                create=not read_only,
                max_dbs=len(tables) + 1,
                max_readers=MAX_READERS,
                max_spare_txns=4,
                sync=durable,
                metasync=durable,
                mode=PRIVATE_FILE_MODE,
                lib_version=_FORMAT_09,
            )
            for file in () if read_only else (path / "data.mdb", path / "lock.mdb"):
                hand_over_path(file, path)
        except (lmdb.Error, OSError) as error:
            raise _explained(error, path) from error
        try:
            return cls(env, _open_tables(env, tables, schema, path, read_only=read_only), path)
        except lmdb.Error as error:
            env.close()
            raise _explained(error, path) from error
        except StorageError:
            env.close()
            raise

    def reserve(self, size_bytes: int) -> None:
        """Let the disk keep so much for the environment as a whole; where that is not possible, nothing changes."""
        with suppress(OSError):
            fd = os.open(self.path / "data.mdb", os.O_RDWR | os.O_CLOEXEC)
            try:
                FileSystem().reserve(fd, size_bytes)
            finally:
                os.close(fd)

    def close(self) -> None:
        """Close the environment; transactions must have ended."""
        self._env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> "Reading":
        """A read transaction, for a ``with``. Keep it under 100 ms: it stops the reuse of pages."""
        return Reading(self._env, self._tables, self.path)

    def write(self) -> "Writing":
        """A write transaction, for a ``with``: commits at its end, unless an exception leaves it."""
        return Writing(self._env, self._tables, self.path)

    def last_transaction(self) -> int:
        """The number of the last commit, by whatever process."""
        return int(self._env.info()["last_txnid"])

    def clear_dead_readers(self) -> int:
        """Free the places of processes that died while they read; gives their number."""
        try:
            return self._env.reader_check()
        except lmdb.Error as error:
            raise _explained(error, self.path) from error

    def used_bytes(self) -> int:
        """How far the file has grown."""
        info, stat = self._env.info(), self._env.stat()
        return (info["last_pgno"] + 1) * stat["psize"]


class Reading:
    """A read transaction: what it sees does not change while it lasts."""

    __slots__ = ("_env", "_path", "_tables", "_txn")
    _writes = False

    def __init__(self, env: lmdb.Environment, tables: dict[str, lmdb._Database], path: Path) -> None:
        self._env = env
        self._tables = tables
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._txn = self._begin()
        except lmdb.Error as error:
            raise _explained(error, self._path) from error
        return self

    def _begin(self) -> "lmdb.Transaction[bytes]":
        try:
            return self._env.begin(write=self._writes)
        except lmdb.ReadersFullError:
            self._env.reader_check()
            return self._env.begin(write=self._writes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._txn.abort()
        if isinstance(error, lmdb.Error):
            raise _explained(error, self._path) from error

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value of a key."""
        return self._txn.get(key, db=self._tables[table])

    def before(self, table: str, key: bytes) -> Row | None:
        """The last row whose key is less than ``key``."""
        cursor = self._txn.cursor(self._tables[table])
        found = cursor.prev() if cursor.set_range(key) else cursor.last()
        return cursor.item() if found else None

    def from_key(self, table: str, key: bytes) -> Row | None:
        """The first row whose key is ``key`` or greater."""
        cursor = self._txn.cursor(self._tables[table])
        return cursor.item() if cursor.set_range(key) else None

    def rows(self, table: str, start: bytes = b"", stop: bytes | None = None) -> Iterator[Row]:
        """The rows with keys in ``[start, stop)``, in order."""
        cursor = self._txn.cursor(self._tables[table])
        if not (cursor.set_range(start) if start else cursor.first()):
            return
        for row in cursor.iternext():
            if stop is not None and row[0] >= stop:
                return
            yield row

    def rows_back(self, table: str, stop: bytes, start: bytes = b"") -> Iterator[Row]:
        """The rows with keys in ``[start, stop)``, the last one first."""
        cursor = self._txn.cursor(self._tables[table])
        found = cursor.prev() if cursor.set_range(stop) else cursor.last()
        while found:
            row = cursor.item()
            if row[0] < start:
                return
            yield row
            found = cursor.prev()

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self._txn.stat(self._tables[table])["entries"]

    def fact(self, name: str) -> bytes | None:
        """A fact about the whole environment."""
        return self._txn.get(name.encode(), db=self._tables[_META])


class Writing(Reading):
    """A write transaction: all of it, or nothing."""

    __slots__ = ()
    _writes = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            super().__exit__(kind, error, trace)
            return
        try:
            self._txn.commit()
        except lmdb.Error as failure:
            raise _explained(failure, self._path) from failure

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Write a row; one that is there is replaced."""
        self._txn.put(key, value, db=self._tables[table])

    def delete(self, table: str, key: bytes) -> bool:
        """Remove a row; whether it was there."""
        return self._txn.delete(key, db=self._tables[table])

    def clear(self, table: str) -> None:
        """Remove all rows of a table."""
        self._txn.drop(self._tables[table], delete=False)

    def set_fact(self, name: str, value: bytes | None) -> None:
        """Write a fact about the whole environment; None removes it."""
        if value is None:
            self._txn.delete(name.encode(), db=self._tables[_META])
        else:
            self._txn.put(name.encode(), value, db=self._tables[_META])


def _open_tables(
    env: lmdb.Environment, tables: Sequence[str], schema: str, path: Path, *, read_only: bool
) -> dict[str, lmdb._Database]:
    env.reader_check()
    _refuse_truncated(env, path)
    names = (_META, *tables)
    if read_only:  # py-lmdb forgets handles that a read transaction opened, when it ends
        handles = {name: env.open_db(name.encode(), create=False) for name in names}
        with env.begin() as txn:
            _check_schema(txn.get(_SCHEMA_KEY, db=handles[_META]), schema, path)
        return handles
    with env.begin(write=True) as txn:
        handles = {name: env.open_db(name.encode(), txn) for name in names}
        if not txn.put(_SCHEMA_KEY, schema.encode(), overwrite=False, db=handles[_META]):
            _check_schema(txn.get(_SCHEMA_KEY, db=handles[_META]), schema, path)
    return handles


def _check_schema(found: bytes | None, expected: str, path: Path) -> None:
    if found != expected.encode():
        is_now = found.decode(errors="replace") if found else "nothing"
        raise StorageError(
            f"this holds {is_now!r}, but {expected!r} is expected",
            where=str(path),
            hint=_mend_of_version(found, expected),
        )


def _mend_of_version(found: bytes | None, expected: str) -> str:
    kind = expected.partition(" ")[0]
    if found is not None and not found.startswith(kind.encode()):
        return "this folder belongs to something else: look at data_dir in nvr.toml"
    again = {
        "index": "; or make the index anew from the files, which loses nothing but the reasons of gaps: nvr rebuild",
        "registry": "; or put back the copy of this version's time: nvr registry restore",
    }
    return f"another version of the program wrote it: install that version again{again.get(kind, '')}"


def _refuse_truncated(env: lmdb.Environment, path: Path) -> None:
    """LMDB maps the file: touching a page behind its end would kill the process (SIGBUS)."""
    needed_bytes = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
    found_bytes = (path / "data.mdb").stat().st_size
    if found_bytes + _TAIL_BYTES < needed_bytes:
        raise StorageError(
            f"the LMDB file is cut off: it has {found_bytes} bytes instead of {needed_bytes}",
            where=str(path),
            hint="an index can be made anew: nvr rebuild",
        )
    if found_bytes < needed_bytes:
        _pad(path / "data.mdb", needed_bytes)


def _pad(file: Path, needed_bytes: int) -> None:
    """Let the file reach as far as LMDB may look: zeros are a page that it refuses, no page at all is SIGBUS.

    fallocate never shortens the file nor changes what another process has just written there.
    """
    with suppress(OSError):  # we may only read it, or there is no room
        fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.posix_fallocate(fd, needed_bytes - 1, 1)
        finally:
            os.close(fd)


def _explained(error: lmdb.Error | OSError, path: Path) -> StorageError:
    """The same in plain words."""
    text = str(error)
    match error:
        case lmdb.MapFullError():
            hint = "dead readers keep its pages, or it has outgrown its map: restart the programs that read it"
            return StorageError("there is no room left in the LMDB file", where=str(path), hint=hint)
        case lmdb.ReadersFullError():
            return StorageError(f"more than {MAX_READERS} readers at once", where=str(path))
        case lmdb.NotFoundError():
            return StorageError("a table is missing", where=str(path), hint="the recorder makes it at its start")
        case lmdb.CorruptedError() | lmdb.PageNotFoundError() | lmdb.InvalidError() | lmdb.VersionMismatchError():
            hint = "an index can be made anew: nvr rebuild"
            return StorageError(f"the LMDB file is damaged: {text}", where=str(path), hint=hint)
        case _:
            pass
    if "No such file" in text:
        hint = "the recorder makes it at its first start"
        return StorageError("there is nothing here yet", where=str(path), hint=hint)
    if "already open" in text:
        return StorageError("this process has opened it already: share the Store", where=str(path))
    if "No space left" in text:
        return StorageError("the disk is full", where=str(path), hint="make room on the disk that holds the index")
    return StorageError(f"LMDB fails: {text}", where=str(path))
