"""The recorder process, put together: engine, index, keeping and the threads that look after the disks."""

import gc
import os
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from indexer import camera_names
from indexer.board import Board, RecorderStatus, ScrubStatus
from indexer.bookkeeper import IndexBookkeeper
from indexer.clockbook import ClockBook
from indexer.damage import DamageBook
from indexer.reader import IndexReader
from indexer.registry import Registry
from indexer.troubles import Matter, TroubleBook
from indexer.writer import IndexWriter
from nvr.capture.engine import Engine
from nvr.channel import Channel
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings, Settings
from nvr.errors import StorageError
from nvr.log import get_logger
from nvr.machineclock import MachineClock
from nvr.timebase import US_PER_DAY, US_PER_S, Clock, SystemClock
from nvr.watchdog import Watchdog
from retention.clockwatch import ClockWatch
from retention.copier import Copier, Place
from retention.facts import Facts
from retention.holds import Standing
from retention.pace import ScrubPace
from retention.scrub import Scrub
from retention.smartctl import SmartWatch
from retention.sweeper import Sweeper
from tools.adoption_watch import AdoptionWatch
from tools.alone import alone
from tools.duties import Duties
from tools.ending import FAULT_CODE, STOP_S, Ending
from tools.registry_watch import RegistryWatch
from tools.supervisor import LAST_END
from tools.system_disk import shortage
from tools.trouble_watch import TroubleWatch
from tools.volume_health import VolumeHealth
from tools.volume_watch import VolumeOpener, VolumeWatch

log = get_logger()

HEARTBEAT_US = US_PER_S // 2
REGISTRY_US = US_PER_S
WATCH_US = US_PER_S // 10  # a viewer's first picture waits for this


def record(config: Path, settings: Settings) -> None:
    """Record all cameras until SIGTERM or SIGINT. Without any volume it waits for one to be mounted, and says so.

    Args:
        config: nvr.toml, whose volumes are looked at again while it runs.
        settings: what it said at the start.

    Raises:
        StorageError: another recorder uses this data, or the index cannot be used.
    """
    clock = SystemClock()
    _allow_many_files()
    with (
        alone(settings.data_dir),
        Registry.open(settings.registry_path) as registry,
        IndexWriter.open(settings.index_path) as writer,
        Board.open(settings.board_path) as board,
        ExitStack() as opened,
    ):
        board.clear()
        for words in filter(None, (registry.warning, registry.trouble)):
            log.warning("registry", words=words)
        _tell_renamed(writer, registry)
        opener = VolumeOpener(writer, clock)
        found = [(volume, one.weight) for one in settings.volumes if (volume := opener.open(one)) is not None]
        if not found and opener.in_use:
            raise StorageError("no volume can be used", hint="; ".join(opener.trouble.values()))
        volumes = [volume for volume, _ in found]
        books = IndexBookkeeper(writer, board, clock)
        engine = Engine(settings.recorder, settings.site.name, found, books, clock)
        believed = ClockWatch(
            opened.enter_context(ClockBook.renewed(settings.clock_path)),
            MachineClock(clock).reading,
            clock,
            volumes=volumes,
            floor_us=lambda: _newest_us(writer, volumes),
        )
        believed.on_believed = writer.forget_future
        engine.is_clock_doubtful = believed.is_doubtful
        holds = Standing(registry.holds, believed)
        holds.take_back(volumes)

        def ingest_bps() -> int:
            return sum(status.bitrate_bps for status in board.all())

        sweeper = Sweeper(
            writer,
            volumes,
            settings.retention,
            ingest_bps=ingest_bps,
            ready=engine.has_recovered,
            clock=believed,
            belief=believed.belief,
            holds=holds,
        )
        watch = VolumeWatch(config, opener, engine, sweeper, volumes, lambda volume: holds.take_back([volume]))
        believed.volumes = lambda: watch.at_work().values()
        engine.on_full = sweeper.volume_full
        engine.on_ended = watch.ended
        sweeper.on_rung = engine.stand
        book = opened.enter_context(DamageBook.renewed(settings.scrub_path))
        days = min(settings.retention.scrub_days, settings.retention.max_days)
        pace = ScrubPace(period_us=int(days * US_PER_DAY))
        scrub = Scrub(writer, watch.at_work, book, ready=engine.has_recovered, clock=clock, pace=pace)
        copier = _copier(settings.retention, writer, watch, engine, ingest_bps, believed)
        adoption = AdoptionWatch(
            writer,
            watch.at_work,
            ready=engine.has_recovered,
            on_found=sweeper.look_again,
            on_known=lambda: _tell_renamed(writer, registry),
            wanted=lambda: frozenset(watch.wanted),
        )
        health = VolumeHealth(engine, sweeper, copier, scrub, watch, SmartWatch.found(watch.at_work), adoption)
        copies = RegistryWatch(registry, watch.at_work, clock)
        list_of_troubles = opened.enter_context(TroubleBook.renewed(settings.troubles_path))
        duties = Duties(engine.reactor)

        def matters() -> dict[tuple[Matter, int], str]:
            words = (books.trouble, duties.trouble, shortage(settings.data_dir))
            found = health.matters("; ".join(filter(None, words)))
            doubt = believed.trouble
            found |= {(Matter.REGISTRY, 0): copies.trouble} if copies.trouble else {}
            return found | ({(Matter.CLOCK, 0): doubt} if doubt else {})

        troubles = TroubleWatch(list_of_troubles, matters, believed, os.environ.get(LAST_END, ""))
        opened.enter_context(believed)
        opened.enter_context(copies)
        Recorder(engine, books, health, troubles, board, registry, duties, believed, clock).run()
        watch.close()


def _tell_renamed(writer: IndexWriter, registry: Registry) -> None:
    """A camera list that was entered anew in another order is a mistake that only the names of before show."""
    for channel, name in camera_names.renamed(writer.store, registry.channels()):
        log.warning(
            "a camera was called something else before: its footage of then is shown under that name",
            channel=channel.number,
            now=channel.name,
            before=name,
        )


def _newest_us(writer: IndexWriter, volumes: Sequence[Volume]) -> int | None:
    """The newest time that index and volumes bear: by that alone a first belief is judged."""
    reader = IndexReader(writer.store)
    ends = [end_us for track in reader.tracks() if (end_us := reader.last(track)) is not None]
    hours = [hour_us for volume in volumes if (hour_us := volume.newest_us()) is not None]
    return max([*ends, *hours], default=None)


def _copier(
    settings: RetentionSettings,
    writer: IndexWriter,
    watch: VolumeWatch,
    engine: Engine,
    ingest_bps: Callable[[], int],
    clock: Clock,
) -> Copier:
    facts = Facts(writer.store, settings, ingest_bps, clock)
    return Copier(
        writer,
        lambda: [Place(volume, weight) for volume, weight in watch.taking(engine.pool.draining)],
        settings,
        room=lambda volume: facts.room(volume, said_full=False),
        ready=engine.has_recovered,
        clock=clock,
    )


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


def _allow_many_files() -> None:
    """A track takes a socket and a file: the usual 1,024 descriptors would not do for 300 cameras with sub streams."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
