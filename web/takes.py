"""Time that was recorded twice, because the clock was set back: which take is seen, and where there are two. Pure.

A run is later than another if its number is greater (`nvr.capture.runnumber`), whatever its dates say.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar

from nvr.timebase import US_PER_S, TimeRange

TWICE_US = US_PER_S  # chosen: runs that meet may overlap by less, and no clock is set by less (`nvr.capture.segmenter`)


class Taken(Protocol):
    """Footage of one run."""

    @property
    def run(self) -> int: ...

    @property
    def start_us(self) -> int: ...

    @property
    def end_us(self) -> int: ...


T = TypeVar("T", bound=Taken)


def latest_takes(chunks: Sequence[T]) -> list[T]:
    """Chunks without those that begin while a later run was recording by its clock.

    After the clock was set back both runs have footage of the same hour; minute by minute in turns would be nonsense.

    Args:
        chunks: of one track, by start.
    """
    kept: list[T] = []
    beside: list[T] = []  # those that have not ended yet
    for chunk in chunks:
        beside = [other for other in beside if other.end_us > chunk.start_us]
        if not any(other.run > chunk.run and other.start_us < chunk.start_us for other in beside):
            kept.append(chunk)
        beside.append(chunk)
    return kept


def upto_take(chunks: Sequence[T], take: int) -> list[T]:
    """Chunks without those that were recorded over others for the ``take``-th time: with 1 what was recorded first."""
    return [chunk for chunk, its in zip(chunks, takes_of(chunks), strict=True) if its <= take]


def takes_of(chunks: Sequence[Taken]) -> list[int]:
    """Of each chunk which take it is of its time, from 1.

    Args:
        chunks: of one track, by start.
    """
    under: list[list[int]] = [[] for _ in chunks]  # the earlier ones that each was recorded over
    beside: list[int] = []
    for place, chunk in enumerate(chunks):
        beside = [other for other in beside if chunks[other].end_us - chunk.start_us > TWICE_US]
        for other in beside:
            if chunk.end_us - chunk.start_us > TWICE_US and chunks[other].run != chunk.run:
                first, second = sorted((place, other), key=lambda one: chunks[one].run)
                under[second].append(first)
        beside.append(place)
    takes = [1] * len(chunks)
    for place in sorted(range(len(chunks)), key=lambda one: chunks[one].run):
        takes[place] = 1 + max((takes[other] for other in under[place]), default=0)
    return takes


def count_of(runs: Iterable[Taken], stretch: tuple[int, int]) -> int:
    """How many runs at most have recorded one instant of a stretch ``(start_us, end_us)``."""
    edges: list[tuple[int, int]] = []
    for run in runs:
        start_us, end_us = max(run.start_us, stretch[0]), min(run.end_us, stretch[1])
        if end_us - start_us > TWICE_US:
            edges += [(start_us + TWICE_US, 1), (end_us, -1)]  # those that only meet are not beside each other
    return max(accumulate(step for _, step in sorted(edges)), default=0)


def twice(runs: Iterable[Taken], window: TimeRange) -> list[tuple[int, int]]:
    """The stretches of a window that more than one run has recorded, by start, joined where they meet."""
    found: list[tuple[int, int]] = []
    reached_us = window.start_us  # by an earlier one
    for run in sorted(runs, key=lambda run: run.start_us):
        start_us, end_us = max(run.start_us, window.start_us), min(run.end_us, window.end_us)
        if min(end_us, reached_us) - start_us > TWICE_US:
            if found and start_us <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], min(end_us, reached_us)))
            else:
                found.append((start_us, min(end_us, reached_us)))
        reached_us = max(reached_us, end_us)
    return found
