"""Mends what `indexer.verify` finds, as far as no judgement is needed. The recorder must not run.

It never deletes footage: a file is cut only where it has lost its end, behind its last whole fragment, as after a crash
(`nvr.chunk.recovery.is_torn`). Everything else that is damaged stays as it is and is named. Each step may be killed and
done again: files are changed and synced first, rows after them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from indexer import consistency
from indexer.reader import IndexReader
from indexer.rebuild import Report, checked_summary, rebuild
from indexer.records import ROOT_BYTES, ChunkRecord, from_sealed
from indexer.writer import Commit, IndexWriter
from nvr.chunk.duplicate import holds_whole
from nvr.chunk.name import ChunkName, parse
from nvr.chunk.reader import ChunkReader
from nvr.chunk.recovery import is_torn, recover
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, NvrError, StorageError
from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_S, TimeRange, format_utc

TOUCH_US = 100_000  # as `nvr.capture.gaps`: less is no gap
NEAR_US = 10 * US_PER_S  # chosen: a start that is worked out anew from the last stamp moves by milliseconds
_EVER = TimeRange(0, 2**62)


@dataclass(frozen=True, slots=True)
class Mended:
    """One thing that was done, or had to be left to a person."""

    where: str
    what: str  # one plain sentence without a full stop
    left: bool = False


def fault(path: Path) -> NvrError | None:
    """Why an index cannot be read; None: every row of it can."""
    try:
        with IndexReader.open(path) as reader:
            reader.garbage()
            for track in reader.gap_tracks():
                reader.gaps(track, _EVER)
            for track in _tracks(reader):
                consistency.mismatches(reader.store, track)
    except (StorageError, IntegrityError) as error:
        return error
    return None


def renew(path: Path, volumes: Mapping[int, Volume], *, now_us: int, report: Report) -> Iterator[Mended]:
    """Make an index anew that cannot be read; the damaged one stays beside it as ``.damaged-<time>``.

    Args:
        path: the index.
        volumes: all of them, by number, opened for writing.
        now_us: for the name.
        report: is told how far it has come.

    Raises:
        StorageError: a volume cannot be read, or the new index cannot be written.
    """
    error = fault(path)
    if error is None:
        return
    aside = path.with_name(f"{path.name}.damaged-{format_utc(now_us)[:19].replace(':', '')}")
    existed = path.exists()
    made = rebuild(path, volumes, report, aside=aside)
    kept = f"; the old one is kept as {aside.name}" if existed else ""
    yield Mended(str(path), f"{error.what}: made anew from the files, {made.chunks} chunks{kept}")


def repair(writer: IndexWriter, volumes: Mapping[int, Volume]) -> Iterator[Mended]:
    """Mend files and rows; gives what was done, and what was left, as it goes.

    Args:
        writer: of an index without a `fault`.
        volumes: those that are there, by number, opened for writing.

    Raises:
        StorageError: the index cannot be written.
    """
    known = IndexReader(writer.store).volumes()
    ours = {number: volume for number, volume in volumes.items() if known.get(number, volume.uuid) == volume.uuid}
    for number in volumes.keys() - ours.keys():
        what = "this is another volume than the one the index knows by this number: left as it is"
        yield Mended(str(volumes[number].path), what, left=True)
    mending = _Repair(writer, ours)
    for number, volume in ours.items():
        yield from mending.garbage(number, volume)
        yield from mending.parts(number, volume)
        yield from mending.files(number, volume)
    yield from mending.rows()
    yield from mending.tables()


class _Repair:
    """One run."""

    def __init__(self, writer: IndexWriter, volumes: Mapping[int, Volume]) -> None:
        self._writer = writer
        self._reader = IndexReader(writer.store)
        self._volumes = volumes

    def garbage(self, number: int, volume: Volume) -> Iterator[Mended]:
        """Rows of files that were to be unlinked, and are."""
        mine = [entry for entry in self._reader.garbage() if entry.volume == number]
        gone = [entry for entry in mine if parse(entry.path) is None or not volume.resolve(entry.path).exists()]
        if gone:
            volume.sync_apart()
            self._writer.forget(gone)
            yield Mended(str(volume.path), f"{len(gone)} deleted files were still noted as to be deleted: forgotten")

    def parts(self, number: int, volume: Volume) -> Iterator[Mended]:
        """What nobody writes any more is sealed."""
        for path in list(volume.parts()):
            where = str(volume.resolve(path))
            try:
                sealed = recover(volume, path) if is_torn(volume, path) else None
                if sealed is not None:
                    volume.sync()
            except StorageError as error:
                yield Mended(where, f"it was never finished, and cannot be now: {error.what}", left=True)
                continue
            if sealed is None:
                yield Mended(where, "it was never finished, and is damaged or empty: left as it is", left=True)
                continue
            self._take_in(sealed, number)
            yield Mended(where, f"it was never finished: sealed as {ChunkName.of(sealed).path()}")

    def files(self, number: int, volume: Volume) -> Iterator[Mended]:
        """Files without a row get one, torn ones are sealed anew, rows are made to say what the files say."""
        garbage = {entry.path for entry in self._reader.garbage() if entry.volume == number}
        for name, size_bytes in list(volume.chunks()):
            if name.path() in garbage:
                continue
            try:
                yield from self._file(number, volume, name, size_bytes)
            except StorageError as error:
                yield Mended(str(volume.resolve(name)), f"it cannot be read: {error.what}", left=True)
        for path in volume.strangers():
            yield Mended(str(volume.path / path), "it is no file of the recorder's: left as it is", left=True)

    def _file(self, number: int, volume: Volume, name: ChunkName, size_bytes: int) -> Iterator[Mended]:
        where, record = str(volume.resolve(name)), self._reader.chunk(name)
        if record is not None and record.volume != number and not record.lost:
            yield from self._other_file(record, number, where)
            return
        if record is not None and record.lost:
            self._writer.mark_lost([record], lost=False)
            record = replace(record, lost=False)
            yield Mended(where, "its row said that it is lost, but it is there: corrected")
        try:
            with ChunkReader(volume.open_read(name)) as chunk:
                sealed = checked_summary(chunk, name, where)
        except IntegrityError as error:
            yield from self._damaged(number, volume, name, size_bytes, error)
            return
        if record is None:
            self._take_in(sealed, number)
            is_in = self._reader.chunk(name) is not None
            what = "it was not indexed: taken in" if is_in else "another chunk stands at its place in the index"
            yield Mended(where, what, left=not is_in)
        else:
            yield from self._corrected(record, sealed, where)

    def _other_file(self, record: ChunkRecord, number: int, where: str) -> Iterator[Mended]:
        """A file of a chunk whose row names another volume: its second one, or one too many."""
        second, volume = self._reader.second_volume(record.name()), self._volumes[number]
        if second == number:
            return
        if second is None and holds_whole(volume, record.name(), record.root):
            self._writer.commit(Commit(copies=((record, number),)))
            yield Mended(where, f"it is the same as the file on volume {record.volume}: taken in as its second one")
            return
        yield Mended(where, f"it is a copy of a file on volume {record.volume}: left as it is", left=True)

    def _damaged(
        self, number: int, volume: Volume, name: ChunkName, size_bytes: int, error: IntegrityError
    ) -> Iterator[Mended]:
        where = str(volume.resolve(name))
        if self._is_itself(volume, name) and is_torn(volume, name.path()):
            sealed = recover(volume, volume.unseal(name))
            if sealed is not None:
                volume.sync()
                self._take_in(sealed, number)
                yield Mended(where, f"its end was missing or damaged: sealed anew as {ChunkName.of(sealed).path()}")
                return
        if self._reader.chunk(name) is None:
            self._writer.commit_names([(name, size_bytes, number)])
            yield Mended(where, "it was not indexed: taken in by its name")
        yield Mended(where, f"{error.what}: what is whole in it still plays, and it is left as it is", left=True)

    def _is_itself(self, volume: Volume, name: ChunkName) -> bool:
        """Whether the file is the chunk that its name says, and not sealed any more."""
        with ChunkReader(volume.open_read(name)) as chunk:
            try:
                header = chunk.header
            except IntegrityError:
                return False
            found = (header.track, header.run, header.sequence)
            return not chunk.sealed and found == (name.track, name.run, name.sequence)

    def _take_in(self, sealed: SealedChunk, number: int) -> None:
        """Index a file; rows of the same chunk whose file is gone, as it was before it was sealed anew, make room."""
        header = sealed.header
        near = TimeRange(sealed.start_us - NEAR_US, sealed.end_us + NEAR_US)
        old = [
            record
            for record in self._reader.chunks(header.track, near)
            if (record.run, record.sequence) == (header.run, header.sequence) and not self._is_there(record)
        ]
        end_us = max((record.end_us for record in old), default=0)
        gaps = []
        if end_us - sealed.end_us > TOUCH_US:
            gaps.append(Gap(header.track, sealed.end_us, end_us, GapReason.DISK, "the file had lost its end"))
        self._writer.commit(Commit(((sealed, number),), tuple(gaps)), instead_of=old)

    def _is_there(self, record: ChunkRecord) -> bool:
        volume = self._volumes.get(record.volume)
        return volume is None or volume.resolve(record.name()).exists()

    def _corrected(self, record: ChunkRecord, sealed: SealedChunk, where: str) -> Iterator[Mended]:
        made = from_sealed(sealed, record.volume, record.init_id)
        if made == record and self._reader.init(record.init_id) is not None:
            return
        if not record.by_name and made.root != record.root:
            yield Mended(where, "it is not the file that was indexed, though it is whole: left as it is", left=True)
            return
        self._writer.commit(Commit(((sealed, record.volume),)))
        yield Mended(where, "its row did not say what the file says: corrected")

    def rows(self) -> Iterator[Mended]:
        """Rows whose file is missing are marked lost: they stay, as evidence of loss."""
        away: set[int] = set()
        for track in self._reader.tracks():
            for page in self._reader.pages(track):
                away |= {record.volume for record in page} - self._volumes.keys()
                missing = [record for record in page if not record.lost and not self._is_there(record)]
                yield from self._single(page)
                self._writer.mark_lost(missing)
                for record in missing:
                    where = str(self._volumes[record.volume].resolve(record.name()))
                    now = self._reader.chunk(record.name())
                    is_lost = now is None or now.lost
                    words = "its row is marked as lost" if is_lost else "its second file takes its place"
                    yield Mended(where, f"the file is missing: {words}")
        for number in sorted(away):
            yield Mended(f"volume {number}", "rows point to it, but it cannot be looked at: left", left=True)

    def _single(self, page: list[ChunkRecord]) -> Iterator[Mended]:
        """Second files that are missing are forgotten; the recorder makes them anew."""
        gone = []
        for record in page:
            second = self._reader.second_volume(record.name())
            volume = None if second is None else self._volumes.get(second)
            if volume is not None and not volume.resolve(record.name()).exists():
                gone.append(record)
                yield Mended(str(volume.resolve(record.name())), "the chunk's second file is missing: forgotten")
        self._writer.forget_copies(gone)

    def tables(self) -> Iterator[Mended]:
        """What is kept beside the rows is counted anew where it is wrong."""
        for track in _tracks(self._reader):
            before = consistency.mismatches(self._reader.store, track)
            if before:
                self._writer.recount(track)
                self._renew_head(track)
            left = consistency.mismatches(self._reader.store, track)
            for mismatch in before:
                words = "left as it is" if mismatch in left else "counted anew"
                yield Mended(str(track), f"{mismatch.what}: {words}", left=mismatch in left)

    def _renew_head(self, track: Track) -> None:
        head = self._reader.head(track)
        record = None if head is None else self._reader.floor(track, head.start_us)
        if head is None or record is None or record.by_name or record.root == head.root[:ROOT_BYTES]:
            return
        volume = self._volumes.get(record.volume)
        if volume is not None and record.start_us == head.start_us and not record.lost:
            with ChunkReader(volume.open_read(record.name())) as chunk:
                if chunk.sealed:
                    self._writer.commit(Commit(((chunk.summary(), record.volume),)))


def _tracks(reader: IndexReader) -> list[Track]:
    """The tracks that have chunks, or of which a sum is left."""
    return sorted({*reader.tracks(), *(track for track, _ in reader.usage())})
