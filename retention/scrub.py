"""The thread that reads everything again and again, so that a disk that forgets is noticed while copies still exist.

A damaged file of which another disk holds a sound second one (`copies` in nvr.toml) is written anew from that. Else it
changes nothing but its own notes: file and row stay, and what is whole in it plays, until their time is over. A row
whose file is gone is marked as lost, or names the second one. It is the last in line for disk and processor.

Measured on 30 MB files of 120 fragments, 2 cores: 0.7 CPU seconds a GB; at the 32 MB/s of 55 cameras 2.3 % of a core.
SHA-256 lets go of the GIL: a thread that wakes every 2 ms is no later beside it than without it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from indexer import keys
from indexer.damage import Damage, DamageBook, Round
from indexer.expiry import Expiry
from indexer.reader import IndexReader
from indexer.records import ROOT_BYTES, ChunkRecord, key_of
from indexer.writer import IndexWriter
from nvr.chunk.damage import Harm, examine
from nvr.chunk.duplicate import duplicate
from nvr.chunk.filesystem import be_idle
from nvr.chunk.name import parse
from nvr.chunk.source import ByteSource
from nvr.chunk.verification import read_footer
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.log import get_logger
from nvr.timebase import Clock, format_utc
from retention.pace import ScrubPace, is_due, rate_bps, rest_us

log = get_logger()

LOOK_S = 60.0  # chosen: until it is looked again whether a round is due, or whether the index answers again
RECOVERY_S = 2.0  # chosen: recovery after a crash takes seconds
PRUNE_CHUNKS = 100  # chosen: so often damages of deleted files are forgotten


class Scrub(threading.Thread):
    """``with`` starts and stops it. A start goes on where the last one was.

    Args:
        writer: of the index; others may share it.
        at_work: the volumes that can be read now, by number; they come and go.
        book: where it notes what it finds.
        ready: whether recovery is over; before that files and rows may disagree.
        pace: how fast.
    """

    def __init__(
        self,
        writer: IndexWriter,
        at_work: Callable[[], Mapping[int, Volume]],
        book: DamageBook,
        *,
        ready: Callable[[], bool],
        clock: Clock,
        pace: ScrubPace,
    ) -> None:
        super().__init__(name="scrub")
        self._writer = writer
        self._reader = IndexReader(writer.store)
        self._expiry = Expiry(writer.store)
        self._at_work = at_work
        self._volumes = at_work()
        self._book = book
        self._ready = ready
        self._clock = clock
        self._pace = pace
        self._stopping = threading.Event()
        self.trouble: dict[int, str] = {}  # volume number → what is damaged, for people; replaced, never changed
        self.round: Round | None = book.round()
        self.damaged = 0  # files
        self._known: list[Damage] | None = None
        self._verified = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End after the file that is being read."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        be_idle()
        while not self._stopping.is_set():
            rest_s = LOOK_S
            try:
                rest_s = self.step() / 1e6 if self._ready() else RECOVERY_S
            except Exception as error:  # outermost loop: the recorder goes on without it, and it tries again
                log.exception("scrub")
                self.trouble |= dict.fromkeys(self._volumes, f"the files cannot be verified: {error}")
                self._known = None
            self._stopping.wait(rest_s)

    # -- a step ----------------------------------------------------------------------------------------------------

    def step(self) -> int:
        """Verify the next file; how many microseconds to rest.

        Raises:
            StorageError: the index or the notes fail.
        """
        self._volumes = self._at_work()
        if self._known is None:
            self._prune()
        current = self._current()
        if current is None:
            return int(LOOK_S * 1e6)
        record = self._next(current.cursor)
        if record is None:
            self._note(replace(current, ended_us=self._clock.wall_us()))
            self._prune()
            log.info("scrub round ended", verified_bytes=current.verified_bytes, damaged=self.damaged)
            return 0
        total_bytes = self._total_bytes()
        left_bytes = max(0, total_bytes - current.verified_bytes)
        began_us = self._clock.monotonic_us()
        files = self._files(record)
        damages = self._healed(record, files, [d for number in files if (d := self._verify(record, number))])
        if any(self._at_work().get(number) is not self._volumes[number] for number in files):
            return 0  # one was taken away: nothing was learnt
        took_us = self._clock.monotonic_us() - began_us
        done = replace(
            current,
            verified_bytes=current.verified_bytes + record.bytes * len(files),
            total_bytes=total_bytes,
            cursor=key_of(record),
        )
        harmed = {damage.volume for damage in damages}
        self._note(done, damages, sound=[(number, record.name().path()) for number in files if number not in harmed])
        left_us = current.began_us + self._pace.period_us - self._clock.wall_us()
        return rest_us(record.bytes * len(files), took_us, rate_bps(left_bytes, left_us, self._pace), self._pace)

    def _total_bytes(self) -> int:
        return sum(usage.bytes for (_, number), usage in self._reader.usage().items() if number in self._volumes)

    def _current(self) -> Round | None:
        """The round that goes on; a new one if it is due; None: there is nothing to do yet."""
        now_us = self._clock.wall_us()
        if self.round is not None and self.round.ended_us is None:
            return self.round
        if self.round is not None and not is_due(self.round.began_us, now_us, self._pace):
            return None
        self._note(Round(began_us=now_us, total_bytes=self._total_bytes()))
        return self.round

    def _next(self, cursor: bytes) -> ChunkRecord | None:
        """The first row behind the cursor whose file should be there."""
        for track in self._reader.tracks():
            from_us = 0
            if cursor and keys.track(track) <= cursor[:4]:
                if keys.track(track) < cursor[:4]:
                    continue
                from_us = keys.start_of(cursor)
            for chunk in self._expiry.oldest(track, from_us):
                is_new = keys.chunk(track, chunk.start_us, chunk.sequence) > cursor
                if is_new and not chunk.lost and not self._volumes.keys().isdisjoint((chunk.volume, chunk.second)):
                    record = self._expiry.row(track, chunk.start_us, chunk.sequence)
                    if record is not None:
                        return record
        return None

    # -- a file ----------------------------------------------------------------------------------------------------

    def _holding(self, record: ChunkRecord) -> tuple[int, ...]:
        second = self._reader.second_volume(record.name())
        return (record.volume,) if second is None else (record.volume, second)

    def _files(self, record: ChunkRecord) -> list[int]:
        """The volumes at hand that hold the chunk: one, or two (`copies` in nvr.toml)."""
        return [number for number in self._holding(record) if number in self._volumes]

    def _verify(self, record: ChunkRecord, number: int) -> Damage | None:
        volume, name = self._volumes[number], record.name()
        try:
            source = volume.source(name)
        except StorageError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                self._missing(record, number)
                return None
            return self._told(record, number, Harm(error.what, 0, (record.time,), unreadable=True))
        try:
            harm = examine(source, record.time) or _another(source, record)
        finally:
            source.forget_cached()
            source.close()
        if harm is None or self._reader.chunk(name) is None:  # deleted meanwhile
            return None
        return self._told(record, number, harm)

    def _missing(self, record: ChunkRecord, number: int) -> None:
        """A row leaves before its file: one that is still there without it has lost it."""
        if self._reader.chunk(record.name()) != record:
            return
        if number == record.volume:
            self._writer.mark_lost([record])
        elif self._reader.second_volume(record.name()) == number:
            self._writer.forget_copies([record])
        log.error("a file is missing", volume=number, file=record.name().path())

    def _healed(self, record: ChunkRecord, files: Sequence[int], damages: Sequence[Damage]) -> list[Damage]:
        """What is still damaged after a damaged file was written anew from its sound second one."""
        harmed = {damage.volume for damage in damages}
        sound = next((number for number in files if number not in harmed), None)
        if sound is None or not damages or self._reader.chunk(record.name()) is None:
            return list(damages)
        return [damage for damage in damages if not self._heal(record, self._volumes[sound], damage)]

    def _heal(self, record: ChunkRecord, sound: Volume, damage: Damage) -> bool:
        volume, name = self._volumes[damage.volume], record.name()
        try:
            duplicate(sound, volume, name, replaces=True)
            volume.sync_apart()
        except StorageError as error:
            log.warning(
                "a damaged file cannot be written anew", volume=damage.volume, file=damage.path, error=str(error)
            )
            return False
        if self._reader.chunk(name) is None:  # deleted meanwhile, and so must this file be
            volume.unlink(name)
            return True
        log.warning("a damaged file was written anew", volume=damage.volume, file=damage.path, other=sound.number)
        return self._verify(record, damage.volume) is None

    def _told(self, record: ChunkRecord, number: int, harm: Harm) -> Damage:
        damage = Damage(
            volume=number,
            path=record.name().path(),
            track=record.track,
            found_us=self._clock.wall_us(),
            what=harm.what,
            offset=harm.offset,
            times=tuple((time.start_us, time.end_us) for time in harm.times),
            unreadable=harm.unreadable,
        )
        log.error("a file is damaged", volume=damage.volume, file=damage.path, what=damage.what, times=damage.times)
        return damage

    # -- notes -----------------------------------------------------------------------------------------------------

    def _note(self, made: Round, damages: Sequence[Damage] = (), *, sound: Sequence[tuple[int, str]] = ()) -> None:
        known = {(damage.volume, damage.path) for damage in self._known or ()}
        healed = [place for place in sound if place in known]
        self._book.note(made, damages, sound=healed)
        self.round = made
        self._verified += 1
        if damages or healed or self._verified % PRUNE_CHUNKS == 0:
            self._prune()

    def _prune(self) -> None:
        """Forget the damage of files whose time is over, and tell what is left."""
        self._verified = 0
        known = self._book.damages()
        gone = [damage for damage in known if not self._is_indexed(damage)]
        if gone and self.round is not None:
            self._book.note(self.round, sound=[(damage.volume, damage.path) for damage in gone])
        self._known = [damage for damage in known if damage not in gone]
        self.damaged = len(self._known)
        self.trouble = _words(self._known)

    def _is_indexed(self, damage: Damage) -> bool:
        name = parse(damage.path)
        try:
            record = None if name is None else self._reader.chunk(name)
        except IntegrityError:  # a row that cannot be read is no reason to forget
            return True
        return record is not None and name is not None and damage.volume in self._holding(record)


def _another(source: ByteSource, record: ChunkRecord) -> Harm | None:
    """A whole file that is not the one that was indexed; for one that `examine` has found sound."""
    try:
        footer, _ = read_footer(source)
    except (IntegrityError, StorageError) as error:
        return Harm(error.what, 0, (record.time,), unreadable=isinstance(error, StorageError))
    if record.by_name or footer.root[:ROOT_BYTES] == record.root:
        return None
    return Harm("it is not the file that was recorded", 0, (record.time,), unreadable=False)


def _words(known: Sequence[Damage]) -> dict[int, str]:
    """One sentence a volume."""
    words = {}
    for number in {damage.volume for damage in known}:
        mine = [damage for damage in known if damage.volume == number]
        last = max(mine, key=lambda damage: damage.found_us)
        when = ", ".join(f"{format_utc(start)[:19]} to {format_utc(end)[11:19]}" for start, end in last.times[:3])
        where = f"{last.track}, {when}" if when else f"{last.track}, tables only"
        disk = "; the disk reports read errors: replace it" if any(damage.unreadable for damage in mine) else ""
        count = "1 file is" if len(mine) == 1 else f"{len(mine)} files are"
        words[number] = f"{count} damaged, the last one found: {where} UTC ({last.what}){disk}"
    return words
