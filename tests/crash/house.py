"""A recorder without cameras: engine, disk, bookkeeper and sweeper of the product, whose steps are called in turn.

One thread calls what the recorder's threads do, so that the same call fails or crashes in each run. Only time is
ours: a round is half a second of each track.
"""

import random
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from indexer import keys
from indexer.board import Board
from indexer.bookkeeper import IndexBookkeeper
from indexer.reader import IndexReader
from indexer.store import Store, Writing
from indexer.writer import IndexWriter
from nvr.capture.disk import Disk
from nvr.capture.engine import Engine
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.moving import Move
from nvr.capture.unsynced import Unsynced
from nvr.chunk import identity
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.volume import Volume
from nvr.config import RecorderSettings
from nvr.errors import StorageError
from nvr.media import CutReason, Fragment, Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_S, TimeRange, us_from_90k
from retention.holds import Standing
from retention.plan import IsHeld
from retention.sweeper import Pace, Sweeper
from tests.crash.ledger import LEAVES, PUT, SYNCED, WRITTEN, Ledger
from tests.manual_clock import ManualClock
from tests.retention.store import SETS, keep, trusting

TRACKS = (Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN))
START_US = 1_795_003_195 * US_PER_S  # 2026-11-18T11:59:55Z: the folder of another hour comes after ten rounds
ROUND_US = US_PER_S // 2
CHUNK_ROUNDS = {TRACKS[0]: 4, TRACKS[1]: 5}
SYNC_ROUNDS = 3
SWEEP_ROUNDS = 5
RESTART_US = 3 * US_PER_S  # what a crash and a start take
MAX_AGE_US = 8 * US_PER_S
HELD = (TRACKS[0], TimeRange(START_US + 2 * US_PER_S, START_US + 6 * US_PER_S))
RESERVE_BYTES = 64 << 10
UUID_OF_VOLUME = UUID(int=0x4E5652)  # not drawn, so that the same seed gives the same bytes
PACE = Pace(interval_s=0, turn_files=3, pause_s=0)


class WatchedStore(Store):
    """The index, which tells after each commit."""

    on_commit: Callable[[], None] = staticmethod(lambda: None)

    def write(self) -> Writing:
        return _Watched(self, super().write())


class _Watched(Writing):
    """One transaction of a `WatchedStore`."""

    __slots__ = ("_store",)

    def __init__(self, store: WatchedStore, plain: Writing) -> None:
        super().__init__(plain._env, plain._tables, plain._path)
        self._store = store

    def __exit__(self, *problem: object) -> None:
        super().__exit__(*problem)  # type: ignore[arg-type]
        if problem[0] is None:
            self._store.on_commit()


class _Engine(Engine):
    """Small files, and a note of what failed."""

    def __init__(self, *arguments: Any) -> None:
        self.failures: list[StorageError] = []
        self.failed_tracks: set[Track] = set()
        super().__init__(*arguments)

    def volume_failed(self, volume: Volume, error: StorageError) -> None:
        self.failures.append(error)
        super().volume_failed(volume, error)

    def move_on(self, disk: Disk, left: Unsynced, tracks: Collection[Track] | None, error: StorageError) -> None:
        self.failed_tracks.update(TRACKS if tracks is None else tracks)
        self.mover.carry_out(Move(disk, left, tracks, error))  # one thread does all here

    def _reserve_bytes(self, track: Track) -> int:
        return RESERVE_BYTES


