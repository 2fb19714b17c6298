"""How fast is a timestamp found? An index of 55 channels × 30 days, written by the real writer in fast time.

    python -m benchmarks.seek [--channels 55] [--days 30] [--seeks 20000] [--url http://127.0.0.1:8055] [--keep FOLDER]

Prints what it finds and, as its last line, one JSON object. With --url a running server is asked as well, for its own
footage: the time from sending a timestamp to the first byte of pictures, fragment table and byte range together, and
the time to the first byte of a clip.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.first_byte import FirstBytes, measure_http
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.sealed import Keyframe, SealedChunk
from nvr.errors import NotRecorded
from nvr.media import Codec, CutReason, ParameterSets, Track, TrackKind
from nvr.timebase import US_PER_MINUTE, US_PER_S

START_US = 1_795_000_000 * US_PER_S
MINUTES_PER_DAY = 1440
GOP_90K = 180_000  # 2 s
GOP_BYTES = 1_024_000  # at 4.096 Mbit/s
PREAMBLE_BYTES = 1_100
SETS = ParameterSets(
    Codec.H264, (), (bytes.fromhex("6742c00dda0a36840000030004000afc803c50aa80"),), (bytes.fromhex("68ce3c80"),)
)


class Quantiles(NamedTuple):
    """Of durations, in microseconds."""

    p50_us: float
    p99_us: float

    @classmethod
    def of(cls, durations_ns: list[int]) -> "Quantiles":
        ordered = sorted(durations_ns)
        return cls(ordered[len(ordered) // 2] / 1000, ordered[len(ordered) * 99 // 100] / 1000)


class Recording:
    """Synthetic chunks of a minute: key frames every 2 s, their sizes scattered by a tenth."""

    def __init__(self, channels: int, draw: random.Random) -> None:
        self.tracks = [Track(number, TrackKind.MAIN) for number in range(1, channels + 1)]
        self._draw = draw
        self._keyframes = [self._some_keyframes() for _ in range(500)]

    def _some_keyframes(self) -> tuple[Keyframe, ...]:
        rows, offset = [], PREAMBLE_BYTES
        for number in range(30):
            rows.append(Keyframe(number * GOP_90K, offset, 4 * number + 1))
            offset += int(self._draw.gauss(GOP_BYTES, GOP_BYTES / 10))
        return tuple(rows)

    def minutes(self, count: int) -> Iterator[list[SealedChunk]]:
        """What all channels seal, minute by minute."""
        for minute in range(count):
            yield [self._chunk(track, minute) for track in self.tracks]

    def _chunk(self, track: Track, minute: int) -> SealedChunk:
        keyframes = self._draw.choice(self._keyframes)
        start_us = START_US + minute * US_PER_MINUTE + track.channel * 1_090_909
        return SealedChunk(
            header=ChunkHeader("bench", bytes(16), track, 1, minute + 1, start_us, SETS, 0, "bench"),
            start_us=start_us,
            duration_us=US_PER_MINUTE,
            samples=1500,
            fragments=120,
            root=self._draw.randbytes(32),
            cut=CutReason.SCHEDULE,
            lost_packets=0,
            keyframes=keyframes,
            preamble_bytes=PREAMBLE_BYTES,
            media_90k=30 * GOP_90K,
            bytes=keyframes[-1].file_offset + GOP_BYTES,
        )


def write(path: Path, recording: Recording, minutes: int) -> float:
    """Write the index, a durable commit a minute of footage; seconds it took."""
    began = time.monotonic()
    with IndexWriter.open(path) as writer:
        for number, chunks in enumerate(recording.minutes(minutes)):
            writer.commit(Commit(chunks=tuple((chunk, 1) for chunk in chunks)))
            if number % MINUTES_PER_DAY == 0:
                print(f"\rday {number // MINUTES_PER_DAY + 1} …", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return time.monotonic() - began


def seek(reader: IndexReader, recording: Recording, minutes: int, count: int, draw: random.Random) -> Quantiles:
    """Random instants of random channels."""
    durations_ns, missed = [], 0
    for _ in range(count):
        track = draw.choice(recording.tracks)
        instant_us = START_US + draw.randrange(2 * US_PER_MINUTE, minutes * US_PER_MINUTE)
        began = time.perf_counter_ns()
        try:
            reader.seek(track, instant_us)
        except NotRecorded:
            missed += 1
        durations_ns.append(time.perf_counter_ns() - began)
    if missed:
        sys.exit(f"{missed} of {count} instants were not found")
    return Quantiles.of(durations_ns)


def main() -> None:
    """Write, seek, print."""
    asked = _arguments()
    draw = random.Random(asked.seed)
    minutes = asked.days * MINUTES_PER_DAY
    recording = Recording(asked.channels, draw)
    with tempfile.TemporaryDirectory() as folder:
        path = asked.keep or Path(folder) / "index"
        write_s = write(path, recording, minutes)
        size_bytes = (path / "data.mdb").stat().st_size
        with IndexReader.open(path) as reader:
            rows = reader.rows()
            found = seek(reader, recording, minutes, asked.seeks, draw)
    print(
        f"{rows:,} rows in {size_bytes / 1e9:.3f} GB: {size_bytes / rows:.0f} bytes a row, written in {write_s:.0f} s"
    )
    print(f"timestamp → file and offset, in process: p50 {found.p50_us:.1f} µs, p99 {found.p99_us:.1f} µs")
    result: dict[str, float | int] = {
        "rows": rows,
        "index_bytes": size_bytes,
        "bytes_per_row": round(size_bytes / rows, 1),
        "write_s": round(write_s, 1),
        "seek_p50_us": round(found.p50_us, 1),
        "seek_p99_us": round(found.p99_us, 1),
    }
    if asked.url:
        result |= _http(measure_http(asked.url, asked.requests, draw))
    print(json.dumps(result))


def _http(found: FirstBytes) -> dict[str, float | int]:
    result: dict[str, float | int] = {"http_requests": len(found.pictures_ns)}
    for what, durations_ns in (("pictures", found.pictures_ns), ("clip", found.clip_ns)):
        p50_ms, p99_ms = (round(us / 1000, 2) for us in Quantiles.of(durations_ns))
        print(f"timestamp → first byte over HTTP, {what}: p50 {p50_ms} ms, p99 {p99_ms} ms")
        result |= {f"http_{what}_p50_ms": p50_ms, f"http_{what}_p99_ms": p99_ms}
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seek", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--channels", type=int, default=55)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seeks", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="write the index here and leave it")
    parser.add_argument("--url", help="of a running web server, such as http://127.0.0.1:8055")
    parser.add_argument("--requests", type=int, default=1000, help="how many instants to ask the server for")
    return parser.parse_args()


if __name__ == "__main__":
    main()
