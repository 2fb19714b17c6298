"""When did something move in a box? Key frames are chosen by how much the encoder spent, and compared; pure.

A day of one camera has 43,000 key frames, too many to decode. Where something moves, an encoder spends bytes on the
samples between key frames: of each cell of the window the busiest key frame is looked at, and of every few cells the
quietest one besides: it shows the place as it is. A view that is unlike all the last quiet ones shows
something that came, went or passed; where there are none in this light, the next ones serve.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nvr.timebase import US_PER_S
from web.finding.bisect import TRUSTED, Sight
from web.finding.likeness import Frame, Grey, evened, has_contrast, least_likeness

LIMIT = 600  # decodes; chosen: a quarter of a minute, and one sees how far it is
QUIET_SHARE = 5  # chosen: of so many pictures one is a quiet one
REFERENCES = 3  # quiet views that a view is compared with; chosen: one of them may show a passer-by
MOVED = 0.5  # a box whose least alike part kept less of the likeness of its surroundings shows motion; from scenes
JOINED_US = 10 * US_PER_S  # chosen: what moves again so soon is the same event

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Probe:
    """A key frame that is to be looked at."""

    at_us: int
    quiet: bool  # it stands for the place as it is


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something moved between two instants; ``picture_us`` is the key frame that shows it best."""

    start_us: int
    end_us: int
    picture_us: int
    kept: float  # of the likeness, in that picture


def probes(starts_us: Numbers, spent: Numbers, limit: int = LIMIT) -> list[Probe]:
    """The key frames to look at, by instant.

    Args:
        starts_us: when each key frame is shown, rising.
        spent: bytes of the samples between it and the next.
        limit: how many may be looked at.
    """
    count = len(starts_us)
    quiet_cells = max(1, min(count, limit) // QUIET_SHARE)
    chosen = dict.fromkeys(_extremes(spent, min(count, limit - quiet_cells), busiest=True), False)
    chosen |= dict.fromkeys(_extremes(spent, quiet_cells, busiest=False), True)
    return [Probe(int(starts_us[place]), quiet) for place, quiet in sorted(chosen.items())]


def _extremes(spent: Numbers, cells: int, *, busiest: bool) -> Iterator[int]:
    """Of each of so many cells the place of the busiest or of the quietest."""
    if cells <= 0 or not len(spent):
        return
    edges = np.linspace(0, len(spent), cells + 1).astype(np.int64)
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if end > start:
            part = spent[start:end]
            yield start + int(part.argmax() if busiest else part.argmin())


@dataclass(slots=True)
class _Seen:
    sight: Sight
    view: Grey  # evened
    quiet: bool


@dataclass(slots=True)
class Watch:
    """Takes views by instant, and tells stretches as soon as enough is known on either side.

    Args:
        place: where in the views the box is.
    """

    place: Frame
    _before: deque[_Seen] = field(default_factory=lambda: deque(maxlen=REFERENCES))
    _waiting: deque[_Seen] = field(default_factory=deque)
    _open: Stretch | None = None

    def look(self, sight: Sight, *, quiet: bool) -> Iterator[Stretch]:
        """Take the next view; the stretches that are known to have ended."""
        if not has_contrast(sight.view):
            return
        self._waiting.append(_Seen(sight, evened(sight.view), quiet))
        while sum(seen.quiet for seen in self._waiting) > REFERENCES:
            yield from self._settle()

    def end(self) -> Iterator[Stretch]:
        """No more comes; the last stretches."""
        while self._waiting:
            yield from self._settle()
        if self._open is not None:
            yield self._open
            self._open = None

    def _settle(self) -> Iterator[Stretch]:
        """Judge the oldest view that waits."""
        seen = self._waiting.popleft()
        if self._open is not None and seen.sight.shown_us - self._open.end_us > JOINED_US:
            yield self._open
            self._open = None
        kept = self._kept(seen, [*reversed(self._before)])
        if kept is None:  # nothing was before, or the light was another
            kept = self._kept(seen, [other for other in self._waiting if other.quiet][:REFERENCES])
        if kept is not None and kept < MOVED:
            found = Stretch(seen.sight.shown_us, seen.sight.next_us, seen.sight.shown_us, kept)
            self._open = found if self._open is None else _joined(self._open, found)
        if seen.quiet:
            self._before.append(seen)

    def _kept(self, seen: _Seen, others: list[_Seen]) -> float | None:
        """How much of its likeness the box has kept at best; None: the light is another, nothing can be said."""
        best: float | None = None
        for other in others:
            pair = least_likeness(seen.view, other.view, self.place)
            if pair.around >= TRUSTED:
                best = max(best or 0.0, pair.kept)
                if best >= MOVED:
                    break  # one that is alike is enough
        return best


def _joined(last: Stretch, found: Stretch) -> Stretch:
    best = min(last, found, key=lambda one: one.kept)
    return Stretch(last.start_us, found.end_us, best.picture_us, best.kept)
