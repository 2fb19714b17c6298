"""The minutes of a UTC day whose footage has doubtful times: coarse ones, and those that a doubted clock has given.

Two bitmaps as in `indexer.days`, kept beside the rows so that a month of 55 cameras is told without reading 2.4 million
of them. They are rare: a day without any has no row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from indexer import days
from nvr.timebase import TimeRange

Flags = tuple[bool, bool]  # of one chunk: whether its times are coarse, whether the server's clock was doubtful


@dataclass(frozen=True, slots=True)
class Doubts:
    """Of one day."""

    coarse: days.Minutes = 0
    clock: days.Minutes = 0

    def __or__(self, other: "Doubts") -> "Doubts":
        return Doubts(self.coarse | other.coarse, self.clock | other.clock)

    def __sub__(self, other: "Doubts") -> "Doubts":
        return Doubts(self.coarse & ~other.coarse, self.clock & ~other.clock)

    def __bool__(self) -> bool:
        return bool(self.coarse | self.clock)


NONE = Doubts()


def touched(span: TimeRange, flags: Flags) -> Iterator[tuple[int, Doubts]]:
    """Each UTC day that a chunk touches, with what is doubtful by it; nothing, where nothing is."""
    is_coarse, is_doubtful = flags
    for day, minutes in days.touched(span) if is_coarse or is_doubtful else ():
        yield day, Doubts(minutes * is_coarse, minutes * is_doubtful)


def union(chunks: Iterable[tuple[TimeRange, Flags]]) -> dict[int, Doubts]:
    """What is doubtful of each day by any of the chunks."""
    found: dict[int, Doubts] = {}
    for span, flags in chunks:
        for day, doubts in touched(span, flags):
            found[day] = found.get(day, NONE) | doubts
    return found


def encode(doubts: Doubts) -> bytes:
    """The bitmaps, coarse first."""
    return days.encode(doubts.coarse) + days.encode(doubts.clock)


def decode(value: bytes) -> Doubts:
    """What the bitmaps say."""
    return Doubts(days.decode(value[: days.DAY_BYTES]), days.decode(value[days.DAY_BYTES :]))