class _Fixed(Standing):
    """One range is held from the beginning: it needs no registry, which no crash here touches."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._known, self._mirrored = [], {}

    def refresh(self) -> None:
        pass

    def is_held(self, track: Track, span: TimeRange) -> bool:
        return self._house.is_held(track, span)

    @contextmanager
    def frozen(self) -> Iterator[IsHeld]:
        yield self.is_held


class House:
    """Opens what is in a folder, as the recorder does at its start.

    Args:
        folder: holds ``volume`` and ``index``.
        ledger: is told what is put, written and synced.
        at_us: wall time of the start.
        fs: the system calls of the volume.
        seed: of the pictures' sizes.
    """

    def __init__(
        self, folder: Path, ledger: Ledger, *, at_us: int = START_US, fs: FileSystem | None = None, seed: int = 0
    ) -> None:
        self.ledger = ledger
        self.clock = ManualClock(at_us)
        self._draw = random.Random(seed)
        self._round = 0
        self._rest = ExitStack()
        try:
            self._furnish(folder, fs)
        except BaseException:
            self._rest.close()
            raise

    def _furnish(self, folder: Path, fs: FileSystem | None) -> None:
        self.store = WatchedStore.open(folder / "index", keys.TABLES, schema=keys.SCHEMA)
        self._rest.callback(self.store.close)
        self.writer = IndexWriter(self.store)
        self.reader = IndexReader(self.store)
        prepare(folder)
        known = self.reader.volumes().get(1)
        volume = Volume.open(1, folder / "volume", create=False, clock=self.clock, expected_uuid=known, fs=fs)
        self.volume = self._rest.enter_context(volume)
        self.writer.remember_volume(1, volume.uuid)
        self.books = IndexBookkeeper(self.writer, _board(), self.clock)
        settings = RecorderSettings()  # type: ignore[call-arg]
        self.engine = _Engine(settings, "Hồ Xá", [(volume, 1)], self.books, self.clock)
        self._rest.callback(self.engine.reactor.close)
        self._rest.callback(self.engine._resolver.close)
        self.disk = self.engine.disks[0]
        self._sequences = dict.fromkeys(TRACKS, 0)
        self._chunk_start_us: dict[Track, int] = {}
        self._decode_90k = dict.fromkeys(TRACKS, 0)
        self.sweeper = self.make_sweeper()

    def make_sweeper(self) -> Sweeper:
        """The product's own; a mutant brings another."""
        settings = keep(max_days=MAX_AGE_US / US_PER_DAY)
        return Sweeper(
            self.writer,
            [self.volume],
            settings,
            ingest_bps=lambda: 0,
            ready=lambda: True,
            clock=self.clock,
            belief=lambda: trusting(self.clock),
            holds=_Fixed(self),
            pace=PACE,
        )

    def is_held(self, track: Track, span: TimeRange) -> bool:
        """Asked for each chunk before it goes; those that may go are noted picture by picture."""
        held_track, held = HELD
        if track == held_track and span.start_us < held.end_us and held.start_us < span.end_us:
            return True
        for at_us in range(span.start_us, span.end_us, ROUND_US):
            self.ledger.note(LEAVES, track, at_us)
        return False

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_: object) -> None:
        self._rest.close()

    # -- the start -------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """What `Engine.run` does about a crash, until all of it is indexed."""
        for track in TRACKS:
            self.engine._remember(track)
        self.engine._recover()
        self.runs = {track: self.engine._next_run(track) for track in TRACKS}
        self.sync()

    # -- a round ---------------------------------------------------------------------------------------------------

    def rounds(self, count: int) -> None:
        """So many half seconds of each track, with syncs and sweeps when they are due."""
        for _ in range(count):
            self._round += 1
            self.record()
            if self._round % SYNC_ROUNDS == 0:
                self.sync()
            if self._round % SWEEP_ROUNDS == 0:
                self.sweep()

    def record(self) -> None:
        """A fragment of each track, written."""
        taken = {track: self._put(track) for track in TRACKS}
        self.write()
        for track, at_us in taken.items():
            if track not in self.engine.failed_tracks:
                self.ledger.note(WRITTEN, track, at_us)
        self.clock.advance(ROUND_US)

    def write(self) -> None:
        """The disk's turn. What failed is told in `engine.failures`; its chunks end, as the sessions end them."""
        self.engine.failed_tracks.clear()
        items = self.disk.queue.take(0)
        self.disk._write(items)
        self.disk.queue.done(items)
        for track in self.engine.failed_tracks:
            self._end(track, CutReason.DISK)

    def _put(self, track: Track) -> int:
        now_us = self.clock.wall_us()
        start_us = self._chunk_start_us.get(track)
        if start_us is not None and now_us - start_us >= CHUNK_ROUNDS[track] * ROUND_US:
            self._end(track, CutReason.SCHEDULE)
            start_us = None
        if start_us is None:
            self._open(track)
        self.ledger.note(PUT, track, now_us)
        self._queue(track, FragmentClosed(self._fragment(track, now_us)))
        return now_us

    def _open(self, track: Track) -> None:
        now_us = self.clock.wall_us()
        self._sequences[track] += 1
        self._chunk_start_us[track], self._decode_90k[track] = now_us, 0
        self._queue(track, ChunkOpened(track, self.runs[track], self._sequences[track], now_us, SETS, 0))

    def _end(self, track: Track, cut: CutReason) -> None:
        start_us = self._chunk_start_us.pop(track, None)
        if start_us is not None:
            self._queue(track, ChunkEnded(cut, start_us, us_from_90k(self._decode_90k[track])))

    def _queue(self, track: Track, event: Event) -> None:
        assert self.disk.queue.put(track, event)

    def _fragment(self, track: Track, at_us: int) -> Fragment:
        decode_90k = self._decode_90k[track]
        self._decode_90k[track] += 45_000
        size = self._draw.choice((60, 700, 3000, 9000))
        body = self._draw.randbytes(size)
        return Fragment(
            data=((size + 1).to_bytes(4, "big") + b"\x65" + body,),
            durations_90k=(45_000,),
            composition_90k=(0,),
            sync=(True,),
            decode_90k=decode_90k,
            presentation_rtp_90k=decode_90k,
            wall_us=at_us,
            monotonic_us=at_us - START_US,
            ntp=0,
            lost_packets=0,
        )

    def sync(self) -> None:
        """The disk's sync, and the index thread's work."""
        before = len(self.engine.failures)
        self.disk._sync()
        if len(self.engine.failures) == before:
            self.ledger.note(SYNCED)
        else:
            for track in TRACKS:
                self._end(track, CutReason.DISK)
        self.index()

    def index(self) -> None:
        """All batches that wait for the index."""
        self.books._queue.put(None)
        self.books.run()

    def sweep(self) -> None:
        """A sweep of retention."""
        self.sweeper.sweep()

    def finish(self) -> None:
        """End every chunk, as a stop does."""
        for track in TRACKS:
            self._end(track, CutReason.STOP)
        self.write()
        self.sync()


def prepare(folder: Path) -> None:
    """Make the volume, if there is none, with an identity that is always the same."""
    (folder / "volume").mkdir(parents=True, exist_ok=True)
    fs = FileSystem()
    root_fd = fs.open_folder(folder / "volume")
    try:
        if not fs.exists(identity.FILE, root_fd):
            who = identity.Identity(UUID_OF_VOLUME, 1, own_file_system=False, created="2026-11-18T11:00:00Z")
            identity.write(fs, root_fd, who)
    finally:
        fs.close(root_fd)


class _NoBoard(Board):
    """Nobody looks: a board costs two more environments for each of thousands of crashes."""

    def __init__(self) -> None:
        pass

    def post(self, statuses: object) -> None:
        pass


def _board() -> Board:
    return _NoBoard()
