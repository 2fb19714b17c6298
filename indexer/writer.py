"""The only room that writes the index. One `commit` is one transaction: all that follows from it, or nothing."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import msgspec

from indexer import camera_names, copies, days, doubts, gaps, inits, keys
from indexer.consistency import Counted
from indexer.records import ChunkRecord, decode, encode, from_name, from_sealed, key_of
from indexer.rows import (
    Garbage,
    HeadRecord,
    decode_head,
    decode_run,
    encode_garbage,
    encode_head,
    encode_run,
    encode_usage,
)
from indexer.store import Store, Writing
from indexer.tally import Tally
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.media import CutReason, Gap, GapReason, ParameterSets, Track
from nvr.timebase import TimeRange

CACHED_INITS = 4096  # chosen: far more than cameras have settings

_CLEAN_STOP = "clean_stop"
_UNREAD = "unread"
_DEPARTED = "departed"
_U64 = struct.Struct(">Q")
_InitKey = tuple[ParameterSets, int]  # and the composition delay


@dataclass(frozen=True, slots=True)
class Commit:
    """What becomes true at once. Chunks and gaps must be durable on their volume already (DESIGN section 4)."""

    chunks: tuple[tuple[SealedChunk, int], ...] = ()  # each with the number of its volume
    gaps: tuple[Gap, ...] = ()
    garbage: tuple[ChunkRecord, ...] = ()  # rows that leave; their files are to be unlinked afterwards
    copies: tuple[tuple[ChunkRecord, int], ...] = ()  # rows whose file a second volume holds, with its number
    thinned: tuple[tuple[ChunkRecord, int], ...] = ()  # rows that keep one of two files, with the volume of the other
    now_us: int = 0  # when the garbage became garbage


@dataclass(frozen=True, slots=True)
class Last:
    """Where a track's recorded history ends."""

    end_us: int  # footage, or a gap with its reason, reaches to here
    run: int
    root: bytes | None  # Merkle root of the last chunk, 32 bytes; None: not known
    cut: CutReason | None  # why the last chunk ended; None: not known
    gap: Gap | None  # the gap with which it ends, if it does not end with footage


