"""What a process and its children cost, as the kernel's scheduler counts it."""

from pathlib import Path

PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """The process and all its descendants that live now."""
    children = [int(child) for task in (PROC / str(pid) / "task").glob("*/children") for child in _text(task).split()]
    return [pid] + [descendant for child in children for descendant in tree(child)]


def cpu_s(pid: int) -> float:
    """CPU seconds that a process, its threads and its living descendants have run: user and kernel.

    From ``schedstat`` (nanoseconds); where the kernel has none, from ``stat`` (hundredths of a second).
    """
    return sum(_cpu_s(one) for one in tree(pid))


def pss_mb(pid: int) -> float:
    """Proportional set size of the tree in 10^6 bytes: memory, shared pages divided among those who share them."""
    kilobytes = 0
    for one in tree(pid):
        for line in _text(PROC / str(one) / "smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes * 1024 / 1e6


def _cpu_s(pid: int) -> float:
    rows = [_text(task) for task in (PROC / str(pid) / "task").glob("*/schedstat")]
    if any(rows):
        return sum(int(row.split()[0]) for row in rows if row) / 1e9
    fields = _text(PROC / str(pid) / "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100 if fields else 0.0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):  # the process has just ended
        return ""
