"""What a volume was given and has perhaps not kept: it stays in memory until a sync of the volume has succeeded.

If the sync fails, this is what goes to another volume: never is a sync tried again, for the kernel has marked the pages
clean (Rebello et al., ATC 2020). Of the synced pictures those since the last sync sample stay as well, so that what is
moved can be shown without the failed volume.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from nvr.capture.events import ChunkEnded, ChunkLost, ChunkOpened, ChunkRest, Event, FragmentClosed
from nvr.media import Fragment, Track
from nvr.timebase import us_from_90k

SYNCED_LIMIT_BYTES = 2 << 20  # chosen: two seconds at 8 Mbit/s; beyond it the pictures up to the next sync sample go


@dataclass(slots=True)
class Piece:
    """What is at hand of one chunk: from a sync sample on, if there was one, as far as it came."""

    opened: ChunkOpened
    since_us: int  # wall: where the file begins that may be lost
    sequence: int  # of that file
    fragments: list[Fragment] = field(default_factory=list)
    synced: int = 0  # so many of the fragments are surely on the disk
    end_us: int = 0  # wall: how far the footage came
    is_written: bool = False  # whether there may be a file that holds some of it
    ended: ChunkEnded | None = None

    @property
    def track(self) -> Track:
        return self.opened.track

    def add(self, fragment: Fragment) -> None:
        if self.synced and self.synced == len(self.fragments) and fragment.sync[0]:
            self.fragments.clear()
            self.synced = 0
        self.fragments.append(fragment)
        self.end_us = fragment.wall_us + us_from_90k(fragment.duration_90k)
        self.is_written = True

    def mark_synced(self) -> None:
        """Everything so far is on the disk: only the pictures since the last sync sample stay."""
        first = next((i for i in reversed(range(len(self.fragments))) if self.fragments[i].sync[0]), 0)
        del self.fragments[:first]
        if sum(fragment.payload_bytes for fragment in self.fragments) > SYNCED_LIMIT_BYTES:
            self.fragments.clear()
        self.synced = len(self.fragments)

    def rest(self, run: int) -> ChunkRest | ChunkOpened | None:
        """What another volume is to write; None: there is nothing that could be shown.

        Args:
            run: a new one.
        """
        if not self.is_written and self.ended is None:
            return self.opened
        first = next((i for i, fragment in enumerate(self.fragments) if fragment.sync[0]), None)
        if first is None:
            return None
        return ChunkRest(self.opened, run, self.sequence + 1, tuple(self.fragments[first:]), self.ended)


class Unsynced:
    """The pieces of all tracks of a volume."""

    def __init__(self) -> None:
        self._open: dict[Track, Piece] = {}
        self._ended: list[Piece] = []
        self.bytes = 0  # of footage, since the last sync

    def add(self, track: Track, event: Event) -> None:
        """An event that the volume is given; what belongs to no open chunk is not kept."""
        piece = self._open.get(track)
        match event:
            case ChunkOpened():
                self._open[track] = Piece(event, event.start_us, event.sequence)
            case FragmentClosed(fragment) if piece is not None:
                piece.add(fragment)
                self.bytes += fragment.payload_bytes
            case ChunkEnded() if piece is not None:
                piece.ended = event
                self._ended.append(self._open.pop(track))
            case ChunkLost() if piece is not None:
                del self._open[track]  # what has been written of it stays in its part
            case ChunkRest():
                self._add_rest(event)
            case _:
                pass

    def _add_rest(self, rest: ChunkRest) -> None:
        piece = Piece(rest.opened, rest.fragments[0].wall_us, rest.sequence, ended=rest.ended)
        for fragment in rest.fragments:
            piece.add(fragment)
            self.bytes += fragment.payload_bytes
        if rest.ended is None:
            self._open[rest.opened.track] = piece
        else:
            self._ended.append(piece)

    def mark_synced(self) -> None:
        """A sync has succeeded."""
        self._ended.clear()
        self.bytes = 0
        for piece in self._open.values():
            piece.mark_synced()

    def take(self, tracks: Collection[Track] | None) -> "Unsynced":
        """What is at hand of these tracks, or of all; it is forgotten here."""
        taken = Unsynced()
        taken._open = {track: piece for track, piece in self._open.items() if tracks is None or track in tracks}
        taken._ended = [piece for piece in self._ended if tracks is None or piece.track in tracks]
        self._open = {track: piece for track, piece in self._open.items() if track not in taken._open}
        self._ended = [piece for piece in self._ended if not (tracks is None or piece.track in tracks)]
        return taken

    def pieces(self) -> list[Piece]:
        """All of them, those that have ended first."""
        return [*self._ended, *self._open.values()]
