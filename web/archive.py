"""What there is to see: the index, the files that are not in it yet, and the chunk that grows, as one list of chunks.

A chunk that has just been sealed is neither on the board, which shows the next one, nor in the index until the next
sync (DESIGN section 4): for those seconds it is found by its name in its hour's folder.
Everything here blocks, for microseconds (index, board) or longer (files): routes call it from a thread where it reads
files.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from indexer.activity import ActivityBook
from indexer.board import Board, TrackStatus
from indexer.reader import IndexReader
from indexer.records import ChunkRecord
from indexer.registry import Registry
from indexer.troubles import TroubleBook
from nvr.channel import Channel
from nvr.chunk.filesystem import explained
from nvr.chunk.name import ChunkName, parse, parse_part
from nvr.chunk.volume import Volume
from nvr.config import Settings
from nvr.errors import StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, Clock, TimeRange
from web.reply import NoSuchThing
from web.volume_threads import VolumeFile, VolumeThreads

UNINDEXED_FOR_US = (
    3600 * US_PER_S
)  # chosen: how far back a sealed file may be missing from the index; a crash is mended at start
CLOCK_SLACK_US = 10 * US_PER_S  # a start may move by so much between estimate and seal (DESIGN section 5: 1 s)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk file that can be read. Hashable: a sealed one is the same for ever."""

    track: Track
    run: int
    sequence: int
    start_us: int
    end_us: int
    volume: int
    path: str  # relative to the volume, from index, board or folder, never from a request
    readable_bytes: int  # sealed: the whole file; growing: what is committed, always whole fragments
    sealed: bool

    @property
    def identity(self) -> tuple[int, int]:
        """What names the chunk among those of its track, whether it grows or is sealed."""
        return self.run, self.sequence

    @property
    def time(self) -> TimeRange:
        return TimeRange(self.start_us, max(self.start_us, self.end_us))


class Late(Generic[T]):
    """Something that is opened when first used, and tried again at the next use if it is not there yet.

    Safe between threads: LMDB must not be opened twice by one process. What was replaced on disk (an index
    that was made anew) is opened again; the old one ends with its last reader, not before.

    Args:
        opener: opens it.
        path: the file that is it.
    """

    def __init__(self, opener: Callable[[], T], path: Path) -> None:
        self._opener = opener
        self._path = path
        self._value: T | None = None
        self._file: tuple[int, int] | None = None
        self._lock = Lock()

    def __call__(self) -> T:
        """The thing.

        Raises:
            StorageError: it cannot be opened now.
        """
        with self._lock:
            if self._value is None or self._file_now() != self._file:
                self._value = None
                self._value = self._opener()
                self._file = self._file_now()
            return self._value

    def _file_now(self) -> tuple[int, int] | None:
        try:
            facts = self._path.stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino


