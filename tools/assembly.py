"""The recorder process, put together: engine, index, keeping and the threads that look after the disks."""

import os
import resource
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from indexer import camera_names
from indexer.board import Board
from indexer.bookkeeper import IndexBookkeeper
from indexer.clockbook import ClockBook
from indexer.damage import DamageBook
from indexer.reader import IndexReader
from indexer.registry import Registry
from indexer.troubles import Matter, TroubleBook
from indexer.writer import IndexWriter
from nvr.capture.engine import Engine
from nvr.chunk.volume import Volume
from nvr.config import Settings
from nvr.errors import StorageError
from nvr.log import get_logger
from nvr.machineclock import MachineClock
from nvr.timebase import US_PER_DAY, Clock, SystemClock
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
from tools.recording import Recorder
from tools.registry_watch import RegistryWatch
from tools.supervisor import LAST_END
from tools.system_disk import shortage
from tools.trouble_watch import Now, TroubleWatch
from tools.volume_health import VolumeHealth
from tools.volume_watch import VolumeOpener, VolumeWatch

log = get_logger()


def record(config: Path, settings: Settings) -> None:
    """Record all cameras until SIGTERM or SIGINT. Without any volume it waits for one to be mounted, and says so.

    Args:
        config: nvr.toml, whose volumes are looked at again while it runs.
        settings: what it said at the start.

    Raises:
        StorageError: another recorder uses this data, or the index cannot be used.
    """
    _allow_many_files()
    with (
        alone(settings.data_dir),
        Registry.open(settings.registry_path) as registry,
        IndexWriter.open(settings.index_path) as writer,
        Board.open(settings.board_path) as board,
        ExitStack() as books,
    ):
        board.clear()
        for words in filter(None, (registry.warning, registry.trouble)):
            log.warning("registry", words=words)
        assembly = Assembly(config, settings, registry, writer, board, books)
        assembly.run()


