"""How long the pieces of a track are, and how much room one takes. Pure."""

from dataclasses import dataclass

from nvr.media import Track, TrackKind
from nvr.timebase import TICKS_PER_S, US_PER_S, ticks_from_us

CHUNK_LIMIT_BYTES = 256 << 20
FIRST_BPS = {TrackKind.MAIN: 4_096_000, TrackKind.SUB: 512_000}  # DESIGN section 1
GOLDEN_PPM = 618_034  # the golden ratio spreads any number of channels evenly over the chunk's length


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long the pieces are."""

    fragment_us: int
    chunk_us: int
    phase_us: int

    @classmethod
    def of(cls, track: Track, *, fragment_ms: int, main_chunk_s: int, sub_chunk_s: int) -> "Cadence":
        """Cuts fall on ``k × length + phase``, staggered so that no two channels cut at the same instant."""
        chunk_us = (main_chunk_s if track.kind is TrackKind.MAIN else sub_chunk_s) * US_PER_S
        phase_us = track.channel * GOLDEN_PPM % 1_000_000 * chunk_us // 1_000_000
        return cls(fragment_ms * 1000, chunk_us, phase_us)

    def slot(self, wall_us: int) -> int:
        """Which of the track's slots an instant falls in; a change of slot is due for a cut."""
        return (wall_us - self.phase_us) // self.chunk_us


def expected_chunk_bytes(kind: TrackKind, cadence: Cadence, bitrate_bps: int) -> int:
    """Room to reserve for a chunk: its length at the bit rate seen so far, and a tenth more; 0: none was seen yet.

    Never more than a chunk can hold.
    """
    bitrate_bps = bitrate_bps or FIRST_BPS[kind]
    return min(CHUNK_LIMIT_BYTES, ticks_from_us(cadence.chunk_us) * bitrate_bps // (8 * TICKS_PER_S) * 11 // 10)
