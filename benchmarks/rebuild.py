"""How long does it take to make an index anew? Over a hundred thousand files as 55 cameras leave them.

    python -m benchmarks.rebuild [--files 100000] [--folder FOLDER]

Each file has the header, footer and length of a real minute (1,500 pictures, 125 fragments); its pictures are a hole in
the file, for a rebuild reads none of them. Half of the files lie on each of two volumes. Prints the time of the two
stages, names and footers, and whether the new index equals the old one row by row. As its last line, one JSON object.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.seek import SETS
from indexer.reader import IndexReader
from indexer.rebuild import Progress, Stage, rebuild
from indexer.writer import Commit, IndexWriter
from nvr.chunk import merkle
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.sealing import Contents, seal
from nvr.chunk.tables import FRAGMENT_DTYPE, SAMPLE_DTYPE, place
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.media import CutReason, Track, TrackKind
from nvr.timebase import US_PER_MINUTE, US_PER_S, SystemClock

START_US = 1_795_000_000 * US_PER_S
CHANNELS = 55
VOLUMES = (1, 2)
FPS, FRAGMENTS, GOP_FRAGMENTS = 25, 125, 4
KEY_BYTES, OTHER_BYTES = 60_000, 19_000  # about 4 Mbit/s
HEAD_BYTES = 400  # stamp, moof and mdat header
BATCH = 1000


def main() -> None:
    """Write the files, rebuild, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with TemporaryDirectory(dir=asked.folder) as folder:
        found = measure(Path(folder), asked.files)
    print(json.dumps(found))
    sys.exit(0 if found["equal"] else 1)


def measure(folder: Path, files: int) -> dict[str, float]:
    """All figures."""
    clock, index = SystemClock(), folder / "index"
    volumes = {n: Volume.open(n, folder / f"volume{n}", create=True, clock=clock) for n in VOLUMES}
    with IndexWriter.open(index) as writer:
        for number, volume in volumes.items():
            writer.remember_volume(number, volume.uuid)
        chunks = _record(volumes, files)
        while batch := list(islice(chunks, BATCH)):
            writer.commit(Commit(tuple(batch)))
        before = _rows(IndexReader(writer.store))
    print(f"{len(before):,} files written")
    stages = _Stages()
    cpu_s = time.process_time() + _children_s()
    rebuilt = rebuild(index, volumes, stages.tell)
    stages.end()
    cpu_s = time.process_time() + _children_s() - cpu_s
    with IndexReader.open(index) as reader:
        equal = _rows(reader) == before
    print(f"names {stages.seconds[Stage.NAMES]:.1f} s, footers {stages.seconds[Stage.FOOTERS]:.1f} s, equal: {equal}")
    names_s, footers_s = (round(stages.seconds[stage], 1) for stage in Stage)
    return {
        "files": rebuilt.chunks,
        "names_s": names_s,
        "footers_s": footers_s,
        "cpu_s": round(cpu_s, 1),
        "unreadable": len(rebuilt.unreadable),
        "equal": equal,
    }


class _Stages:
    """How long each stage took."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(Stage, 0.0)
        self._stage, self._since_s = Stage.NAMES, time.perf_counter()

    def tell(self, progress: Progress) -> None:
        if progress.stage is not self._stage:
            self.end()
            self._stage = progress.stage

    def end(self) -> None:
        now_s = time.perf_counter()
        self.seconds[self._stage] += now_s - self._since_s
        self._since_s = now_s


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _rows(reader: IndexReader) -> list[object]:
    """Every row; the numbers of init segments follow the order of writing, so what they stand for is compared."""
    return [row for track in reader.tracks() for page in reader.pages(track) for row in page]


def _record(volumes: dict[int, Volume], files: int) -> Iterator[tuple[SealedChunk, int]]:
    for at in range(files):
        minute, channel = divmod(at, CHANNELS)
        number = VOLUMES[at % len(VOLUMES)]
        volume = volumes[number]
        start_us = START_US + minute * US_PER_MINUTE
        track = Track(channel + 1, TrackKind.MAIN)
        header = ChunkHeader("Hồ Xá", volume.uuid, track, 1, minute + 1, start_us, SETS, 0, "benchmark")
        yield _write(volume, header), number


def _write(volume: Volume, header: ChunkHeader) -> SealedChunk:
    preamble = ChunkWriter(header).preamble()
    fragments, samples = _tables(header.start_us, len(preamble))
    leaves = (merkle.leaf(preamble), *(fragment.tobytes()[:32].ljust(32) for fragment in fragments))
    contents = Contents(header, len(preamble), leaves, fragments, samples)
    tail, chunk = seal(
        contents,
        start_us=header.start_us,
        duration_us=US_PER_MINUTE,
        cut=CutReason.SCHEDULE,
        recovered=False,
    )
    path = volume.path / ChunkName.of(chunk).path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(preamble)
        file.seek(chunk.bytes - len(tail), os.SEEK_SET)
        file.write(tail)
    return chunk


def _tables(start_us: int, preamble_bytes: int) -> tuple["np.ndarray", "np.ndarray"]:
    """A minute of pictures, the same in each file but for its times."""
    count = FPS * 60
    samples = np.zeros(count, SAMPLE_DTYPE)
    per_fragment = count // FRAGMENTS
    samples["sync"][:: per_fragment * GOP_FRAGMENTS] = 1
    samples["size"] = np.where(samples["sync"], KEY_BYTES, OTHER_BYTES) + np.arange(count) % 997
    samples["duration_90k"] = 90_000 // FPS
    fragments = np.zeros(FRAGMENTS, FRAGMENT_DTYPE)
    fragments["samples"] = per_fragment
    fragments["decode_90k"] = np.arange(FRAGMENTS) * 43_200
    fragments["wall_us"] = start_us + np.arange(FRAGMENTS) * 480_000
    place(fragments, samples, np.full(FRAGMENTS, HEAD_BYTES, np.int64), preamble_bytes)
    return fragments, samples


if __name__ == "__main__":
    main()
