"""The recorder while it runs: ties the engine to the registry and the board, and to the signals that end it."""

import gc
import os
import resource
import signal

from indexer.board import Board, RecorderStatus, ScrubStatus
from indexer.bookkeeper import IndexBookkeeper
from indexer.registry import Registry
from nvr.capture.engine import Engine
from nvr.channel import Channel
from nvr.log import get_logger
from nvr.timebase import US_PER_S, Clock
from nvr.watchdog import Watchdog
from retention.clockwatch import ClockWatch
from tools.duties import Duties
from tools.ending import FAULT_CODE, STOP_S, Ending
from tools.trouble_watch import TroubleWatch
from tools.volume_health import VolumeHealth

log = get_logger()

HEARTBEAT_US = US_PER_S // 2
REGISTRY_US = US_PER_S
WATCH_US = US_PER_S // 10  # a viewer's first picture waits for this


class Recorder:
    """Ties the engine to the registry and the board, and to the signals that end it."""

    def __init__(
        self,
        engine: Engine,
        books: IndexBookkeeper,
        health: VolumeHealth,
        troubles: TroubleWatch,
        board: Board,
        registry: Registry,
        duties: Duties,
        believed: ClockWatch,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._books = books
        self._health = health
        self._troubles = troubles
        self._board = board
        self._registry = registry
        self._duties = duties
        self._believed = believed
        self._clock = clock
        self._ending = Ending(engine.fail)
        self._watchdog = Watchdog()
        self._revision = registry.revision()
        self._started_us = clock.wall_us()

    def run(self) -> None:
        """Record until SIGTERM or SIGINT.

        Raises:
            SystemExit: a part of the program died, and with it the rest was ended.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        self._engine.reactor.call_every(HEARTBEAT_US, self._watchdog.alive)
        self._duties.every(HEARTBEAT_US, "heartbeat", self._beat)
        self._duties.every(REGISTRY_US, "registry", self._look_at_registry)
        self._duties.every(WATCH_US, "viewers", self._look_who_watches)
        # What lives now lives to the end: do not look through it 2,000 times a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        self._books.start()
        with self._health, self._troubles:
            self._record()
        self._books.finish(clean=not self._ending.is_fault)
        if self._ending.is_fault:
            raise SystemExit(FAULT_CODE)

    def _record(self) -> None:
        try:
            self._engine.pool.draining = self._registry.draining()
            self._engine.run(*self._wanted())
        except Exception:  # the outermost loop of the reactor's thread
            log.exception("the recorder failed in a way that nobody foresaw: it ends")
            self._ending.fault()

    def _stop(self) -> None:
        """A signal came."""
        self._ending.within(STOP_S)
        self._engine.stop()

    def _wanted(self) -> tuple[list[Channel], dict[int, str]]:
        """All channels, and why some of them cannot be recorded."""
        unusable = self._registry.unusable()
        channels = [*self._registry.channels(), *(one.channel for one in unusable)]
        return channels, {one.channel.number: one.why for one in unusable}

    def _beat(self) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        sweeper, belief = self._health.sweeper, self._believed.belief()
        status = RecorderStatus(
            pid=os.getpid(),
            started_us=self._started_us,
            heartbeat_us=self._clock.wall_us(),
            queue_bytes=sum(disk.queue.waiting_bytes for disk in self._engine.disks),
            cpu_us=int((usage.ru_utime + usage.ru_stime) * US_PER_S),
            dropped_fragments=sum(disk.queue.refused for disk in self._engine.disks),
            rung=sweeper.rung,
            swept_us=sweeper.swept_us,
            sweeper_cpu_us=sweeper.cpu_us,
            scrub=self._scrub_status(),
            clock_off_us=belief.off_us,
            is_clock_doubtful=belief.is_doubtful,
        )
        self._board.post_recorder(status, self._health.volumes())

    def _scrub_status(self) -> ScrubStatus | None:
        scrub = self._health.scrub
        made = scrub.round
        if made is None:
            return None
        return ScrubStatus(began_us=made.began_us, percent=made.percent, damaged=scrub.damaged)

    def _look_at_registry(self) -> None:
        revision = self._registry.revision()
        if revision != self._revision:
            self._engine.configure(*self._wanted())
            self._engine.pool.draining = self._registry.draining()
            self._revision = revision

    def _look_who_watches(self) -> None:
        self._engine.watch(self._board.watched(self._clock.wall_us()))
