"""How long does it take to decide what is to be deleted? From an index that ``benchmarks.seek --keep`` has left.

    python -m benchmarks.retention INDEX [--rounds 50]

Prints the time of a decision where nothing must go, where a turn's 50 chunks go for their age, and where 50 go for want
of room; the time of a recorder's first decision where the footage of a small volume lies behind all of a large one, and
of the walk over every row that it saves; the time to move 50 rows to the garbage; and the time of the ledger of
coverage of all channels over the last 30 days, with ten gaps written for each track and day. As its last line, one JSON
object. The index gains those gaps and loses the rows that were moved.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from indexer import keys
from indexer.coverage import read
from indexer.expiry import Expiry
from indexer.reader import IndexReader
from indexer.records import encode, key_of
from indexer.tally import Tally
from indexer.writer import Commit, IndexWriter
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings
from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_DAY, US_PER_S, SystemClock, TimeRange
from retention.coverage import by_day, local_midnights
from retention.deletion import Deletion
from retention.facts import Facts
from retention.plan import DeletePlan, VolumeRoom, plan
from retention.policy import policies
from retention.sweeper import Pace

TURN = Pace().turn_files
RETENTION = RetentionSettings.model_validate({})
ENDLESS_BYTES = 1 << 50
SMALL = 2  # the number of the small volume
DAYS = 30


def nothing_is_held(_track: Track, _span: TimeRange) -> bool:
    """There is no registry here."""
    return False


def main() -> None:
    """Decide, walk, move, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retention")
    parser.add_argument("index", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    with IndexWriter.open(asked.index) as writer, TemporaryDirectory() as folder:
        found = {"rows": IndexReader(writer.store).rows()} | measure(writer, Path(folder), asked.rounds)
    for what, value in found.items():
        print(f"{what}: {value:,}")
    print(json.dumps(found))


def measure(writer: IndexWriter, folder: Path, rounds: int) -> dict[str, float]:
    """All figures, in ms; of those that are taken in rounds the median."""
    reader, expiry = IndexReader(writer.store), Expiry(writer.store)
    tracks = reader.tracks()
    first_us = min(reader.first(track) or 0 for track in tracks)

    def decide(age_days: int, missing_bytes: int) -> DeletePlan:
        facts = Facts(writer.store, RETENTION, lambda: 0, SystemClock())
        usage = facts.usage_bytes()
        named = policies(RETENTION, {track.channel for track, _ in usage})
        room = VolumeRoom(1, 0, missing_bytes, missing_bytes)
        now_us = first_us + age_days * US_PER_DAY
        made = plan(now_us, named, (), usage, [room], facts.oldest, nothing_is_held, limit=TURN)
        if len(made.victims) != (TURN if missing_bytes or age_days > RETENTION.max_days else 0):
            raise SystemExit(f"{len(made.victims)} victims after {age_days} days")
        return made

    def decide_first() -> DeletePlan:
        facts = Facts(writer.store, RETENTION, lambda: 0, SystemClock())
        usage = facts.usage_bytes()
        free = facts.room(small, said_full=False).free_bytes
        room = VolumeRoom(SMALL, free, free + ENDLESS_BYTES, free + ENDLESS_BYTES)
        named = policies(RETENTION, {track.channel for track, _ in usage})
        now_us = first_us + 32 * US_PER_DAY
        made = plan(now_us, named, (), usage, [room], facts.oldest, nothing_is_held, limit=TURN)
        if sum(victim.chunk.volume == SMALL for victim in made.victims) != TURN:
            raise SystemExit("the small volume has no victims")
        return made

    small = _small_volume(writer, folder)
    deletion = Deletion(writer, {}, lambda: nullcontext(nothing_is_held), SystemClock(), TURN)
    return {
        "nothing_ms": median_ms(lambda: decide(29, 0), rounds),
        "age_ms": median_ms(lambda: decide(40, 0), rounds),
        "room_ms": median_ms(lambda: decide(29, ENDLESS_BYTES), rounds),
        "first_ms": median_ms(decide_first, rounds),
        "walk_all_ms": median_ms(lambda: [None for track in tracks for _ in expiry.oldest(track, volume=999)], 1),
        "move_ms": median_ms(lambda: deletion.condemn(v.chunk for v in decide(29, ENDLESS_BYTES).victims), rounds),
        "coverage_ms": coverage_ms(writer, reader, rounds),
    }


def _small_volume(writer: IndexWriter, folder: Path) -> Volume:
    """A volume that holds each track's last hour, so that its rows stand behind all others."""
    reader, clock = IndexReader(writer.store), SystemClock()
    volume = Volume.open(SMALL, folder / "small", create=True, clock=clock)
    for track in reader.tracks():
        last_us = reader.last(track) or 0
        rows = reader.chunks(track, TimeRange(last_us - 3600 * US_PER_S, last_us))
        with writer.store.write() as txn:
            tally = Tally(txn)
            for row in rows:
                moved = replace(row, volume=SMALL)
                txn.put(keys.CHUNK, key_of(row), encode(moved))
                tally.replaced(row, moved)
                (volume.path / moved.name().path()).parent.mkdir(parents=True, exist_ok=True)
            tally.write()
    return volume


def coverage_ms(writer: IndexWriter, reader: IndexReader, rounds: int) -> float:
    """The ledger of 30 days of every track."""
    tracks = reader.tracks()
    until_us = max(reader.last(track) or 0 for track in tracks)
    for track in tracks:
        writer.commit(Commit(gaps=tuple(_gaps(track, until_us))))
    _, edges_us = local_midnights(ZoneInfo("Asia/Ho_Chi_Minh"), until_us, DAYS)
    window = TimeRange(int(edges_us[0]), int(edges_us[-1]))
    return median_ms(lambda: [by_day(read(reader, track, window), edges_us, until_us) for track in tracks], rounds)


def _gaps(track: Track, until_us: int) -> Iterator[Gap]:
    for number in range(10 * DAYS):
        start_us = until_us - number * US_PER_DAY // 10
        yield Gap(track, start_us, start_us + 30 * US_PER_S, list(GapReason)[number % 5])


def median_ms(work: Callable[[], object], rounds: int) -> float:
    """How long it takes."""
    durations_ns = []
    for _ in range(rounds):
        began_ns = time.perf_counter_ns()
        work()
        durations_ns.append(time.perf_counter_ns() - began_ns)
    return round(sorted(durations_ns)[rounds // 2] / 1e6, 2)


if __name__ == "__main__":
    main()
