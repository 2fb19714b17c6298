"""One measurement: start a program, wait until every camera plays and a while longer, then look for so many seconds."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from benchmarks.cameras import Cameras
from benchmarks.contestants import Processes, Start, stop
from tools.process import cpu_s, pss_mb

PLAYING_S = 120
POLL_S = 0.2
PAGE_BYTES = 4096
TOUCHED_BYTES = 8 << 30


class Figures(NamedTuple):
    """Of one steady window, or the medians of several."""

    cpu_s_per_gb: float  # whole process tree, user and kernel, per 10^9 bytes of media sent to it
    core_percent: float
    pss_mb: float
    mb_per_s: float
    lost: float  # access units that were not sent because the reader, or the simulator, was too slow
    busy_percent: float  # of the whole machine, simulator and everybody else's work included

    @classmethod
    def median(cls, rows: Sequence[Self]) -> Self:
        return cls(*(statistics.median(column) for column in zip(*rows, strict=True)))

    def rounded(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in self._asdict().items()}


def measure(cameras: Cameras, start: Start, channels: int, *, settle_s: float, seconds: float, place: Path) -> Figures:
    """Start, settle, look, stop, clean up.

    Raises:
        RuntimeError: the program ended, or did not play all channels in time.
    """
    folder = Path(tempfile.mkdtemp(dir=place))
    begun = cameras.count(channels).sessions
    processes: Processes = []
    try:
        processes = start(cameras.url, channels, folder)
        await_sessions(cameras, channels, begun + channels, processes)
        time.sleep(settle_s)
        return look(cameras, channels, processes, seconds)
    finally:
        stop(processes)
        shutil.rmtree(folder)


def touch_memory() -> None:
    """Use every page once that the page cache is going to take, if this is a virtual machine.

    There the first use of a page costs a fault in the host, which counts as the guest's time: measured 3 CPU seconds
    per 10^9 bytes written, as much again as recording them, and for whoever happens to be first.
    """
    fields = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    free_bytes = next(int(field[1]) * 1024 for field in fields if field[0] == "MemFree:")
    block = np.empty(min(free_bytes // 2, TOUCHED_BYTES), np.uint8)
    block[::PAGE_BYTES] = 1


def await_sessions(cameras: Cameras, channels: int, wanted: int, processes: Processes) -> None:
    """Wait until so many sessions have begun to play."""
    deadline = time.monotonic() + PLAYING_S
    while cameras.count(channels).sessions < wanted:
        _check(processes)
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all channels play after {PLAYING_S} s")
        time.sleep(POLL_S)


def look(cameras: Cameras, channels: int, processes: Processes, seconds: float) -> Figures:
    """What the processes cost in the next ``seconds``."""
    before, cpu_before_s, machine_before = cameras.count(channels), _cpu_s(processes), _machine()
    began_s = time.monotonic()
    time.sleep(seconds)
    after, cpu_after_s, machine = cameras.count(channels), _cpu_s(processes), _machine()
    elapsed_s = time.monotonic() - began_s
    _check(processes)
    spent_s, received = cpu_after_s - cpu_before_s, after.bytes - before.bytes
    busy, idle = (b - a for a, b in zip(machine_before, machine, strict=True))
    return Figures(
        cpu_s_per_gb=spent_s / (received / 1e9),
        core_percent=100 * spent_s / elapsed_s,
        pss_mb=sum(pss_mb(process.pid) for process in processes),
        mb_per_s=received / 1e6 / elapsed_s,
        lost=after.lost - before.lost,
        busy_percent=100 * busy / (busy + idle),
    )


def _cpu_s(processes: Processes) -> float:
    return sum(cpu_s(process.pid) for process in processes)


def _check(processes: Processes) -> None:
    for process in processes:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r:.200} ended with {process.returncode}")


def _machine() -> tuple[int, int]:
    """Jiffies in which the processors worked, and in which they did not (proc(5))."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, idle