class Archive:
    """Where the web server reads: each part is opened when it is first asked for. Safe between threads.

    Args:
        index: gives the index.
        board: gives the board.
        registry: gives the registry.
        troubles: gives the list of troubles.
        activity: gives what moved, minute by minute.
        volumes: the folder of each configured volume, by number.
        clock: tells the time.
    """

    def __init__(
        self,
        *,
        index: Callable[[], IndexReader],
        board: Callable[[], Board],
        registry: Callable[[], Registry],
        troubles: Callable[[], TroubleBook],
        activity: Callable[[], ActivityBook],
        volumes: Mapping[int, Path],
        clock: Clock,
    ) -> None:
        self.index = index
        self.board = board
        self.troubles = troubles
        self.activity = activity
        self.clock = clock
        self.registry = registry
        self.disks = VolumeThreads(clock)
        self._paths = dict(volumes)  # and those that were added while we run
        self._channels: tuple[int, dict[int, Channel]] | None = None  # at this revision of the registry

    def channels(self) -> list[Channel]:
        """The configured channels by number, without user names and passwords: nothing here needs them.

        Kept until the registry changes: to read it, every password is decrypted.
        """
        return list(self._known_channels().values())

    def require(self, track: Track) -> None:
        """Check that a track's channel is configured, or was and has footage still.

        Raises:
            NoSuchThing: neither.
        """
        if track.channel not in self._known_channels() and self.index().last(track) is None:
            where, hint = f"channel {track.channel}", "/api/channels lists them"
            raise NoSuchThing("there is no such channel", where=where, hint=hint)

    def _known_channels(self) -> dict[int, Channel]:
        registry = self.registry()
        revision = registry.revision()
        known = self._channels
        if known is None or known[0] != revision:
            rows = {channel.number: replace(channel, username="", password="") for channel in registry.known()}
            known = self._channels = (revision, dict(sorted(rows.items())))
        return known[1]

    def chunks(self, track: Track, window: TimeRange, newest: Sequence[StoredChunk] | None = None) -> list[StoredChunk]:
        """Every chunk that overlaps the window, by start: indexed, sealed but not indexed yet, growing.

        Of a time that was recorded twice, because the clock was set back, the later run alone (`latest_takes`).

        Args:
            track: whose.
            window: when.
            newest: what `newest` gave, if it was asked already.
        """
        found = [_from_record(record) for record in self.index().chunks(track, window) if not record.lost]
        newest = self.newest(track) if newest is None else newest
        found += [chunk for chunk in newest if chunk.time.overlaps(window)]
        by_identity = {chunk.identity: chunk for chunk in reversed(found)}  # an indexed one wins
        return latest_takes(sorted(by_identity.values(), key=lambda chunk: chunk.start_us))

    def newest(self, track: Track) -> list[StoredChunk]:
        """The chunks that the index does not know yet, by start; the growing one last."""
        growing = self.growing(track)
        now_us = self.clock.wall_us()
        indexed_us = self.index().last(track, now_us)
        from_us = max(indexed_us or 0, now_us - UNINDEXED_FOR_US)
        upto_us = growing.start_us if growing else now_us
        sealed = self._unindexed(track, from_us) if upto_us - from_us > US_PER_S else []
        return [*sealed, *([growing] if growing else [])]

    def last_us(self, track: Track, newest_us: Sequence[int] = ()) -> int | None:
        """Where a track's footage ends; what a clock that was ahead has dated later than now is not its end.

        Args:
            track: whose.
            newest_us: where footage ends that the index does not know yet.
        """
        now_us = self.clock.wall_us()
        indexed_us = self.index().last(track, now_us)
        ends = [end_us for end_us in newest_us if end_us <= now_us + CLOCK_SLACK_US]
        return max([*ends, *([indexed_us] if indexed_us is not None else [])], default=None)

    def growing(self, track: Track) -> StoredChunk | None:
        """The chunk that is being written, as the board tells it."""
        status = self.board().track(track)
        return None if status is None else _from_status(status)

    def find(self, track: Track, start_us: int, run: int, sequence: int) -> StoredChunk | None:
        """One chunk by its numbers; its start may have moved a little since it was told."""
        indexed = self.find_indexed(track, start_us, run, sequence)
        if indexed is not None:
            return indexed
        return next((chunk for chunk in self.newest(track) if chunk.identity == (run, sequence)), None)

    def find_indexed(self, track: Track, start_us: int, run: int, sequence: int) -> StoredChunk | None:
        """The same among the index's rows only: takes microseconds and touches no file."""
        near = TimeRange(max(0, start_us - CLOCK_SLACK_US), start_us + CLOCK_SLACK_US)
        for record in self.index().chunks(track, near):
            if (record.run, record.sequence) == (run, sequence) and not record.lost:
                return _from_record(record)
        return None

    def stored(self, record: ChunkRecord) -> StoredChunk | None:
        """The file of a row; None: it is lost."""
        return None if record.lost else _from_record(record)

    def open_file(self, chunk: StoredChunk) -> int:
        """A file descriptor for reading; the caller closes it.

        A growing chunk may have been sealed, and so renamed, since the board was read: it is then found by its numbers.

        Raises:
            StorageError: the file or its volume cannot be read.
        """
        return self.opened(chunk).detach()

    def opened(self, chunk: StoredChunk) -> VolumeFile:
        """The same as a file that knows its volume, and is closed when nobody holds it any more."""
        try:
            return self._open(chunk.volume, chunk.path)
        except StorageError:
            second = self._second_volume(chunk)
            if second is not None:
                return self._open(second, chunk.path)
            now = None if chunk.sealed else self.find(chunk.track, chunk.start_us, chunk.run, chunk.sequence)
            if now is None or now.path == chunk.path:
                raise
            return self._open(now.volume, now.path)

    def _second_volume(self, chunk: StoredChunk) -> int | None:
        """Where the same file lies when its disk is away; None: nowhere, or the row names that one already."""
        name = parse(chunk.path) if chunk.sealed else None
        record = None if name is None else self.index().chunk(name)
        if record is None or name is None:
            return None
        return self.index().second_volume(name) if record.volume == chunk.volume else record.volume

    def read(self, chunk: StoredChunk, offset: int, size: int) -> bytes:
        """Bytes of a chunk file; fewer only where it ends.

        Raises:
            StorageError: the file cannot be read.
        """
        try:
            return self.opened(chunk).call(lambda fd: os.pread(fd, size, offset))
        except OSError as error:
            raise explained(error, chunk.path) from error

    def _open(self, volume: int, path: str) -> VolumeFile:
        def work() -> VolumeFile:
            with self._volume(volume) as opened:
                return VolumeFile(opened.open_read_path(path), volume, self.disks)

        return self.disks.call(volume, work)

    def _volume(self, number: int) -> Volume:
        """Opened for one use, which costs 33 µs: one that stays open cannot be unmounted, nor mended when it fails."""
        if number not in self._paths:
            self._look_for_added()
        try:
            return Volume.open(number, self._paths[number], create=False, clock=self.clock, read_only=True)
        except KeyError:
            hint = "add it to nvr.toml again"
            raise StorageError("the volume is not configured", where=f"volume {number}", hint=hint) from None

    def _look_for_added(self) -> None:
        """The recorder posts where its volumes are; one may have been added while we run."""
        with suppress(StorageError):
            posted = {one.number: Path(one.path) for one in self.board().volumes() if one.path}
            self._paths = posted | self._paths

    def _unindexed(self, track: Track, from_us: int) -> list[StoredChunk]:
        known = {(row.run, row.sequence) for row in self.index().chunks(track, TimeRange(from_us, 2**62))}
        since_us = max(0, from_us - CLOCK_SLACK_US)
        found = []
        self._look_for_added()
        for number in self._paths:
            # A volume that is away holds nothing that can be shown.
            with suppress(StorageError):
                found += self.disks.call(number, partial(self._listed, number, track, since_us))
        return sorted((c for c in found if c.identity not in known and c.end_us > from_us), key=lambda c: c.start_us)

    def _listed(self, number: int, track: Track, since_us: int) -> list[StoredChunk]:
        with self._volume(number) as volume:
            names = volume.chunks(channel=track.channel, since_us=since_us)
            return [_from_name(name, number, size_bytes) for name, size_bytes in names if name.track == track]


