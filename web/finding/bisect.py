"""When did the thing in a box appear or vanish? Between two instants, by halving; pure.

The search asks for views and is told them (a generator: nothing here decodes). It does not trust a single view: a
passer-by may stand before the thing. Every view that was seen stays a witness, and the change lies where the fewest
witnesses disagree; around it more are heard until enough of them on either side agree. The light of a view is compared
with that of the witnesses most like it, so that dusk between the two ends does no harm.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from nvr.timebase import US_PER_S
from web.finding.likeness import Frame, Grey, Likeness, evened, has_contrast, likeness

LIMIT = 40  # decodes, from the issue of the operator's patience: a key frame takes some 25 ms
ENDS_US = (0, 5 * US_PER_S, 17 * US_PER_S, 41 * US_PER_S, 97 * US_PER_S)  # chosen: by then who passes has passed
DIFFERS = 0.70  # of the likeness of its surroundings: a box that has kept less shows something else; measured on scenes
SAME = 0.80  # one that has kept more shows the same
TRUSTED = 0.25  # likeness of surroundings below which two views cannot be compared
AGREEING = 2  # chosen: witnesses on each side of the change that must agree with it
NOISY = 0.6  # likeness of surroundings within a minute, below which more views are taken of each end, and which
# two ends must have for "it shows the same"
CLEAR = 0.10  # by which a view must be more like one state than like the other


class Verdict(Enum):
    """How a search ended; the value is the word of the API."""

    FOUND = "found"  # to the key frame, or to the stretch in which somebody stood before it or footage is missing
    UNSURE = "unsure"  # between the two instants, but the witnesses do not agree or the decodes are spent
    ALIKE = "alike"  # the box shows the same at both ends: it never changed, or came and went
    UNLIKE = "unlike"  # the two ends cannot be compared: their light differs too much
    DARK = "dark"  # there is nothing to be seen at an end
    NOTHING = "nothing"  # there is no footage at an end


@dataclass(frozen=True, slots=True)
class Sight:
    """A key frame that was looked at."""

    shown_us: int
    next_us: int  # when the next key frame is shown, behind a hole where there is one; of the last one, where it ends
    view: Grey


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known so far: asked for the view of ``at_us``, or of the nearest key frame before it."""

    at_us: int
    low_us: int
    high_us: int
    decodes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """The end of a search. The change lies between the key frames shown at ``before_us`` and ``after_us``."""

    verdict: Verdict
    before_us: int
    after_us: int
    decodes: int


class State(Enum):
    """What a view shows."""

    BEFORE = -1
    AFTER = 1
    NEITHER = 0  # somebody stands in it, or it cannot be compared


@dataclass(slots=True)
class _Witness:
    sight: Sight
    view: Grey  # evened
    state: State = State.NEITHER


Asking = Generator[Progress, "Sight | None", Finding]


def search(from_us: int, to_us: int, place: Frame, limit: int = LIMIT) -> Asking:
    """Ask for views until the change is known to one key frame, or cannot be.

    Args:
        from_us: an instant before the change.
        to_us: one after it.
        place: where in the views the box is.
        limit: how many views may be asked for.

    Yields:
        what it wants to see; it is sent the key frame shown at that instant, in a hole the one before it, before all
        footage the first one; None: there is none.

    Returns:
        what it has found.
    """
    return _Search(from_us, to_us, place, limit).run()


