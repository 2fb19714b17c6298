"""The index, made anew from the files: first from their names, which is quick, then from their footers.

What no file tells is taken over from the old index where that can still be read: gaps, garbage, volumes. Where it
cannot, a gap's reason is what the footer before it says of its end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import Path

from indexer.reader import IndexReader
from indexer.records import ChunkRecord
from indexer.writer import Commit, IndexWriter
from nvr import durable
from nvr.chunk.name import ChunkName
from nvr.chunk.reader import ChunkReader
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.codec.bmff import init_segment
from nvr.codec.parameters import describe
from nvr.errors import CameraError, IntegrityError, StorageError
from nvr.media import CutReason, Gap, GapReason, ParameterSets, Track
from nvr.timebase import TimeRange

BATCH = 500  # chosen: a kill costs half a thousand footers, and commits cost nothing beside reading them
READERS = 8  # measured: a quarter less time than one where the disk must be asked, somewhat more where it need not
KNOWN_SETS = 1024  # chosen: more than cameras have settings
TOUCH_US = 100_000  # as `nvr.capture.gaps`: less is no gap
DETAIL = "as the file before it says; the index was made anew"
_ALWAYS = TimeRange(0, 2**62)

_REASONS = {
    CutReason.SCHEDULE: GapReason.RESTART,
    CutReason.SIZE: GapReason.RESTART,
    CutReason.PARAMETER_SETS: GapReason.RESTART,
    CutReason.CLOCK: GapReason.CLOCK,
    CutReason.SESSION: GapReason.NETWORK,
    CutReason.SILENCE: GapReason.CAMERA,
    CutReason.OVERLOAD: GapReason.OVERLOAD,
    CutReason.DISK: GapReason.DISK,
    CutReason.STOP: GapReason.OPERATOR,
    CutReason.RECOVERED: GapReason.RESTART,
}


class Stage(Enum):
    """What a rebuild is doing."""

    NAMES = "names"
    FOOTERS = "footers"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come."""

    stage: Stage
    done: int
    total: int  # 0: not known yet


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file of which only the name could be indexed."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it."""

    chunks: int
    unreadable: tuple[Unreadable, ...]


Report = Callable[[Progress], None]


def rebuild(path: Path, volumes: Mapping[int, Volume], report: Report, *, aside: Path | None = None) -> Rebuilt:
    """Make the index at ``path`` anew and put it in the old one's place; the old one stays beside it as ``.before``.

    A rebuild that was killed goes on where it was. The recorder must not run: that the volumes could be opened for
    writing shows that it does not. A web server must be started again afterwards.

    Args:
        path: the index; may be damaged or missing.
        volumes: all of them, by number, opened for writing.
        report: is told how far it has come, every `BATCH` files.
        aside: another place for the old index, where nothing is yet.

    Raises:
        StorageError: a volume cannot be read, or the new index cannot be written.
    """
    draft = path.with_name(path.name + ".rebuild")
    with IndexWriter.open(draft) as writer:
        _take_over(path, writer)
        for number, volume in volumes.items():
            writer.remember_volume(number, volume.uuid)
        total = _index_names(writer, volumes, report)
        unreadable = tuple(_index_footers(writer, volumes, total, report))
        rows = IndexReader(writer.store).rows()
    _swap(path, draft, aside or path.with_name(path.name + ".before"))
    return Rebuilt(rows, unreadable)


def _take_over(path: Path, writer: IndexWriter) -> None:
    """Copy what no file tells, as far as the old index can be read."""
    with suppress(StorageError, IntegrityError), IndexReader.open(path) as old:
        writer.remember_garbage(old.garbage())
        for track in old.gap_tracks():
            writer.commit(Commit(gaps=tuple(old.gaps(track, _ALWAYS))))
        for track in old.tracks():
            for page in old.pages(track):
                writer.commit_lost([record for record in page if record.lost])


def _index_names(writer: IndexWriter, volumes: Mapping[int, Volume], report: Report) -> int:
    garbage = {(entry.volume, entry.path) for entry in IndexReader(writer.store).garbage()}
    done = 0
    for number, volume in volumes.items():
        files = ((n, size, number) for n, size in volume.chunks() if (number, n.path()) not in garbage)
        while batch := list(islice(files, BATCH)):
            writer.commit_names(batch)
            done += len(batch)
            report(Progress(Stage.NAMES, done, 0))
    return done


def _index_footers(
    writer: IndexWriter, volumes: Mapping[int, Volume], total: int, report: Report
) -> Iterator[Unreadable]:
    reader = IndexReader(writer.store)
    done = 0
    with ThreadPoolExecutor(READERS) as pool:
        for track in reader.tracks():
            history = History(reader, track)
            for page in reader.pages(track):
                for at in range(0, len(page), BATCH):
                    batch = page[at : at + BATCH]
                    found = pool.map(lambda record: _read(volumes, record), batch)
                    yield from _index_batch(writer, volumes, zip(batch, found, strict=True), history)
                    done += len(batch)
                    report(Progress(Stage.FOOTERS, done, total))