def latest_takes(chunks: Sequence[StoredChunk]) -> list[StoredChunk]:
    """Chunks without those that begin while a later run was recording by its clock.

    After the clock was set back both runs have footage of the same hour; minute by minute in turns would be nonsense.

    Args:
        chunks: of one track, by start.
    """
    kept: list[StoredChunk] = []
    beside: list[StoredChunk] = []  # those that have not ended yet
    for chunk in chunks:
        beside = [other for other in beside if other.end_us > chunk.start_us]
        if not any(other.run > chunk.run and other.start_us < chunk.start_us for other in beside):
            kept.append(chunk)
        beside.append(chunk)
    return kept


def _from_record(record: ChunkRecord) -> StoredChunk:
    return StoredChunk(
        track=record.track,
        run=record.run,
        sequence=record.sequence,
        start_us=record.start_us,
        end_us=record.start_us + record.duration_us,
        volume=record.volume,
        path=record.name().path(),
        readable_bytes=record.bytes,
        sealed=True,
    )


def _from_name(name: ChunkName, volume: int, size_bytes: int) -> StoredChunk:
    end_us = name.start_us + name.duration_ms * 1000
    return StoredChunk(
        name.track, name.run, name.sequence, name.start_us, end_us, volume, name.path(), size_bytes, sealed=True
    )


def _from_status(status: TrackStatus) -> StoredChunk | None:
    part = parse_part(status.part_path) if status.part_path else None
    if part is None or status.committed_bytes <= 0:
        return None
    return StoredChunk(
        track=part.track,
        run=part.run,
        sequence=part.sequence,
        start_us=status.start_us,
        end_us=status.end_us,
        volume=status.volume,
        path=status.part_path,
        readable_bytes=status.committed_bytes,
        sealed=False,
    )


def open_archive(settings: Settings, clock: Clock) -> Archive:
    """The archive that a configuration describes. Nothing is opened yet: the recorder may not have made it."""
    return Archive(
        index=Late(lambda: IndexReader.open(settings.index_path), settings.index_path / "data.mdb"),
        board=Late(lambda: Board.open(settings.board_path), settings.board_path),
        registry=Late(lambda: Registry.open(settings.registry_path), settings.registry_path / "data.mdb"),
        troubles=Late(
            lambda: TroubleBook.open(settings.troubles_path, read_only=True), settings.troubles_path / "data.mdb"
        ),
        activity=Late(lambda: ActivityBook.renewed(settings.activity_path), settings.activity_path / "data.mdb"),
        volumes={row.number: row.path for row in settings.volumes},
        clock=clock,
    )
