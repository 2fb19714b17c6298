"""How long does it take to make the index anew? From small but whole chunk files, written by the product's own writer.

    python -m benchmarks.rebuild [--files 100000] [--fragments 4] [--folder FOLDER] [--cold] [--profile]

Writes so many sealed files of 55 cameras over two volumes, by turns of an hour, and their index; a gap of ten seconds
for each camera every hour. Then rebuilds that index, and compares it with the old one row by row. Prints the seconds of
both stages, names and footers; as its last line, one JSON object. A file of a minute has 120 fragments: with
``--fragments 120 --files 5000`` a footer costs what it costs in service, but to write 100,000 of them takes minutes.
With --cold (for root) the machine's page cache is emptied before the rebuild. Everything is written below a new folder
in FOLDER (by default the current one), which is removed again.
"""

import argparse
import cProfile
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

from indexer import keys
from indexer.reader import IndexReader
from indexer.rebuild import Progress, Stage, rebuild
from indexer.writer import Commit, IndexWriter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.media import Codec, CutReason, Fragment, Gap, GapReason, ParameterSets, Track, TrackKind
from nvr.timebase import US_PER_MINUTE, US_PER_S, SystemClock, us_from_90k

CHANNELS = 55
START_US = 1_795_000_000 * US_PER_S
FRAGMENT_90K = 45_000  # half a second
SAMPLES = 12
CHUNKS_A_COMMIT = 500
GAP_US = 10 * US_PER_S
SETS = ParameterSets(
    Codec.H264, (), (bytes.fromhex("6742c00dda0a36840000030004000afc803c50aa80"),), (bytes.fromhex("68ce3c80"),)
)
DROP_CACHES = Path("/proc/sys/vm/drop_caches")  # proc(5)


def main() -> None:
    """Write, rebuild, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--fragments", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--cold", action="store_true", help="empty the page cache first")
    parser.add_argument("--profile", action="store_true", help="print where the time goes; it grows by half")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder, clock = Path(name), SystemClock()
        with (
            Volume.open(1, folder / "disk1", create=True, clock=clock) as first,
            Volume.open(2, folder / "disk2", create=True, clock=clock) as second,
        ):
            volumes = {1: first, 2: second}
            began = time.monotonic()
            write(folder / "index", volumes, asked.files, asked.fragments)
            found: dict[str, float | int] = {"files": asked.files, "write_s": round(time.monotonic() - began, 1)}
            if asked.cold:
                drop_caches()
            with cProfile.Profile() if asked.profile else nullcontext() as profile:
                found |= measure(folder / "index", volumes)
            if profile is not None:
                profile.print_stats("tottime")
        found["rows"] = compare(folder / "index", folder / "index.before")
    for what, value in found.items():
        print(f"{what}: {value:,}")
    print(json.dumps(found))


def write(index: Path, volumes: dict[int, Volume], files: int, fragments: int) -> None:
    """The files and their index."""
    with IndexWriter.open(index) as writer:
        for number, volume in volumes.items():
            writer.remember_volume(number, volume.uuid)
        made = chunks(volumes, files, fragments)
        while batch := tuple(islice(made, CHUNKS_A_COMMIT)):
            writer.commit(Commit(chunks=batch, gaps=tuple(gap for chunk, _ in batch for gap in gap_before(chunk))))
            print(f"\r{batch[-1][0].header.sequence} minutes of {CHANNELS} cameras …", end="", file=sys.stderr)
    print(file=sys.stderr)
    for volume in volumes.values():
        volume.sync()


def chunks(volumes: dict[int, Volume], files: int, fragments: int) -> Iterator[tuple[SealedChunk, int]]:
    """Chunk files, minute by minute, each with the number of its volume."""
    for place in range(files):
        minute, channel = divmod(place, CHANNELS)
        number = (minute // 60 + channel) % len(volumes) + 1
        start_us = START_US + minute * US_PER_MINUTE + (minute // 60) * GAP_US
        yield one(volumes[number], Track(channel + 1, TrackKind.MAIN), start_us, minute + 1, fragments), number


def one(volume: Volume, track: Track, start_us: int, sequence: int, fragments: int) -> SealedChunk:
    """A whole chunk file; that it plays for less than its minute is nothing to the index."""
    cut = CutReason.SCHEDULE if sequence % 60 else CutReason.SESSION
    header = ChunkHeader("bench", volume.uuid, track, 1, sequence, start_us, SETS, 0, "bench")
    writer = ChunkWriter(header)
    part = volume.create(header, 0)
    buffers = [writer.preamble()]
    for number in range(fragments):
        buffers += writer.append(fragment(start_us, number))
    tail, chunk = writer.seal(start_us=start_us, duration_us=US_PER_MINUTE, cut=cut)
    part.append(buffers)
    part.seal(tail, ChunkName.of(chunk))
    return chunk


def fragment(start_us: int, number: int) -> Fragment:
    """Half a second of very small pictures; every fourth starts with a key frame."""
    decode_90k = number * FRAGMENT_90K
    return Fragment(
        data=tuple(b"\0\0\0\x04" + bytes([5, number & 255, place, 0]) for place in range(SAMPLES)),
        durations_90k=(FRAGMENT_90K // SAMPLES,) * SAMPLES,
        composition_90k=(0,) * SAMPLES,
        sync=(number % 4 == 0,) + (False,) * (SAMPLES - 1),
        decode_90k=decode_90k,
        presentation_rtp_90k=decode_90k,
        wall_us=start_us + us_from_90k(decode_90k),
        monotonic_us=us_from_90k(decode_90k),
        ntp=0,
        lost_packets=0,
    )


def gap_before(chunk: SealedChunk) -> list[Gap]:
    """What is missing before the first chunk of each hour but the very first."""
    if chunk.header.sequence % 60 != 1 or chunk.header.sequence == 1:
        return []
    return [Gap(chunk.header.track, chunk.start_us - GAP_US, chunk.start_us, GapReason.NETWORK, "it was away")]


def drop_caches() -> None:
    """Forget what was written, so that the disk is asked."""
    os.sync()
    DROP_CACHES.write_text("3")


def measure(index: Path, volumes: dict[int, Volume]) -> dict[str, float | int]:
    """Rebuild; the seconds of each stage."""
    ends_s = dict.fromkeys(Stage, 0.0)
    began = time.monotonic()

    def report(progress: Progress) -> None:
        ends_s[progress.stage] = time.monotonic() - began
        print(f"\r{progress.stage.value} {progress.done} …", end="", file=sys.stderr)

    made = rebuild(index, volumes, report)
    whole_s = time.monotonic() - began
    print(file=sys.stderr)
    if made.unreadable:
        sys.exit(f"{len(made.unreadable)} files could not be read, such as {made.unreadable[0]}")
    names_s = ends_s[Stage.NAMES]
    return {
        "names_s": round(names_s, 1),
        "footers_s": round(ends_s[Stage.FOOTERS] - names_s, 1),
        "rebuild_s": round(whole_s, 1),
    }


def compare(index: Path, before: Path) -> int:
    """Every table, row by row; gives the number of chunk rows."""
    with IndexReader.open(index) as new, IndexReader.open(before) as old:
        for table in keys.TABLES:
            with new.store.read() as found, old.store.read() as expected:
                for pair in zip(found.rows(table), expected.rows(table), strict=True):
                    if pair[0] != pair[1]:
                        sys.exit(f"the rebuilt index differs in {table}: {pair[0]} instead of {pair[1]}")
        return new.rows()


if __name__ == "__main__":
    main()
