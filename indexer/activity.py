"""How much moved before each camera, minute by minute, without a picture being decoded.

An encoder spends bytes on what changes: the bytes of the samples that are no sync samples, summed over a minute, rise
and fall with what moves. They stand in every chunk's footer; here they are kept as one row a track and UTC day, so
that a month of 55 cameras is drawn from 1,650 rows. All of it is derived: deleted, it is made again from the files.
An environment of its own, so that it can never keep the recorder's index waiting.
"""

import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from indexer import days, keys
from indexer.book import Book
from nvr.media import Track
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange, utc_day

UNIT_BYTES = 4096  # of a minute's value: u2 reaches 256 MiB a minute, which no street camera sends
MINUTES = 1440

_ACTIVITY = "activity"
_CURSOR = "cursor"
_U64 = struct.Struct(">Q")
_ROW = np.dtype(">u2")

Minutes = npt.NDArray[np.int64]


class ActivityBook(Book):
    """The opened book. Raises StorageError everywhere: LMDB fails."""

    SCHEMA = "activity 1"
    TABLES = (_ACTIVITY, _CURSOR)
    MAP_BYTES = 1 << 32

    def cursor_us(self, track: Track) -> int:
        """Every chunk of a track that starts before this is counted; 0: none is."""
        with self._store.read() as txn:
            value = txn.get(_CURSOR, keys.track(track))
        return 0 if value is None else int(_U64.unpack(value)[0])

    def minutes(self, track: Track, window: TimeRange) -> tuple[int, Minutes]:
        """The bytes of each minute of a window, widened to whole UTC days.

        Returns:
            when the first minute starts, microseconds; and one value a minute.
        """
        first, end = (
            window.start_us // US_PER_DAY,
            max(-(-window.end_us // US_PER_DAY), window.start_us // US_PER_DAY + 1),
        )
        found = np.zeros((end - first, MINUTES), _ROW)
        place = {days.name_of(day): day - first for day in range(first, end)}
        start, stop = (keys.day(track, days.name_of(day)) for day in (first, end))
        with self._store.read() as txn:
            for key, value in txn.rows(_ACTIVITY, start, stop):
                found[place[keys.read_day(key)[1]]] = np.frombuffer(value, _ROW)
        return first * US_PER_DAY, found.reshape(-1).astype(np.int64) * UNIT_BYTES

    def add(self, track: Track, minutes: Mapping[int, int], cursor_us: int) -> None:
        """Count what was found, and remember how far: one transaction, so that nothing counts twice.

        Args:
            track: whose.
            minutes: minute since 1970 → bytes, on top of what is known of it.
            cursor_us: every chunk that starts before is counted now.
        """
        by_day: dict[int, list[tuple[int, int]]] = {}
        for minute, size in minutes.items():
            by_day.setdefault(minute // MINUTES, []).append((minute % MINUTES, size))
        with self._store.write() as txn:
            for day, values in by_day.items():
                key = keys.day(track, days.name_of(day))
                known = txn.get(_ACTIVITY, key)
                row = np.zeros(MINUTES, _ROW) if known is None else np.frombuffer(known, _ROW).copy()
                for minute, size in values:
                    row[minute] = min(0xFFFF, int(row[minute]) + -(-size // UNIT_BYTES))
                txn.put(_ACTIVITY, key, row.tobytes())
            txn.put(_CURSOR, keys.track(track), _U64.pack(cursor_us))

    def forget_before(self, track: Track, instant_us: int) -> int:
        """Drop the days that end before an instant: their footage is gone. Gives their number."""
        start, stop = keys.track(track), keys.day(track, utc_day(max(0, instant_us)))
        with self._store.read() as txn:
            old = [key for key, _ in txn.rows(_ACTIVITY, start, stop)]
        if old:
            with self._store.write() as txn:
                for key in old:
                    txn.delete(_ACTIVITY, key)
        return len(old)


def minute_of(instant_us: int) -> int:
    """The minute since 1970 in which an instant lies."""
    return instant_us // US_PER_MINUTE
