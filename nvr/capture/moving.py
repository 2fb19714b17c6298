"""What a failed volume has perhaps not kept goes to another one: from a disk's thread to the reactor's, and back.

Only the reactor puts into the disks' queues. So it is the reactor that takes back what waits in the failed one's and
brings all of it elsewhere, while the failed disk waits: nothing is overtaken, nothing is written twice in one run.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from nvr.capture.bookkeeper import Batch, Bookkeeper
from nvr.capture.disk import Disk
from nvr.capture.diskpool import DiskPool
from nvr.capture.events import Event, start_of
from nvr.capture.gaps import TOLERANCE_US
from nvr.capture.outlet import Outlet
from nvr.capture.reactor import Reactor
from nvr.capture.session import Session
from nvr.capture.unsynced import Piece, Unsynced
from nvr.errors import StorageError, unforeseen
from nvr.log import get_logger
from nvr.media import Gap, GapReason, Track

log = get_logger()


@dataclass(frozen=True, slots=True)
class Move:
    """What one disk has left, of these tracks or of all, and why."""

    disk: Disk
    left: Unsynced
    tracks: Collection[Track] | None
    error: StorageError
    done: threading.Event = field(default_factory=threading.Event)


class Mover:
    """Brings what a volume did not keep to another one.

    Args:
        session_of: the session that records a track, if there still is one.
        next_run: numbers the runs of a track.
    """

    def __init__(
        self,
        reactor: Reactor,
        pool: DiskPool,
        bookkeeper: Bookkeeper,
        session_of: Callable[[Track], Session | None],
        next_run: Callable[[Track], int],
    ) -> None:
        self._reactor = reactor
        self._pool = pool
        self._bookkeeper = bookkeeper
        self._session_of = session_of
        self._next_run = next_run
        self._waiting: deque[Move] = deque()

    def request(self, move: Move) -> None:
        """From the disk's thread; returns when everything is on its way."""
        self._waiting.append(move)
        self._reactor.call_from_thread(self.serve)
        move.done.wait()

    def serve(self) -> None:
        """Do what was asked for. In the reactor's thread."""
        while self._waiting:
            move = self._waiting.popleft()
            try:
                self.carry_out(move)
            except Exception:  # whatever is wrong with what is left there, this move fails alone
                log.exception("footage of a failed volume is lost", volume=move.disk.volume.number)
            finally:
                move.done.set()

    def carry_out(self, move: Move) -> None:
        """Bring everything elsewhere; where there is no other place, the tracks' chunks end."""
        for track, event in move.disk.queue.withdraw(move.tracks):
            self._add_alone(move.left, track, event)
        pieces = move.left.pieces()
        gaps = [gap for piece in pieces if (gap := self._move_alone(piece, move)) is not None]
        number = move.disk.volume.number
        log.error("footage moves to other volumes", volume=number, pieces=len(pieces), why=str(move.error))
        if gaps:
            self._bookkeeper.commit(Batch(number, (), tuple(gaps)))

    def _add_alone(self, left: Unsynced, track: Track, event: Event) -> None:
        try:
            left.add(track, event)
        except Exception:  # whatever is wrong with it, this event fails alone: what it belongs to is told as missing
            log.exception("an event of a failed volume cannot be understood", track=str(track))

    def _move_alone(self, piece: Piece, move: Move) -> Gap | None:
        try:
            return self._move(piece, move)
        except Exception as error:  # whatever is wrong with it, this piece fails alone, and is missing
            log.exception("a piece of footage cannot be moved", track=str(piece.track))
            session = self._session_of(piece.track)
            if session is not None and piece.ended is None:
                what = unforeseen(error)
                self._reactor.call_from_thread(lambda: session.broke(what))
            return _missing(piece, piece.end_us, f"{_why(move)}; and what it had cannot be moved")

    def _move(self, piece: Piece, move: Move) -> Gap | None:
        """Gives the stretch that cannot be seen until the volume works again and its file is adopted."""
        session = self._session_of(piece.track)
        rest = piece.rest(self._next_run(piece.track))
        outlet = session.outlet if session is not None else Outlet(piece.track, self._pool)
        moved = rest is not None and outlet.move(rest, move.disk)
        if not moved and piece.ended is None and session is not None:
            session.disk_failed(_why(move))
        return _missing(piece, start_of(rest) if rest is not None and moved else piece.end_us, _why(move))


def _why(move: Move) -> str:
    return f"volume {move.disk.volume.number}: {move.error.what}"


def _missing(piece: Piece, until_us: int, detail: str) -> Gap | None:
    if until_us - piece.since_us <= TOLERANCE_US:
        return None
    return Gap(piece.track, piece.since_us, until_us, GapReason.DISK, detail)
