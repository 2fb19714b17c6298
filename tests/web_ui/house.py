"""A recorder's folders filled by the real writers, and a web server over them in a process of its own."""

import itertools
import multiprocessing
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.board import Board, RecorderStatus, TrackState, TrackStatus, VolumeStatus
from indexer.registry import Registry
from indexer.troubles import TroubleBook
from indexer.writer import Commit, IndexWriter
from nvr.capture.ladder import Rung
from nvr.channel import Channel
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.partfile import PartFile
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.codec.parameters import describe
from nvr.config import RetentionSettings, Settings, VolumeSettings, WebSettings
from nvr.media import CutReason, Fragment, Gap, Track
from nvr.timebase import SystemClock, us_from_90k
from tests.ports import free_port
from tests.web.pictures import Coded, Stream
from web.address import opened
from web.app import serve

TIGHT = 6  # the channel whose quota is too small
FRAGMENT_SAMPLES = 12  # about 500 ms, as the recorder's
STARTS_S = 60  # on a busy machine


def fragments(stream: Stream, units: Sequence[Coded], start_us: int, *, is_coarse: bool = False) -> Iterator[Fragment]:
    """Samples as the segmenter would cut them; ``start_us`` is the wall time of the first picture."""
    origin_90k = units[0].decode_90k
    starts = [place for place, unit in enumerate(units) if unit.sync]
    edges = sorted({edge for a in starts for edge in (a, a + FRAGMENT_SAMPLES) if edge < len(units)} | {len(units)})
    for first, last in itertools.pairwise(edges):
        piece = units[first:last]
        shown_90k = piece[0].presentation_90k - origin_90k - stream.delay_90k
        yield Fragment(
            data=tuple(unit.data for unit in piece),
            durations_90k=(stream.ticks_90k,) * len(piece),
            composition_90k=tuple(unit.presentation_90k - unit.decode_90k for unit in piece),
            sync=tuple(unit.sync for unit in piece),
            decode_90k=piece[0].decode_90k - origin_90k,
            presentation_rtp_90k=piece[0].presentation_90k,
            wall_us=start_us + us_from_90k(shown_90k),
            monotonic_us=us_from_90k(piece[0].decode_90k),
            ntp=0,
            lost_packets=0,
            is_coarse=is_coarse,
        )


@dataclass
class OpenChunk:
    """A chunk that grows."""

    stream: Stream
    writer: ChunkWriter
    part: PartFile
    start_us: int
    pictures: int = 0

    @property
    def end_us(self) -> int:
        return self.start_us + us_from_90k(self.pictures * self.stream.ticks_90k)

    def append(self, fragment: Fragment) -> None:
        self.part.append(self.writer.append(fragment))
        self.pictures += len(fragment.data)


class House:
    """The folders of one recorder: settings, registry, volume, index and board."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            data_dir=folder / "data",
            volumes=(VolumeSettings(number=1, path=folder / "volume"),),  # type: ignore[call-arg]
            web=WebSettings(port=free_port()),
            retention=RetentionSettings.model_validate({"channel": [{"channel": TIGHT, "quota_gb": 1}]}),
        )
        self.clock = SystemClock()
        self.volume = Volume.open(1, folder / "volume", create=True, clock=self.clock)
        self.index = IndexWriter.open(self.settings.index_path)
        self.board = Board.open(self.settings.board_path)
        self.registry = Registry.open(self.settings.registry_path)
        self.troubles = TroubleBook.open(self.settings.troubles_path)
        self._runs = itertools.count(1)
        self.server_pid = 0
        self.rung = Rung.ALL
        self.clock_off_us: int | None = None  # None: the server's clock is believed
        self.disks = [VolumeStatus(number=1, free_bytes=10**12, total_bytes=4 * 10**12)]
        self.beat()

    def close(self) -> None:
        self.volume.close()
        self.index.close()
        self.board.close()
        self.registry.close()
        self.troubles.close()

    def camera(self, number: int, name: str) -> None:
        self.registry.put(Channel(number, name, f"rtsp://camera{number}/main", f"rtsp://camera{number}/sub"))

    def beat(self, *, ago_us: int = 0) -> None:
        """The recorder's sign of life, now or some time ago."""
        at_us = self.clock.wall_us() - ago_us
        status = RecorderStatus(
            pid=1,
            started_us=at_us,
            heartbeat_us=at_us,
            rung=self.rung,
            clock_off_us=self.clock_off_us,
            is_clock_doubtful=self.clock_off_us is not None,
        )
        self.board.post_recorder(status, self.disks)

    def post(self, status: TrackStatus) -> None:
        """Show a track on the board, its state as old as this call."""
        self.board.post([replace(status, since_us=self.clock.wall_us())])

    def begin(self, stream: Stream, track: Track, start_us: int, run: int, sequence: int) -> OpenChunk:
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
            is_clock_doubtful=self.clock_off_us is not None,
        )
        writer = ChunkWriter(header)
        part = self.volume.create(header, 1 << 20)
        part.append([writer.preamble()])
        return OpenChunk(stream, writer, part, start_us)

    def seal(self, chunk: OpenChunk) -> None:
        duration_us = us_from_90k(chunk.pictures * chunk.stream.ticks_90k)
        tail, sealed = chunk.writer.seal(start_us=chunk.start_us, duration_us=duration_us, cut=CutReason.SCHEDULE)
        chunk.part.seal(tail, ChunkName.of(sealed))
        self.index.commit(Commit(chunks=((sealed, 1),)))

    def record(
        self, stream: Stream, track: Track, start_us: int, chunk_pictures: int, *, is_coarse: bool = False
    ) -> int:
        """A run of sealed chunks; gives the end. ``chunk_pictures`` must be whole groups of pictures."""
        run = next(self._runs)
        for sequence, first in enumerate(range(0, len(stream.units), chunk_pictures), 1):
            chunk = self.begin(stream, track, start_us, run, sequence)
            units = stream.units[first : first + chunk_pictures]
            for fragment in fragments(stream, units, start_us, is_coarse=is_coarse):
                chunk.append(fragment)
            start_us = chunk.end_us
            self.seal(chunk)
        return start_us

    def gap(self, gap: Gap) -> None:
        self.index.commit(Commit(gaps=(gap,)))

    def post_open(self, track: Track, chunk: OpenChunk, run: int) -> None:
        """Tell the board of a chunk that grows."""
        picture = describe(chunk.stream.sets)
        status = TrackStatus(
            track=track,
            state=TrackState.RECORDING,
            run=run,
            volume=1,
            part_path=chunk.part.path,
            committed_bytes=chunk.writer.written_bytes,
            start_us=chunk.start_us,
            end_us=chunk.end_us,
            codec=picture.codec_string,
            width=picture.width,
            height=picture.height,
            fps_milli=25_000,
        )
        self.post(status)

    @contextmanager
    def server(self) -> Iterator[str]:
        """The web server in a process of its own, as it runs in earnest; gives its address."""
        port = self.settings.web.port
        with opened("127.0.0.1", port) as address:  # who asks before it is loaded waits; ours is closed: it may die
            process = multiprocessing.get_context("spawn").Process(target=serve, args=(self.settings, address))
            process.start()
        self.server_pid = process.pid or 0
        url = f"http://127.0.0.1:{port}/"
        try:
            urllib.request.urlopen(url + "api/site", timeout=STARTS_S).close()
            yield url
        finally:
            process.terminate()
            process.join(10)