class IndexWriter:
    """Writes the index. One process has one; its threads may share it, their commits wait for each other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._inits: dict[_InitKey, int] = {}
        self._most_inits = inits.LIMIT

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the index for writing, making it if it is missing.

        Raises:
            StorageError: it cannot be used.
        """
        return cls(Store.open(path, keys.TABLES, schema=keys.SCHEMA))

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self, batch: Commit, *, instead_of: Iterable[ChunkRecord] = ()) -> None:
        """One durable transaction. Committing the same chunks or gaps again changes nothing.

        Args:
            batch: what becomes true.
            instead_of: rows of the same chunks as they were before a repair, which go without a trace.

        Raises:
            StorageError: nothing of the batch was written.
        """
        looked_up: dict[_InitKey, int] = {}
        with self.store.write() as txn:
            self._bound_inits(txn)
            tally = Tally(txn)
            for gap in batch.gaps:  # first: where footage is there after all, it cuts them
                gaps.add(txn, gap)
            for record in instead_of:
                if txn.delete(keys.CHUNK, key_of(record)):
                    copies.take(txn, tally, record)
                    tally.removed(record)
            for sealed, volume in batch.chunks:
                record = from_sealed(sealed, volume, self._init_id(txn, sealed, looked_up))
                if _put_chunk(txn, tally, record):
                    _put_head(txn, sealed)
                    camera_names.put(txn, record.track, record.run, sealed.header.name)
            for record in batch.garbage:
                _discard(txn, tally, record, batch.now_us)
            for record, volume in batch.copies:
                if _stored(txn, record) is not None:
                    copies.put(txn, tally, record, volume)
            for record, volume in batch.thinned:
                _thin(txn, tally, record, volume, batch.now_us)
            tally.write()
        if len(self._inits) > CACHED_INITS:
            self._inits.clear()
        self._inits.update(looked_up)

    def commit_names(self, names: Iterable[tuple[ChunkName, int, int]]) -> None:
        """Rows for files of which only the name is known; rows that are there already stay.

        The same name on another volume is the chunk's second file.

        Args:
            names: each with the file's length in bytes and the number of its volume.
        """
        with self.store.write() as txn:
            tally = Tally(txn)
            for name, size_bytes, volume in names:
                record = from_name(name, size_bytes, volume)
                known = _stored(txn, record)
                if known is not None and not known.lost:
                    copies.put(txn, tally, known, volume)
                elif txn.get(keys.CHUNK, key_of(record)) is None:
                    _put_chunk(txn, tally, record)
            tally.write()

    def mark_lost(self, records: Iterable[ChunkRecord], *, lost: bool = True, detail: str = "") -> None:
        """Note that these rows' files are missing, or are there again. The rows stay: they are evidence of loss.

        A chunk of which a second volume holds the file is not lost: its row names that one from now on. With a
        ``detail`` the time of what is lost becomes a gap; what is there again cuts gaps in any case.
        """
        with self.store.write() as txn:
            tally = Tally(txn)
            for record in records:
                value = txn.get(keys.CHUNK, key_of(record))
                stored = None if value is None else decode(key_of(record), value)
                if stored is not None and not (lost and copies.promote(txn, tally, stored)):
                    txn.put(keys.CHUNK, key_of(record), encode(replace(stored, lost=lost)))
                    if not lost:
                        gaps.cut(txn, record.track, record.time)
                    elif detail:
                        gaps.add(txn, Gap(record.track, record.start_us, record.end_us, GapReason.DISK, detail))
            tally.write()

    def forget_copies(self, records: Iterable[ChunkRecord]) -> None:
        """Note that the second files of these rows are missing; the first ones are there."""
        with self.store.write() as txn:
            tally = Tally(txn)
            for record in records:
                copies.take(txn, tally, record)
            tally.write()

    def commit_lost(self, records: Iterable[ChunkRecord]) -> None:
        """Rows of another index whose files are missing, taken over; rows that are there already stay."""
        with self.store.write() as txn:
            tally = Tally(txn)
            for record in records:
                if txn.get(keys.CHUNK, key_of(record)) is None:
                    _put_chunk(txn, tally, replace(record, init_id=0, lost=True))
            tally.write()

    def drop(self, records: Iterable[ChunkRecord]) -> None:
        """Remove rows without a trace, for those that a rebuild made too early; of two files the second one stays."""
        with self.store.write() as txn:
            tally = Tally(txn)
            for record in records:
                stored = _stored(txn, record)
                if stored is not None and copies.promote(txn, tally, stored) is None:
                    txn.delete(keys.CHUNK, key_of(record))
                    tally.removed(stored)
            tally.write()

    def recount(self, track: Track) -> None:
        """Write anew what is kept beside a track's rows: usage, minutes of the days, runs.

        Raises:
            IntegrityError: a row cannot be read; nothing was written.
        """
        start, stop = keys.track(track), keys.after_track(track)
        with self.store.write() as txn:
            counted = Counted(txn, track)
            for key in counted.dangling:
                txn.delete(keys.COPY, key)
            for table in (keys.USAGE, keys.DAY, keys.DOUBT, keys.RUN):
                for key in [key for key, _ in txn.rows(table, start, stop)]:
                    txn.delete(table, key)
            for number, usage in counted.usage.items():
                txn.put(keys.USAGE, keys.usage(track, number), encode_usage(usage))
            for day, minutes in counted.minutes.items():
                txn.put(keys.DAY, keys.day(track, day), days.encode(minutes))
            for day, found in counted.doubts.items():
                txn.put(keys.DOUBT, keys.day(track, day), doubts.encode(found))
            for run in counted.runs.values():
                txn.put(keys.RUN, keys.run(track, run.run), encode_run(run))

    def remember_garbage(self, garbage: Iterable[Garbage]) -> None:
        """Files that another index wanted to be unlinked."""
        with self.store.write() as txn:
            for entry in garbage:
                txn.put(keys.GARBAGE, keys.garbage(entry.volume, entry.path), encode_garbage(entry))

    def forget(self, garbage: Iterable[Garbage]) -> None:
        """These files are unlinked, and that is durable."""
        with self.store.write() as txn:
            for entry in garbage:
                txn.delete(keys.GARBAGE, keys.garbage(entry.volume, entry.path))

    def remember_volume(self, number: int, uuid: bytes) -> None:
        """Note which volume a number stands for: 16 bytes."""
        with self.store.write() as txn:
            txn.put(keys.VOLUME, keys.volume(number), uuid)

    def unread(self) -> dict[Track, int]:
        """The tracks with rows that were made of names, and from where on their footers are to be read."""
        with self.store.read() as txn:
            value = txn.fact(_UNREAD)
        return {Track.from_id(of): us for of, us in msgspec.json.decode(value or b"[]", type=list[tuple[int, int]])}

    def set_unread(self, unread: Mapping[Track, int]) -> None:
        """Note them for the next start."""
        with self.store.write() as txn:
            rows = sorted((track.id, us) for track, us in unread.items())
            txn.set_fact(_UNREAD, msgspec.json.encode(rows) if rows else None)

    def forget_future(self, now_us: int) -> None:
        """Forget what gaps say of the time after ``now_us``: a clock that was ahead said it."""
        with self.store.write() as txn:
            for track in gaps.tracks(txn):
                gaps.cut(txn, track, TimeRange(now_us, keys.LATEST_US))

    def departed(self) -> set[int]:
        """The numbers of the volumes that were taken out and whose rows say so."""
        with self.store.read() as txn:
            value = txn.fact(_DEPARTED)
        return set(msgspec.json.decode(value or b"[]", type=list[int]))

    def set_departed(self, numbers: Iterable[int]) -> None:
        """Note them."""
        with self.store.write() as txn:
            txn.set_fact(_DEPARTED, msgspec.json.encode(sorted(numbers)) if numbers else None)

    def mark_clean_stop(self, wall_us: int) -> None:
        """The recorder was stopped by a person and has committed everything."""
        with self.store.write() as txn:
            txn.set_fact(_CLEAN_STOP, _U64.pack(wall_us))

    def take_clean_stop(self) -> int | None:
        """When the recorder was last stopped properly, once; None: it ended otherwise. For the start."""
        with self.store.write() as txn:
            value = txn.fact(_CLEAN_STOP)
            txn.set_fact(_CLEAN_STOP, None)
        return None if value is None else int(_U64.unpack(value)[0])

    def last(self, track: Track) -> Last | None:
        """Where a track's history ends, in the order of recording; None: it was never recorded.

        What a clock that was ahead has dated later does not count, once it was set back.
        """
        with self.store.read() as txn:
            row = txn.before(keys.RUN, keys.after_track(track))
            newest = None if row is None or keys.track_of(row[0]) != track else decode_run(*row)
            head_key = keys.track(track)
            value = txn.get(keys.HEAD, head_key)
            head = None if value is None else decode_head(head_key, value)
            if newest is not None and (head is None or newest.run > head.run):
                end_us, run, root, cut = newest.end_us, newest.run, None, None
            elif head is not None:
                end_us = max(head.end_us, newest.end_us) if newest and newest.run == head.run else head.end_us
                run, root, cut = head.run, head.root, head.cut
            else:
                return None
            open_end = gaps.joining(txn, track, end_us)
        return Last(open_end.end_us if open_end else end_us, run, root, cut, open_end)

    def _bound_inits(self, txn: Writing) -> None:
        """What nobody names goes when there is much of it: at twice of what was left the last time."""
        if txn.count(keys.INIT) >= self._most_inits:
            self._most_inits = max(inits.LIMIT, 2 * inits.drop_unused(txn))
            self._inits.clear()

    def _init_id(self, txn: Writing, sealed: SealedChunk, new: dict[_InitKey, int]) -> int:
        """The number of the chunk's init segment; `new` gathers those that this transaction looked up."""
        sets, delay_90k = sealed.header.parameter_sets, sealed.header.composition_delay_90k
        known = self._inits.get((sets, delay_90k)) or new.get((sets, delay_90k))
        if known is None:
            known = new[sets, delay_90k] = inits.stored(txn, sets, delay_90k)
        return known


