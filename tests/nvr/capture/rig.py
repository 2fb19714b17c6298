"""An engine in a thread of this process, real volumes, and a bookkeeper that keeps what it is told in lists."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import numpy as np

from nvr.capture.bookkeeper import Batch, LastFootage
from nvr.capture.engine import Engine
from nvr.capture.report import OpenChunk, TrackReport
from nvr.channel import Channel
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.name import ChunkName
from nvr.chunk.reader import ChunkReader
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.codec.nal import split
from nvr.config import RecorderSettings
from nvr.media import Gap, Track
from nvr.timebase import SystemClock

DEADLINE_S = 30.0


class ListBookkeeper:
    """Remembers in memory: the engine's protocol, without an index."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.reports: dict[Track, TrackReport] = {}
        self.history: dict[Track, LastFootage] = {}
        self.changed = threading.Condition()

    def last(self, track: Track) -> LastFootage | None:
        return self.history.get(track)

    def commit(self, batch: Batch) -> None:
        with self.changed:
            self.batches.append(batch)
            self.changed.notify_all()

    def publish(self, reports: Sequence[TrackReport]) -> None:
        with self.changed:
            self.reports |= {report.track: report for report in reports}
            self.changed.notify_all()

    def unindexed(self, volume: Volume, before_us: int) -> list[ChunkName]:
        return []

    @property
    def sealed(self) -> list[SealedChunk]:
        return [chunk for batch in self.batches for chunk in batch.sealed]

    @property
    def gaps(self) -> list[Gap]:
        return [gap for batch in self.batches for gap in batch.gaps]


class Rig:
    """A running recorder; `stop` ends it and everything is sealed."""

    def __init__(
        self, engine: Engine, books: ListBookkeeper, volumes: Sequence[Volume], thread: threading.Thread
    ) -> None:
        self.engine, self.books, self.volumes, self._thread = engine, books, volumes, thread

    def wait(self, condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
        """Wait until a condition holds; it is looked at whenever the engine says something."""
        until = time.monotonic() + deadline_s
        with self.books.changed:
            while not condition():
                left_s = until - time.monotonic()
                assert left_s > 0, f"{what} did not happen within {deadline_s} s; reports: {self.books.reports}"
                self.books.changed.wait(min(left_s, 0.5))

    def wait_for_samples(self, tracks: Sequence[Track], count: int) -> None:
        """Wait until each of the tracks has received so many samples more than now."""
        before = {track: self.samples(track) for track in tracks}
        self.wait(lambda: all(self.samples(track) >= before[track] + count for track in tracks), f"{count} samples")

    def samples(self, track: Track) -> int:
        report = self.books.reports.get(track)
        return report.samples if report else 0

    def report(self, track: Track) -> TrackReport | None:
        return self.books.reports.get(track)

    def stop(self) -> None:
        """Stop the recorder and wait until everything is on the disk."""
        self.engine.stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def growing(self) -> list[OpenChunk]:
        """The files that are being written."""
        return [report.open_chunk for report in self.books.reports.values() if report.open_chunk is not None]

    def readers(self, track: Track) -> Iterator[ChunkReader]:
        """The track's sealed files in the order of time."""
        names: list[tuple[ChunkName, Volume]] = sorted(
            ((name, volume) for volume in self.volumes for name, _ in volume.chunks() if name.track == track),
            key=lambda found: found[0].start_us,
        )
        for name, volume in names:
            with ChunkReader(volume.resolve(name)) as reader:
                yield reader

    def nal_units(self, track: Track) -> list[list[bytes]]:
        """All recorded NAL units, a list for each access unit, in decoding order."""
        units = []
        for reader in self.readers(track):
            for sample in reader.samples():
                data = reader.read(int(sample["offset"]), int(sample["size"]))
                units.append([data[start:end] for start, end in split(data)])
        return units

    def presentation_90k(self, track: Track) -> "np.ndarray":
        """RTP times of all recorded samples, in decoding order, unwrapped within each run."""
        times = [np.zeros(0, np.int64)]
        for reader in self.readers(track):
            rows = reader.samples()
            shown = rows["decode_90k"] + rows["composition_90k"]
            times.append(shown - shown[0] + reader.fragments()[0].stamp.presentation_rtp_90k)
        return np.concatenate(times)


@contextmanager
def recording(
    folder: Path,
    channels: Sequence[Channel],
    *,
    volumes: int = 1,
    disks: Mapping[int, FileSystem] = MappingProxyType({}),
    **settings: object,
) -> Iterator[Rig]:
    """Record these channels in short chunks until the end of the block; `disks` are the file systems of volumes."""
    clock = SystemClock()
    opened = [
        Volume.open(n, folder / f"volume{n}", create=True, clock=clock, fs=disks.get(n)) for n in range(1, volumes + 1)
    ]
    books = ListBookkeeper()
    quick = {"main_chunk_s": 3, "sub_chunk_s": 5, "sync_interval_s": 0.2, "silence_s": 2, "reconnect_max_s": 2}
    recorder = RecorderSettings.model_validate(quick | settings)
    engine = Engine(recorder, "test", [(volume, 1) for volume in opened], books, clock)
    thread = threading.Thread(target=lambda: engine.run(channels), name="reactor")
    thread.start()
    rig = Rig(engine, books, opened, thread)
    try:
        yield rig
    finally:
        if thread.is_alive():
            rig.stop()
        for volume in opened:
            volume.close()


def same_units(recorded: list[list[bytes]], sent: dict[int, list[str]], digest: Callable[[bytes], str]) -> Counter[str]:
    """Compare recorded access units with those sent, as multisets of their NAL units' hashes: what is not in both."""
    have = Counter("/".join(map(digest, unit)) for unit in recorded)
    want = Counter("/".join(hashes) for hashes in sent.values())
    return have - want
