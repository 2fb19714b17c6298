"""What there is to see: the index, the files that are not in it yet, and the chunk that grows, as one list of chunks.

A chunk that has just been sealed is neither on the board, which shows the next one, nor in the index until the next
sync (DESIGN section 4): for those seconds it is found by its name in its hour's folder.
Everything here blocks, for microseconds (index, board) or longer (files): routes call it from a thread where it reads
files.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from indexer.activity import ActivityBook
from indexer.board import Board
from indexer.damage import Damage, DamageBook
from indexer.reader import IndexReader
from indexer.records import ChunkRecord
from indexer.registry import Registry
from indexer.troubles import TroubleBook
from nvr.channel import Channel
from nvr.chunk.filesystem import explained
from nvr.chunk.name import parse
from nvr.config import Settings
from nvr.errors import IntegrityError, StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, Clock, TimeRange
from web.files import ChunkFiles
from web.late import Late
from web.reply import NoSuchThing
from web.stored import Signature, StoredChunk, from_name, from_record, from_status
from web.takes import Taken, count_of, latest_takes, twice, upto_take
from web.volume_threads import VolumeFile, VolumeThreads

__all__ = ["JOINED_US", "Archive", "StoredChunk", "open_archive"]

UNINDEXED_FOR_US = (
    3600 * US_PER_S
)  # chosen: how far back a sealed file may be missing from the index; a crash is mended at start
CLOCK_SLACK_US = 10 * US_PER_S  # a start may move by so much between estimate and seal (DESIGN section 5: 1 s)
JOINED_US = 100_000  # chunks nearer than this are one stretch: less than three pictures at 25 a second; chosen


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
        damages: gives the damaged files that the scrub knows.
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
        damages: Callable[[], Iterable[Damage]] = lambda: (),
    ) -> None:
        self.index = index
        self.board = board
        self.troubles = troubles
        self.activity = activity
        self.clock = clock
        self.registry = registry
        self._damages = damages
        self.disks = VolumeThreads(clock)
        self._files = ChunkFiles(volumes, self._posted_volumes, self.disks, clock)
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

    def chunks(
        self,
        track: Track,
        window: TimeRange,
        newest: Sequence[StoredChunk] | None = None,
        take: int | None = None,
    ) -> list[StoredChunk]:
        """Every chunk that overlaps the window, by start: indexed, sealed but not indexed yet, growing.

        Of a time that was recorded twice, because the clock was set back, the later run alone (`latest_takes`).

        Args:
            track: whose.
            window: when.
            newest: what `newest` gave, if it was asked already.
            take: none that was recorded over others more often than so: 1 is what was recorded first.
        """
        found = [from_record(record) for record in self.index().chunks(track, window) if not record.lost]
        newest = self.newest(track) if newest is None else newest
        found += [chunk for chunk in newest if chunk.time.overlaps(window)]
        by_identity = {chunk.identity: chunk for chunk in reversed(found)}  # an indexed one wins
        chunks = sorted(by_identity.values(), key=lambda chunk: chunk.start_us)
        return latest_takes(chunks if take is None else upto_take(chunks, take))

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

    def twice(self, track: Track, window: TimeRange, newest: Sequence[StoredChunk]) -> list[tuple[int, int]]:
        """The stretches of a window that were recorded more than once."""
        return twice([*self.index().runs(track), *newest], window)

    def takes(self, track: Track, stretches: Sequence[tuple[int, int]], newest: Sequence[StoredChunk]) -> list[int]:
        """How often each stretch of `twice` was recorded."""
        runs: list[Taken] = [*self.index().runs(track), *newest] if stretches else []
        return [count_of(runs, stretch) for stretch in stretches]

    def growing(self, track: Track) -> StoredChunk | None:
        """The chunk that is being written, as the board tells it."""
        status, recorder = self.board().track(track), self.board().recorder()
        chunk = None if status is None else from_status(status)
        if chunk is not None and recorder is not None and recorder.is_clock_doubtful:
            return replace(chunk, is_clock_doubtful=True)
        return chunk

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
                return from_record(record)
        return None

    def before(self, chunk: StoredChunk) -> StoredChunk | None:
        """The chunk of the same run that comes right before; None: it is not there (any more)."""
        near = TimeRange(max(0, chunk.start_us - CLOCK_SLACK_US), chunk.start_us)
        return self._of_run(chunk, near, chunk.sequence - 1)

    def before_run(self, chunk: StoredChunk) -> StoredChunk | None:
        """The chunk that begins last before this one, of whatever run; None: its file is gone, or there is none."""
        newest = [other for other in self.newest(chunk.track) if other.start_us < chunk.start_us]
        record = self.index().floor(chunk.track, chunk.start_us - 1)
        known = [*newest, *([] if record is None or record.lost else [from_record(record)])]
        return max(known, key=lambda other: other.start_us, default=None)

    def after(self, chunk: StoredChunk) -> StoredChunk | None:
        """The chunk of the same run that comes right behind; None: there is none (yet)."""
        near = TimeRange(chunk.start_us, chunk.end_us + CLOCK_SLACK_US)
        return self._of_run(chunk, near, chunk.sequence + 1)

    def _of_run(self, chunk: StoredChunk, near: TimeRange, sequence: int) -> StoredChunk | None:
        rows = [from_record(record) for record in self.index().chunks(chunk.track, near) if not record.lost]
        wanted = (chunk.run, sequence)
        found = next((row for row in rows if row.identity == wanted), None)
        if found is None:
            found = next((row for row in self.newest(chunk.track) if row.identity == wanted), None)
        return found

    def first_us(self, track: Track, newest: Sequence[StoredChunk]) -> int | None:
        """Where a track's footage begins, what is not indexed yet included; None: there is none."""
        indexed_us = self.index().first(track)
        return indexed_us if indexed_us is not None else min((chunk.start_us for chunk in newest), default=None)

    def lost(self, track: Track, window: TimeRange) -> list[TimeRange]:
        """Of a window: when there was footage whose file is known to be gone without having been deleted as planned."""
        return [record.time for record in self.index().chunks(track, window) if record.lost]

    def away(self, track: Track, window: TimeRange) -> list[TimeRange]:
        """Of a window: when there is footage that cannot be read now, for no disk is there that holds it."""
        gone = self._files.away({number for of, number in self.index().usage() if of == track})
        return self.index().only_on(gone, track, window) if gone else []

    def damaged(self, track: Track, window: TimeRange) -> list[TimeRange]:
        """Of a window: when there is footage of which the scrub knows that bytes have changed on the disk; clipped.

        Nothing is tested here: a hash covers half a second, and to test each would make reading several times as dear.
        """
        with suppress(StorageError):  # there was no scrub yet, or its book fails: who scrubs says so
            times = [TimeRange(*time) for one in self._damages() if one.track == track for time in one.times]
            return sorted(time.clipped_to(window) for time in times if time.overlaps(window))
        return []

    def stored(self, record: ChunkRecord) -> StoredChunk | None:
        """The file of a row; None: it is lost."""
        return None if record.lost else from_record(record)

    def open_file(self, chunk: StoredChunk) -> int:
        """A file descriptor for reading; the caller closes it.

        A growing chunk may have been sealed, and so renamed, since the board was read: it is then found by its numbers.

        Raises:
            StorageError: the file or its volume cannot be read.
            IntegrityError: another file lies in its place, or its beginning is damaged.
        """
        return self.opened(chunk).detach()

    def opened(self, chunk: StoredChunk) -> VolumeFile:
        """The same as a file that knows its volume, and is closed when nobody holds it any more."""
        try:
            return self._files.open(chunk, chunk.volume)
        except (StorageError, IntegrityError):
            second = self._second_volume(chunk)
            if second is not None:
                return self._files.open(chunk, second)
            now = None if chunk.sealed else self.find(chunk.track, chunk.start_us, chunk.run, chunk.sequence)
            if now is None or now.path == chunk.path:
                raise
            return self._files.open(now, now.volume)

    def signature(self, chunk: StoredChunk) -> Signature:
        """What tells a sealed chunk's file from any other that may take its place.

        Raises:
            StorageError: the file or its volume cannot be read.
        """
        try:
            return self._files.signature(chunk, chunk.volume)
        except StorageError:
            second = self._second_volume(chunk)
            if second is None:
                raise
            return self._files.signature(chunk, second)

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
        with self.opened(chunk) as file:
            try:
                return file.call(lambda fd: os.pread(fd, size, offset))
            except OSError as error:
                raise explained(error, chunk.path) from error

    def _posted_volumes(self) -> dict[int, Path]:
        """The recorder posts where its volumes are."""
        return {one.number: Path(one.path) for one in self.board().volumes() if one.path}

    def _unindexed(self, track: Track, from_us: int) -> list[StoredChunk]:
        known = {(row.run, row.sequence) for row in self.index().chunks(track, TimeRange(from_us, 2**62))}
        files = self._files.names(track, max(0, from_us - CLOCK_SLACK_US))
        found = [from_name(name, number, size_bytes) for number, name, size_bytes in files]
        return sorted((c for c in found if c.identity not in known and c.end_us > from_us), key=lambda c: c.start_us)


def open_archive(settings: Settings, clock: Clock) -> Archive:
    """The archive that a configuration describes. Nothing is opened yet: the recorder may not have made it."""
    scrubbed = Late(lambda: DamageBook.open(settings.scrub_path, read_only=True), settings.scrub_path / "data.mdb")
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
        damages=lambda: scrubbed().damages(),
    )
