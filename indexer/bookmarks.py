"""Bookmarks: instants that somebody wants to find again, each with a note. Original data, beside the cameras.

A bookmark keeps no footage: that is what a hold is for.
"""

from dataclasses import dataclass

import msgspec

from indexer.store import Reading, Store
from nvr.errors import ConfigError, IntegrityError
from nvr.timebase import TimeRange

TABLE = "bookmark"
MOST = 20_000  # chosen: thirty a day for two years; they are read as a whole
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
            ConfigError: the note is too long, or there are too many bookmarks.
        """
        if len(note) > LONGEST_NOTE:
            raise ConfigError(f"a note has at most {LONGEST_NOTE} characters", hint="say it shorter")
        with self._store.write() as txn:
            known = _read(txn)
            if len(known) >= MOST:
                raise ConfigError(f"there are {MOST} bookmarks already", hint="remove some that nobody needs any more")
            made = Bookmark(
                number=max((one.number for one in known), default=0) + 1,
                channel=channel,
                at_us=at_us,
                note=note.strip(),
                author=author,
                made_us=now_us,
            )
            txn.put(TABLE, made.number.to_bytes(4, "big"), msgspec.json.encode(made))
        return made

    def remove(self, channel: int, number: int) -> bool:
        """Remove a channel's bookmark; whether it was there."""
        with self._store.write() as txn:
            if not any(one.number == number and one.channel == channel for one in _read(txn)):
                return False
            return txn.delete(TABLE, number.to_bytes(4, "big"))


def _read(txn: Reading) -> list[Bookmark]:
    try:
        return [msgspec.json.decode(value, type=Bookmark) for _, value in txn.rows(TABLE)]
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a bookmark cannot be read: {error}", where="the registry") from error
