"""Do index and files agree? Tests invariants I1, I2, I3, I5, I7 and I8 and says in plain words what is wrong.

It may run beside the recorder: what changes meanwhile is looked at twice before it is called wrong. A damaged file is a
finding, never an exception.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice

from indexer import consistency, times
from indexer.holds import Hold, decode_all, is_held
from indexer.reader import IndexReader
from indexer.rebuild import checked_summary, summary
from indexer.records import ROOT_BYTES, ChunkRecord, from_sealed
from indexer.rows import Garbage
from nvr.chunk import mirror
from nvr.chunk.name import ChunkName, parse
from nvr.chunk.reader import ChunkReader
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.verification import ChunkProblem
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, NvrError, StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, TimeRange

ADOPTABLE_US = 6 * 3600 * US_PER_S  # as `indexer.bookkeeper`: so far back the recorder's start looks for files
BATCH = 500
REPAIR = "the footage is not touched by this; nvr check --repair corrects the index from the file"
RECOUNT = "only a sum in the index is wrong; nvr check --repair counts it anew from the rows"
RENEW = "a row of the index is damaged, the files are not; nvr check --repair makes the index anew from them"
TIMES = (
    "the footage is whole, its time of day is not to be relied on: compare it with a clock in the picture, or with the "
    "file's own times of receipt (nvr show FILE)"
)
MIRROR_US = 600 * US_PER_S  # chosen: the recorder writes the mirror every half minute while it runs


class Invariant(Enum):
    """What must be true (DESIGN section 4); the others are about crashes and full disks."""

    I1 = "every row has a file whose length and footer match"
    I2 = "every file is indexed, open, garbage or adoptable"
    I3 = "held ranges are complete"
    I5 = "no two chunks of one run overlap"
    I7 = "a rebuilt index equals the index"
    I8 = "pictures are filed within a second of their receipt"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    invariant: Invariant
    where: str  # a file, or a track and a time
    what: str  # one plain sentence without a full stop
    hint: str  # how to mend it


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come."""

    rows: int
    of_rows: int
    findings: int


Report = Callable[[Progress], None]


def verify(
    reader: IndexReader,
    volumes: Mapping[int, Volume],
    *,
    now_us: int,
    holds: Sequence[Hold] = (),
    deep: bool = False,
    report: Report,
) -> list[Finding]:
    """Everything that is wrong.

    Args:
        reader: the index.
        volumes: by number; read-only will do.
        now_us: files younger than some hours may wait for the recorder's next start.
        holds: what must be kept.
        deep: read every byte and test every hash, not only lengths and footers.
        report: is told how far it has come, every `BATCH` rows or files.

    Raises:
        StorageError: the index itself cannot be read.
    """
    check = _Check(reader, volumes, now_us, holds, deep=deep)
    findings: list[Finding] = []
    total = reader.rows()
    for done, found in check.run():
        findings += found
        report(Progress(done, total, len(findings)))
    return findings


def outdated_mirrors(volumes: Iterable[Volume], holds: Sequence[Hold], now_us: int) -> Iterator[Finding]:
    """Volumes whose mirror of the holds does not say what the registry has said for some minutes."""
    long_ago_us = now_us - MIRROR_US
    for volume in volumes:
        where = str(volume.path / mirror.HOLDS)
        try:
            data = volume.read_mirror(mirror.HOLDS)
            mirrored = decode_all(data) if data else []
        except StorageError as error:
            yield Finding(Invariant.I3, where, error.what, error.hint or "check the disk")
            continue
        except ValueError:
            hint = "copy it away, and start the recorder: it writes the holds of the registry here again"
            yield Finding(Invariant.I3, where, "the mirror of the holds is damaged", hint)
            continue
        known = {hold.uid for hold in holds}
        behind = [
            hold for hold in holds if hold not in mirrored and max(hold.laid_us, hold.released_us or 0) < long_ago_us
        ]
        if behind or any(hold.uid not in known for hold in mirrored):
            hint = "if the registry is lost, holds are lost with it; nvr check --repair brings both together"
            yield Finding(Invariant.I3, where, "the mirror of the holds is not what the registry says", hint)


