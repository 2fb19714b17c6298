"""Keeps the index and the board true while the engine records: one thread, the only one that writes the index."""

import queue
import threading
from collections.abc import Sequence

from indexer.board import Board, TrackStatus
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.capture.bookkeeper import Batch, LastFootage
from nvr.capture.report import TrackReport
from nvr.chunk.name import ChunkName
from nvr.chunk.volume import Volume
from nvr.errors import StorageError, unforeseen
from nvr.log import get_logger
from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_S, Clock

log = get_logger()

NO_ROOT = bytes(32)
RETRY_S = 1.0
SLOW_S = 30  # chosen: a commit takes milliseconds, on a busy hard disk a second
PATIENCE_S = 10.0  # for an index that fails while the recorder stops
LOOK_BACK_US = 1200 * US_PER_S  # chosen: rows lag their files by seconds, and the longest file takes 600 s


class IndexBookkeeper(threading.Thread):
    """The engine's `nvr.capture.bookkeeper.Bookkeeper`, with LMDB below.

    A commit that fails is tried again until it succeeds: its files are on the disk and describe themselves, so
    nothing is lost meanwhile but the sight of it. Recording never waits for the index. A row that can never be written
    is left out and told; its file waits for `nvr check`.
    """

    def __init__(self, writer: IndexWriter, board: Board, clock: Clock) -> None:
        super().__init__(name="index")
        self._writer = writer
        self._reader = IndexReader(writer.store)
        self._board = board
        self._clock = clock
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._clean_stop_us = writer.take_clean_stop()
        self._giving_up = threading.Event()
        self._failing = ""  # why the index cannot be written at the moment
        self._unseen = ""  # why the board cannot
        self._busy_since_us: int | None = None  # monotonic
        self._left_out = 0  # rows that cannot be written at all

    @property
    def trouble(self) -> str:
        """What is wrong with index and board now, for people. Any thread."""
        since_us, now_us = self._busy_since_us, self._clock.monotonic_us()
        waits_s = 0 if since_us is None else (now_us - since_us) // US_PER_S
        waiting = f"the index has not answered for {waits_s} s" if waits_s >= SLOW_S else ""
        left_out = "some files or gaps cannot be entered in the index: nvr check names them" if self._left_out else ""
        return "; ".join(filter(None, (self._failing, self._unseen, waiting, left_out)))

    # -- what the engine calls -----------------------------------------------------------------------------------

    def last(self, track: Track) -> LastFootage | None:
        """The end of a track's history; how the recorder ended tells why."""
        last = self._writer.last(track)
        if last is None:
            return None
        if self._clean_stop_us is not None:
            reason, detail = GapReason.OPERATOR, "the recorder was stopped"
        else:
            reason, detail = GapReason.RESTART, "the recorder ended without being stopped"
        return LastFootage(last.end_us, last.run, last.root or NO_ROOT, reason, detail)

    def commit(self, batch: Batch) -> None:
        """Index what is durable, soon."""
        self._queue.put(batch)

    def publish(self, reports: Sequence[TrackReport]) -> None:
        """Show states on the board. A board that fails must not stop the recorder."""
        try:
            self._board.post(map(TrackStatus.of, reports))
        except StorageError as error:
            self._unseen = str(error)
        except Exception as error:  # whatever a report holds, the sight of it fails alone
            if not self._unseen:
                log.exception("states cannot be shown")
            self._unseen = unforeseen(error)
        else:
            self._unseen = ""

    def unindexed(self, volume: Volume, before_us: int) -> list[ChunkName]:
        """Files sealed in the last minutes before a crash that their commit did not reach.

        All others that the index does not know are taken in by `indexer.adoption`, which does not hold up the sweeper.
        """
        garbage = {waste.path for waste in self._reader.garbage() if waste.volume == volume.number}
        newest_us = min(before_us, volume.newest_us() or 0)  # a disk that was away for a week looks back from there
        names = [name for name, _ in volume.chunks(since_us=newest_us - LOOK_BACK_US) if name.start_us < before_us]
        last_us = max((name.start_us for name in names), default=0) - LOOK_BACK_US
        young = [name for name in names if name.start_us >= last_us and name.path() not in garbage]
        return [name for name in young if not self._is_indexed(name)]

    def _is_indexed(self, name: ChunkName) -> bool:
        row = self._reader.floor(name.track, name.start_us)
        return row is not None and (row.start_us, row.run, row.sequence) == (name.start_us, name.run, name.sequence)

    # -- the thread ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._busy_since_us = self._clock.monotonic_us()
            self._index(Commit(tuple((chunk, batch.volume) for chunk in batch.sealed), batch.gaps))
            self._busy_since_us = None

    def finish(self, *, clean: bool = True) -> None:
        """Index what is queued, and end.

        Args:
            clean: note that the recorder was stopped on purpose.
        """
        self._queue.put(None)
        self.join(PATIENCE_S)
        self._giving_up.set()
        self.join()
        if clean:
            self._writer.mark_clean_stop(self._clock.wall_us())

    def _index(self, commit: Commit) -> None:
        while True:
            try:
                self._writer.commit(commit)
            except StorageError as error:
                if str(error) != self._failing:
                    log.exception("the index cannot be written: it is tried again and again", error=str(error))
                self._failing = str(error)
                if self._giving_up.wait(RETRY_S):
                    return  # the next start finds the files and indexes them
            except Exception:  # whatever it is, the row that makes it fails alone
                parts = _rows_of(commit)
                log.exception("a row cannot be written", rows_with_it=len(parts))
                self._left_out += len(parts) == 1
                for part in parts if len(parts) > 1 else _missing_by(commit):
                    self._index(part)
                return
            else:
                self._failing = ""
                return


def _rows_of(commit: Commit) -> list[Commit]:
    """Each row in a transaction of its own."""
    return [Commit(chunks=(one,)) for one in commit.chunks] + [Commit(gaps=(gap,)) for gap in commit.gaps]


def _missing_by(commit: Commit) -> list[Commit]:
    """What is to be said of the one file that cannot be entered: nobody finds its footage."""
    what = "its file cannot be entered in the index: nvr check names it"
    chunks = [chunk for chunk, _ in commit.chunks]
    return [Commit(gaps=(Gap(one.header.track, one.start_us, one.end_us, GapReason.DISK, what),)) for one in chunks]
