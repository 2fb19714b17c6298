"""The thread that gives young footage a second file on another disk, where `copies` in nvr.toml wants two.

Sealed files are copied, a minute or so after they were recorded, oldest first: nothing that goes wrong here can harm
recording, what is switched on later covers what is there already, and a disk that is gone for a day catches up. What a
disk has not surely kept when it fails comes from memory (`nvr.capture.unsynced`), so that a disk's death costs the
pictures of the files that still wait for their copy. Copying takes half of a disk's time at most.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from indexer.expiry import AgedChunk, Expiry
from indexer.reader import IndexReader
from indexer.records import ChunkRecord
from indexer.writer import Commit, IndexWriter
from nvr.capture.placement import ranked
from nvr.chunk.duplicate import duplicate, holds_whole
from nvr.chunk.filesystem import be_idle
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings
from nvr.errors import IntegrityError, StorageError
from nvr.log import get_logger
from nvr.media import Track
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, Clock
from retention.plan import VolumeRoom

log = get_logger()

LOOK_S = 5.0  # chosen: main streams seal a file a minute
BATCH_FILES = 16  # chosen: one syncfs for so many, as it makes the disk write what others have queued as well
FRESH_US = 10 * US_PER_MINUTE  # chosen: what is younger may take room down to the mark, as recording does
AGAIN_US = 360 * US_PER_MINUTE  # chosen: so often all young footage is looked through again; a month of it takes 10 s
SKIPPED_AGAIN_US = US_PER_MINUTE  # chosen: and so often if there was no place for some
SINGLE = (
    "files here have no second one, although copies in nvr.toml wants two: no other disk is there, or none has room "
    "(add a disk, or lower copies or min_days)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A volume that takes copies, with its share against the others'."""

    volume: Volume
    weight: int

    @property
    def uuid(self) -> bytes:
        return self.volume.uuid


