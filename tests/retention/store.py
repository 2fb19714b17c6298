"""A real index and real chunk files for the tests of deleting."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indexer.reader import IndexReader
from indexer.registry import Registry
from indexer.writer import Commit, IndexWriter
from nvr.believedclock import Belief
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.config import RetentionSettings
from nvr.media import Codec, CutReason, Fragment, ParameterSets, Track, TrackKind
from nvr.timebase import US_PER_MINUTE, Clock
from retention.holds import Standing
from retention.sweeper import Pace, Sweeper
from tests.manual_clock import ManualClock

START_US = 1_795_000_000_000_000
ONE, TWO = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)
FAST = Pace(interval_s=0.01, turn_files=5, pause_s=0.001)
SETS = ParameterSets(
    Codec.H264, (), (bytes.fromhex("6742c00dda0a36840000030004000afc803c50aa80"),), (bytes.fromhex("68ce3c80"),)
)


def keep(min_days: float = 0, max_days: float = 30, reserve_percent: float = 0, **own: object) -> RetentionSettings:
    """Settings; ``own`` are blocks of groups and channels as a file has them."""
    days = {"min_days": min_days, "max_days": max_days, "reserve_percent": reserve_percent, "ballast_mib": 0}
    return RetentionSettings.model_validate(days | own)


@dataclass
class Archive:
    """An index with the volumes it speaks of."""

    writer: IndexWriter
    volumes: tuple[Volume, ...]
    clock: Clock
    registry: Registry

    @property
    def reader(self) -> IndexReader:
        return IndexReader(self.writer.store)

    def sweeper(self, settings: RetentionSettings, *, ready: bool = True, pace: Pace = FAST) -> Sweeper:
        return Sweeper(
            self.writer,
            self.volumes,
            settings,
            ingest_bps=lambda: 0,
            ready=lambda: ready,
            clock=self.clock,
            belief=lambda: trusting(self.clock),
            holds=self.standing(),
            pace=pace,
        )

    def standing(self) -> Standing:
        return Standing(self.registry.holds, self.clock)

    def record(self, track: Track, minute: int, *, volume: int = 1, size: int = 1000) -> ChunkName:
        """A chunk of a minute: on the disk, then in the index."""
        name, sealed = self.write(track, minute, volume=volume, size=size)
        self._volume(volume).sync()
        self.writer.commit(Commit(chunks=((sealed, volume),)))
        return name

    def record_minutes(self, track: Track, count: int, *, volume: int = 1, size: int = 1000) -> list[ChunkName]:
        """The first so many minutes, in one commit."""
        made = [self.write(track, minute, volume=volume, size=size) for minute in range(count)]
        self.writer.commit(Commit(chunks=tuple((sealed, volume) for _, sealed in made)))
        return [name for name, _ in made]

    def write(self, track: Track, minute: int, *, volume: int = 1, size: int = 1000) -> tuple[ChunkName, SealedChunk]:
        """A chunk on the disk only, all of whose room was reserved."""
        on = self._volume(volume)
        start_us = START_US + minute * US_PER_MINUTE
        header = ChunkHeader("test", on.uuid, track, 1, minute + 1, start_us, SETS, 0, "test", bytes(32))
        writer, part = ChunkWriter(header), on.create(header, size + 4096)
        part.append([writer.preamble()])
        part.append(writer.append(_fragment(start_us, size)))
        tail, sealed = writer.seal(start_us=start_us, duration_us=US_PER_MINUTE, cut=CutReason.SCHEDULE)
        name = ChunkName.of(sealed)
        part.seal(tail, name)
        return name, sealed

    def files(self) -> set[tuple[int, str, int]]:
        """Volume, path and length of every chunk file."""
        return {(volume.number, name.path(), size) for volume in self.volumes for name, size in volume.chunks()}

    def rows(self) -> set[tuple[int, str, int]]:
        """The same of every row."""
        reader = self.reader
        pages = (page for track in reader.tracks() for page in reader.pages(track))
        return {(row.volume, row.name().path(), row.bytes) for page in pages for row in page}

    def garbage(self) -> set[tuple[int, str, int]]:
        """The same of the garbage."""
        return {(waste.volume, waste.path, waste.bytes) for waste in self.reader.garbage()}

    def _volume(self, number: int) -> Volume:
        return next(volume for volume in self.volumes if volume.number == number)


def trusting(clock: Clock) -> Belief:
    """The belief of somebody who believes every clock."""
    now_us = clock.wall_us()
    return Belief(boot="", boot_us=0, line_us=now_us, began_us=0, sure_us=now_us, is_sure=True)


@contextmanager
def archive(
    folder: Path, *, disks: tuple[Path, ...] = (), clock: Clock | None = None, fs: FileSystem | None = None
) -> Iterator[Archive]:
    """Opened, or made where there is none; volumes 1, 2, … on ``disks``, otherwise one below ``folder``."""
    clock = clock or ManualClock(START_US)
    places = disks or (folder / "volume",)
    with IndexWriter.open(folder / "index") as writer, Registry.open(folder / "registry") as registry:
        volumes = tuple(Volume.open(n, path, create=True, clock=clock, fs=fs) for n, path in enumerate(places, 1))
        try:
            yield Archive(writer, volumes, clock, registry)
        finally:
            for volume in volumes:
                volume.close()


def _fragment(start_us: int, size: int) -> Fragment:
    data = (size - 4).to_bytes(4, "big") + b"\x65" + bytes(range(250)) * (size // 250 + 1)
    return Fragment(
        data=(data[:size],),
        durations_90k=(90_000 * 60,),
        composition_90k=(0,),
        sync=(True,),
        decode_90k=0,
        presentation_rtp_90k=0,
        wall_us=start_us,
        monotonic_us=1,
        ntp=0,
        lost_packets=0,
    )
