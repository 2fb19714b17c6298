"""The catastrophe of SIGKILL: at the k-th of each system call that changes a disk, and at random moments."""

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.amounts import TIMES, times
from tests.crash.judge import judge
from tests.crash.ledger import Ledger

# What each is for the recorder: a fragment or footer; room; folders; the cut back to length; the name at the seal; the
# deletion; the sync; LMDB's pages; and LMDB's two syncs.
CALLS = ("writev", "fallocate", "mkdirat", "ftruncate", "renameat", "unlinkat", "syncfs", "pwrite64", "fdatasync")
KILLS_A_CALL = times(9)
ROUNDS = 36 if TIMES == 1 else 150
RANDOM_KILLS = times(12)
WORKLOAD = (sys.executable, "-m", "tests.crash.workload")
LINE = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed: apt-get install strace")
    works = subprocess.run([found, "-f", "-o", "/dev/null", "true"], check=False, capture_output=True, text=True)
    if works.returncode != 0:
        pytest.skip(f"strace may not trace here: {works.stderr.strip()}")
    return found


def command(folder: Path, rounds: int, pause_ms: int = 0) -> list[str]:
    return [*WORKLOAD, str(folder / "house"), str(folder / "ledger"), str(rounds), str(pause_ms)]


@pytest.fixture(scope="module")
def counts(strace: str, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often a whole run makes each call."""
    folder = tmp_path_factory.mktemp("counts")
    log = folder / "calls"
    watch = [strace, "-f", "-o", str(log), "-e", f"trace={','.join(CALLS)}"]
    subprocess.run([*watch, *command(folder, ROUNDS)], check=True, stdout=subprocess.DEVNULL, timeout=300)
    return Counter(LINE.findall(log.read_text()))


def spread(count: int, most: int) -> list[int]:
    """At most so many numbers from 1 to ``count``, the first ones and others evenly behind them."""
    some = min(most, count)
    return sorted({1 + number * (count - 1) // max(1, some - 1) for number in range(some)})


def judged_copy(folder: Path) -> int:
    """Judge what lies in a folder, on a copy; gives what was lost."""
    lines = Ledger(folder / "ledger").lines
    shutil.copytree(folder / "house", folder / "copy")
    verdict = judge(folder / "copy", lines, power_cut=False)
    shutil.rmtree(folder / "copy")
    assert verdict.wrong == ()
    return verdict.lost_us


@pytest.mark.slow
@pytest.mark.timeout(times(1200))
@pytest.mark.parametrize("call", CALLS)
def test_kill_at_a_system_call_loses_one_fragment_at_most(
    strace: str, counts: Counter[str], memory: Path, call: str
) -> None:
    worst_us, at_counts = 0, spread(counts[call], KILLS_A_CALL)
    for at in at_counts:
        folder = memory / f"{call}{at}"
        folder.mkdir()
        kill = [strace, "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={at}"]
        done = subprocess.run([*kill, *command(folder, ROUNDS)], check=False, stdout=subprocess.DEVNULL, timeout=300)
        assert done.returncode == -signal.SIGKILL, f"{call} {at} was not reached: {done.returncode}"
        worst_us = max(worst_us, judged_copy(folder))
        shutil.rmtree(folder)
    assert len(at_counts) >= 8
    print(f"{len(at_counts)} kills at {call}; at most {worst_us / 1000:.0f} ms lost")


@pytest.mark.slow
@pytest.mark.timeout(times(1200))
def test_kills_at_random_moments_lose_one_fragment_at_most_also_while_it_recovers(memory: Path) -> None:
    draw, worst_us = random.Random(7), 0
    for _ in range(RANDOM_KILLS):
        with subprocess.Popen(command(memory, 100_000, 2), stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            if draw.random() < 0.7:
                assert child.stdout.readline() == b"recording\n"
                time.sleep(draw.uniform(0, 0.3))  # not a wait for something: the moment is the point of the test
            else:
                time.sleep(draw.uniform(0.2, 0.5))
            child.kill()
        assert child.returncode == -signal.SIGKILL
        if (memory / "house" / "index" / "data.mdb").exists():
            worst_us = max(worst_us, judged_copy(memory))
    print(f"{RANDOM_KILLS} kills at random moments; at most {worst_us / 1000:.0f} ms lost")
