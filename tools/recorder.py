"""``nvr recorder``: the process that must not die. It writes footage, index and board, and decodes nothing."""

import gc
import os
import resource
import signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from nvr.timebase import US_PER_DAY, US_PER_S
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.board import Board, ScrubStatus, VolumeStatus
    from indexer.bookkeeper import IndexBookkeeper
    from indexer.registry import Registry
    from indexer.writer import IndexWriter
    from nvr.capture.engine import Engine
    from nvr.config import RetentionSettings
    from nvr.timebase import Clock
    from retention.copier import Copier
    from retention.scrub import Scrub
    from retention.sweeper import Sweeper
    from tools.volume_watch import VolumeWatch

HEARTBEAT_US = US_PER_S // 2
REGISTRY_US = US_PER_S
WATCH_US = US_PER_S // 10  # a viewer's first picture waits for this


def recorder(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Record all cameras until told to stop; ``nvr run`` starts this beside the web server."""
    from indexer.board import Board
    from indexer.bookkeeper import IndexBookkeeper
    from indexer.damage import DamageBook
    from indexer.registry import Registry
    from indexer.writer import IndexWriter
    from nvr.capture.engine import Engine
    from nvr.errors import StorageError
    from nvr.timebase import SystemClock
    from retention.holds import Standing
    from retention.pace import ScrubPace
    from retention.scrub import Scrub
    from retention.sweeper import Sweeper
    from tools.volume_watch import VolumeOpener, VolumeWatch

    settings, clock = settings_from(config), SystemClock()
    with (
        Registry.open(settings.registry_path) as registry,
        IndexWriter.open(settings.index_path) as writer,
        Board.open(settings.board_path) as board,
        ExitStack() as opened,
    ):
        board.clear()
        opener = VolumeOpener(writer, clock)
        found = [(volume, one.weight) for one in settings.volumes if (volume := opener.open(one)) is not None]
        if not found:
            raise StorageError("no volume can be used", hint="; ".join(opener.trouble.values()))
        volumes = [volume for volume, _ in found]
        books = IndexBookkeeper(writer, board, clock)
        engine = Engine(settings.recorder, settings.site.name, found, books, clock)
        holds = Standing(registry.holds, clock)
        holds.take_back(volumes)

        def ingest_bps() -> int:
            return sum(status.bitrate_bps for status in board.all())

        sweeper = Sweeper(
            writer,
            volumes,
            settings.retention,
            ingest_bps=ingest_bps,
            ready=engine.has_recovered,
            clock=clock,
            holds=holds,
        )
        watch = VolumeWatch(config, opener, engine, sweeper, volumes, lambda volume: holds.take_back([volume]))
        engine.on_full = sweeper.volume_full
        engine.on_ended = watch.ended
        sweeper.on_rung = engine.stand
        book = opened.enter_context(DamageBook.renewed(settings.scrub_path))
        days = min(settings.retention.scrub_days, settings.retention.max_days)
        pace = ScrubPace(period_us=int(days * US_PER_DAY))
        scrub = Scrub(writer, watch.at_work, book, ready=engine.has_recovered, clock=clock, pace=pace)
        copier = _copier(settings.retention, writer, watch, engine, ingest_bps, clock)
        Recorder(engine, books, sweeper, copier, scrub, watch, board, registry, clock).run()
        watch.close()


def _copier(
    settings: "RetentionSettings",
    writer: "IndexWriter",
    watch: "VolumeWatch",
    engine: "Engine",
    ingest_bps: Callable[[], int],
    clock: "Clock",
) -> "Copier":
    from retention.copier import Copier, Place
    from retention.facts import Facts

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
        engine: "Engine",
        books: "IndexBookkeeper",
        sweeper: "Sweeper",
        copier: "Copier",
        scrub: "Scrub",
        watch: "VolumeWatch",
        board: "Board",
        registry: "Registry",
        clock: "Clock",
    ) -> None:
        self._engine = engine
        self._books = books
        self._sweeper = sweeper
        self._copier = copier
        self._watch = watch
        self._scrub = scrub
        self._board = board
        self._registry = registry
        self._clock = clock
        self._revision = registry.revision()
        self._started_us = clock.wall_us()

    def run(self) -> None:
        """Record until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._engine.stop())
        self._every(HEARTBEAT_US, self._beat)
        self._every(REGISTRY_US, self._look_at_registry)
        self._every(WATCH_US, self._look_who_watches)
        # What lives now lives to the end: do not look through it 2,000 times a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        self._books.start()
        self._engine.pool.draining = self._registry.draining()
        with self._sweeper, self._watch, self._scrub, self._copier:
            self._engine.run(self._registry.channels())
        self._books.finish()

    def _beat(self) -> None:
        from indexer.board import RecorderStatus

        usage = resource.getrusage(resource.RUSAGE_SELF)
        status = RecorderStatus(
            pid=os.getpid(),
            started_us=self._started_us,
            heartbeat_us=self._clock.wall_us(),
            queue_bytes=sum(disk.queue.waiting_bytes for disk in self._engine.disks),
            cpu_us=int((usage.ru_utime + usage.ru_stime) * US_PER_S),
            dropped_fragments=sum(disk.queue.refused for disk in self._engine.disks),
            rung=self._sweeper.rung,
            swept_us=self._sweeper.swept_us,
            sweeper_cpu_us=self._sweeper.cpu_us,
            scrub=self._scrub_status(),
        )
        self._board.post_recorder(status, [self._volume_status(number) for number in sorted(self._watch.wanted)])

    def _scrub_status(self) -> "ScrubStatus | None":
        from indexer.board import ScrubStatus

        made = self._scrub.round
        if made is None:
            return None
        return ScrubStatus(began_us=made.began_us, percent=made.percent, damaged=self._scrub.damaged)

    def _volume_status(self, number: int) -> "VolumeStatus":
        from indexer.board import VolumeStatus, VolumeTrouble
        from nvr.errors import StorageError

        troubles = {
            VolumeTrouble.AWAY: self._watch.opener.trouble,
            VolumeTrouble.FAILED: self._engine.pool.trouble,
            VolumeTrouble.SHORT: self._sweeper.trouble,
            VolumeTrouble.SINGLE: self._copier.trouble,
            VolumeTrouble.DAMAGED: self._scrub.trouble,
        }
        found = {kind: words for kind, told in troubles.items() if (words := told.get(number))}
        trouble, kind = "; ".join(found.values()), next(iter(found), None)
        path = str(self._watch.wanted[number].path)
        volume = next((disk.volume for disk in self._engine.disks if disk.volume.number == number), None)
        free_bytes = total_bytes = 0
        try:
            if volume is not None:
                free_bytes, total_bytes = volume.free_bytes(), volume.total_bytes()
        except StorageError as error:
            trouble, kind = trouble or str(error), kind or VolumeTrouble.FAILED
        return VolumeStatus(
            number=number, free_bytes=free_bytes, total_bytes=total_bytes, trouble=trouble, kind=kind, path=path
        )

    def _look_at_registry(self) -> None:
        revision = self._registry.revision()
        if revision != self._revision:
            self._engine.configure(self._registry.channels())
            self._engine.pool.draining = self._registry.draining()
            self._revision = revision

    def _look_who_watches(self) -> None:
        self._engine.watch(self._board.watched(self._clock.wall_us()))

    def _every(self, interval_us: int, duty: Callable[[], None]) -> None:
        """A duty that reads or writes LMDB; recording goes on when that fails."""
        from nvr.errors import StorageError

        def attempt() -> None:
            try:
                duty()
            except StorageError as error:
                self._books.trouble = str(error)

        self._engine.reactor.call_every(interval_us, attempt)


def _allow_many_files() -> None:
    """A track takes a socket and a file: the usual 1,024 descriptors would not do for 300 cameras with sub streams."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
