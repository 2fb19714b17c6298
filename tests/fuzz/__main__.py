"""Coverage-guided fuzzing: ``python -m tests.fuzz [--minutes 30] [TARGET …]``. Needs atheris (``pip install atheris``).

Each target runs in a process of its own for its share of the time. What it finds is kept in ``.cache/fuzz/<target>``;
an input that broke something belongs into ``tests/fuzz/found/<target>``, with the mend: the tests replay it.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

CACHE = Path(".cache/fuzz")
MEMORY_MB = 600  # of a process, its libraries and the fuzzer's own tables included
INPUT_S = 10  # for one input: what takes longer is a finding
LONGEST_BYTES = 32_768


def fuzz(target: str, seconds: int) -> None:
    """Never returns: libFuzzer ends the process, with 0 where nothing was found."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["nvr", "indexer"]):  # not the libraries: they would take minutes
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
        seeds = importlib.import_module("tests.fuzz.seeds").seeds
    corpus = CACHE / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}", f"-timeout={INPUT_S}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LONGEST_BYTES}",
        f"-artifact_prefix={CACHE}/{target}-", "-print_final_stats=1", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], targets[target])
    atheris.Fuzz()


def main() -> int:
    """All targets, one after the other; the number of those that found something."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--alone", action="store_true", help="fuzz the one target in this process")
    asked.add_argument("target", nargs="*")
    options = asked.parse_args()
    if options.alone:
        fuzz(options.target[0], round(options.minutes * 60))
    targets = options.target or list(importlib.import_module("tests.fuzz.targets").TARGETS)
    found = []
    for target in targets:
        share = f"--minutes={options.minutes / len(targets)}"
        command = [sys.executable, "-m", "tests.fuzz", "--alone", share, target]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        words = done.stdout + done.stderr
        figures = [line for line in words.splitlines() if line.startswith("stat::") and "executed" in line]
        print(f"{target}: exit {done.returncode} {' '.join(figures)}", flush=True)
        if done.returncode:
            found.append(target)
            print("\n".join(line for line in words.splitlines() if not line.startswith("#"))[-4000:])  # no progress
    print(f"{len(targets)} targets, {len(found)} with findings {found or ''}")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
