"""The registry: what people told the recorder and nothing can rebuild. Cameras, holds, bookmarks, volumes to empty.

An environment of its own, durable, written by the command line and the web, read by the recorder, which polls
`Registry.revision`. Passwords are encrypted (Fernet: AES-128-CBC and HMAC-SHA-256) with a key in a file beside the
data, so that neither a copy of the data file nor a dump of it in a bug report gives them away.
"""

import secrets
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import msgspec
from cryptography.fernet import InvalidToken

from indexer import registry_copy
from indexer.bookmarks import TABLE as BOOKMARK
from indexer.bookmarks import Bookmarks
from indexer.holds import TABLE as HOLD
from indexer.holds import Holds
from indexer.keyfile import KEY_FILE, PUT_BACK, KeyFile, read_or_make, renew
from indexer.store import Store
from nvr.channel import Channel, Transport
from nvr.errors import StorageError

SCHEMA = "registry 1"
MAP_BYTES = 1 << 30

NOWHERE = "rtsp://unknown.invalid/"
AGAIN = "add the camera again with nvr cameras add --replace"

_CHANNEL = "channel"
_REVISION = "revision"
_ID = "id"  # fact: which registry this is, so that copies of two are told apart
_DRAINING = "draining"
_U32 = struct.Struct(">I")
_TABLES = (_CHANNEL, HOLD, BOOKMARK)


class _Row(msgspec.Struct, frozen=True):
    """A channel as it is stored; new fields need a default."""

    name: str
    main_url: str
    sub_url: str
    username: str
    password: bytes  # encrypted; empty: none
    transport: Transport
    enabled: bool


@dataclass(frozen=True, slots=True)
class Unusable:
    """A channel that cannot be recorded as it stands in the registry: what can be read of it, and why it is too little.

    Where nothing can be read, only the number is right; the name says so, and the address leads nowhere (RFC 6761).
    """

    channel: Channel  # without its password
    why: str  # for people, with the mend


