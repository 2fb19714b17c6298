"""One thread a volume: takes fragments from its queue, writes chunk files, syncs, hands sealed chunks to the index.

The order is the commit protocol (DESIGN section 4): whole fragments are written, sealed files renamed, then one
syncfs of the volume, and only then are the chunks named to the index. An index row never points at missing data.
What is not synced yet stays in memory (`nvr.capture.unsynced`): if the volume fails, it goes to another one.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from nvr.capture.bookkeeper import Batch
from nvr.capture.diskqueue import DiskQueue, Item
from nvr.capture.events import ChunkEnded, ChunkLost, ChunkOpened, ChunkRest, Event, FragmentClosed
from nvr.capture.gaps import TOLERANCE_US, GapLedger
from nvr.capture.growing import GrowingFile
from nvr.capture.orphans import Orphans
from nvr.capture.report import Progress
from nvr.capture.unsynced import Unsynced
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import PartName
from nvr.chunk.volume import PartFile, Volume
from nvr.chunk.writer import ChunkWriter, SealedChunk
from nvr.errors import StorageError, TooManyFiles, VolumeFull, unforeseen
from nvr.log import get_logger
from nvr.media import Fragment, Gap, GapReason, Track
from nvr.timebase import US_PER_S, Clock

TURN_S = 0.1  # chosen: ten writes a second a track at most; a viewer's fragment does not wait for it
UNSYNCED_LIMIT_BYTES = 64 << 20  # chosen: twice what 55 cameras bring between two syncs; hard disks want few syncs
RESERVED_SHARE = 64  # of what is free: chosen, so that the files of 30 tracks leave half of a small disk to others
HANGS_US = 8 * US_PER_S  # chosen: a slow disk takes seconds to sync; its queue takes twice as much of all cameras
NO_ROOT = bytes(32)

log = get_logger()


class DiskListener(Protocol):
    """Whom a disk thread reports to. Called from its thread; none of these may block for long."""

    def commit(self, batch: Batch) -> None:
        """These chunks and gaps are on the disk and may be indexed."""

    def progress(self, rows: list[Progress]) -> None:
        """Open chunks have grown."""

    def volume_failed(self, volume: Volume, error: StorageError) -> None:
        """A volume cannot be written or read at present."""

    def ballast_given_up(self, volume: Volume) -> None:
        """A volume ran full and goes on in the room that was kept for that: some must be made, soon."""

    def disk_ended(self, disk: "Disk") -> None:
        """Its thread ends; what it could write is written and synced."""

    def chunk_failed(self, track: Track, what: str) -> None:
        """A track's footage cannot be written, on whatever disk: its chunk has ended, its session has to."""

    def move_on(self, disk: "Disk", left: Unsynced, tracks: Collection[Track] | None, error: StorageError) -> None:
        """What a failed volume has perhaps not kept of these tracks, or of all, goes on elsewhere.

        Returns when it is on its way, and with it what waited in the disk's queue.
        """


@dataclass(slots=True)
class _Turn:
    """What one round of the loop has gathered."""

    progress: dict[Track, Progress] = field(default_factory=dict)
    failed: set[Track] = field(default_factory=set)  # by the disk's fault: they go on elsewhere
    error: StorageError | None = None
    broken: dict[Track, str] = field(default_factory=dict)  # by their own, with the words for it: they end


