"""How the dates of footage become ages where a clock was wrong: time cut into pieces, each with its shifts. Pure."""

from dataclasses import dataclass
from itertools import pairwise

from nvr.believedclock import STEP_US, Belief, position_us

END_US = 2**63  # behind every date


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of dates ``[from_us, until_us)`` in which a shift is the same for all chunks of a kind."""

    from_us: int
    until_us: int
    sound_us: int  # so much later a chunk was recorded at most that was dated by a believed clock,
    marked_us: int  # or by a doubted one

    def shift_us(self, is_clock_doubtful: bool | None) -> int:
        """A chunk's shift; None: of the chunk only the name is known, then the one that keeps it longer."""
        if is_clock_doubtful is None:
            return max(self.sound_us, self.marked_us)
        return self.marked_us if is_clock_doubtful else self.sound_us

    def shifts_us(self) -> set[int]:
        """All that occur."""
        return {self.sound_us, self.marked_us}


ALL_TIME = Piece(0, END_US, 0, 0)


def pieces(belief: Belief) -> tuple[Piece, ...]:
    """All time in pieces, in order: one where no clock was ever wrong."""
    corrections = belief.in_force()
    if not corrections:
        return (ALL_TIME,)
    edges = {0, belief.now_us + STEP_US + 1, END_US}
    edges |= {edge for one in corrections for edge in (one.from_us, one.to_us)}
    times = sorted(edge for edge in edges if 0 <= edge <= END_US)

    def shift_us(time_us: int, *, is_marked: bool) -> int:
        return position_us(corrections, time_us, is_marked=is_marked, now_us=belief.now_us) - time_us

    return tuple(Piece(a, b, shift_us(a, is_marked=False), shift_us(a, is_marked=True)) for a, b in pairwise(times))
