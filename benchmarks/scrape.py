"""How long does a scrape of `/metrics` take? Over an index that ``benchmarks.seek --keep`` has left.

    python -m benchmarks.scrape INDEX [--rounds 50]

Serves that index with a board and a registry of as many cameras, two streams each, and asks over HTTP. Prints the
median and the slowest of the scrapes, and the bytes of one; as its last line, one JSON object. Gaps make a scrape
dearer: `benchmarks.retention` writes ten a day for each camera into the index.
"""

import argparse
import asyncio
import json
from pathlib import Path

from benchmarks.served import ask, served


def main() -> None:
    """Serve, scrape, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scrape", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    with served(asked.index) as made:
        answers = asyncio.run(ask(made.archive, "/metrics", asked.rounds))
        found = {
            "rows": made.rows,
            "channels": len(made.channels),
            "scrape_p50_ms": answers.p50_ms,
            "scrape_max_ms": answers.max_ms,
            "scrape_wire_bytes": answers.wire_bytes,
        }
    for what, value in found.items():
        print(f"{what}: {value:,}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
