"""Bookmarks: instants that somebody wants to find again, each with a note. Original data, beside the cameras.

A bookmark keeps no footage: that is what a hold is for.
"""

from dataclasses import dataclass

import msgspec

from indexer.store import Reading, Store
from nvr.errors import ConfigError, IntegrityError, LimitReached
from nvr.timebase import TimeRange

TABLE = "bookmark"
MOST = 20_000  # chosen: thirty a day for two years; they are read as a whole
_BEHIND_ALL = b"\xff" * 5  # keys have four bytes
LONGEST_NOTE = 500  # characters, chosen: a note, not a report


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """One bookmark. Times are wall microseconds."""

    number: int  # counted by this registry, never given twice while it stands
    channel: int
    at_us: int
    note: str
    author: str
    made_us: int


class Bookmarks:
    """The table. Threads may share it; other processes may have it open as well.

    Raises, everywhere:
        StorageError: LMDB fails.
        IntegrityError: a row cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def within(self, window: TimeRange) -> list[Bookmark]:
        """Those of a half-open window, by instant."""
        with self._store.read() as txn:
            found = _read(txn)
        return sorted(
            (one for one in found if window.start_us <= one.at_us < window.end_us),
            key=lambda one: (one.at_us, one.number),
        )

    def add(self, channel: int, at_us: int, note: str, *, author: str, now_us: int) -> Bookmark:
        """Make one.

        Raises:
            ConfigError: the note is too long.
            LimitReached: there are too many bookmarks.
        """
        if len(note) > LONGEST_NOTE:
            raise ConfigError(f"a note has at most {LONGEST_NOTE} characters", hint="say it shorter")
        with self._store.write() as txn:
            # By count and last key: the registry's only write transaction is also what every deletion waits for.
            if txn.count(TABLE) >= MOST:
                raise LimitReached(f"there are {MOST} bookmarks already", hint="remove some that nobody needs any more")
            last = txn.before(TABLE, _BEHIND_ALL)
            made = Bookmark(
                number=1 if last is None else int.from_bytes(last[0]) + 1,
                channel=channel,
                at_us=at_us,
                note=note.strip(),
                author=author,
                made_us=now_us,
            )
            txn.put(TABLE, _key(made.number), msgspec.json.encode(made))
        return made

    def remove(self, channel: int, number: int) -> bool:
        """Remove a channel's bookmark; whether it was there."""
        with self._store.write() as txn:
            value = txn.get(TABLE, _key(number))
            if value is None or _decoded(value).channel != channel:
                return False
            return txn.delete(TABLE, _key(number))


def _key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _read(txn: Reading) -> list[Bookmark]:
    return [_decoded(value) for _, value in txn.rows(TABLE)]


def _decoded(value: bytes) -> Bookmark:
    try:
        return msgspec.json.decode(value, type=Bookmark)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a bookmark cannot be read: {error}", where="the registry") from error
