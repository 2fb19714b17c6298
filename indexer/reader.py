"""Questions to the index. Each is one short read transaction; what comes back is copied out of it."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Self

from indexer import copies, gaps, keys, scan
from indexer.records import ChunkRecord, decode, doubts_of, room_of
from indexer.rows import (
    Garbage,
    HeadRecord,
    InitRecord,
    RunRecord,
    Usage,
    decode_garbage,
    decode_head,
    decode_init,
    decode_run,
    decode_usage,
)
from indexer.store import Row, Store
from nvr.chunk.name import ChunkName
from nvr.errors import NotRecorded
from nvr.media import Gap, Track
from nvr.timebase import TimeRange, format_utc

TOUCH_US = 100_000  # chosen, as for gaps (`nvr.capture.gaps`): what lies closer together is one span
PAGE_ROWS = 2000  # chosen: 20 ms of decoding, far below the 100 ms that a read transaction may last


class IndexReader:
    """Reads the index. Threads may share it.

    Raises, everywhere:
        StorageError: LMDB fails.
        IntegrityError: a row cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an index that exists, without writing to it.

        Raises:
            StorageError: there is none yet, or it cannot be used.
        """
        return cls(Store.open(path, keys.TABLES, schema=keys.SCHEMA, read_only=True))

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- footage ---------------------------------------------------------------------------------------------------

    def floor(self, track: Track, instant_us: int) -> ChunkRecord | None:
        """The newest chunk that starts at or before an instant, whether it reaches to the instant or not."""
        with self.store.read() as txn:
            return scan.floor(txn, track, instant_us)

    def ceiling(self, track: Track, instant_us: int) -> ChunkRecord | None:
        """The oldest chunk that starts at or after an instant and whose file is there."""
        with self.store.read() as txn:
            for row in txn.rows(keys.CHUNK, keys.instant(track, instant_us), keys.after_track(track)):
                record = decode(*row)
                if not record.lost:
                    return record
        return None

    def next_start_us(self, track: Track, instant_us: int) -> int | None:
        """From when on there is footage at or after an instant; the instant itself where there is footage then."""
        with self.store.read() as txn:
            return scan.next_start_us(txn, track, instant_us)

    def previous_end_us(self, track: Track, instant_us: int) -> int | None:
        """Until when there is footage before an instant; the instant itself where there is some just before it."""
        with self.store.read() as txn:
            return scan.previous_end_us(txn, track, instant_us)

    def seek(self, track: Track, instant_us: int) -> tuple[ChunkRecord, int]:
        """Where to start reading to show the picture of an instant: one descent of the B-tree.

        Returns:
            the chunk, and the file offset of the stamp of a fragment that starts with a sync sample at or before the
            instant: the last such fragment, or in a chunk of more than 32 key frames one a little before it.

        Raises:
            NotRecorded: there is no footage of that instant, or its file is lost.
        """
        with self.store.read() as txn:
            found = scan.floor(txn, track, instant_us)
            if found is None or found.lost or found.end_us <= instant_us:
                found = None
                for _, lost, row in scan.overlapping(txn, track, TimeRange(instant_us, instant_us)):
                    found = found if lost else decode(*row)
        if found is None:
            raise NotRecorded(f"there is no footage of {format_utc(instant_us)}", where=str(track))
        return found, found.seek(instant_us)

    def chunk(self, name: ChunkName) -> ChunkRecord | None:
        """The row of a file, whether its file is lost or not."""
        key = keys.chunk(name.track, name.start_us, name.sequence)
        with self.store.read() as txn:
            value = txn.get(keys.CHUNK, key)
        record = None if value is None else decode(key, value)
        return record if record is not None and (record.run, record.sequence) == (name.run, name.sequence) else None

    def second_volume(self, name: ChunkName) -> int | None:
        """The number of the volume that holds a second file of this chunk; None: there is none."""
        with self.store.read() as txn:
            return copies.volume_of(txn, keys.chunk(name.track, name.start_us, name.sequence))

    def copies(self) -> int:
        """How many chunks lie on two volumes."""
        with self.store.read() as txn:
            return txn.count(keys.COPY)

    def chunks(self, track: Track, window: TimeRange) -> list[ChunkRecord]:
        """The chunks that overlap a window, by start, those whose file is lost among them."""
        with self.store.read() as txn:
            rows = [row for _, _, row in scan.overlapping(txn, track, window)]
        return [decode(*row) for row in rows]

    def pages(self, track: Track, from_us: int = 0) -> Iterator[list[ChunkRecord]]:
        """All chunks of a track that start at or after an instant, by start, a page and a transaction at a time."""
        start: bytes | None = keys.instant(track, from_us)
        while start is not None:
            page, start = self._page(start, keys.after_track(track))
            if page:
                yield page

    def _page(self, start: bytes, stop: bytes) -> tuple[list[ChunkRecord], bytes | None]:
        rows: list[Row] = []
        with self.store.read() as txn:
            for row in txn.rows(keys.CHUNK, start, stop):
                if len(rows) == PAGE_ROWS:
                    return [decode(*kept) for kept in rows], row[0]
                rows.append(row)
        return [decode(*row) for row in rows], None

    def spans(self, track: Track, window: TimeRange) -> list[TimeRange]:
        """When there is footage: clipped to the window, by start, merged where it meets. Lost files do not count."""
        with self.store.read() as txn:
            times = [time for time, lost, _ in scan.overlapping(txn, track, window) if not lost]
        return _merged(times, window)

    def doubts(self, track: Track, window: TimeRange) -> tuple[list[TimeRange], list[TimeRange]]:
        """When footage has coarse times, and when the server's clock was not believed; clipped, merged, by start."""
        with self.store.read() as txn:
            rows = [(time, doubts_of(row[1])) for time, lost, row in scan.overlapping(txn, track, window) if not lost]
        coarse = _merged([time for time, (is_coarse, _) in rows if is_coarse], window)
        return coarse, _merged([time for time, (_, is_doubtful) in rows if is_doubtful], window)

    def only_on(self, volumes: Collection[int], track: Track, window: TimeRange) -> list[TimeRange]:
        """When there is footage of which no file lies anywhere but on these volumes; clipped, merged, by start."""
        with self.store.read() as txn:
            rows = [(time, row) for time, lost, row in scan.overlapping(txn, track, window) if not lost]
            there = [(time, key) for time, (key, value) in rows if room_of(value)[1] in volumes]
            times = [time for time, key in there if copies.volume_of(txn, key) in {None, *volumes}]
        return _merged(times, window)

    def gaps(self, track: Track, window: TimeRange) -> list[Gap]:
        """The gaps that touch a window, by start, not clipped."""
        with self.store.read() as txn:
            return list(gaps.overlapping(txn, track, window))

    def first(self, track: Track) -> int | None:
        """When the track's oldest footage starts."""
        with self.store.read() as txn:
            row = scan.first(txn, track)
        return None if row is None else scan.time_of(row).start_us

    def last(self, track: Track, before_us: int = keys.LATEST_US) -> int | None:
        """When the track's newest footage ends, of that which begins before an instant.

        After a clock was set back there may be footage that is dated ahead of now: it is not the newest.
        """
        with self.store.read() as txn:
            row = scan.last(txn, track, before_us)
        return None if row is None else scan.time_of(row).end_us

    def days(self, track: Track) -> list[tuple[int, bytes]]:
        """Each UTC day (``YYYYMMDD``) with footage: 180 bytes, minute m is bit ``m & 7`` of byte ``m >> 3``."""
        with self.store.read() as txn:
            rows = list(txn.rows(keys.DAY, keys.track(track), keys.after_track(track)))
        return [(keys.read_day(key)[1], value) for key, value in rows]

    # -- what belongs to it ----------------------------------------------------------------------------------------

    def init(self, number: int) -> InitRecord | None:
        """An init segment; 0 and unknown numbers have none."""
        key = keys.init(number)
        with self.store.read() as txn:
            value = txn.get(keys.INIT, key)
        return None if value is None else decode_init(key, value)

    def runs(self, track: Track) -> list[RunRecord]:
        """The runs of which chunks are left."""
        with self.store.read() as txn:
            rows = list(txn.rows(keys.RUN, keys.track(track), keys.after_track(track)))
        return [decode_run(*row) for row in rows]

    def head(self, track: Track) -> HeadRecord | None:
        """The newest chunk that was ever committed, with its root."""
        key = keys.track(track)
        with self.store.read() as txn:
            value = txn.get(keys.HEAD, key)
        return None if value is None else decode_head(key, value)

    def usage(self) -> dict[tuple[Track, int], Usage]:
        """What each track occupies on each volume."""
        with self.store.read() as txn:
            rows = list(txn.rows(keys.USAGE))
        return {keys.read_usage(key): decode_usage(key, value) for key, value in rows}

    def tracks(self) -> list[Track]:
        """The tracks that have chunks, in order."""
        return self._tracks_in(keys.CHUNK)

    def gap_tracks(self) -> list[Track]:
        """The tracks that have gaps, in order."""
        return self._tracks_in(keys.GAP)

    def _tracks_in(self, table: str) -> list[Track]:
        found: list[Track] = []
        with self.store.read() as txn:
            row = txn.from_key(table, b"")
            while row is not None:
                found.append(keys.track_of(row[0]))
                row = txn.from_key(table, keys.after_track(found[-1]))
        return found

    def volumes(self) -> dict[int, bytes]:
        """The uuid (16 bytes) of each volume's number, as it was when last seen."""
        with self.store.read() as txn:
            return {keys.read_volume(key): value for key, value in txn.rows(keys.VOLUME)}

    def garbage(self) -> list[Garbage]:
        """The files that are to be unlinked."""
        with self.store.read() as txn:
            return [decode_garbage(*row) for row in txn.rows(keys.GARBAGE)]

    def rows(self) -> int:
        """How many chunks are indexed."""
        with self.store.read() as txn:
            return txn.count(keys.CHUNK)


def _merged(times: Iterable[TimeRange], window: TimeRange) -> list[TimeRange]:
    """Times that are in order by start, joined where they meet, clipped to the window."""
    spans: list[tuple[int, int]] = []
    for time in times:
        if spans and time.start_us - spans[-1][1] <= TOUCH_US:
            spans[-1] = (spans[-1][0], max(spans[-1][1], time.end_us))
        else:
            spans.append((time.start_us, time.end_us))
    return [TimeRange(*span).clipped_to(window) for span in spans]
