"""The whole way of a camera's bytes, from the RTSP connection to the index row, in one thread and without a disk."""

from itertools import count

from indexer import records
from nvr.capture.cadence import Cadence
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.segmenter import Segmenter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.writer import ChunkWriter
from nvr.errors import CameraError
from nvr.media import CutReason, Track, TrackKind
from nvr.rtsp.reception import Reception
from nvr.timebase import US_PER_S

TRACK = Track(7, TrackKind.MAIN)
WALL_US = 1_795_000_000 * US_PER_S
STEP_US = 40_000  # of time between two pieces of what a camera sends


class Chain:
    """A reception whose samples are cut, written and made into rows. What it may raise is `CameraError` alone."""

    def __init__(self, reception: Reception) -> None:
        runs = count(1)
        self.reception = reception
        self._segmenter = Segmenter(TRACK, Cadence(500_000, 4 * US_PER_S, 0), lambda: next(runs))
        self._writer: ChunkWriter | None = None
        self._now_us = 1_000 * US_PER_S
        self.rows: list[tuple[bytes, bytes]] = []
        self.written_bytes = 0

    def feed(self, data: bytes, step_us: int = STEP_US) -> None:
        """What one read of the socket gives."""
        self._now_us += step_us
        self.reception.feed(memoryview(bytearray(data)), self._now_us)
        self._record()

    def end(self) -> None:
        """The session is over, in whatever state."""
        self.reception.finish()
        self._record()
        self._keep(self._segmenter.end(CutReason.SESSION))

    def _record(self) -> None:
        for sample in self.reception.take_samples():
            self._keep(self._segmenter.push(sample, WALL_US))
        self.reception.take_events()
        self.reception.take_output()

    def _keep(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ChunkOpened():
                    self._writer = self._opened(event)
                case FragmentClosed() if self._writer is not None:
                    self.written_bytes += sum(map(len, self._writer.append(event.fragment)))
                case ChunkEnded() if self._writer is not None:
                    _, sealed = self._writer.seal(start_us=event.start_us, duration_us=event.duration_us, cut=event.cut)
                    record = records.from_sealed(sealed, 1, 1)
                    key, value = records.key_of(record), records.encode(record)
                    assert records.decode(key, value) == record
                    self.rows.append((key, value))
                    self._writer = None

    def _opened(self, event: ChunkOpened) -> ChunkWriter | None:
        header = ChunkHeader(
            site="fuzz",
            volume_uuid=bytes(16),
            track=event.track,
            run=event.run,
            sequence=event.sequence,
            start_us=event.start_us,
            parameter_sets=event.parameter_sets,
            composition_delay_90k=event.composition_delay_90k,
            engine="fuzz",
        )
        try:
            return ChunkWriter(header)
        except CameraError:  # documented: then the disk tells the session, and nothing is written
            return None
