"""Takes in the footage that lies on a volume and is not in the index: it was lost, or one of yesterday was put back.

In two steps, as a rebuild does, but beside recording: first rows from the names alone, the oldest day first, so that
retention knows what there is before it has to make room; then the footers. What is not read yet when the recorder stops
is noted in the index, and read after the next start.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from time import monotonic
from typing import TypeVar

from indexer.reader import IndexReader
from indexer.rebuild import History, summary
from indexer.records import ChunkRecord
from indexer.writer import Commit, IndexWriter
from nvr.chunk.duplicate import holds_whole
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.media import Gap, Track
from nvr.timebase import TimeRange

BATCH = 100  # chosen: two seconds of a hard disk that reads footers; a kill costs no more
T = TypeVar("T")


class Adoption:
    """Belongs to one thread. Raises StorageError everywhere: a disk or the index fails; what is done stays done.

    Args:
        writer: of the index; others may share it.
        rest: waits between two pieces of work, so that recording has the disk; it is told how many seconds the piece
            took, and says whether to stop.
    """

    def __init__(self, writer: IndexWriter, rest: Callable[[float], bool]) -> None:
        self._writer = writer
        self._reader = IndexReader(writer.store)
        self._rest = rest
        self.taken: dict[int, int] = {}  # files that got a row, by volume
        self.read = 0  # footers

    # -- names -----------------------------------------------------------------------------------------------------

    def names(self, volume: Volume) -> bool:
        """Rows for all files of a volume that have none; whether it came to the end."""
        for files in self._pieces(volume.chunks_by_age()):
            unknown = [(name, size_bytes) for name, size_bytes in files if not self._is_known(name, volume)]
            if unknown:
                self._take(volume, unknown)
        if not self._stopped:
            self._writer.set_departed(self._writer.departed() - {volume.number})
        return not self._stopped

    def _pieces(self, things: Iterable[T]) -> Iterator[list[T]]:
        """A piece of work at a time, with rests; ends early when it is to stop."""
        source, self._stopped = iter(things), False
        began_s = monotonic()
        while piece := list(islice(source, BATCH)):
            yield piece
            if self._rest(monotonic() - began_s):
                self._stopped = True
                return
            began_s = monotonic()

    def _is_known(self, name: ChunkName, volume: Volume) -> bool:
        record = self._reader.chunk(name)
        if record is None or (record.lost and record.volume == volume.number):
            return False
        return record.volume == volume.number or self._reader.second_volume(name) is not None

    def _take(self, volume: Volume, files: Iterable[tuple[ChunkName, int]]) -> None:
        garbage = {waste.path for waste in self._reader.garbage() if waste.volume == volume.number}
        # Looked at after index and garbage: what the sweeper has deleted meanwhile is gone, and does not come back.
        there = [(n, size) for n, size in files if n.path() not in garbage and volume.resolve(n).exists()]
        rows = {name: self._reader.chunk(name) for name, _ in there}
        back = [row for row in rows.values() if row and row.lost and row.volume == volume.number]
        self._writer.mark_lost(back, lost=False)  # a disk that was taken out is here again
        others = [row for row in rows.values() if row and row.volume != volume.number and not row.by_name]
        seconds = [row for row in others if self._is_second(volume, row)]
        alone = [(name, size) for name, size in there if (row := rows[name]) is None or row.by_name]
        if not alone and not seconds:
            return
        volume.sync_apart()  # a row must not outlive its file: the newest may have been sealed a moment ago
        self._note(name for name, _ in alone)
        self._writer.commit_names((name, size, volume.number) for name, size in alone)
        self._writer.commit(Commit(copies=tuple((row, volume.number) for row in seconds)))
        self.taken = self.taken | {volume.number: self.taken.get(volume.number, 0) + len(alone) + len(seconds)}

    def _is_second(self, volume: Volume, row: ChunkRecord) -> bool:
        return bool(holds_whole(volume, row.name(), row.root))

    def _note(self, names: Iterable[ChunkName]) -> None:
        """From where on a track's footers are to be read; before the rows, so that a kill forgets none."""
        unread = self._writer.unread()
        for name in names:
            unread[name.track] = min(name.start_us, unread.get(name.track, name.start_us))
        self._writer.set_unread(unread)

    # -- footers ---------------------------------------------------------------------------------------------------

    def is_unread(self) -> bool:
        """Whether there are files of which only the names are indexed and the footers are still to be read."""
        return bool(self._writer.unread())

    def contents(self, volumes: Mapping[int, Volume]) -> bool:
        """Read those footers; whether it came to the end.

        Args:
            volumes: those that are there. What lies on others is read when they are back.
        """
        for track, from_us in sorted(self._writer.unread().items()):
            before = self._reader.floor(track, from_us - 1)
            pages = self._reader.pages(track, before.start_us if before else from_us)
            reading = _Reading(self._reader, track, volumes)
            for piece in self._pieces(record for page in pages for record in page):
                self._writer.commit(reading.commit(piece))
            self.read += reading.read
            if self._stopped:
                return False
            unread = self._writer.unread() | ({} if reading.away_us is None else {track: reading.away_us})
            if reading.away_us is None:
                unread.pop(track, None)
            self._writer.set_unread(unread)
        return True


class _Reading:
    """Reads one track's footers, in the order of time."""

    def __init__(self, reader: IndexReader, track: Track, volumes: Mapping[int, Volume]) -> None:
        self._history = History(reader, track)
        self._volumes = volumes
        self._was_new = False
        self.away_us: int | None = None  # where the first file begins whose volume is not there
        self.read = 0

    def commit(self, records: Iterable[ChunkRecord]) -> Commit:
        """What follows from these rows: those of new files are made whole, and holes beside them get their reason."""
        chunks: list[tuple[SealedChunk, int]] = []
        gaps: list[Gap] = []
        for record in records:
            is_new = record.by_name and not record.lost
            sealed = self._summary(record) if is_new else None
            time = TimeRange(sealed.start_us, sealed.end_us) if sealed else record.time
            gap = self._history.next(time, sealed.cut if sealed else None)
            if gap is not None and (is_new or self._was_new):
                gaps.append(gap)
            if sealed is not None:
                chunks.append((sealed, record.volume))
            self._was_new = is_new
        self.read += len(chunks)
        return Commit(tuple(chunks), tuple(gaps))

    def _summary(self, record: ChunkRecord) -> SealedChunk | None:
        """What a file says of itself; None: it is away, damaged or gone, and its row by its name stays."""
        volume, name = self._volumes.get(record.volume), record.name()
        if volume is None:
            self.away_us = record.start_us if self.away_us is None else self.away_us
            return None
        try:
            return summary(volume, name)
        except IntegrityError:
            return None
        except StorageError:
            if volume.resolve(name).exists():
                raise
            return None  # the sweeper was faster