class Assembly:
    """Each part with the parts that it uses.

    Args:
        config: nvr.toml.
        settings: what it said at the start.
        registry: of the cameras.
        writer: of the index.
        board: where the state is shown.
        books: closes what is opened here.

    Raises:
        StorageError: a volume is in use by another recorder, or the index fails.
    """

    def __init__(
        self, config: Path, settings: Settings, registry: Registry, writer: IndexWriter, board: Board, books: ExitStack
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._writer = writer
        self._board = board
        self._books = books
        self._clock: Clock = SystemClock()
        self._tell_renamed()
        opener = VolumeOpener(writer, self._clock)
        found = self._open_volumes(opener)
        volumes = [volume for volume, _ in found]
        self._bookkeeper = IndexBookkeeper(writer, board, self._clock)
        self._engine = Engine(settings.recorder, settings.site.name, found, self._bookkeeper, self._clock)
        self._believed = self._believed_clock(volumes)
        self._holds = Standing(registry.holds, self._believed)
        self._holds.take_back(volumes)
        self._sweeper = self._keeping(volumes)
        self._watch = VolumeWatch(config, opener, self._engine, self._sweeper, volumes, self._on_new_volume)
        self._believed.volumes = lambda: self._watch.at_work().values()
        self._engine.on_ended = self._watch.ended
        self._duties = Duties(self._engine.reactor)
        self._copies = RegistryWatch(registry, self._watch.at_work, self._clock)
        self._health = self._volume_health()

    def run(self) -> None:
        """Until a signal ends it; what is open here is closed by whoever owns the books."""
        list_of_troubles = self._books.enter_context(TroubleBook.brief(self._settings.troubles_path))
        troubles = TroubleWatch(list_of_troubles, self._matters, self._believed, os.environ.get(LAST_END, ""))
        self._books.enter_context(self._believed)
        self._books.enter_context(self._copies)
        Recorder(
            self._engine,
            self._bookkeeper,
            self._health,
            troubles,
            self._board,
            self._registry,
            self._duties,
            self._believed,
            self._clock,
        ).run()
        self._watch.close()

    # -- the parts, in the order in which they need each other -------------------------------------------------------

    def _open_volumes(self, opener: VolumeOpener) -> list[tuple[Volume, int]]:
        found = [(volume, one.weight) for one in self._settings.volumes if (volume := opener.open(one)) is not None]
        if not found and opener.in_use:
            raise StorageError("no volume can be used", hint="; ".join(opener.trouble.values()))
        return found

    def _believed_clock(self, volumes: Sequence[Volume]) -> ClockWatch:
        believed = ClockWatch(
            self._books.enter_context(ClockBook.brief(self._settings.clock_path)),
            MachineClock(self._clock).reading,
            self._clock,
            volumes=volumes,
            floor_us=lambda: _newest_us(self._writer, volumes),
        )
        believed.on_believed = self._writer.forget_future
        self._engine.is_clock_doubtful = believed.is_doubtful
        return believed

    def _keeping(self, volumes: Sequence[Volume]) -> Sweeper:
        sweeper = Sweeper(
            self._writer,
            volumes,
            self._settings.retention,
            ingest_bps=self._ingest_bps,
            ready=self._engine.has_recovered,
            clock=self._believed,
            belief=self._believed.belief,
            holds=self._holds,
        )
        self._engine.on_full = sweeper.volume_full
        sweeper.on_rung = self._engine.stand
        sweeper.on_room = self._tell_room
        return sweeper

    def _tell_room(self, number: int) -> None:
        self._engine.reactor.call_from_thread(lambda: self._engine.pool.room_made(number))

    def _volume_health(self) -> VolumeHealth:
        at_work = self._watch.at_work
        smart = SmartWatch.found(at_work)
        return VolumeHealth(
            self._engine, self._sweeper, self._copier(), self._scrub(), self._watch, smart, self._adoption()
        )

    def _copier(self) -> Copier:
        facts = Facts(self._writer.store, self._settings.retention, self._ingest_bps, self._believed)
        return Copier(
            self._writer,
            lambda: [Place(volume, weight) for volume, weight in self._watch.taking(self._engine.pool.draining)],
            self._settings.retention,
            room=lambda volume: facts.room(volume, said_full=False),
            ready=self._engine.has_recovered,
            clock=self._believed,
        )

    def _scrub(self) -> Scrub:
        retention = self._settings.retention
        pace = ScrubPace(period_us=int(min(retention.scrub_days, retention.max_days) * US_PER_DAY))
        book = self._books.enter_context(DamageBook.brief(self._settings.scrub_path))
        at_work, ready = self._watch.at_work, self._engine.has_recovered
        return Scrub(self._writer, at_work, book, ready=ready, clock=self._clock, pace=pace)

    def _adoption(self) -> AdoptionWatch:
        return AdoptionWatch(
            self._writer,
            self._watch.at_work,
            ready=self._engine.has_recovered,
            on_found=self._sweeper.look_again,
            on_known=self._tell_renamed,
            wanted=lambda: frozenset(self._watch.wanted),
        )

    # -- what they ask each other ------------------------------------------------------------------------------------

    def _ingest_bps(self) -> int:
        return sum(status.bitrate_bps for status in self._board.all())

    def _on_new_volume(self, volume: Volume) -> None:
        self._holds.take_back([volume])

    def _matters(self) -> Now:
        words = (self._bookkeeper.trouble, self._duties.trouble, shortage(self._settings.data_dir))
        found = self._health.matters("; ".join(filter(None, words)))
        site = {(Matter.REGISTRY, 0): self._copies.trouble, (Matter.CLOCK, 0): self._believed.trouble}
        return found | {matter: trouble for matter, trouble in site.items() if trouble}

    def _tell_renamed(self) -> None:
        """A camera list that was entered anew in another order is a mistake that only the names of before show."""
        for channel, name in camera_names.renamed(self._writer.store, self._registry.channels()):
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


def _allow_many_files() -> None:
    """A track takes a socket and a file: the usual 1,024 descriptors would not do for 300 cameras with sub streams."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
