"""What a segmenter says to a disk: a chunk opens, fragments follow, the chunk ends."""

from dataclasses import dataclass

from nvr.media import CutReason, Fragment, ParameterSets, Track


@dataclass(frozen=True, slots=True)
class ChunkOpened:
    """A new chunk begins; its first fragment follows."""

    track: Track
    run: int
    sequence: int
    start_us: int  # as far as known now; the end says it finally
    parameter_sets: ParameterSets
    composition_delay_90k: int


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


Event = ChunkOpened | FragmentClosed | ChunkEnded