def _put_chunk(txn: Writing, tally: Tally, record: ChunkRecord) -> bool:
    """Write a row; whether it stands.

    Two chunks of different runs could have one key only if the clock was set back by exactly so much that both start
    in the same microsecond: then the first one stays, and `nvr check` names the other file.
    """
    key = key_of(record)
    value = txn.get(keys.CHUNK, key)
    if value is None:
        txn.put(keys.CHUNK, key, encode(record))
        tally.added(record)
        gaps.cut(txn, record.track, record.time)
        return True
    old = decode(key, value)
    if (old.run, old.sequence) != (record.run, record.sequence):
        return False
    gaps.cut(txn, record.track, record.time)
    if old != record:
        txn.put(keys.CHUNK, key, encode(record))
        tally.replaced(old, record)
        copies.follow(txn, tally, old, record)
    return True


def _stored(txn: Writing, record: ChunkRecord) -> ChunkRecord | None:
    """The chunk's row as it stands; None: it has gone, or belongs to another chunk by now."""
    value = txn.get(keys.CHUNK, key_of(record))
    stored = None if value is None else decode(key_of(record), value)
    is_same = stored is not None and (stored.run, stored.sequence) == (record.run, record.sequence)
    return stored if is_same else None


def _put_head(txn: Writing, sealed: SealedChunk) -> None:
    header = sealed.header
    key = keys.track(header.track)
    value = txn.get(keys.HEAD, key)
    known = None if value is None else decode_head(key, value)
    if known is None or (known.run, known.sequence) <= (header.run, header.sequence):
        head = HeadRecord(
            header.track, sealed.start_us, sealed.end_us, header.run, header.sequence, sealed.cut, sealed.root
        )
        txn.put(keys.HEAD, key, encode_head(head))


def _discard(txn: Writing, tally: Tally, record: ChunkRecord, now_us: int) -> None:
    """Move a row to the garbage; one that has gone already, or belongs to another chunk by now, is left alone."""
    stored = _stored(txn, record)
    if stored is None:
        return
    second = copies.take(txn, tally, stored)
    txn.delete(keys.CHUNK, key_of(record))
    tally.removed(stored)
    for volume in (stored.volume, second):
        if volume is not None:
            _condemn(txn, stored, volume, now_us)


def _thin(txn: Writing, tally: Tally, record: ChunkRecord, volume: int, now_us: int) -> None:
    """Move one of a chunk's two files to the garbage, never the only one."""
    stored = _stored(txn, record)
    second = None if stored is None else copies.volume_of(txn, key_of(stored))
    if stored is None or second is None or volume not in (stored.volume, second):
        return
    if volume == second:
        copies.take(txn, tally, stored)
    else:
        copies.promote(txn, tally, stored)
    _condemn(txn, stored, volume, now_us)


def _condemn(txn: Writing, record: ChunkRecord, volume: int, now_us: int) -> None:
    entry = Garbage(volume, record.name().path(), now_us, record.bytes)
    txn.put(keys.GARBAGE, keys.garbage(entry.volume, entry.path), encode_garbage(entry))
