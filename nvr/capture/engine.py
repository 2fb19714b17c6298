"""The recorder: sessions in one thread, a thread a disk, and what ties them together."""

import random
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from nvr import __version__
from nvr.capture.bookkeeper import Batch, Bookkeeper
from nvr.capture.cadence import Cadence, expected_chunk_bytes
from nvr.capture.connection import tls_context
from nvr.capture.disk import HANGS_US, Disk
from nvr.capture.diskpool import DiskPool
from nvr.capture.diskqueue import DiskQueue
from nvr.capture.gaps import GapLedger
from nvr.capture.ladder import Rung, Share, share
from nvr.capture.moving import Move, Mover
from nvr.capture.outlet import Outlet
from nvr.capture.reactor import Reactor
from nvr.capture.report import OpenChunk, Progress, TrackReport
from nvr.capture.resolver import Resolver
from nvr.capture.runnumber import next_run
from nvr.capture.salvage import Salvage
from nvr.capture.session import Session, SessionSettings
from nvr.capture.unsynced import Unsynced
from nvr.channel import Channel
from nvr.chunk.volume import Volume
from nvr.config import RecorderSettings
from nvr.errors import StorageError, VolumeFull
from nvr.log import get_logger
from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_S, Clock

log = get_logger()

ENGINE_NAME = f"hoxa-nvr {__version__}"
REPORT_US = US_PER_S // 2
FLUSH_US = 60 * US_PER_S
STOPPED = (GapReason.OPERATOR, "the recorder was stopped")
FAULT = (GapReason.RESTART, "the recorder ended without being stopped")
NOTHING: Mapping[int, str] = MappingProxyType({})
JOIN_OLD_S = 10.0  # for a disk that hangs while it is looked through
JOIN_S = 0.02  # how long a failed disk may wait for its move while the recorder stops


