"""Times of a long clip on steady beats, so that its tables stay small. Pure.

MP4 tells the time of samples in runs of equal durations. Cameras whose stamps jitter by a tick or a millisecond break
each run after a picture or two: eight bytes a sample, 17 MB a day, and telephones are reported not to begin a film
whose ``moov`` has more than some 35 MB. So where the tables of a clip would be large, its pictures are moved a little.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LARGE_RUNS = 500_000  # chosen: 4 MB of tables; a clip of fewer runs is exact to the tick
TOLERANCES_90K = (90, 450, 1800)  # chosen: 1 ms, 5 ms, 20 ms, the first that helps; half a picture at 25 a second
SHORTEST = 8  # pictures in a beat, on average; chosen: with fewer the tables shrink by less than a half
_TRIED = 500
_WINDOW = 64

Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Of all samples, in decoding order, in ticks of 90 kHz; the first is decoded at 0."""

    decode_90k: Column
    shown_90k: Column

    @property
    def runs(self) -> int:
        """How many rows they take in ``stts`` and ``ctts``."""
        durations, compositions = np.diff(self.decode_90k), self.shown_90k - self.decode_90k
        return int(np.count_nonzero(np.diff(durations)) + np.count_nonzero(np.diff(compositions))) + 2


def smaller(times: Times, large_runs: int = LARGE_RUNS) -> Times:
    """The same, with pictures moved by the smallest tolerance that makes the tables small, where they are large."""
    best = times
    for tolerance_90k in TOLERANCES_90K:
        if best.runs <= large_runs:
            break
        moved = _on_beats(times, tolerance_90k)
        best = min(best, moved or best, key=lambda one: one.runs)
    return best


def _on_beats(times: Times, tolerance_90k: int) -> Times | None:
    order = np.argsort(times.shown_90k, kind="stable")
    steady = steadied(times.shown_90k[order], tolerance_90k)
    if steady is None:
        return None
    shown = np.empty_like(steady)
    shown[order] = steady
    # Decoded in the order of showing, and by so much earlier that none is shown before it is decoded.
    ahead = int((steady - shown).max())
    origin = int(steady[0]) - ahead
    return Times(steady - int(steady[0]), shown - origin)


def steadied(shown_90k: Column, tolerance_90k: int) -> Column | None:
    """Growing times, each moved by at most so many ticks, so that the steps between them are equal for long.

    Greedy: a beat goes on as long as a whole number of ticks is within the tolerance of all its pictures. None: the
    beats are so short that nothing is gained.
    """
    found = np.empty_like(shown_90k)
    found[0] = at_90k = int(shown_90k[0])
    begin, beats, count = 0, 0, len(shown_90k)
    while begin < count - 1:
        beats += 1
        if beats > _TRIED and begin < SHORTEST * beats:
            return None
        steps, beat_90k = _beat(shown_90k[begin + 1 :], at_90k, tolerance_90k)
        found[begin + 1 : begin + 1 + steps] = at_90k + beat_90k * np.arange(1, steps + 1)
        begin += steps
        at_90k += beat_90k * steps
    return found


def _beat(behind: Column, at_90k: int, tolerance_90k: int) -> tuple[int, int]:
    """How many of the times behind one lie on one beat from it, and its length; at least one does."""
    window = _WINDOW
    while True:
        part = behind[:window] - at_90k
        steps = np.arange(1, len(part) + 1)
        least = np.maximum.accumulate(np.maximum(1, -((tolerance_90k - part) // steps)))
        most = np.minimum.accumulate((part + tolerance_90k) // steps)
        good = int(np.searchsorted(least > most, True))
        if good < len(part) or len(part) == len(behind):
            break
        window *= 2
    if not good:  # further apart than the tolerance reaches: two pictures of one time
        return 1, max(1, int(part[0]))
    return good, int(least[good - 1] + most[good - 1]) // 2
