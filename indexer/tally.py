"""What follows from the chunk rows and is kept beside them in one transaction: usage, minutes of days, doubts, runs."""

from collections import defaultdict
from dataclasses import dataclass

from indexer import days, doubts, keys, scan
from indexer.doubts import NONE, Doubts
from indexer.records import ChunkRecord, doubts_of, run_of
from indexer.rows import RunRecord, Usage, decode_run, decode_usage, encode_run, encode_usage
from indexer.store import Writing
from nvr.media import Track


@dataclass(slots=True)
class _Run:
    start_us: int
    end_us: int
    chunks: int


class Tally:
    """Gathers the changes of one transaction, so that each row is written once. `write` belongs at its end."""

    def __init__(self, txn: Writing) -> None:
        self._txn = txn
        self._bytes: defaultdict[tuple[Track, int], int] = defaultdict(int)
        self._chunks: defaultdict[tuple[Track, int], int] = defaultdict(int)
        self._runs: dict[tuple[Track, int], _Run] = {}
        self._minutes: defaultdict[tuple[Track, int], days.Minutes] = defaultdict(int)
        self._doubts: defaultdict[tuple[Track, int], Doubts] = defaultdict(lambda: NONE)

    def added(self, record: ChunkRecord) -> None:
        """A row was written where none was."""
        self._use(record, 1)
        for day, minutes in days.touched(record.time):
            self._minutes[record.track, day] |= minutes
        self._doubt(record)
        run = self._run(record)
        if run.chunks == 0:
            run.start_us, run.end_us = record.start_us, record.end_us
        run.start_us = min(run.start_us, record.start_us)
        run.end_us = max(run.end_us, record.end_us)
        run.chunks += 1

    def replaced(self, old: ChunkRecord, new: ChunkRecord) -> None:
        """A row was written over another one of the same chunk."""
        if old.time == new.time:
            self._use(old, -1)
            self._use(new, 1)
            if _flags(old) != _flags(new):
                self._clear_doubts(old)
                self._doubt(new)
        else:
            self.removed(old)
            self.added(new)

    def removed(self, record: ChunkRecord) -> None:
        """A row was deleted; in the transaction it is gone already."""
        self._use(record, -1)
        self._clear_minutes(record)
        self._clear_doubts(record)
        run = self._run(record)
        run.chunks -= 1
        if run.chunks and record.start_us == run.start_us:
            run.start_us = self._run_start(record, run)
        if run.chunks and record.end_us == run.end_us:
            run.end_us = self._run_end(record, run)

    def copied(self, record: ChunkRecord, volume: int) -> None:
        """A second volume holds the chunk's file."""
        self._occupy(record, volume, 1)

    def uncopied(self, record: ChunkRecord, volume: int) -> None:
        """It does not any more."""
        self._occupy(record, volume, -1)

    def write(self) -> None:
        """Write what has changed."""
        for (track, volume), size in self._bytes.items():
            self._write_usage(track, volume, size, self._chunks[track, volume])
        for (track, day), minutes in self._minutes.items():
            self._write_minutes(track, day, minutes | self._stored_minutes(track, day))
        for (track, day), found in self._doubts.items():
            self._write_doubts(track, day, found | self._stored_doubts(track, day))
        for (track, number), run in self._runs.items():
            key = keys.run(track, number)
            if run.chunks > 0:
                row = RunRecord(track, number, run.start_us, run.end_us, run.chunks)
                self._txn.put(keys.RUN, key, encode_run(row))
            else:
                self._txn.delete(keys.RUN, key)
                self._txn.delete(keys.NAME, key)

    def _use(self, record: ChunkRecord, sign: int) -> None:
        self._occupy(record, record.volume, sign)

    def _occupy(self, record: ChunkRecord, volume: int, sign: int) -> None:
        place = (record.track, volume)
        self._bytes[place] += sign * record.bytes
        self._chunks[place] += sign

    def _write_usage(self, track: Track, volume: int, size: int, chunks: int) -> None:
        key = keys.usage(track, volume)
        value = self._txn.get(keys.USAGE, key)
        old = Usage(0, 0) if value is None else decode_usage(key, value)
        new = Usage(max(0, old.bytes + size), max(0, old.chunks + chunks))
        if new.chunks:
            self._txn.put(keys.USAGE, key, encode_usage(new))
        else:
            self._txn.delete(keys.USAGE, key)

    def _stored_minutes(self, track: Track, day: int) -> days.Minutes:
        value = self._txn.get(keys.DAY, keys.day(track, day))
        return 0 if value is None else days.decode(value)

    def _write_minutes(self, track: Track, day: int, minutes: days.Minutes) -> None:
        if minutes:
            self._txn.put(keys.DAY, keys.day(track, day), days.encode(minutes))
        else:
            self._txn.delete(keys.DAY, keys.day(track, day))

    def _clear_minutes(self, record: ChunkRecord) -> None:
        """Take off the minutes that no other row touches."""
        near = days.whole_minutes(record.time)
        left = days.union(time for time, _, _ in scan.overlapping(self._txn, record.track, near))
        for day, minutes in days.touched(record.time):
            gone = minutes & ~left.get(day, 0)
            self._minutes[record.track, day] &= ~gone
            self._write_minutes(record.track, day, self._stored_minutes(record.track, day) & ~gone)

    def _doubt(self, record: ChunkRecord) -> None:
        for day, found in doubts.touched(record.time, _flags(record)):
            self._doubts[record.track, day] |= found

    def _stored_doubts(self, track: Track, day: int) -> Doubts:
        value = self._txn.get(keys.DOUBT, keys.day(track, day))
        return NONE if value is None else doubts.decode(value)

    def _write_doubts(self, track: Track, day: int, found: Doubts) -> None:
        if found:
            self._txn.put(keys.DOUBT, keys.day(track, day), doubts.encode(found))
        else:
            self._txn.delete(keys.DOUBT, keys.day(track, day))

    def _clear_doubts(self, record: ChunkRecord) -> None:
        """Take off those that no other row brings."""
        mine = list(doubts.touched(record.time, _flags(record)))
        if not mine:
            return
        near = scan.overlapping(self._txn, record.track, days.whole_minutes(record.time))
        left = doubts.union((time, doubts_of(row[1])) for time, _, row in near)
        for day, found in mine:
            gone = found - left.get(day, NONE)
            self._doubts[record.track, day] -= gone
            self._write_doubts(record.track, day, self._stored_doubts(record.track, day) - gone)

    def _run(self, record: ChunkRecord) -> _Run:
        place = (record.track, record.run)
        if place not in self._runs:
            key = keys.run(*place)
            value = self._txn.get(keys.RUN, key)
            row = RunRecord(*place, 0, 0, 0) if value is None else decode_run(key, value)
            self._runs[place] = _Run(row.start_us, row.end_us, row.chunks)
        return self._runs[place]

    def _run_start(self, record: ChunkRecord, run: _Run) -> int:
        """Where the run starts now: its next row is almost always the one behind."""
        start = keys.instant(record.track, record.start_us)
        for row in self._txn.rows(keys.CHUNK, start, keys.after_track(record.track)):
            if run_of(row[1]) == record.run:
                return scan.time_of(row).start_us
        return run.start_us

    def _run_end(self, record: ChunkRecord, run: _Run) -> int:
        stop = keys.instant(record.track, record.end_us)
        for row in self._txn.rows_back(keys.CHUNK, stop, keys.track(record.track)):
            if run_of(row[1]) == record.run:
                return scan.time_of(row).end_us
        return run.end_us


def _flags(record: ChunkRecord) -> doubts.Flags:
    return record.is_coarse, record.is_clock_doubtful