class Engine:
    """Records channels until it is told to stop.

    Args:
        volumes: opened for writing, each with its weight.
        bookkeeper: the memory.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        site: str,
        volumes: Sequence[tuple[Volume, int]],
        bookkeeper: Bookkeeper,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._bookkeeper = bookkeeper
        self._clock = clock
        self.reactor = Reactor(clock)
        self._resolver = Resolver(self.reactor)
        self.gaps = GapLedger()
        self._roots: dict[Track, bytes] = {}
        self._runs: dict[Track, int] = {}
        self._open_chunks: dict[Track, OpenChunk | None] = {}
        self._sessions: dict[Track, Session] = {}
        self._watched: set[Track] = set()
        self._rung = Rung.ALL
        self._site = site
        self._queue_bytes = settings.queue_mib * (1 << 20) // max(1, len(volumes))
        self.pool = DiskPool(clock)
        self.mover = Mover(self.reactor, self.pool, bookkeeper, self._sessions.get, self._next_run)
        self._salvages: dict[int, Salvage] = {}
        self._looking: list[threading.Thread] = []  # for old parts
        self._session_settings = SessionSettings.of(settings, tls_context(verify=settings.tls_verify))
        self._recovery = threading.Thread(target=self._recover, name="recovery")
        self.is_clock_doubtful: Callable[[], bool] = lambda: False  # asked by the disks' threads for each new file
        self.on_full: Callable[[int], None] = lambda _: None  # called with a volume's number, by its disk's thread
        self.on_ended: Callable[[Volume], None] = lambda _: None  # a volume is written no more; by its disk's thread
        self._coming = threading.Lock()
        self._finishing = False
        self._why_over = STOPPED
        for volume, weight in volumes:
            self._salvages[volume.number] = self._salvage(volume)
            self.pool.add(self._disk(volume, weight))

    def _salvage(self, volume: Volume, *, from_disk: bool = False) -> Salvage:
        return Salvage(volume, self._bookkeeper, self.volume_failed, self._clock.wall_us(), from_disk=from_disk)

    def _disk(self, volume: Volume, weight: int) -> Disk:
        return Disk(
            volume,
            DiskQueue(self._queue_bytes),
            self,
            self.gaps,
            clock=self._clock,
            weight=weight,
            site=self._site,
            engine=ENGINE_NAME,
            roots=self._roots,
            reserve_bytes=self._reserve_bytes,
            name_of=self._name_of,
            is_clock_doubtful=lambda: self.is_clock_doubtful(),
            sync_interval_us=int(self._settings.sync_interval_s * US_PER_S),
        )

    @property
    def disks(self) -> tuple[Disk, ...]:
        """Those at work."""
        return self.pool.disks

    # -- life ----------------------------------------------------------------------------------------------------

    def run(self, channels: Sequence[Channel], unusable: Mapping[int, str] = NOTHING) -> None:
        """Record until `stop`; then end every chunk properly. The arguments are those of `configure`."""
        for disk in self.disks:
            disk.start()
        self.configure(channels, unusable)
        self._recovery.start()
        self.reactor.call_after(REPORT_US, self._report)
        self.reactor.call_after(FLUSH_US, self._flush_gaps)
        try:
            self.reactor.run()
        except BaseException:
            self._why_over = FAULT
            raise
        finally:
            self._finish()

    def stop(self) -> None:
        """End `run` soon. May be called from any thread and from a signal handler."""
        self.reactor.stop()

    def fail(self) -> None:
        """The same, because a part of the program is dead. Any thread."""
        self._why_over = FAULT
        self.reactor.stop()

    def _finish(self) -> None:
        for session in self._sessions.values():
            session.close(*self._why_over)
        with self._coming:
            self._finishing = True
        self._recovery.join()
        for thread in self._looking:
            thread.join(JOIN_OLD_S)
        for disk in self.disks:
            self._end(disk)
        self._resolver.close()
        self._bookkeeper.publish([session.report(None) for session in self._sessions.values()])
        self.reactor.close()

    def _end(self, disk: Disk) -> None:
        """One after the other, so that there is another place for what the last sync of one does not keep."""
        disk.stop()
        while disk.is_alive():
            self.mover.serve()
            disk.join(JOIN_S)
            since_us = disk.busy_since_us
            if since_us is not None and self._clock.monotonic_us() - since_us > HANGS_US:
                log.error("a disk hangs while the recorder stops", volume=disk.volume.number)
                return  # the others are ended in order; who started the process cuts this one off

    # -- volumes come and go ---------------------------------------------------------------------------------------

    def add(self, volume: Volume, weight: int) -> bool:
        """Record to one more volume, opened for writing. Any thread but the reactor's; False: the recorder stops.

        Returns when what an earlier recorder left on it is in the index.
        """
        salvage, disk = self._salvage(volume, from_disk=True), self._disk(volume, weight)
        with self._coming:
            if self._finishing:
                return False
            disk.start()
            self.pool.add(disk)
        salvage.run(disk)
        self._look_for_old(salvage, disk)
        return True

    def _look_for_old(self, salvage: Salvage, disk: Disk) -> None:
        """What no crash of late has left open has time: millions of files may have to be looked through."""
        work = partial(salvage.run_old, disk, lambda: self._finishing or not disk.is_alive())
        self._looking.append(threading.Thread(target=work, name=f"old-{disk.volume.number}", daemon=True))
        self._looking[-1].start()

    def let_go(self, number: int) -> None:
        """Begin no new file on a volume; when its open ones are complete, `on_ended` is called. Any thread."""
        self.reactor.call_from_thread(lambda: self._let_go(number))

    def _let_go(self, number: int) -> None:
        """In the thread that fills the queues: what went there before is queued by now, and nothing follows."""
        for disk in self.disks:
            if disk.volume.number == number:
                disk.leave()

    # -- channels ------------------------------------------------------------------------------------------------

    def configure(self, channels: Sequence[Channel], unusable: Mapping[int, str] = NOTHING) -> None:
        """Record exactly these channels from now on; sessions whose settings did not change go on undisturbed.

        Belongs to the reactor's thread.

        Args:
            channels: all of them, also those that cannot be recorded.
            unusable: number of a channel → why it cannot be recorded, for people. One that is recorded goes on as it
                is: what it was told before is better than nothing.
        """
        wanted = {track: channel for channel in channels for track in channel.tracks()}
        for track, session in list(self._sessions.items()):
            goes_on = track in wanted and track.channel in unusable and not session.refused
            if not goes_on and (wanted.get(track) != session.channel or session.refused):
                session.close(GapReason.OPERATOR, "the camera's settings were changed")
                del self._sessions[track]
        for track, channel in wanted.items():
            if track not in self._sessions:
                self._sessions[track] = self._session(track, channel)
                self._sessions[track].keep(self._share_of(track, channel))
                self._sessions[track].start(unusable.get(track.channel, ""))

    def watch(self, tracks: set[Track]) -> None:
        """Somebody watches these tracks live: deliver their pictures without waiting. Any thread."""
        if tracks != self._watched:
            self._watched = tracks
            self.reactor.call_from_thread(lambda: self._apply_watch(tracks))

    def _apply_watch(self, tracks: set[Track]) -> None:
        for track, session in self._sessions.items():
            session.watched = track in tracks

    def stand(self, rung: Rung) -> None:
        """Record so much from now on. Any thread."""
        self.reactor.call_from_thread(lambda: self._apply_rung(rung))

    def _apply_rung(self, rung: Rung) -> None:
        self._rung = rung
        for track, session in self._sessions.items():
            session.keep(self._share_of(track, session.channel))

    def _share_of(self, track: Track, channel: Channel) -> Share:
        return share(self._rung, track.kind, has_sub=bool(channel.sub_url))

    def _session(self, track: Track, channel: Channel) -> Session:
        if track not in self._runs:
            self._remember(track)
        return Session(
            track,
            channel,
            self._session_settings,
            self.reactor,
            self._resolver,
            Outlet(track, self.pool),
            self.gaps,
            cadence=Cadence.of(
                track,
                fragment_ms=self._settings.fragment_ms,
                main_chunk_s=self._settings.main_chunk_s,
                sub_chunk_s=self._settings.sub_chunk_s,
            ),
            next_run=lambda: self._next_run(track),
            found_gap=self._found_gap,
            draw=random.Random(),  # noqa: S311 - jitter, not a secret
        )

    def _remember(self, track: Track) -> None:
        try:
            last = self._bookkeeper.last(track)
        except Exception:  # whatever stands in the index, what it knows of this track fails alone
            log.exception("the last footage of a track is not known", track=str(track))
            last = None
        self._runs[track] = last.run if last else 0
        if last is not None:
            self._roots.setdefault(track, last.root)
            # After a clock was set back footage may end ahead of now: what was missing till now is not known.
            end_us = min(last.end_us, self._clock.wall_us())
            self.gaps.remember(track, end_us, last.reason, last.detail)

    def _next_run(self, track: Track) -> int:
        self._follow_clock()
        self._runs[track] = next_run(self._runs[track], self._clock.wall_us())
        return self._runs[track]

    def _follow_clock(self) -> None:
        self.gaps.follow(self._clock.wall_us(), self._clock.monotonic_us(), is_doubtful=self.is_clock_doubtful())

    def _name_of(self, track: Track) -> str:
        session = self._sessions.get(track)
        return session.channel.name if session is not None else ""  # it was removed a moment ago

    def _reserve_bytes(self, track: Track) -> int:
        session = self._sessions.get(track)
        if session is None:  # it was removed a moment ago
            return 0
        bitrate_bps, _ = session.meter.rates(self._clock.monotonic_us())
        return expected_chunk_bytes(track.kind, session.cadence, bitrate_bps)

    # -- what the disks say (their threads) ----------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        self._bookkeeper.commit(batch)

    def progress(self, rows: list[Progress]) -> None:
        reports = []
        for row in rows:
            self._open_chunks[row.track] = row.open_chunk
            self.pool.worked(row.volume)
            session = self._sessions.get(row.track)
            if session is not None:
                reports.append(session.report(row.open_chunk))
        self._bookkeeper.publish(reports)

    def volume_failed(self, volume: Volume, error: StorageError) -> None:
        self.pool.failed(volume.number, error)
        if isinstance(error, VolumeFull):
            self.on_full(volume.number)

    def ballast_given_up(self, volume: Volume) -> None:
        self.on_full(volume.number)

    def disk_ended(self, disk: Disk) -> None:
        self.pool.drop(disk)
        if gaps := disk.take_gaps():  # told since its last sync
            self._bookkeeper.commit(Batch(disk.volume.number, (), tuple(gaps)))
        self.on_ended(disk.volume)

    def chunk_failed(self, track: Track, what: str) -> None:
        self.reactor.call_from_thread(lambda: self._break_session(track, what))

    def _break_session(self, track: Track, what: str) -> None:
        session = self._sessions.get(track)
        if session is not None:
            session.broke(what)

    def move_on(self, disk: Disk, left: Unsynced, tracks: Collection[Track] | None, error: StorageError) -> None:
        self.mover.request(Move(disk, left, tracks, error))

    # -- gaps and reports ----------------------------------------------------------------------------------------

    def _found_gap(self, gap: Gap) -> None:
        disk = next(iter(self.pool.usable()), None)
        if disk is not None:
            disk.add_gap(gap)
        else:
            self._bookkeeper.commit(Batch(0, (), (gap,)))

    def _flush_gaps(self) -> None:
        self._follow_clock()
        for gap in self.gaps.flush(self._clock.wall_us()):
            self._found_gap(gap)
        self.reactor.call_after(FLUSH_US, self._flush_gaps)

    def reports(self) -> list[TrackReport]:
        """The state of every track."""
        return [session.report(self._open_chunks.get(track)) for track, session in list(self._sessions.items())]

    def _look_at_disks(self) -> None:
        """A disk whose cable fails may hang for minutes before it says so: what comes meanwhile goes to others."""
        now_us = self._clock.monotonic_us()
        for disk in self.disks:
            since_us = disk.busy_since_us
            if since_us is None or now_us - since_us < HANGS_US:
                continue
            what = f"the disk has not answered for {(now_us - since_us) // US_PER_S} s"
            hint = "look at its cable and at the kernel's log"
            if self.pool.avoid(disk, StorageError(what, where=str(disk.volume.path), hint=hint)):
                for session in self._sessions.values():
                    session.leave(disk)

    def _report(self) -> None:
        self._look_at_disks()
        self._follow_clock()
        self._bookkeeper.publish(self.reports())
        self.reactor.call_after(REPORT_US, self._report)

    # -- recovery (its own thread) -------------------------------------------------------------------------------

    def has_recovered(self) -> bool:
        """Whether nobody looks any more for what a crash left behind: until then no file may be deleted."""
        return self._recovery.ident is not None and not self._recovery.is_alive()

    def _recover(self) -> None:
        """Seal what a crash left open and find what it kept out of the index, while the cameras already record."""
        salvages = [(disk, self._salvages.pop(disk.volume.number)) for disk in self.disks]
        found = [chunk for disk, salvage in salvages for chunk in salvage.run(disk)]
        found.sort(key=lambda chunk: chunk.start_us)
        until_us = self._clock.wall_us()  # what a clock that was ahead has dated later tells nothing of what is missing
        past = [chunk for chunk in found if chunk.end_us <= until_us]
        gaps = [self.gaps.recovered(chunk.header.track, chunk.start_us, chunk.end_us) for chunk in past]
        for gap in [*gaps, *self.gaps.settle()]:
            if gap is not None:
                self._found_gap(gap)
        for disk, salvage in salvages:
            self._look_for_old(salvage, disk)
