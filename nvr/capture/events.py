"""What a segmenter says to a disk: a chunk opens, fragments follow, the chunk ends. What is rescued says it at once."""

from dataclasses import dataclass

from nvr.media import CutReason, Fragment, GapReason, ParameterSets, Track
from nvr.timebase import us_from_90k


@dataclass(frozen=True, slots=True)
class Absence:
    """Why there is no footage."""

    reason: GapReason
    detail: str = ""  # for people


@dataclass(frozen=True, slots=True)
class ChunkOpened:
    """A new chunk begins; its first fragment follows."""

    track: Track
    run: int
    sequence: int
    start_us: int  # as far as known now; the end says it finally
    parameter_sets: ParameterSets
    composition_delay_90k: int
    absence: Absence | None = None  # of the footage before it, if there is none; None: as the ledger knows


@dataclass(frozen=True, slots=True)
class FragmentClosed:
    """A fragment of the open chunk."""

    fragment: Fragment


@dataclass(frozen=True, slots=True)
class ChunkEnded:
    """The open chunk is complete. Times are wall time; the duration reaches to where the next chunk may start."""

    cut: CutReason
    start_us: int
    duration_us: int


@dataclass(frozen=True, slots=True)
class ChunkLost:
    """The open chunk cannot be completed: what is whole of it stays as a part, which is sealed later."""


@dataclass(frozen=True, slots=True)
class ChunkRest:
    """The rest of a chunk whose volume failed: it goes on in a file of its own, which begins with a sync sample.

    The file has a run of its own, for the failed volume may come back with a file that holds some of the same pictures,
    and two files of one run never overlap.
    """

    opened: ChunkOpened  # as the segmenter said it; what follows counts from there
    run: int
    sequence: int  # of the file; not that of the file before: both may start with the same picture
    fragments: tuple[Fragment, ...]  # at least one, the first begins with a sync sample
    ended: ChunkEnded | None  # None: more follows

    def opening(self) -> ChunkOpened:
        """How the new file begins."""
        return ChunkOpened(
            self.opened.track,
            self.run,
            self.sequence,
            start_of(self),
            self.opened.parameter_sets,
            self.composition_delay_90k,
            self.opened.absence,
        )

    @property
    def composition_delay_90k(self) -> int:
        """Of the first sample."""
        return self.fragments[0].composition_90k[0]

    @property
    def behind_90k(self) -> int:
        """How much later than the chunk's its first sample is decoded."""
        return self.fragments[0].decode_90k

    @property
    def behind_us(self) -> int:
        """How much later than the chunk's its first sample is shown."""
        return us_from_90k(self.behind_90k + self.composition_delay_90k - self.opened.composition_delay_90k)


Event = ChunkOpened | FragmentClosed | ChunkEnded | ChunkLost | ChunkRest


def start_of(opening: ChunkOpened | ChunkRest) -> int:
    """When the first picture of a file is shown, wall time, as far as known."""
    return opening.start_us if isinstance(opening, ChunkOpened) else opening.fragments[0].wall_us


def payload_bytes(event: Event) -> int:
    """How much footage an event carries."""
    match event:
        case FragmentClosed(fragment):
            return fragment.payload_bytes
        case ChunkRest():
            return sum(fragment.payload_bytes for fragment in event.fragments)
        case _:
            return 0