class Registry:
    """The opened registry. Threads may share it; other processes may have it open as well."""

    def __init__(self, store: Store, key: KeyFile) -> None:
        self._store = store
        self._fernet = key.fernet
        self.trouble = key.trouble  # why no password can be read or stored; for people
        self.warning = key.warning
        self.holds = Holds(store)
        self.bookmarks = Bookmarks(store)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the registry, making it if it is missing, and its key if no password is encrypted yet.

        Without its key the cameras that have no password are read as ever: `trouble` says what the others lack.

        Args:
            path: its folder; only its owner may look into it.

        Raises:
            StorageError: it cannot be used.
        """
        store = Store.open(path, _TABLES, schema=SCHEMA, map_bytes=MAP_BYTES)
        try:
            return cls(store, read_or_make(path / KEY_FILE, may_make=not _holds_passwords(store)))
        except StorageError:
            store.close()
            raise

    def close(self) -> None:
        """Close it."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def copy(self, now_us: int) -> bytes:
        """All of it at this instant, as `indexer.registry_copy` has it; passwords stay encrypted.

        Raises:
            StorageError: LMDB fails.
        """
        with self._store.read() as txn:
            who = txn.fact(_ID)
        if who is None:
            who = secrets.token_hex(8).encode()
            with self._store.write() as txn:
                txn.set_fact(_ID, who)
        return registry_copy.take(self._store, _TABLES, schema=SCHEMA, registry=who.decode(), now_us=now_us)

    @staticmethod
    def restore(path: Path, snapshot: registry_copy.Snapshot) -> None:
        """Make a registry of a copy, where none is.

        Raises:
            StorageError: it cannot be made, or the copy is of another version.
        """
        if snapshot.about.schema != SCHEMA:
            what = f"the copy holds {snapshot.about.schema!r}, but {SCHEMA!r} is expected"
            raise StorageError(what, where=str(path), hint="use the version of the program that made the copy")
        with Store.open(path, _TABLES, schema=SCHEMA, map_bytes=MAP_BYTES) as store, store.write() as txn:
            for row in snapshot.rows:
                txn.put(row.table, row.key, row.value)
            txn.set_fact(_ID, snapshot.about.registry.encode())

    def last_change(self) -> int:
        """Another number after each change, holds and bookmarks among them."""
        return self._store.last_transaction()

    def is_empty(self) -> bool:
        """Whether it has neither cameras nor holds: perhaps it was lost."""
        with self._store.read() as txn:
            return not (txn.count(_CHANNEL) or txn.count(HOLD))

    def revision(self) -> int:
        """Grows with every change, by whatever process."""
        with self._store.read() as txn:
            return _number(txn.fact(_REVISION))

    def channels(self) -> list[Channel]:
        """The channels that can be recorded, by number: a row that cannot be read costs the others nothing."""
        return [one for one in self._rows() if isinstance(one, Channel)]

    def unusable(self) -> list[Unusable]:
        """The other ones, by number."""
        return [one for one in self._rows() if isinstance(one, Unusable)]

    def known(self) -> list[Channel]:
        """All channels, by number, without their passwords."""
        return [one.channel if isinstance(one, Unusable) else replace(one, password="") for one in self._rows()]

    def _rows(self) -> Iterator[Channel | Unusable]:
        with self._store.read() as txn:
            rows = list(txn.rows(_CHANNEL))
        for key, value in rows:
            yield self._channel(key, value)

    def put(self, channel: Channel) -> None:
        """Add a channel, or change the one that has its number.

        Raises:
            StorageError: it has a password, and there is no key to encrypt it with.
        """
        row = _Row(
            channel.name,
            channel.main_url,
            channel.sub_url,
            channel.username,
            self._encrypted(channel.password),
            channel.transport,
            channel.enabled,
        )
        with self._store.write() as txn:
            txn.put(_CHANNEL, _U32.pack(channel.number), msgspec.json.encode(row))
            txn.set_fact(_REVISION, _U32.pack(_number(txn.fact(_REVISION)) + 1))

    def _encrypted(self, password: str) -> bytes:
        if not password:
            return b""
        if self._fernet is None:
            raise StorageError(self.trouble, where="the registry", hint=PUT_BACK)
        return self._fernet.encrypt(password.encode())

    def new_key(self) -> Path | None:
        """Make a new key; passwords of before cannot be read with it. Gives where the old key is kept.

        Raises:
            StorageError: it cannot be made.
        """
        path = self._store.path / KEY_FILE
        try:
            aside = renew(path)
        except OSError as error:
            raise StorageError(f"no key can be made: {error.strerror}", where=str(path)) from error
        key = read_or_make(path, may_make=False)
        self._fernet, self.trouble, self.warning = key.fernet, key.trouble, key.warning
        with self._store.write() as txn:
            txn.set_fact(_REVISION, _U32.pack(_number(txn.fact(_REVISION)) + 1))
        return aside

    def remove(self, number: int) -> bool:
        """Remove a channel, its footage stays; whether it was there."""
        with self._store.write() as txn:
            found = txn.delete(_CHANNEL, _U32.pack(number))
            if found:
                txn.set_fact(_REVISION, _U32.pack(_number(txn.fact(_REVISION)) + 1))
        return found

    def draining(self) -> frozenset[int]:
        """The numbers of the volumes that take no new footage, because somebody wants to take them out."""
        with self._store.read() as txn:
            value = txn.fact(_DRAINING)
        return frozenset(msgspec.json.decode(value, type=list[int]) if value else ())

    def drain(self, numbers: Iterable[int]) -> None:
        """These volumes, and no others, take no new footage from now on."""
        with self._store.write() as txn:
            txn.set_fact(_DRAINING, msgspec.json.encode(sorted(numbers)))
            txn.set_fact(_REVISION, _U32.pack(_number(txn.fact(_REVISION)) + 1))

    def _channel(self, key: bytes, value: bytes) -> Channel | Unusable:
        """One row. What is wrong with it stays with it, whatever it is."""
        number = _number(key)
        try:
            row = msgspec.json.decode(value, type=_Row)
        except (msgspec.MsgspecError, ValueError):
            nothing = Channel(number, f"channel {number}", NOWHERE)
            return Unusable(nothing, f"its settings cannot be read: {AGAIN}")
        bare = Channel(
            number, row.name, row.main_url, row.sub_url, row.username, transport=row.transport, enabled=row.enabled
        )
        if not row.password:
            return bare
        if self._fernet is None:
            return Unusable(bare, f"{self.trouble}: {PUT_BACK}")
        try:
            return replace(bare, password=self._fernet.decrypt(row.password).decode())
        except (InvalidToken, UnicodeDecodeError):
            why = "the password was encrypted with another key"
            return Unusable(bare, f"{why}: put the right {KEY_FILE} back, or {AGAIN}")


def _number(value: bytes | None) -> int:
    return 0 if value is None else int(_U32.unpack(value)[0])


def _holds_passwords(store: Store) -> bool:
    with store.read() as txn:
        values = [value for _, value in txn.rows(_CHANNEL)]
    return any(_has_password(value) for value in values)


def _has_password(value: bytes) -> bool:
    """A row that cannot be read may have one."""
    try:
        return bool(msgspec.json.decode(value, type=_Row).password)
    except (msgspec.MsgspecError, ValueError):
        return True
