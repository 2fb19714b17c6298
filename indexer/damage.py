"""What the scrub knows: which files are damaged, and how far its round has come.

An environment of its own beside the index, so that an index made anew forgets no damage. A file is called by its volume
and its path. A record says nothing to retention: row and file stay until their time is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from indexer import keys
from indexer.book import Book
from nvr.media import Track

_DAMAGE = "damage"
_ROUND = "round"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One damaged file. Times are wall microseconds."""

    volume: int
    path: str  # relative to the volume
    track: Track
    found_us: int
    what: str
    offset: int  # of the first problem, in bytes
    times: tuple[tuple[int, int], ...]  # start and end of the footage that is damaged; empty: only tables are
    unreadable: bool = False  # the disk reports errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One pass over the whole archive."""

    began_us: int
    total_bytes: int  # of the archive when its last file was verified
    verified_bytes: int = 0
    cursor: bytes = b""  # key of the last row that was verified (`indexer.keys.chunk`)
    ended_us: int | None = None

    @property
    def percent(self) -> int:
        """How much is done: 0 to 100."""
        if self.ended_us is not None:
            return 100
        return min(99, self.verified_bytes * 100 // max(1, self.total_bytes))


class DamageBook(Book):
    """The opened book. Raises StorageError everywhere: LMDB fails."""

    SCHEMA = "scrub 1"
    TABLES = (_DAMAGE,)
    MAP_BYTES = 1 << 30

    def round(self) -> Round | None:
        """The round that goes on, or the last one; None: there was none."""
        with self._store.read() as txn:
            value = txn.fact(_ROUND)
        return None if value is None else msgspec.msgpack.decode(value, type=Round)

    def damages(self) -> list[Damage]:
        """All damaged files, by volume and path."""
        with self._store.read() as txn:
            return [msgspec.msgpack.decode(value, type=Damage) for _, value in txn.rows(_DAMAGE)]

    def note(self, made: Round, damages: Iterable[Damage] = (), *, sound: Iterable[tuple[int, str]] = ()) -> None:
        """One durable transaction: how far the round is, and what was found.

        Args:
            made: the round as it is now.
            damages: files that are damaged; one that was known is written anew.
            sound: volume and path of files of which nothing bad is known any more, or that are deleted.
        """
        with self._store.write() as txn:
            txn.set_fact(_ROUND, msgspec.msgpack.encode(made))
            for damage in damages:
                txn.put(_DAMAGE, keys.garbage(damage.volume, damage.path), msgspec.msgpack.encode(damage))
            for volume, path in sound:
                txn.delete(_DAMAGE, keys.garbage(volume, path))
