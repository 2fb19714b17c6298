"""One thread a volume: takes fragments from its queue, writes chunk files, syncs, hands sealed chunks to the index.

The order is the commit protocol (DESIGN section 4): whole fragments are written, sealed files renamed, then one
syncfs of the volume, and only then are the chunks named to the index. An index row never points at missing data.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from nvr.capture.bookkeeper import Batch
from nvr.capture.diskqueue import DiskQueue, Item
from nvr.capture.events import ChunkEnded, ChunkOpened, FragmentClosed
from nvr.capture.gaps import GapLedger
from nvr.capture.report import OpenChunk
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.recovery import recover
from nvr.chunk.volume import PartFile, Volume
from nvr.chunk.writer import ChunkWriter, SealedChunk
from nvr.errors import StorageError, VolumeFull
from nvr.media import Fragment, Gap, GapReason, Track
from nvr.timebase import US_PER_S, Clock, us_from_90k

TURN_S = 0.1  # chosen: ten writes a second a track at most; a viewer's fragment does not wait for it
ORPHAN_RETRY_US = 10 * US_PER_S
NO_ROOT = bytes(32)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a track's open chunk has grown."""

    track: Track
    volume: int
    open_chunk: OpenChunk | None  # None: it was sealed or lost


class DiskListener(Protocol):
    """Whom a disk thread reports to. Called from its thread; none of these may block for long."""

    def commit(self, batch: Batch) -> None:
        """These chunks and gaps are on the disk and may be indexed."""

    def progress(self, rows: list[Progress]) -> None:
        """Open chunks have grown."""

    def volume_failed(self, volume: Volume, error: StorageError, tracks: list[Track]) -> None:
        """A volume cannot be written; the chunks of these tracks on it ended."""


@dataclass(slots=True)
class _Writing:
    writer: ChunkWriter
    part: PartFile
    header: ChunkHeader
    start_us: int
    end_us: int


@dataclass(slots=True)
class _Turn:
    """What one round of the loop has gathered."""

    progress: dict[Track, Progress] = field(default_factory=dict)
    failed: list[Track] = field(default_factory=list)
    error: StorageError | None = None