class Copier(threading.Thread):
    """``with`` starts and stops it.

    Args:
        writer: of the index; others may share it.
        places: the volumes that can be written now; they come and go.
        settings: which channels want two files, and for how long.
        room: how full a volume is; belongs to this thread.
        ready: whether recovery is over.
    """

    def __init__(
        self,
        writer: IndexWriter,
        places: Callable[[], Sequence[Place]],
        settings: RetentionSettings,
        *,
        room: Callable[[Volume], VolumeRoom],
        ready: Callable[[], bool],
        clock: Clock,
    ) -> None:
        super().__init__(name="copier")
        self._writer = writer
        self._reader = IndexReader(writer.store)
        self._expiry = Expiry(writer.store)
        self._places = places
        self._settings = settings
        self._room = room
        self._ready = ready
        self._clock = clock
        self._stopping = threading.Event()
        self._reached_us: dict[Track, int] = {}  # what starts before needs nothing, or found no place
        self._again_us = 0
        self._known: frozenset[int] = frozenset()  # volumes of the last step
        self._found_no_place = False
        self._skipped: Counter[int] = Counter()  # volume number → files there that have waited for a place too long
        self.trouble: dict[int, str] = {}  # volume number → what is wrong, for people; replaced, never changed

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End after the file that is being copied."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        be_idle()
        while not self._stopping.is_set():
            handled = 0
            try:
                handled = self.step() if self._ready() else 0
            except Exception as error:  # outermost loop: the recorder goes on without it, and it tries again
                log.exception("copier")
                self.trouble = {place.volume.number: f"no second file is made: {error}" for place in self._places()}
            if handled < BATCH_FILES:
                self._stopping.wait(LOOK_S)

    # -- a step ----------------------------------------------------------------------------------------------------

    def step(self) -> int:
        """Copy the next files; how many were looked at: less than `BATCH_FILES` if none is left.

        Raises:
            StorageError: the index or a disk fails; what was copied is found again.
        """
        now_us = self._clock.monotonic_us()
        places, made, handled = list(self._places()), list[tuple[ChunkRecord, Place]](), 0
        self._begin_again(now_us, frozenset(place.volume.number for place in places))
        for chunk in islice(self._wanting(), BATCH_FILES):
            if self._stopping.is_set():
                break
            copied = self._copied(chunk, places)
            made += [copied] if copied is not None else []
            self._reached_us[chunk.track] = chunk.start_us + 1
            handled += 1
        self._commit(made)
        if handled < BATCH_FILES:
            self._tell(now_us)
        return handled

    def _begin_again(self, now_us: int, known: frozenset[int]) -> None:
        """Look through all young footage if it is time, or if a disk came or went."""
        if now_us >= self._again_us or known != self._known:
            self._reached_us.clear()
            self._skipped.clear()
            self._found_no_place = False
            self._known = known
            self._again_us = now_us + AGAIN_US

    def _wanting(self) -> Iterator[AgedChunk]:
        """Young chunks with one file, where there should be two, oldest first."""
        tracks = [track for track in self._reader.tracks() if self._settings.copies_of(track.channel) > 1]
        return heapq.merge(*map(self._single, tracks), key=lambda chunk: chunk.start_us)

    def _single(self, track: Track) -> Iterator[AgedChunk]:
        min_days, _ = self._settings.days(track.channel)
        young_us = self._clock.wall_us() - int(min_days * US_PER_DAY)
        for chunk in self._expiry.oldest(track, max(young_us, self._reached_us.get(track, 0))):
            if chunk.second is None and not chunk.lost:
                yield chunk
            else:
                self._reached_us[track] = chunk.start_us + 1

    def _copied(self, chunk: AgedChunk, places: Sequence[Place]) -> tuple[ChunkRecord, Place] | None:
        """The chunk's row and where its second file lies now; None: there is none."""
        source = next((place.volume for place in places if place.volume.number == chunk.volume), None)
        record = self._row(chunk)
        if source is None or record is None:  # its disk is away, or it has been deleted
            return None
        others = (place for place in places if place.volume is not source and self._has_room(place.volume, chunk))
        for place in ranked(chunk.track.channel, chunk.start_us, others):
            began_us = self._clock.monotonic_us()
            if self._copy(record, source, place.volume):
                self._stopping.wait((self._clock.monotonic_us() - began_us) / US_PER_S)
                return record, place
        self._found_no_place = True
        self._skipped[chunk.volume] += not self._is_fresh(chunk)
        return None

    def _row(self, chunk: AgedChunk) -> ChunkRecord | None:
        try:
            return self._expiry.row(chunk.track, chunk.start_us, chunk.sequence)
        except IntegrityError:  # `nvr check` names it
            return None

    def _has_room(self, volume: Volume, chunk: AgedChunk) -> bool:
        try:
            room = self._room(volume)
        except StorageError:  # whoever sweeps there says so
            return False
        if room.free_files < room.enough_files:
            return False
        return room.free_bytes - chunk.bytes >= (room.low_water_bytes if self._is_fresh(chunk) else room.enough_bytes)

    def _is_fresh(self, chunk: AgedChunk) -> bool:
        return self._clock.wall_us() - chunk.end_us < FRESH_US

    def _copy(self, record: ChunkRecord, source: Volume, target: Volume) -> bool:
        """Whether the target holds the same file now; one that a crash left there is taken if it is whole."""
        name = record.name()
        try:
            found = holds_whole(target, name, record.root)
            if not found:
                duplicate(source, target, name, replaces=found is False)
        except StorageError as error:
            log.warning("no second file", file=name.path(), volume=target.number, error=str(error))
            return False
        return True

    # -- after the files -------------------------------------------------------------------------------------------

    def _commit(self, made: Sequence[tuple[ChunkRecord, Place]]) -> None:
        for volume in {place.volume.number: place.volume for _, place in made}.values():
            volume.sync_apart()
        self._writer.commit(Commit(copies=tuple((record, place.volume.number) for record, place in made)))
        for record, place in made:
            if not self._is_noted(record, place.volume.number):  # the chunk was deleted meanwhile
                place.volume.unlink(record.name())

    def _is_noted(self, record: ChunkRecord, volume: int) -> bool:
        stored = self._reader.chunk(record.name())
        return stored is not None and volume in (stored.volume, self._reader.second_volume(record.name()))

    def _tell(self, now_us: int) -> None:
        if self._found_no_place:
            self._again_us = min(self._again_us, now_us + SKIPPED_AGAIN_US)
        trouble = {number: f"{count} {SINGLE}" for number, count in self._skipped.items() if count}
        for number in trouble.keys() - self.trouble.keys():
            log.error("second files", volume=number, trouble=trouble[number])
        self.trouble = trouble
