"""Keeps processes running: starts them, starts them again when they end, stops them in order."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from nvr.log import get_logger
from nvr.timebase import US_PER_S, Clock

log = get_logger()

FIRST_WAIT_US = US_PER_S // 2
LONGEST_WAIT_US = 30 * US_PER_S
HEALTHY_US = 60 * US_PER_S  # a process that ran so long is started again at once
STOP_S = 30.0  # the recorder must end 110 chunks and sync; systemd's default patience is 90 s


@dataclass(slots=True)
class _Child:
    """A process that is to run."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    pidfd: int = -1
    started_us: int = 0
    wait_us: int = FIRST_WAIT_US
    due_us: int = 0


class Supervisor:
    """Runs the named commands of this program until it is told to stop.

    A child that ends, for whatever reason, is started again: after half a second, then later and later up to 30 s,
    and at once when it had run for a minute. One child's end never touches another.

    Args:
        commands: name → arguments of ``nvr``; started in this order, stopped in the opposite one.
    """

    def __init__(self, commands: dict[str, Sequence[str]], clock: Clock) -> None:
        self._clock = clock
        self._children = [_Child(name, (sys.executable, "-m", "tools.main", *args)) for name, args in commands.items()]
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = False

    def stop(self) -> None:
        """Make `run` return; fit for a signal handler."""
        self._stopping = True
        os.write(self._wake_write, b"!")

    def run(self) -> None:
        """Supervise until `stop`, then stop the children and wait for them."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        try:
            while not self._stopping:
                self._start_due()
                self._wait()
        finally:
            for child in reversed(self._children):
                self._end(child)

    def pid(self, name: str) -> int | None:
        """The process id of a child that runs."""
        child = next(child for child in self._children if child.name == name)
        return child.process.pid if child.process else None

    def _start_due(self) -> None:
        now_us = self._clock.monotonic_us()
        for child in self._children:
            if child.process is None and child.due_us <= now_us:
                child.process = subprocess.Popen(child.command, start_new_session=True)
                child.pidfd = os.pidfd_open(child.process.pid)
                child.started_us = now_us
                log.info("started", process=child.name, pid=child.process.pid)

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for child in self._children:
            if child.process is not None:
                poll.register(child.pidfd, select.POLLIN)
        due_us = min((child.due_us for child in self._children if child.process is None), default=None)
        patience_ms = None if due_us is None else max(0, due_us - self._clock.monotonic_us()) // 1000 + 1
        ready = {fd for fd, _ in poll.poll(patience_ms)}
        for child in self._children:
            if child.process is not None and child.pidfd in ready:
                self._ended(child)

    def _ended(self, child: _Child) -> None:
        assert child.process is not None
        code = child.process.wait()
        now_us = self._clock.monotonic_us()
        healthy = now_us - child.started_us >= HEALTHY_US
        child.wait_us = FIRST_WAIT_US if healthy else min(child.wait_us * 2, LONGEST_WAIT_US)
        child.due_us = now_us if healthy else now_us + child.wait_us // 2
        log.error("ended by itself", process=child.name, code=code, again_in_ms=(child.due_us - now_us) // 1000)
        self._forget(child)

    def _end(self, child: _Child) -> None:
        if child.process is None:
            return
        child.process.terminate()
        try:
            child.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            log.warning("does not stop, is killed", process=child.name)
            child.process.kill()
            child.process.wait()
        self._forget(child)

    def _forget(self, child: _Child) -> None:
        os.close(child.pidfd)
        child.process, child.pidfd = None, -1
