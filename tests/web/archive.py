"""A real archive for the web's tests: coded pictures through the real writer into real files, index and board."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from indexer.activity import ActivityBook
from indexer.board import Board, RecorderStatus, TrackStatus, VolumeStatus
from indexer.damage import DamageBook
from indexer.reader import IndexReader
from indexer.registry import Registry
from indexer.troubles import TroubleBook
from indexer.writer import Commit, IndexWriter
from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.chunk.header import NO_ROOT, ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter, SealedChunk
from nvr.codec.parameters import describe
from nvr.media import CutReason, Fragment, Gap, Track, TrackKind
from nvr.timebase import US_PER_S, TimeRange, us_from_90k
from tests.manual_clock import ManualClock
from tests.web.pictures import Coded, Stream
from web.archive import Archive

MAIN = Track(1, TrackKind.MAIN)
START_US = 1_794_000_000 * US_PER_S + 123_457  # no round number: rounding must not help
FRAGMENT_SAMPLES = 10


def pieces(units: Sequence[Coded], most: int = FRAGMENT_SAMPLES) -> Iterator[Sequence[Coded]]:
    """Samples in fragments: a new one at each sync sample, and of at most so many."""
    piece: list[Coded] = []
    for unit in units:
        if piece and (unit.sync or len(piece) == most):
            yield piece
            piece = []
        piece.append(unit)
    yield piece


def groups(stream: Stream, first: int, count: int) -> Sequence[Coded]:
    """The samples of ``count`` groups of pictures from the group ``first`` on."""
    syncs = [number for number, unit in enumerate(stream.units) if unit.sync] + [len(stream.units)]
    return stream.units[syncs[first] : syncs[min(first + count, len(syncs) - 1)]]


@dataclass
class Growing:
    """A chunk that is being written, fragment by fragment, as the recorder would."""

    house: "House"
    writer: ChunkWriter
    stream: Stream
    units: Sequence[Coded]
    start_us: int
    waiting: list[Sequence[Coded]] = field(default_factory=list)
    appended: int = 0
    is_coarse: bool = False

    def __post_init__(self) -> None:
        self.part = self.house.volume.create(self.writer.header, 1 << 20)
        self.part.append([self.writer.preamble()])
        self.waiting = list(pieces(self.units))

    @property
    def ticks_90k(self) -> int:
        return sum(len(piece) for piece in list(pieces(self.units))[: self.appended]) * self.stream.ticks_90k

    @property
    def end_us(self) -> int:
        return self.start_us + us_from_90k(self.ticks_90k)

    def append(self, count: int = 1) -> None:
        """Write so many fragments, and tell the board."""
        for _ in range(count):
            self.part.append(self.writer.append(self._fragment(self.waiting.pop(0))))
            self.appended += 1
        self.post()

    def append_all(self) -> None:
        self.append(len(self.waiting))

    def _fragment(self, piece: Sequence[Coded]) -> Fragment:
        origin_90k = self.units[0].decode_90k
        decode_90k = piece[0].decode_90k - origin_90k
        shown_90k = piece[0].presentation_90k - origin_90k - self.stream.delay_90k
        return Fragment(
            data=tuple(unit.data for unit in piece),
            durations_90k=(self.stream.ticks_90k,) * len(piece),
            composition_90k=tuple(unit.presentation_90k - unit.decode_90k for unit in piece),
            sync=tuple(unit.sync for unit in piece),
            decode_90k=decode_90k,
            presentation_rtp_90k=piece[0].presentation_90k,
            wall_us=self.start_us + us_from_90k(shown_90k),
            monotonic_us=us_from_90k(decode_90k),
            ntp=0,
            lost_packets=0,
            is_coarse=self.is_coarse,
        )

    def post(self) -> None:
        header = self.writer.header
        picture = describe(header.parameter_sets)
        self.house.post(
            header.track,
            run=header.run,
            part_path=self.part.path,
            committed_bytes=self.writer.written_bytes,
            start_us=self.start_us,
            end_us=self.end_us,
            codec=picture.codec_string,
            width=picture.width,
            height=picture.height,
        )

    def seal(self, *, index: bool = True, moved_us: int = 0) -> SealedChunk:
        """Finish the file; ``index=False`` leaves it where the next sync would find it."""
        start_us = self.start_us + moved_us
        tail, sealed = self.writer.seal(
            start_us=start_us, duration_us=us_from_90k(self.ticks_90k), cut=CutReason.SCHEDULE
        )
        self.part.seal(tail, ChunkName.of(sealed))
        self.house.post(self.writer.header.track)
        if index:
            self.house.commit([sealed])
        return sealed


class House:
    """Volume, index, board and registry in one folder, opened once and shared with the web, as LMDB wants it."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.folder = folder
        self.previous_root = NO_ROOT  # what the next chunk names as the one before it
        data = folder / "data"
        self.volume = Volume.open(1, folder / "volume", create=True, clock=clock)
        self.writer = IndexWriter.open(data / "index")
        self.index = IndexReader(self.writer.store)
        self.board = Board.open(data / "board")
        self.registry = Registry.open(data / "registry")
        self.troubles = TroubleBook.open(data / "troubles")
        self.activity = ActivityBook.open(data / "activity")
        self.scrubbed = DamageBook.open(data / "scrub")
        self.registry.put(Channel(1, "Cổng chợ", "rtsp://camera/main", "rtsp://camera/sub"))
        self.beat()

    def archive(self) -> Archive:
        return Archive(
            index=lambda: self.index,
            board=lambda: self.board,
            registry=lambda: self.registry,
            troubles=lambda: self.troubles,
            activity=lambda: self.activity,
            volumes={1: self.volume.path},
            clock=self.clock,
            damages=self.scrubbed.damages,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.volume.close()
        self.writer.close()
        self.board.close()
        self.registry.close()
        self.troubles.close()
        self.activity.close()
        self.scrubbed.close()

    @property
    def whole(self) -> TimeRange:
        return TimeRange(0, 2**62)

    def names(self) -> list[str]:
        """Paths of the sealed chunks, relative to the volume, by time."""
        return [name.path() for name, _ in self.volume.chunks()]

    def beat(self, *volumes: VolumeStatus) -> None:
        """The recorder gives a sign of life."""
        now_us = self.clock.wall_us()
        self.board.post_recorder(RecorderStatus(pid=1, started_us=now_us, heartbeat_us=now_us), volumes)

    def commit(self, sealed: Sequence[SealedChunk] = (), gaps: Sequence[Gap] = ()) -> None:
        self.writer.commit(Commit(chunks=tuple((chunk, 1) for chunk in sealed), gaps=tuple(gaps)))

    def post(self, track: Track, state: TrackState = TrackState.RECORDING, **facts: Any) -> None:
        """Show a track on the board."""
        status = TrackStatus(track=track, state=state, since_us=self.clock.wall_us(), volume=1)
        self.board.post([replace(status, **facts)])

    def begin(
        self,
        stream: Stream,
        start_us: int,
        units: Sequence[Coded],
        *,
        track: Track = MAIN,
        run: int = 1,
        sequence: int = 1,
        name: str = "",
    ) -> Growing:
        """Open a chunk whose first picture is shown at ``start_us``."""
        header = ChunkHeader(
            site="Hồ Xá",
            volume_uuid=self.volume.uuid,
            track=track,
            run=run,
            sequence=sequence,
            start_us=start_us,
            parameter_sets=stream.sets,
            composition_delay_90k=stream.delay_90k,
            engine="test",
            previous_root=self.previous_root,
            name=name,
        )
        return Growing(self, ChunkWriter(header), stream, units, start_us)

    def record(
        self,
        stream: Stream,
        start_us: int,
        *,
        track: Track = MAIN,
        run: int = 1,
        groups_a_chunk: int = 2,
        first_group: int = 0,
        group_count: int = 10**9,
        name: str = "",
    ) -> int:
        """Record a stream from its group ``first_group`` on in sealed, indexed chunks; gives the end in wall time."""
        syncs = sum(unit.sync for unit in stream.units)
        last = min(first_group + group_count, syncs)
        for sequence, first in enumerate(range(first_group, last, groups_a_chunk), 1):
            units = groups(stream, first, min(groups_a_chunk, last - first))
            growing = self.begin(stream, start_us, units, track=track, run=run, sequence=sequence, name=name)
            growing.append_all()
            start_us = growing.end_us
            growing.seal()
        return start_us
