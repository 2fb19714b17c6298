"""Is the index true to itself? What `indexer.tally` keeps beside the rows is counted anew from them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from indexer import days, doubts, keys
from indexer.doubts import NONE, Doubts
from indexer.records import ROOT_BYTES, ChunkRecord, decode
from indexer.rows import RunRecord, Usage, decode_head, decode_run, decode_usage
from indexer.store import Reading, Store
from nvr.media import Track
from nvr.timebase import format_utc


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is wrong; ``invariant`` is the name of a member of `indexer.verify.Invariant`."""

    invariant: str
    what: str


def mismatches(store: Store, track: Track) -> list[Mismatch]:
    """All that is wrong with one track, in one transaction: a tenth of a second for a month.

    Raises:
        IntegrityError: a row cannot be read.
    """
    with store.read() as txn:
        found = Counted(txn, track)
        return [*found.overlaps, *_differences(txn, track, found)]


class Counted:
    """What follows from the rows of a track.

    Raises:
        IntegrityError: a row cannot be read.
    """

    def __init__(self, txn: Reading, track: Track) -> None:
        self.usage: defaultdict[int, Usage] = defaultdict(lambda: Usage(0, 0))
        self.minutes: defaultdict[int, days.Minutes] = defaultdict(int)
        self.doubts: defaultdict[int, Doubts] = defaultdict(lambda: NONE)
        self.runs: dict[int, RunRecord] = {}
        self.overlaps: list[Mismatch] = []
        copies = {key: keys.read_volume(value) for key, value in _of(txn, keys.COPY, track)}
        for key, value in _of(txn, keys.CHUNK, track):
            self._count(decode(key, value), copies.pop(key, None))
        self.dangling = tuple(copies)  # keys of copies of chunks that are not there

    def _count(self, record: ChunkRecord, second: int | None) -> None:
        for volume in (record.volume, second):
            if volume is not None:
                used = self.usage[volume]
                self.usage[volume] = Usage(used.bytes + record.bytes, used.chunks + 1)
        for day, minutes in days.touched(record.time):
            self.minutes[day] |= minutes
        for day, doubtful in doubts.touched(record.time, (record.is_coarse, record.is_clock_doubtful)):
            self.doubts[day] |= doubtful
        run = self.runs.get(record.run)
        if run is None:
            self.runs[record.run] = RunRecord(record.track, record.run, record.start_us, record.end_us, 1)
            return
        if record.start_us < run.end_us:
            what = f"chunk {record.sequence} of run {record.run} starts at {format_utc(record.start_us)}"
            self.overlaps.append(Mismatch("I5", f"{what}, before the one before it has ended"))
        end_us = max(run.end_us, record.end_us)
        self.runs[record.run] = RunRecord(record.track, record.run, run.start_us, end_us, run.chunks + 1)


def _differences(txn: Reading, track: Track, found: Counted) -> Iterator[Mismatch]:
    usage = {keys.read_usage(key)[1]: decode_usage(key, value) for key, value in _of(txn, keys.USAGE, track)}
    if usage != found.usage:
        yield Mismatch(
            "I7", f"the bytes in use are noted as {_words(usage)}, but the rows add up to {_words(found.usage)}"
        )
    if found.dangling:
        yield Mismatch("I7", f"second files are noted of {len(found.dangling)} chunks that are not there")
    minutes = {keys.read_day(key)[1]: days.decode(value) for key, value in _of(txn, keys.DAY, track)}
    for day in sorted(minutes.keys() | found.minutes.keys()):
        if minutes.get(day, 0) != found.minutes.get(day, 0):
            yield Mismatch("I7", f"the minutes of day {day} are not those that the rows cover")
    doubtful = {keys.read_day(key)[1]: doubts.decode(value) for key, value in _of(txn, keys.DOUBT, track)}
    for day in sorted(doubtful.keys() | found.doubts.keys()):
        if doubtful.get(day, NONE) != found.doubts.get(day, NONE):
            yield Mismatch("I7", f"the coarse or doubted minutes of day {day} are not those that the rows tell")
    runs = {keys.read_run(key)[1]: decode_run(key, value) for key, value in _of(txn, keys.RUN, track)}
    for run in sorted(runs.keys() | found.runs.keys()):
        if runs.get(run) != found.runs.get(run):
            yield Mismatch("I7", f"run {run} is not noted as its rows are")
    yield from _head_differs(txn, track)


def _head_differs(txn: Reading, track: Track) -> Iterator[Mismatch]:
    key = keys.track(track)
    value = txn.get(keys.HEAD, key)
    head = None if value is None else decode_head(key, value)
    row = None if head is None else txn.get(keys.CHUNK, head.chunk_key)
    if head is not None and row is not None:  # the newest chunk of all may have been deleted
        record = decode(head.chunk_key, row)
        if record.run == head.run and record.root != head.root[:ROOT_BYTES] and not record.by_name:
            yield Mismatch("I7", "the root of the newest chunk is not the one that its row has")


def _of(txn: Reading, table: str, track: Track) -> Iterator[tuple[bytes, bytes]]:
    return txn.rows(table, keys.track(track), keys.after_track(track))


def _words(usage: dict[int, Usage]) -> str:
    parts = [f"{used.chunks} files, {used.bytes} bytes on volume {number}" for number, used in sorted(usage.items())]
    return "; ".join(parts) or "nothing"