class Disk(threading.Thread):
    """Writes one volume.

    Args:
        volume: opened for writing; this thread alone writes to it.
        weight: the volume's share of the footage against the others'.
        site: the site's name, for the headers.
        engine: the program's name and version, for the headers.
        roots: the Merkle root of each track's last chunk; shared by all disks, so that chains go on across volumes.
        reserve_bytes: how much room to reserve for a track's next chunk.
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
        self._sync_interval_us = sync_interval_us
        self._open: dict[Track, _Writing] = {}
        self._sealed: list[SealedChunk] = []
        self._found_gaps: list[Gap] = []
        self._orphans: list[str] = []  # parts that could not be sealed for want of room
        self._stopping = False

    @property
    def uuid(self) -> bytes:
        """The volume's, by which placement ranks the disks."""
        return self.volume.uuid

    def add_gap(self, gap: Gap) -> None:
        """A gap that somebody else found: it is indexed with the next sync."""
        self._found_gaps.append(gap)

    def add_orphan(self, part_path: str) -> None:
        """A part that could not be sealed for want of room: it is tried again when there may be some."""
        self._orphans.append(part_path)

    def stop(self) -> None:
        """Write what is queued, sync, commit and end; `join` waits for it."""
        self._stopping = True
        self.queue.wake()

    def run(self) -> None:
        now_us = self._clock.monotonic_us()
        next_sync_us, next_orphans_us = now_us + self._sync_interval_us, now_us + ORPHAN_RETRY_US
        while True:
            stopping = self._stopping
            items = self.queue.take(0 if stopping else TURN_S)
            self._write(items)
            self.queue.done(items)
            now_us = self._clock.monotonic_us()
            if now_us >= next_sync_us or stopping:
                self._sync()
                next_sync_us = now_us + self._sync_interval_us
            if self._orphans and now_us >= next_orphans_us:
                self._adopt_orphans()
                next_orphans_us = now_us + ORPHAN_RETRY_US
            if stopping and not items:
                return

    def _write(self, items: list[Item]) -> None:
        turn = _Turn()
        for track, event in items:
            try:
                match event:
                    case ChunkOpened():
                        self._open_chunk(event)
                    case FragmentClosed(fragment):
                        self._append(track, fragment, turn)
                    case ChunkEnded():
                        self._seal(track, event, turn)
            except StorageError as error:
                self._lose(track, error, turn)
        if turn.progress:
            self._listener.progress(list(turn.progress.values()))
        if turn.error is not None:
            self._listener.volume_failed(self.volume, turn.error, turn.failed)

    def _open_chunk(self, opened: ChunkOpened) -> None:
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
        )
        writer = ChunkWriter(header)
        part = self.volume.create(header, self._reserve_bytes(opened.track))
        self._open[opened.track] = _Writing(writer, part, header, opened.start_us, opened.start_us)
        part.append([writer.preamble()])

    def _append(self, track: Track, fragment: Fragment, turn: _Turn) -> None:
        chunk = self._open.get(track)
        if chunk is None:  # the chunk was lost; its session has been told and will open another
            return
        chunk.part.append(chunk.writer.append(fragment))
        # With B-frames what follows may be shown before the last picture that is here, but not before it is decoded.
        complete_90k = fragment.duration_90k - fragment.composition_90k[0]
        begin_us = min(chunk.end_us, fragment.wall_us)
        chunk.end_us = max(chunk.start_us, fragment.wall_us + us_from_90k(complete_90k))
        gap = self._gaps.recorded(track, begin_us, chunk.end_us)
        if gap is not None:
            self._found_gaps.append(gap)
        turn.progress[track] = self._progress_of(track, chunk)

    def _progress_of(self, track: Track, chunk: _Writing) -> Progress:
        open_chunk = OpenChunk(
            volume=self.volume.number,
            part_path=chunk.part.path,
            committed_bytes=chunk.writer.written_bytes,
            run=chunk.header.run,
            start_us=chunk.start_us,
            end_us=chunk.end_us,
        )
        return Progress(track, self.volume.number, open_chunk)

    def _seal(self, track: Track, ended: ChunkEnded, turn: _Turn) -> None:
        chunk = self._open.get(track)
        if chunk is None:
            return
        tail, sealed = chunk.writer.seal(start_us=ended.start_us, duration_us=ended.duration_us, cut=ended.cut)
        chunk.part.seal(tail, ChunkName.of(sealed))
        del self._open[track]
        self._roots[track] = sealed.root
        self._sealed.append(sealed)
        self._gaps.sealed(track, sealed.end_us)
        turn.progress[track] = Progress(track, self.volume.number, None)

    def _lose(self, track: Track, error: StorageError, turn: _Turn) -> None:
        """The track's chunk cannot go on. What is written stays as a part and is sealed when there is room."""
        chunk = self._open.pop(track, None)
        if chunk is not None:
            self._orphans.append(chunk.part.path)
            chunk.part.abandon()
            turn.progress[track] = Progress(track, self.volume.number, None)
        detail = f"volume {self.volume.number}: {error.what}"
        gap = self._gaps.missing(track, GapReason.DISK, detail, self._clock.wall_us())
        if gap is not None:
            self._found_gaps.append(gap)
        turn.failed.append(track)
        turn.error = error

    def _sync(self) -> None:
        sealed, gaps = self._sealed, self._found_gaps
        self._sealed, self._found_gaps = [], []
        if not sealed and not gaps and not self._open:
            return
        try:
            self.volume.sync()
        except StorageError as error:
            # Never retried: the kernel has marked the pages clean. The rows are left out; the next start verifies
            # the files and adopts those that are whole.
            turn = _Turn()
            for track in list(self._open):
                self._lose(track, error, turn)
            self._listener.volume_failed(self.volume, error, turn.failed)
            self._found_gaps += gaps
            return
        if sealed or gaps:
            self._listener.commit(Batch(self.volume.number, tuple(sealed), tuple(gaps)))

    def _adopt_orphans(self) -> None:
        """Seal the parts that were left when the volume was full, if it has room again."""
        waiting, self._orphans = self._orphans, []
        for path in waiting:
            try:
                sealed = recover(self.volume, path)
            except VolumeFull:
                self._orphans.append(path)
            except StorageError as error:
                self._listener.volume_failed(self.volume, error, [])
            else:
                if sealed is not None:
                    self._sealed.append(sealed)