class _Check:
    """One run."""

    def __init__(
        self, reader: IndexReader, volumes: Mapping[int, Volume], now_us: int, holds: Sequence[Hold], *, deep: bool
    ) -> None:
        self._reader = reader
        self._volumes = volumes
        self._now_us = now_us
        self._holds = holds
        self._deep = deep
        self._garbage: set[tuple[int, str]] = set()
        self._offsets_us: dict[int, int | None] = {}  # of each run of the track: filed − received, monotonic
        self._away: set[int] = set()  # volumes that rows name and nobody has

    def run(self) -> Iterator[tuple[int, list[Finding]]]:
        """Pieces of the work: how many rows are done, and what was found in this piece."""
        yield 0, [*self._known_volumes(), *self._read_garbage()]
        done = 0
        for track in self._reader.tracks():
            self._offsets_us.clear()
            try:
                for page in self._reader.pages(track):
                    for at in range(0, len(page), BATCH):
                        batch = page[at : at + BATCH]
                        done += len(batch)
                        yield done, [finding for record in batch for finding in self._row(record)]
                yield done, [Finding(Invariant[m.invariant], str(track), m.what, RECOUNT) for m in self._tables(track)]
            except IntegrityError as error:
                yield done, [Finding(Invariant.I7, str(track), error.what, RENEW)]
        for number, volume in self._volumes.items():
            files = volume.chunks()
            while batch_of_files := list(islice(files, BATCH)):
                yield done, [found for name, _ in batch_of_files for found in self._file(number, volume, name)]

    def _known_volumes(self) -> Iterator[Finding]:
        uuids = self._reader.volumes()
        for number, volume in self._volumes.items():
            if uuids.get(number, volume.uuid) != volume.uuid:
                what = "this is another volume than the one the index knows by this number"
                yield Finding(Invariant.I1, str(volume.path), what, "mount the right disk")

    def _read_garbage(self) -> Iterator[Finding]:
        try:
            garbage = self._reader.garbage()
        except IntegrityError as error:
            yield Finding(Invariant.I7, "the table of garbage", error.what, RENEW)
            return
        self._garbage = {(entry.volume, entry.path) for entry in garbage}
        for entry in garbage:
            yield from self._condemned(entry)

    def _condemned(self, entry: Garbage) -> Iterator[Finding]:
        """A file that is about to go although a hold was laid on it before."""
        name = parse(entry.path)
        if name is not None:
            span = TimeRange(name.start_us, name.start_us + name.duration_ms * 1000)
            before = [hold for hold in self._holds if hold.laid_us <= entry.since_us]
            if is_held(before, name.track, span, entry.since_us):
                hint = "stop the recorder, copy the file away, and tell us: this must never be"
                yield Finding(Invariant.I3, entry.path, "it is held, and it is about to be deleted", hint)

    def _tables(self, track: Track) -> list[consistency.Mismatch]:
        return consistency.mismatches(self._reader.store, track)

    # -- I1, I7: rows ----------------------------------------------------------------------------------------------

    def _row(self, record: ChunkRecord) -> Iterator[Finding]:
        volume = self._volumes.get(record.volume)
        if volume is None:
            yield from self._volume_away(record.volume)
            return
        where = str(volume.resolve(record.name()))
        try:
            with ChunkReader(volume.open_read(record.name())) as chunk:
                size = chunk.size_bytes
                sealed = checked_summary(chunk, record.name(), where)
                problem = next(iter(chunk.problems()), None) if self._deep else None
                time_trouble = self._time_trouble(chunk, record.run)
        except StorageError as error:
            if not record.lost and self._still(record):
                yield self._unreadable(where, error)
            return
        except IntegrityError as error:
            yield Finding(
                Invariant.I1,
                where,
                error.what,
                "what is whole in it still plays: keep it, and check the disk; nvr check --repair seals it anew "
                "if only its end is missing",
            )
            return
        if record.lost:
            yield Finding(Invariant.I1, where, "the row says that the file is lost, but it is there", REPAIR)
        if size != record.bytes:
            what = f"the file has {size} bytes, but its row says {record.bytes}"
            yield Finding(Invariant.I1, where, what, REPAIR)
        if problem is not None:
            what = f"{problem.what} (byte {problem.offset})"
            yield Finding(
                Invariant.I1,
                where,
                what,
                "the bytes are not what was recorded, no repair can bring them back; check the disk",
            )
        if time_trouble:
            yield Finding(Invariant.I8, where, time_trouble, TIMES)
        yield from self._same(record, sealed, where)
        second = self._reader.second_volume(record.name())
        if second is not None:
            yield from self._second(record, second)

    def _time_trouble(self, chunk: ChunkReader, run: int) -> str:
        if chunk.footer is None:  # `checked_summary` says so
            return ""
        words, self._offsets_us[run] = times.trouble(chunk.footer, self._offsets_us.get(run))
        return words

    def _second(self, record: ChunkRecord, number: int) -> Iterator[Finding]:
        """The same of a chunk's second file: footage is lost only if the first one is as well."""
        volume = self._volumes.get(number)
        if volume is None:
            yield from self._volume_away(number)
            return
        where = str(volume.resolve(record.name()))
        try:
            with ChunkReader(volume.open_read(record.name())) as chunk:
                same = checked_summary(chunk, record.name(), where).root[:ROOT_BYTES] == record.root
                problem = next(iter(chunk.problems()), None) if self._deep else None
        except StorageError as error:
            if self._still(record) and self._reader.second_volume(record.name()) == number:
                hint = "the first one is there; nvr check --repair forgets this one, and the recorder makes another"
                yield Finding(Invariant.I1, where, f"the chunk's second file cannot be read: {error.what}", hint)
            return
        except IntegrityError as error:
            same, problem = False, ChunkProblem(0, error.what)
        if problem is not None or not (same or record.by_name):
            what = "it is not the same as the first file" if problem is None else problem.what
            hint = "the scrub writes it anew from the first one"
            yield Finding(Invariant.I1, where, f"the chunk's second file is damaged: {what}", hint)

    def _volume_away(self, number: int) -> Iterator[Finding]:
        """One finding for all its rows."""
        if number not in self._away:
            self._away.add(number)
            hint = "connect the disk, or put the volume back into nvr.toml"
            yield Finding(Invariant.I1, f"volume {number}", "rows point to it, but it cannot be looked at", hint)

    def _unreadable(self, where: str, error: StorageError) -> Finding:
        if isinstance(error.__cause__, FileNotFoundError):
            hint = (
                "its footage is lost: find out who removed it; nvr check --repair marks its row, and the page says so"
            )
            return Finding(Invariant.I1, where, "the file is missing", hint)
        return Finding(Invariant.I1, where, error.what, error.hint or "check the disk")

    def _still(self, record: ChunkRecord) -> bool:
        """Whether the row still says the same; retention may have taken it."""
        return self._reader.chunk(record.name()) == record

    def _same(self, record: ChunkRecord, sealed: SealedChunk, where: str) -> Iterator[Finding]:
        """What a rebuild would write, field by field."""
        if record.by_name:
            yield Finding(Invariant.I7, where, "only the file's name is indexed, but its footer can be read", REPAIR)
            return
        rebuilt = from_sealed(sealed, record.volume, record.init_id)
        if rebuilt != replace(record, lost=False):
            names = [name for name in rebuilt.__slots__ if getattr(rebuilt, name) != getattr(record, name)]
            what = f"row and footer differ in {', '.join(names)}"
            yield Finding(Invariant.I1 if "root" in names else Invariant.I7, where, what, REPAIR)
        if self._reader.init(record.init_id) is None:
            yield Finding(Invariant.I7, where, f"its init segment {record.init_id} is not in the index", REPAIR)

    # -- I2: files -------------------------------------------------------------------------------------------------

    def _file(self, number: int, volume: Volume, name: ChunkName) -> Iterator[Finding]:
        where = str(volume.resolve(name))
        try:
            record = self._reader.chunk(name)
        except IntegrityError as error:
            yield Finding(Invariant.I7, where, error.what, RENEW)
            return
        if record is not None and number in (record.volume, self._reader.second_volume(name)):
            return
        if record is not None:
            what = f"the index says that this chunk lies on volume {record.volume}, and of this file it says nothing"
            hint = "nvr check --repair takes it in as the chunk's second file, if it is the same"
            yield Finding(Invariant.I2, where, what, hint)
        elif (number, name.path()) not in self._garbage:
            yield from self._not_indexed(volume, name, where)

    def _not_indexed(self, volume: Volume, name: ChunkName, where: str) -> Iterator[Finding]:
        try:
            summary(volume, name)
        except NvrError as error:
            if isinstance(error.__cause__, FileNotFoundError):  # deleted while we looked
                return
            yield Finding(Invariant.I2, where, f"it is not indexed, and cannot be: {error.what}", "check the disk")
            return
        if name.start_us < self._now_us - ADOPTABLE_US and self._reader.chunk(name) is None:
            hint = "nobody finds its footage, and it is never deleted; nvr check --repair takes it into the index"
            yield Finding(Invariant.I2, where, "the file is not indexed", hint)