class Disk(threading.Thread):
    """Writes one volume.

    Args:
        volume: opened for writing; this thread alone writes to it.
        weight: the volume's share of the footage against the others'.
        site: the site's name, for the headers.
        engine: the program's name and version, for the headers.
        roots: the Merkle root of each track's last chunk; shared by all disks, so that chains go on across volumes.
        reserve_bytes: how much room to reserve for a track's next chunk.
        name_of: the name of a track's camera.
        is_clock_doubtful: whether the server's clock is not believed now; asked for each new file.
    """

    def __init__(
        self,
        volume: Volume,
        queue: DiskQueue,
        listener: DiskListener,
        gaps: GapLedger,
        *,
        clock: Clock,
        weight: int,
        site: str,
        engine: str,
        roots: dict[Track, bytes],
        reserve_bytes: Callable[[Track], int],
        name_of: Callable[[Track], str],
        is_clock_doubtful: Callable[[], bool],
        sync_interval_us: int,
    ) -> None:
        super().__init__(name=f"disk-{volume.number}")
        self.volume = volume
        self.weight = weight
        self.queue = queue
        self._listener = listener
        self._gaps = gaps
        self._clock = clock
        self._site = site
        self._engine = engine
        self._roots = roots
        self._reserve_bytes = reserve_bytes
        self._name_of = name_of
        self._is_clock_doubtful = is_clock_doubtful
        self._sync_interval_us = sync_interval_us
        self._open: dict[Track, GrowingFile] = {}
        self._unsynced = Unsynced()
        self._sealed: list[SealedChunk] = []
        self._found_gaps = deque[Gap]()  # others append
        self._orphans = Orphans(volume, clock.monotonic_us())
        self.made: set[str] | None = set()  # its own parts, each before it is on the disk; None: nobody asks any more
        self.leaving = False  # it takes no new chunk, and ends with its last open one
        self._stopping = False
        self._doubt: StorageError | None = None  # a write has failed, and not for want of room
        self.room = 0, 0  # free bytes, of so many, at the last look: nobody else waits for a disk that hangs
        self.busy_since_us: int | None = None  # monotonic: when what it does now began; None: it waits for work

    @property
    def uuid(self) -> bytes:
        """The volume's, by which placement ranks the disks."""
        return self.volume.uuid

    def add_gap(self, gap: Gap) -> None:
        """A gap that somebody else found: it is indexed with the next sync."""
        self._found_gaps.append(gap)

    def take_gaps(self) -> list[Gap]:
        """Those that are not indexed yet."""
        return [self._found_gaps.popleft() for _ in range(len(self._found_gaps))]

    def add_orphan(self, part_path: str) -> None:
        """A part that could not be sealed for want of room: it is tried again when there may be some."""
        self._orphans.add(part_path)

    def stop(self) -> None:
        """Write what is queued, sync, commit and end; `join` waits for it."""
        self._stopping = True
        self.queue.wake()

    def leave(self) -> None:
        """End when the open files are complete: others take the next ones. For the thread that fills the queue."""
        self.leaving = True

    def run(self) -> None:
        try:
            self._work()
        finally:
            self._listener.disk_ended(self)

    def _work(self) -> None:
        next_sync_us = self._clock.monotonic_us() + self._sync_interval_us
        self._measure()
        while True:
            stopping = self._stopping
            items = self.queue.take(0 if stopping else TURN_S)
            self.busy_since_us = self._clock.monotonic_us()
            self._write(items)
            self.queue.done(items)
            now_us = self._clock.monotonic_us()
            if now_us >= next_sync_us or stopping or self._doubt or self._unsynced.bytes >= UNSYNCED_LIMIT_BYTES:
                self._sync()
                self._check()
                next_sync_us = now_us + self._sync_interval_us
            if self._orphans.due(now_us):
                self._adopt_orphans()
            if (stopping and not items) or self._is_over():
                return
            self.busy_since_us = None

    def _is_over(self) -> bool:
        """Asked in this order: once it leaves nothing more is queued, not even an opening, which has no payload."""
        if not self.leaving or self._open or not self.queue.is_empty():
            return False
        self._sync()
        return True

    def _write(self, items: list[Item]) -> None:
        turn = _Turn()
        for track, event in items:
            try:
                self._unsynced.add(track, event)
                if track not in turn.failed and track not in turn.broken:
                    self._take(track, event, turn)
            except TooManyFiles as error:
                turn.broken[track] = f"{error.what}: {error.hint}"
            except StorageError as error:
                turn.failed.add(track)
                turn.error = error
                turn.progress[track] = Progress(track, self.volume.number, None)
            except Exception as error:  # whatever a camera sent to make it so, its chunk fails alone
                log.exception("a chunk cannot be written", track=str(track), volume=self.volume.number)
                turn.broken[track] = unforeseen(error)
        for track, what in turn.broken.items():
            self._break_off(track, what, turn)
        if turn.progress:
            self._listener.progress(list(turn.progress.values()))
        if turn.error is not None:
            self._doubt = None if isinstance(turn.error, VolumeFull) else turn.error
            self._move_on(turn.failed, turn.error)

    def _break_off(self, track: Track, what: str, turn: _Turn) -> None:
        """What is whole of the chunk stays and is sealed as a part; what broke it is written nowhere else.

        All that is not in the index yet is told as missing: what comes to stand there cuts the gap.
        """
        for piece in self._unsynced.take({track}).pieces():
            self._tell_missing(track, piece.since_us, piece.end_us, what)
        self._leave_part(track)
        turn.progress[track] = Progress(track, self.volume.number, None)
        self._listener.chunk_failed(track, what)

    def _tell_missing(self, track: Track, start_us: int, end_us: int, what: str) -> None:
        end_us = min(end_us, self._clock.wall_us())  # a length that cannot be written is none to be believed
        if end_us - start_us > TOLERANCE_US:
            self._found_gaps.append(Gap(track, start_us, end_us, GapReason.CAMERA, what))

    def _leave_part(self, track: Track, *, told: bool = True) -> None:
        """Close a track's open file as it is: the orphans are sealed later."""
        chunk = self._open.pop(track, None)
        if chunk is not None:
            self._abandon(chunk)
            if not told:
                self._tell_missing(track, chunk.header.start_us, chunk.end_us, "its file could not be completed")

    def _abandon(self, chunk: GrowingFile) -> None:
        self._orphans.add(chunk.part.path)
        chunk.abandon()

    def _take(self, track: Track, event: Event, turn: _Turn) -> None:
        if isinstance(event, ChunkOpened):
            self._leave_part(track, told=False)  # of a chunk whose end never came
            self._open[track] = self._new_file(event)
            return
        if isinstance(event, ChunkRest):
            self._write_rest(event, turn)
            return
        chunk = self._open.get(track)
        if chunk is None:  # it was lost; its session has been told and will open another
            return
        if isinstance(event, FragmentClosed):
            self._append(chunk, event.fragment)
            self._show(chunk, turn)
            return
        turn.progress[track] = Progress(track, self.volume.number, None)
        if isinstance(event, ChunkLost):
            self._leave_part(track, told=False)
        else:
            del self._open[track]
            self._seal(chunk, event)

    def _new_file(self, opened: ChunkOpened) -> GrowingFile:
        header = ChunkHeader(
            site=self._site,
            volume_uuid=self.volume.uuid,
            track=opened.track,
            run=opened.run,
            sequence=opened.sequence,
            start_us=opened.start_us,
            parameter_sets=opened.parameter_sets,
            composition_delay_90k=opened.composition_delay_90k,
            engine=self._engine,
            previous_root=self._roots.get(opened.track, NO_ROOT),
            name=self._name_of(opened.track),
            is_clock_doubtful=self._is_clock_doubtful(),
        )
        writer = ChunkWriter(header)
        preamble = writer.preamble()  # first: what cannot be written needs no file
        chunk = GrowingFile(writer, self._create(header), header, opened.start_us, opened.absence)
        try:
            chunk.part.append([preamble])
        except Exception:
            chunk.abandon()
            with suppress(StorageError):  # nothing is in it, and its name may be wanted again
                self.volume.unlink_part(chunk.part.path)
            raise
        return chunk

    def _create(self, header: ChunkHeader) -> PartFile:
        """With room reserved, so that a file lies in one piece; but no other footage has to go for a reservation.

        If there is no room at all, the ballast goes first: then there is, and the sweeper has time to make more.
        """
        if (made := self.made) is not None:
            made.add(PartName.of(header).path())
        reserve_bytes = min(self._reserve_bytes(header.track), self.volume.free_bytes() // RESERVED_SHARE)
        try:
            return self.volume.create(header, reserve_bytes)
        except VolumeFull:
            if reserve_bytes:
                with suppress(VolumeFull):
                    return self.volume.create(header, 0)
            if not self.volume.give_up_ballast():
                raise
            self._listener.ballast_given_up(self.volume)
            return self.volume.create(header, reserve_bytes)

    def _write_rest(self, rest: ChunkRest, turn: _Turn) -> None:
        """What another volume did not keep. If it has ended, the track may have another open chunk here by now."""
        chunk = self._new_file(rest.opening())
        chunk.behind_90k, chunk.behind_us = rest.behind_90k, rest.behind_us
        try:
            for fragment in rest.fragments:
                self._append(chunk, fragment)
        except Exception:
            self._abandon(chunk)
            raise
        if rest.ended is not None:
            self._seal(chunk, rest.ended)
        else:
            self._open[rest.opened.track] = chunk
            self._show(chunk, turn)

    def _append(self, chunk: GrowingFile, fragment: Fragment) -> None:
        begin_us, end_us = chunk.append(fragment)
        gap = self._gaps.recorded(chunk.header.track, begin_us, end_us, chunk.absence)
        if gap is not None:
            self._found_gaps.append(gap)

    def _seal(self, chunk: GrowingFile, ended: ChunkEnded) -> None:
        try:
            sealed = chunk.seal(ended)
        except Exception:
            self._abandon(chunk)
            raise
        self._roots[chunk.header.track] = sealed.root
        self._sealed.append(sealed)
        self._gaps.sealed(chunk.header.track, sealed.end_us)

    def _show(self, chunk: GrowingFile, turn: _Turn) -> None:
        track = chunk.header.track
        turn.progress[track] = Progress(track, self.volume.number, chunk.shown(self.volume.number))

    # -- when the volume fails -------------------------------------------------------------------------------------

    def _sync(self) -> None:
        sealed, self._sealed = self._sealed, []
        gaps = self.take_gaps()
        if not sealed and not gaps and not self._open:
            return
        try:
            self.volume.sync()
        except StorageError as error:
            # Never retried: the kernel has marked the pages clean. The rows are left out; whoever opens the volume
            # again looks at the files anew and adopts those that are whole on the disk.
            self._give_up(error)
            sealed = []
        else:
            self._unsynced.mark_synced()
        if sealed or gaps:
            self._listener.commit(Batch(self.volume.number, tuple(sealed), tuple(gaps)))

    def _check(self) -> None:
        """A disk that has failed is given up, and so is one that is not mounted, though our files still lead to it."""
        error, self._doubt = self._doubt, None
        self._measure()
        if not self.volume.is_in_place():
            hint = "mount it again: it is used again at once"
            error = StorageError("this disk is not mounted here any more", where=str(self.volume.path), hint=hint)
        if error is not None and not self.leaving:
            self._give_up(error)

    def _measure(self) -> None:
        with suppress(StorageError):  # then it will soon be told by a write
            self.room = self.volume.free_bytes(), self.volume.total_bytes()

    def _give_up(self, error: StorageError) -> None:
        """Everything goes on elsewhere, and this thread ends: only once nobody has it open can a disk be mended."""
        self.leaving = True
        self._move_on(None, error)

    def _move_on(self, tracks: Collection[Track] | None, error: StorageError) -> None:
        """What these tracks, or all, have not surely on this volume goes to another; their files here are closed."""
        for track in list(self._open) if tracks is None else tracks:
            self._leave_part(track)
        if isinstance(error, VolumeFull) and self.volume.give_up_ballast():
            self._listener.ballast_given_up(self.volume)
        else:
            self._listener.volume_failed(self.volume, error)
        self._listener.move_on(self, self._unsynced.take(tracks), tracks, error)

    def _adopt_orphans(self) -> None:
        self._sealed += self._orphans.adopt(lambda error: self._listener.volume_failed(self.volume, error))
