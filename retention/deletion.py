"""Deletes chunks in four steps; each may be the last one before a crash (INVARIANTS.md says why in this order)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from indexer.expiry import Expiry
from indexer.records import ChunkRecord
from indexer.rows import Garbage
from indexer.writer import Commit, IndexWriter
from nvr.chunk.name import parse
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.log import get_logger
from nvr.media import Gap, GapReason, Track
from nvr.timebase import Clock
from retention.holds import Freeze
from retention.plan import StoredChunk

log = get_logger()


class Deletion:
    """Carries deletions out: `condemn`, then on each volume `unlink`, `sync`, `forget`. Belongs to one thread.

    Args:
        writer: of the index; others may share it.
        volumes: number → those that can be written at present.
        freeze: gives what is held, for as long as a block lasts; asked once more for each chunk before it goes.
        clock: tells when the garbage became garbage.
        turn_files: at most so many files are unlinked before the next sync.
    """

    def __init__(
        self, writer: IndexWriter, volumes: Mapping[int, Volume], freeze: Freeze, clock: Clock, turn_files: int
    ) -> None:
        self._writer = writer
        self._expiry = Expiry(writer.store)
        self.volumes = volumes
        self._freeze = freeze
        self._clock = clock
        self._turn_files = turn_files
        self.stuck: dict[int, str] = {}  # volume number → why its garbage cannot be deleted at the moment

    # -- step 1: out of the index ----------------------------------------------------------------------------------

    def condemn(self, chunks: Iterable[StoredChunk]) -> int:
        """One transaction: these rows leave and their files become garbage. Gives how many.

        A row that has gone or cannot be read stays out of it, and so does one that is held: no hold can be laid between
        that question and the commit.

        Raises:
            StorageError: nothing was changed.
        """
        with self._freeze() as is_held:
            free = (chunk for chunk in chunks if not chunk.is_held_by(is_held))
            going = [record for chunk in free if (record := self._record(chunk)) is not None]
            if going:
                gaps = tuple(self._holes(going))
                self._writer.commit(Commit(gaps=gaps, garbage=tuple(going), now_us=self._clock.wall_us()))
        return len(going)

    def thin(self, files: Iterable[tuple[StoredChunk, int]]) -> int:
        """One transaction: of these chunks, which have two files, the one on this volume becomes garbage. How many.

        Nothing can be lost by it: the transaction takes no chunk's only file.

        Raises:
            StorageError: nothing was changed.
        """
        going = tuple((record, volume) for chunk, volume in files if (record := self._record(chunk)) is not None)
        if going:
            self._writer.commit(Commit(thinned=going, now_us=self._clock.wall_us()))
        return len(going)

    def _holes(self, going: Sequence[ChunkRecord]) -> Iterator[Gap]:
        """Where a chunk goes and an older one stays (it is held, or its volume has room), a hole needs its reason.

        Where the oldest goes, the footage simply begins later.
        """
        stays_us: dict[Track, int | None] = {}
        leaving = {(record.track, record.start_us) for record in going}
        for record in going:
            if record.track not in stays_us:
                starts = (chunk.start_us for chunk in self._expiry.oldest(record.track))
                stays_us[record.track] = next((us for us in starts if (record.track, us) not in leaving), None)
            oldest_us = stays_us[record.track]
            if oldest_us is not None and oldest_us < record.start_us:
                yield Gap(record.track, record.start_us, record.end_us, GapReason.RETENTION, "its time was over")

    def _record(self, chunk: StoredChunk) -> ChunkRecord | None:
        try:
            return self._expiry.row(chunk.track, chunk.start_us, chunk.sequence)
        except IntegrityError as error:
            log.exception("a chunk cannot be deleted", track=str(chunk.track), error=str(error))
            return None

    # -- steps 2 to 4: off the disk, then out of the garbage -------------------------------------------------------

    def garbage(self, volume: int) -> list[Garbage]:
        """The next files of a volume that are to be unlinked, as many as belong to one turn."""
        return self._expiry.garbage(volume, self._turn_files)

    def unlink(self, volume: int, garbage: Iterable[Garbage]) -> None:
        """Remove the files; one that is gone already is no error, and who has one open keeps it.

        Raises:
            StorageError: the disk does not let them go.
        """
        for waste in garbage:
            name = parse(waste.path)
            if name is None:
                log.error("garbage that names no chunk is forgotten", volume=volume, path=waste.path)
            else:
                self.volumes[volume].unlink(name)

    def sync(self, volume: int) -> None:
        """Make it durable that the files are gone: one syncfs, through a descriptor of its own.

        Raises:
            StorageError: perhaps it is not.
        """
        self.volumes[volume].sync_apart()

    def forget(self, garbage: Iterable[Garbage]) -> None:
        """One transaction: the garbage rows of files that are durably gone leave the index.

        Raises:
            StorageError: they stay; unlinking again does no harm.
        """
        self._writer.forget(garbage)

    def clear(self, volume: int) -> int:
        """Steps 2 to 4 for one turn of a volume; how many files. A volume that fails is `stuck` until `retry`."""
        garbage = [] if volume in self.stuck else self.garbage(volume)
        if not garbage:
            return 0
        try:
            self.unlink(volume, garbage)
            self.sync(volume)
        except StorageError as error:
            self.stuck[volume] = str(error)
            return 0
        self.forget(garbage)
        return len(garbage)

    def retry(self) -> None:
        """Try the volumes that failed again."""
        self.stuck.clear()
