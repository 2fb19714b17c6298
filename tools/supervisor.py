"""Keeps processes running: starts them, starts them again when they end or hang, stops them in order."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nvr.log import get_logger
from nvr.timebase import US_PER_S, Clock
from nvr.watchdog import ADDRESS, SUPERVISOR, Watchdog
from tools.ear import Ear

log = get_logger()

LAST_END = "NVR_LAST_END"  # how the process ended last time, for its list of troubles
FIRST_WAIT_US = US_PER_S // 2
LONGEST_WAIT_US = 30 * US_PER_S
HEALTHY_US = 60 * US_PER_S  # a process that ran so long is started again at once
HANGS_US = 30 * US_PER_S  # chosen: three times what any turn may take; the cameras' buffers are full long before
STARTS_US = 600 * US_PER_S  # chosen: an index is opened, and folders are listed, on disks that others keep busy
LOOK_MS = 1000
BLINK_US = 2 * US_PER_S  # chosen: when we ourselves stood still for longer, so did the machine, and nobody is to blame
ABORT_US = 5 * US_PER_S  # how long a process that hangs may take to write its threads' tracebacks
REMAINS_US = 60 * US_PER_S  # chosen: for so long the number of one that hung is given to no other process
KILLED_S = 10.0  # for the kernel to end what was killed; longer only where a disk holds it
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
    silent_us: int = 0  # how long it has said nothing while we listened
    spoke: bool = False  # it has said something since its start
    hung: bool = False
    last_end: str = ""  # how it ended last time, for people


class Supervisor:
    """Runs the named commands of this program until it is told to stop.

    A child that ends, for whatever reason, is started again: after half a second, then later and later up to 30 s,
    and at once when it had run for a minute. One that hangs is killed first: each has to say `nvr.watchdog.ALIVE` again
    and again. One child's end never touches another.

    Args:
        commands: name → arguments of ``nvr``; started in this order, stopped in the opposite one.
        program: what takes the arguments.
        hangs_us: how long one may be silent that has spoken.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        clock: Clock,
        program: Sequence[str] = (sys.executable, "-m", "tools.main"),
        hangs_us: int = HANGS_US,
    ) -> None:
        self._clock = clock
        self._hangs_us = hangs_us
        self._children = [_Child(name, (*program, *args)) for name, args in commands.items()]
        self._remains: list[tuple[int, subprocess.Popen[bytes]]] = []
        self._ear = Ear()
        self._own = Watchdog()  # systemd's, if it started us
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = False

    def stop(self) -> None:
        """Make `run` return; fit for a signal handler."""
        self._stopping = True
        os.write(self._wake_write, b"!")

    def take_signals(self) -> None:
        """Let SIGTERM and SIGINT stop it. For the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def run(self) -> None:
        """Supervise until `stop`, then stop the children and wait for them."""
        try:
            while not self._stopping:
                self._own.alive()
                self._bury(self._clock.monotonic_us())
                self._start_due()
                since_us = self._clock.monotonic_us()
                self._wait()
                self._listen(min(self._clock.monotonic_us() - since_us, BLINK_US))
        finally:
            for child in reversed(self._children):
                self._end(child)
            self._bury(None)
            self._ear.close()
            self._own.close()

    def pid(self, name: str) -> int | None:
        """The process id of a child that runs."""
        child = next(child for child in self._children if child.name == name)
        return child.process.pid if child.process else None

    def _start_due(self) -> None:
        now_us = self._clock.monotonic_us()
        for child in self._children:
            if child.process is None and child.due_us <= now_us:
                environment = os.environ | {
                    ADDRESS: self._ear.address,
                    SUPERVISOR: str(os.getpid()),
                    LAST_END: child.last_end,
                }
                child.process = subprocess.Popen(child.command, start_new_session=True, env=environment)
                child.pidfd = os.pidfd_open(child.process.pid)
                child.started_us = now_us
                child.silent_us, child.spoke, child.hung = 0, False, False
                child.last_end = ""
                log.info("started", process=child.name, pid=child.process.pid)

    def _bury(self, now_us: int | None) -> None:
        """Let go of those that hung and have been dead for a while; None: of all."""
        for due_us, process in self._remains:
            if now_us is None or due_us <= now_us:
                process.wait()
        self._remains = [one for one in self._remains if now_us is not None and one[0] > now_us]

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for child in self._children:
            if child.process is not None:
                poll.register(child.pidfd, select.POLLIN)
        due_us = min((child.due_us for child in self._children if child.process is None), default=None)
        patience_ms = LOOK_MS if due_us is None else max(0, due_us - self._clock.monotonic_us()) // 1000 + 1
        ready = {fd for fd, _ in poll.poll(min(patience_ms, LOOK_MS))}
        for child in self._children:
            if child.process is not None and child.pidfd in ready:
                self._ended(child)

    def _listen(self, passed_us: int) -> None:
        """Note who has spoken; kill whoever has been silent for too long.

        Args:
            passed_us: since the last look, as far as this process itself was running: a suspended machine, or one that
                stands still, makes nobody look as if it hung.
        """
        heard = self._ear.heard()
        for child in self._children:
            if child.process is None:
                continue
            child.spoke = child.spoke or child.process.pid in heard
            child.silent_us = 0 if child.process.pid in heard else child.silent_us + passed_us
            limit_us = self._hangs_us if child.spoke else STARTS_US
            if child.silent_us > limit_us + ABORT_US:
                child.process.kill()
            elif child.silent_us > limit_us and not child.hung:
                self._abort(child)

    def _abort(self, child: _Child) -> None:
        """SIGABRT first, upon which Python writes where each thread stands (faulthandler)."""
        assert child.process is not None
        child.hung = True
        child.last_end = f"it hung: it gave no sign of life for {child.silent_us // US_PER_S} s"
        log.error("hangs, is killed", process=child.name, silent_s=child.silent_us // US_PER_S)
        child.process.send_signal(signal.SIGABRT)

    def _ended(self, child: _Child) -> None:
        assert child.process is not None
        now_us = self._clock.monotonic_us()
        if child.hung:  # a person may be looking at it right now: its number must not become another's
            self._remains.append((now_us + REMAINS_US, child.process))
            code: int | str = "killed"
        else:
            code = child.process.wait()
            child.last_end = f"it ended with code {code}"
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
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(KILLED_S)
        self._forget(child)

    def _forget(self, child: _Child) -> None:
        os.close(child.pidfd)
        child.process, child.pidfd = None, -1