class History:
    """Finds the gaps between a track's chunks, which come in the order of time."""

    def __init__(self, reader: IndexReader, track: Track) -> None:
        self._reader = reader
        self._track = track
        self._head = reader.head(track)  # where a rebuild that was killed had come
        self._end_us: int | None = None
        self._reason = GapReason.RESTART

    def skipped(self, record: ChunkRecord) -> None:
        """A chunk whose row was complete already, and so the gap before it was known."""
        self._end_us = max(record.end_us, self._end_us or 0)
        is_head = self._head is not None and self._head.start_us == record.start_us
        self._reason = _REASONS[self._head.cut] if self._head and is_head else GapReason.RESTART

    def next(self, time: TimeRange, cut: CutReason | None) -> Gap | None:
        """The gap before a chunk; ``cut`` says why the chunk ended, None: not known."""
        gap = None
        if self._end_us is not None and time.start_us - self._end_us > TOUCH_US:
            known = self._reader.gaps(self._track, TimeRange(self._end_us, time.start_us))
            gap = Gap(self._track, self._end_us, time.start_us, self._reason, "" if known else DETAIL)
        self._end_us = max(time.end_us, self._end_us or 0)
        self._reason = GapReason.RESTART if cut is None else _REASONS[cut]
        return gap


@dataclass(frozen=True, slots=True)
class _Read:
    """What was found of a row's file."""

    is_there: bool
    chunk: SealedChunk | None = None  # None: it was not read, or cannot be
    problem: Unreadable | None = None


def _read(volumes: Mapping[int, Volume], record: ChunkRecord) -> _Read:
    """Read a row's file if the row is not complete. Several threads do it at once."""
    volume, name = volumes.get(record.volume), record.name()
    if volume is None or not volume.resolve(name).exists():
        return _Read(is_there=False)
    if _is_complete(record):
        return _Read(is_there=True)
    try:
        return _Read(is_there=True, chunk=summary(volume, name))
    except IntegrityError as error:
        return _Read(is_there=True, problem=Unreadable(str(volume.resolve(name)), error.what))


def _is_complete(record: ChunkRecord) -> bool:
    return not (record.by_name or record.lost)


def _index_batch(
    writer: IndexWriter,
    volumes: Mapping[int, Volume],
    batch: Iterable[tuple[ChunkRecord, _Read]],
    history: History,
) -> Iterator[Unreadable]:
    reader = IndexReader(writer.store)
    chunks: list[tuple[SealedChunk, int]] = []
    gaps: list[Gap] = []
    gone: list[ChunkRecord] = []
    for record, found in batch:
        if not found.is_there:
            gone += [] if record.lost else [record]  # deleted since a rebuild that was killed
            continue
        if _is_complete(record):
            history.skipped(record)
            continue
        time, cut = record.time, None
        if found.chunk is not None:
            time, cut = TimeRange(found.chunk.start_us, found.chunk.end_us), found.chunk.cut
            chunks.append((found.chunk, _first_volume(reader, volumes, record, found.chunk)))
        if found.problem is not None:
            yield found.problem
        gap = history.next(time, cut)
        gaps += [gap] if gap is not None else []
    writer.commit(Commit(tuple(chunks), tuple(gaps)))
    writer.drop(gone)


def _first_volume(reader: IndexReader, volumes: Mapping[int, Volume], record: ChunkRecord, chunk: SealedChunk) -> int:
    """The volume that a row names: where two hold the file, the one that its header names was the first."""
    second = reader.second_volume(record.name())
    other = None if second is None else volumes.get(second)
    return other.number if other is not None and other.uuid == chunk.header.volume_uuid else record.volume


def summary(volume: Volume, name: ChunkName) -> SealedChunk:
    """What a file says of itself.

    Raises:
        IntegrityError: it is damaged, or is another chunk than its name says.
        StorageError: it cannot be read.
    """
    with ChunkReader(volume.open_read(name)) as chunk:
        return checked_summary(chunk, name, str(volume.resolve(name)))


def checked_summary(chunk: ChunkReader, name: ChunkName, where: str) -> SealedChunk:
    """The same of an opened file."""
    found = chunk.summary()
    if ChunkName.of(found) != name:
        raise IntegrityError(f"the file says that it is {ChunkName.of(found).path()}", where=where)
    problem = _problem_of(found.header.parameter_sets, found.header.composition_delay_90k)
    if problem:
        raise IntegrityError(f"its parameter sets cannot be read: {problem}", where=where)
    return found


@lru_cache(KNOWN_SETS)
def _problem_of(sets: ParameterSets, delay_90k: int) -> str:
    """Why no init segment can be made of these parameter sets; empty: one can. A camera's are the same for months."""
    try:
        init_segment(sets, describe(sets), composition_delay_90k=delay_90k)
    except CameraError as error:
        return error.what
    return ""


def _swap(path: Path, draft: Path, before: Path) -> None:
    try:
        if path.exists():
            if before.exists():
                for file in before.iterdir():
                    file.unlink()
                before.rmdir()
            path.rename(before)
        durable.rename(draft, path)
    except OSError as error:
        raise StorageError(f"the new index cannot be put in place: {error.strerror}", where=str(draft)) from error