@dataclass(slots=True)
class _Search:
    from_us: int
    to_us: int
    place: Frame
    limit: int
    decodes: int = 0
    seen: dict[int, _Witness] = field(default_factory=dict)  # by shown_us

    def run(self) -> Asking:
        firsts = yield from self._end(self.from_us, 1)
        lasts = yield from self._end(self.to_us, -1)
        if not firsts or not lasts:
            return self._finding(Verdict.DARK if self.seen else Verdict.NOTHING, self.from_us, self.to_us)
        verdict = self._compare_ends(firsts, lasts)
        if verdict is not None:
            return self._finding(verdict, firsts[0].sight.shown_us, lasts[0].sight.shown_us)
        while True:
            low, high = self._change()
            wanted_us = self._wanted(low, high)
            if wanted_us is None:
                sure = self._agreeing(low, -1) and self._agreeing(high, 1)
                return self._finding(Verdict.FOUND if sure else Verdict.UNSURE, low.sight.shown_us, high.sight.shown_us)
            if self.decodes >= self.limit:
                return self._finding(Verdict.UNSURE, low.sight.shown_us, high.sight.shown_us)
            known = len(self.seen)
            witness = yield from self._look(wanted_us, low, high)
            if witness is None or len(self.seen) == known:  # the footage is another than it said
                return self._finding(Verdict.UNSURE, low.sight.shown_us, high.sight.shown_us)
            witness.state = self._judge(witness)

    def _finding(self, verdict: Verdict, before_us: int, after_us: int) -> Finding:
        return Finding(verdict, before_us, after_us, self.decodes)

    # -- the two ends --------------------------------------------------------------------------------------------------

    def _end(self, at_us: int, direction: int) -> Generator[Progress, Sight | None, list[_Witness]]:
        """Views of one end: as many as it takes for two that show the same."""
        found: list[_Witness] = []
        agreeing: list[_Witness] = []
        for step_us in ENDS_US:
            wanted_us = at_us + direction * step_us
            if not self.from_us <= wanted_us <= self.to_us:
                break
            witness = yield from self._look(wanted_us, None, None)
            if witness is not None and witness not in found and has_contrast(witness.sight.view):
                found.append(witness)
            agreeing = _agreeing_most(found, self.place)
            if len(agreeing) >= (AGREEING if self._is_clear(agreeing) else 2 * AGREEING):
                return agreeing
        return agreeing

    def _is_clear(self, agreeing: list[_Witness]) -> bool:
        """Whether views of the same moment are as alike as they are where there is little noise."""
        return len(agreeing) > 1 and likeness(agreeing[0].view, agreeing[1].view, self.place).around > NOISY

    def _compare_ends(self, firsts: list[_Witness], lasts: list[_Witness]) -> Verdict | None:
        """Why there is nothing to search for; None: there is."""
        found = likeness(_mean(firsts), _mean(lasts), self.place)
        if found.around < TRUSTED or (found.around < NOISY and found.kept > SAME):
            return Verdict.UNLIKE
        if found.kept > SAME:
            return Verdict.ALIKE
        for witness in firsts:
            witness.state = State.BEFORE
        for witness in lasts:
            witness.state = State.AFTER
        return None

    # -- between them --------------------------------------------------------------------------------------------------

    def _ordered(self) -> list[_Witness]:
        return [witness for _, witness in sorted(self.seen.items()) if witness.state is not State.NEITHER]

    def _change(self) -> tuple[_Witness, _Witness]:
        """The neighbours between which the change contradicts the fewest witnesses."""
        ordered = self._ordered()
        wrong = sum(witness.state is State.BEFORE for witness in ordered)
        best, place = len(ordered) + 1, 1
        for number, witness in enumerate(ordered[:-1], 1):  # the change lies before ordered[number]
            wrong += 1 if witness.state is State.AFTER else -1
            if wrong < best and witness.state is State.BEFORE and ordered[number].state is State.AFTER:
                best, place = wrong, number
        return ordered[place - 1], ordered[place]

    def _wanted(self, low: _Witness, high: _Witness) -> int | None:
        """The instant to look at next; None: enough is known."""
        if low.sight.next_us < high.sight.shown_us:
            at_us = self._between(low, high)
            if at_us is not None:
                return at_us
        for side, witness in ((-1, low), (1, high)):
            if not self._agreeing(witness, side) and (at_us := self._beside(witness, side)) is not None:
                return at_us
        return None

    def _between(self, low: _Witness, high: _Witness) -> int | None:
        """The middle of the longest stretch between them that was not looked at; None: all was."""
        inside = [one.sight for us, one in sorted(self.seen.items()) if low.sight.shown_us < us < high.sight.shown_us]
        starts = [low.sight.next_us, *(sight.next_us for sight in inside)]
        ends = [*(sight.shown_us for sight in inside), high.sight.shown_us]
        start_us, end_us = max(zip(starts, ends, strict=True), key=lambda stretch: stretch[1] - stretch[0])
        return (start_us + end_us) // 2 if end_us > start_us else None

    def _agreeing(self, witness: _Witness, side: int) -> bool:
        """Whether the witnesses next to the change, on this side of it, agree with it."""
        ordered = self._ordered()
        at = ordered.index(witness)
        beside = ordered[max(0, at - AGREEING) : at + 1] if side < 0 else ordered[at : at + AGREEING + 1]
        state = State.BEFORE if side < 0 else State.AFTER
        near = [one for one in beside if one.state is state]
        return len(near) > AGREEING or len(near) == len(ordered[: at + 1] if side < 0 else ordered[at:])

    def _beside(self, witness: _Witness, side: int) -> int | None:
        """An instant on this side of the change that was not looked at; None: there is none.

        Near, but not so near that who stood there stands there still.
        """
        step_us = max(witness.sight.next_us - witness.sight.shown_us, US_PER_S)
        for factor in (3, 1, 7, 15, 31, 5, 2, 11):
            at_us = witness.sight.shown_us + side * factor * step_us
            if not self.from_us <= at_us <= self.to_us:
                continue
            if not any(one.sight.shown_us <= at_us < one.sight.next_us for one in self.seen.values()):
                return at_us
        return None

    def _judge(self, witness: _Witness) -> State:
        """Which state a view shows: that of the witnesses it is most like, those of the same light above all."""
        if not has_contrast(witness.sight.view):
            return State.NEITHER
        kept = {
            state: _most_kept(likeness(witness.view, one.view, self.place) for one in self._nearest(witness, state))
            for state in (State.BEFORE, State.AFTER)
        }
        before, after = kept[State.BEFORE], kept[State.AFTER]
        if max(before, after) < DIFFERS or abs(before - after) < CLEAR:
            return State.NEITHER
        return State.BEFORE if before > after else State.AFTER

    def _nearest(self, witness: _Witness, state: State) -> list[_Witness]:
        """The witnesses of a state that are nearest in time: their light is most alike."""
        others = [one for one in self._ordered() if one.state is state]
        return sorted(others, key=lambda one: abs(one.sight.shown_us - witness.sight.shown_us))[:4]

    def _look(
        self, at_us: int, low: _Witness | None, high: _Witness | None
    ) -> Generator[Progress, Sight | None, _Witness | None]:
        """See a view, once; None: there is none."""
        for known in self.seen.values():
            if known.sight.shown_us <= at_us < known.sight.next_us:
                return known
        low_us, high_us = (low.sight.shown_us if low else self.from_us), (high.sight.shown_us if high else self.to_us)
        self.decodes += 1
        sight = yield Progress(at_us, low_us, high_us, self.decodes)
        if sight is None:
            return None
        return self.seen.setdefault(sight.shown_us, _Witness(sight, evened(sight.view)))


def _mean(witnesses: list[_Witness]) -> Grey:
    """What several views of the same show, with less noise."""
    mean: Grey = np.mean([one.sight.view for one in witnesses], axis=0, dtype=np.float32)
    return evened(mean)


def _most_kept(pairs: Iterable[Likeness]) -> float:
    """Of several comparisons the one that speaks most for being the same, among those that say anything."""
    found = list(pairs)
    trusted = [pair for pair in found if pair.around >= TRUSTED]
    best = max((pair.around for pair in trusted), default=0.0)
    return max((pair.kept for pair in trusted if pair.around >= 0.6 * best), default=0.0)


def _agreeing_most(witnesses: list[_Witness], place: Frame) -> list[_Witness]:
    """The largest set of views that are like one of them."""
    groups = [
        [other for other in witnesses if other is one or likeness(one.view, other.view, place).kept > SAME]
        for one in witnesses
    ]
    return max(groups, key=len, default=[])
