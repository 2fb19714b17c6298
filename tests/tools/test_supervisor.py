"""`nvr run` starts again what ends and what hangs, and leaves alone what works or has not begun yet."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nvr.timebase import US_PER_S, SystemClock
from nvr.watchdog import ADDRESS, Watchdog
from tools.ear import Ear
from tools.supervisor import Supervisor

DEADLINE_S = 30.0
# Says that it is alive as often as its first argument says, in seconds; its second names a file for pid and past.
SPEAKER = """
import os, sys, time
from nvr.watchdog import Watchdog
watchdog = Watchdog()
with open(sys.argv[2], "a") as file:
    print(os.getpid(), os.environ["NVR_LAST_END"], sep=",", file=file)
for _ in range(100000):
    if float(sys.argv[1]):
        watchdog.alive()
    time.sleep(float(sys.argv[1]) or 0.1)
"""


def starts(file: Path) -> list[tuple[int, str]]:
    """Pid, and how the one before ended, of each start so far."""
    if not file.exists():
        return []
    rows = [line.split(",", 1) for line in file.read_text().splitlines()]
    return [(int(pid), past) for pid, past in rows]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until_s, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


@contextmanager
def supervised(commands: Mapping[str, Sequence[str]], hangs_s: int = 1) -> Iterator[Supervisor]:
    program = (sys.executable, "-c", SPEAKER)
    supervisor = Supervisor(commands, SystemClock(), program, hangs_us=hangs_s * US_PER_S)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_process_that_hangs_is_started_again_and_told_so_and_the_other_is_left_alone(tmp_path: Path) -> None:
    hanging, working = tmp_path / "hanging", tmp_path / "working"
    commands = {"recorder": ("0.05", str(hanging)), "web": ("0.05", str(working))}
    with supervised(commands):
        wait_until(lambda: len(starts(hanging)) == len(starts(working)) == 1, "both started")
        pid = starts(hanging)[0][0]
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: len(starts(hanging)) == 2, "another start")
        assert "hung" in starts(hanging)[1][1]
        assert len(starts(working)) == 1
    assert not Path(f"/proc/{pid}").exists()


KILLED_SUPERVISOR = """
import sys
from nvr.timebase import SystemClock
from tools.supervisor import Supervisor
Supervisor({"child": (sys.argv[1],)}, SystemClock(), (sys.executable, "-c", sys.argv[2])).run()
"""
ORPHAN = """
import os, signal, sys
from nvr.watchdog import end_with_supervisor
end_with_supervisor()
with open(sys.argv[1], "a") as file:
    print(os.getpid(), "", sep=",", file=file)
signal.pause()
"""


def test_processes_of_a_supervisor_that_was_killed_end_as_well(tmp_path: Path) -> None:
    file = tmp_path / "orphan"
    supervisor = subprocess.Popen([sys.executable, "-c", KILLED_SUPERVISOR, str(file), ORPHAN])
    wait_until(lambda: len(starts(file)) == 1, "the child runs")
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not Path(f"/proc/{starts(file)[0][0]}").exists(), "the child has ended")


def test_supervisor_that_stood_still_itself_blames_nobody(tmp_path: Path) -> None:
    file = tmp_path / "patient"
    program = KILLED_SUPERVISOR.replace("sys.argv[2]))", "sys.argv[2]), hangs_us=3_000_000)")
    command = SPEAKER.replace("sys.argv[2]", "sys.argv[1]").replace("float(sys.argv[1])", "0.05")
    supervisor = subprocess.Popen([sys.executable, "-c", program, str(file), command])
    wait_until(lambda: len(starts(file)) == 1, "the child runs")
    child = starts(file)[0][0]
    for pid in (child, supervisor.pid):  # as on a machine that is suspended
        os.kill(pid, signal.SIGSTOP)
    since_s = time.monotonic()
    wait_until(lambda: time.monotonic() - since_s > 5, "the machine stands still for longer than a process may")
    for pid in (supervisor.pid, child):
        os.kill(pid, signal.SIGCONT)
    since_s = time.monotonic()
    wait_until(lambda: time.monotonic() - since_s > 1, "the supervisor has looked")
    assert len(starts(file)) == 1
    supervisor.terminate()
    supervisor.wait(DEADLINE_S)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def test_process_that_has_not_spoken_yet_is_given_longer(tmp_path: Path) -> None:
    beginning, hanging = tmp_path / "beginning", tmp_path / "hanging"
    commands = {"beginning": ("0", str(beginning)), "hanging": ("600", str(hanging))}  # which speaks once
    with supervised(commands):
        wait_until(lambda: len(starts(hanging)) == 2, "the one that has spoken counts as hanging")
        assert len(starts(beginning)) == 1


def test_process_that_ends_is_started_again_and_told_how(tmp_path: Path) -> None:
    file = tmp_path / "ended"
    with supervised({"recorder": ("0.05", str(file))}):
        wait_until(lambda: len(starts(file)) == 1, "a start")
        os.kill(starts(file)[0][0], signal.SIGKILL)
        wait_until(lambda: len(starts(file)) == 2, "another start")
    assert [past for _, past in starts(file)] == ["", "it ended with code -9"]


def test_ear_hears_who_spoke_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Ear()
    monkeypatch.setenv(ADDRESS, ear.address)
    watchdog = Watchdog()
    assert ear.heard() == set()
    watchdog.alive()
    assert ear.heard() == {os.getpid()}
    ear.close()
    watchdog.alive()  # nobody listens any more: that is no reason to stop working
    watchdog.close()


def test_watchdog_that_nobody_asked_for_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    watchdog = Watchdog()
    watchdog.alive()
    watchdog.close()
