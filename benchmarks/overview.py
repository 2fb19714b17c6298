"""How long does the timeline of all channels take? Over an index that ``benchmarks.seek --keep`` has left.

    python -m benchmarks.overview INDEX [--rounds 30] [--cells 1920]

Fills a book of activity with noise, the worst case for compression, and asks over HTTP for the last month, week, day
and hour of every channel. Prints the median and the slowest answer of each, and its bytes as they go over the wire;
as its last line, one JSON object. `benchmarks.retention` writes ten gaps a day for each camera into the index.
"""

import argparse
import asyncio
import json
import random
from pathlib import Path

from benchmarks.served import Served, ask, served
from indexer.activity import MINUTES, UNIT_BYTES, ActivityBook, minute_of
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_DAY

WINDOWS_DAYS = {"month": 30.0, "week": 7.0, "day": 1.0, "hour": 1 / 24}


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overview", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--cells", type=int, default=1920)
    asked = parser.parse_args()
    with served(asked.index) as made:
        fill(made.archive.activity(), made)
        found: dict[str, float | int] = {"rows": made.rows, "channels": len(made.channels), "cells": asked.cells}
        for name, days in WINDOWS_DAYS.items():
            from_us = made.now_us - round(days * US_PER_DAY)
            path = f"/api/timeline?from_us={from_us}&to_us={made.now_us}&cells={asked.cells}"
            answers = asyncio.run(ask(made.archive, path, asked.rounds))
            found |= {f"{name}_p50_ms": answers.p50_ms, f"{name}_max_ms": answers.max_ms}
            found[f"{name}_wire_bytes"] = answers.wire_bytes
    for what, value in found.items():
        print(f"{what}: {value:,}")
    print(json.dumps(found))


def fill(book: ActivityBook, made: Served) -> None:
    """A month of minutes in which much moves, and nothing alike."""
    draw, newest = random.Random(5), minute_of(made.now_us)
    for number in made.channels:
        minutes = {newest - back: draw.randrange(1, 8000) * UNIT_BYTES for back in range(31 * MINUTES)}
        book.add(Track(number, TrackKind.MAIN), minutes, made.now_us)


if __name__ == "__main__":
    main()
