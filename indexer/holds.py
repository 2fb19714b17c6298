"""Holds: orders to keep footage past its time. Original data, in the registry's environment.

A hold covers channels, both their streams, for a stretch of time; also footage that is not written yet. It is never
changed, only released, and stays as a record of who asked for what.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec

from indexer.store import Reading, Store, Writing
from nvr.errors import ConfigError, IntegrityError
from nvr.media import Track
from nvr.timebase import TimeRange

TABLE = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One order. Times are wall microseconds."""

    number: int  # what people call it; counted by this registry
    uid: str  # 16 hex digits: what it is called everywhere, also when a mirror brings it back
    start_us: int
    end_us: int  # half-open
    channels: tuple[int, ...]  # empty: every channel
    reason: str
    author: str
    laid_us: int
    expires_us: int | None = None  # None: it stands until somebody releases it
    released_us: int | None = None
    released_by: str = ""

    @property
    def span(self) -> TimeRange:
        return TimeRange(self.start_us, self.end_us)

    def stands(self, now_us: int) -> bool:
        """Whether it keeps anything at this time."""
        return self.released_us is None and (self.expires_us is None or now_us < self.expires_us)

    def covers(self, track: Track, span: TimeRange) -> bool:
        """Whether it is about any part of a range of a track."""
        return (not self.channels or track.channel in self.channels) and self.span.overlaps(span)


def is_held(holds: Iterable[Hold], track: Track, span: TimeRange, now_us: int) -> bool:
    """Whether any of the holds keeps any part of a range of a track."""
    return any(hold.covers(track, span) and hold.stands(now_us) for hold in holds)


class Holds:
    """The table. Threads may share it; other processes may have it open as well.

    Raises, everywhere:
        StorageError: LMDB fails.
        IntegrityError: a row cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Hold]:
        """Every hold that was ever laid, released and expired ones too, by number."""
        with self._store.read() as txn:
            return _read(txn)

    @contextmanager
    def frozen(self) -> Iterator[list[Hold]]:
        """All holds; until the block ends no process can lay or release one (LMDB has one writer at a time)."""
        with self._store.write() as txn:
            yield _read(txn)

    def lay(
        self,
        span: TimeRange,
        *,
        channels: Iterable[int],
        reason: str,
        author: str,
        now_us: int,
        expires_us: int | None = None,
    ) -> Hold:
        """Order that footage is kept. When this returns nothing of it is deleted any more.

        Raises:
            ConfigError: the order makes no sense.
        """
        _check(span, reason, author, now_us, expires_us)
        with self._store.write() as txn:
            hold = Hold(
                number=_next_number(txn),
                uid=secrets.token_hex(8),
                start_us=span.start_us,
                end_us=span.end_us,
                channels=tuple(sorted(set(channels))),
                reason=reason.strip(),
                author=author.strip(),
                laid_us=now_us,
                expires_us=expires_us,
            )
            _write(txn, hold)
        return hold

    def release(self, number: int, *, by: str, now_us: int) -> Hold:
        """End a hold: its footage goes when its time is over.

        Raises:
            ConfigError: there is none of this number, or it is released already.
        """
        with self._store.write() as txn:
            hold = next((hold for hold in _read(txn) if hold.number == number), None)
            if hold is None:
                raise ConfigError(f"there is no hold {number}", hint="nvr holds list shows them all")
            if hold.released_us is not None:
                raise ConfigError(f"hold {number} was released already, by {hold.released_by}")
            hold = replace(hold, released_us=now_us, released_by=by.strip())
            _write(txn, hold)
        return hold

    def take_back(self, mirrored: Sequence[Hold]) -> list[Hold]:
        """Enter holds that a mirror has and this table does not; gives them. None is ever changed by a mirror."""
        taken = []
        with self._store.write() as txn:
            known = {hold.uid for hold in _read(txn)}
            numbers = {hold.number for hold in _read(txn)}
            for hold in mirrored:
                if hold.uid not in known:
                    number = hold.number if hold.number not in numbers else _next_number(txn)
                    taken.append(replace(hold, number=number))
                    _write(txn, taken[-1])
                    known.add(hold.uid)
                    numbers.add(number)
        return taken


def encode_all(holds: Sequence[Hold]) -> bytes:
    """All holds as JSON, for the mirror on each volume."""
    return msgspec.json.format(msgspec.json.encode(holds)) + b"\n"


def decode_all(data: bytes) -> list[Hold]:
    """What `encode_all` made.

    Raises:
        ValueError: it is something else.
    """
    return msgspec.json.decode(data, type=list[Hold])


def _check(span: TimeRange, reason: str, author: str, now_us: int, expires_us: int | None) -> None:
    if span.end_us <= span.start_us:
        raise ConfigError("the hold ends before it begins", hint="swap the two times")
    if not reason.strip() or not author.strip():
        raise ConfigError("a hold needs a reason and a name", hint="say why, and who asked for it")
    if expires_us is not None and expires_us <= now_us:
        raise ConfigError("the hold would have expired already", hint="give a later time, or none")


def _read(txn: Reading) -> list[Hold]:
    try:
        return [msgspec.json.decode(value, type=Hold) for _, value in txn.rows(TABLE)]
    except msgspec.MsgspecError as error:
        hint = "every volume has a copy of the holds: holds.json"
        raise IntegrityError(f"a hold cannot be read: {error}", where="the registry", hint=hint) from error


def _write(txn: Writing, hold: Hold) -> None:
    txn.put(TABLE, hold.number.to_bytes(4, "big"), msgspec.json.encode(hold))


def _next_number(txn: Writing) -> int:
    return max((hold.number for hold in _read(txn)), default=0) + 1
