"""Which clock is believed: wall time as far as nothing contradicts it. Pure: readings in, a belief out.

A server's clock may be anything: 1970 with a dead battery, hours off until NTP answers, weeks ahead for a minute. What
cannot lie is how much time has passed since the machine was started (CLOCK_BOOTTIME, which counts suspension too).
So a line is kept: an instant that was believed, and the time since. The server's clock is believed while it follows
the line. Where it leaves it, it is doubted until it comes back, the kernel says for the first time since the start
that it is synchronised, or a person confirms it.

Whatever deletes judges ages by `Belief.now_us`, which never runs ahead of a line that was right: time during which the
machine was off counts only once somebody vouches for the clock. Where a line turns out to have been wrong, a
`Correction` keeps what was dated by it as long as if it had been recorded at the latest instant that is possible.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nvr.timebase import US_PER_DAY, US_PER_MINUTE

STEP_US = US_PER_MINUTE  # chosen: NTP steps a bad clock by seconds, and days of keeping do not feel a minute
OFF_US = US_PER_DAY  # chosen: a machine that was off for longer needs somebody who vouches for its clock
SETTLE_US = 15 * US_PER_MINUTE  # chosen: NTP answers within minutes of the start; where it never does, no mark lasts
PROBATION_US = US_PER_DAY  # chosen: a wrong time server is found out within a day, and the alarm shows all the time
MOST_CORRECTIONS = 64  # chosen: each is a clock that was wrong and put right; older ones are laid together


@dataclass(frozen=True, slots=True)
class Reading:
    """What the machine says at one instant."""

    boot: str  # names the machine's start
    boot_us: int  # since then, suspension included
    wall_us: int  # the server's clock
    is_synchronised: bool  # the kernel says that an NTP client keeps it


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person said that the server's clock was right at this instant."""

    boot: str
    boot_us: int
    wall_us: int

    def vouches_for(self, reading: Reading) -> bool:
        """Whether the clock has run on from there since."""
        passed_us = reading.boot_us - self.boot_us
        return reading.boot == self.boot and abs(reading.wall_us - self.wall_us - passed_us) <= STEP_US


@dataclass(frozen=True, slots=True)
class Correction:
    """What a wrong clock dated ``[from_us, to_us)`` was recorded at most ``shift_us`` later (negative: earlier)."""

    from_us: int
    to_us: int
    shift_us: int
    is_marked: bool  # only of chunks that are marked as doubtful: sound ones may bear the same times


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What is believed at one instant, and all that must survive until the next."""

    boot: str
    boot_us: int
    line_us: int  # the believed wall time
    lag_us: int = 0  # how much of it perhaps has not passed: the machine was off, and nobody vouched for its clock
    began_us: int  # nothing was dated by this line before
    sure_us: int  # up to here the line was vouched for
    is_sure: bool = False  # it was since the machine was started
    is_floor: bool = False  # it is only what time it must be at least
    start_us: int = 0  # where it stood when the machine was started
    since_us: int = 0  # since boot: when the line was taken up after the machine's start
    off_us: int | None = None  # the server's clock less the line, while it is doubted
    off_from_us: int = 0  # what it said when the doubt began
    kept_since_us: int | None = None  # since boot: the kernel has called the doubted clock synchronised since then
    step_us: int = 0  # by how much the clock was put right last, and
    stepped_us: int | None = None  # since boot: when
    corrections: tuple[Correction, ...] = ()

    @property
    def is_believed(self) -> bool:
        """Whether the server's clock is the believed one."""
        return self.off_us is None

    @property
    def is_doubtful(self) -> bool:
        """Whether what is recorded now is to be marked: also while nobody could vouch yet, minutes after a start."""
        return self.off_us is not None or (not self.is_sure and self.boot_us - self.since_us < SETTLE_US)

    @property
    def now_us(self) -> int:
        """The instant from which ages count: so late it is at least."""
        return self.line_us - self.lag_us

    def in_force(self) -> tuple[Correction, ...]:
        """The corrections, that of the present doubt among them."""
        return self.corrections if self.off_us is None else (*self.corrections, _doubt(self, self.off_us))


def begin(reading: Reading, floor_us: int | None = None) -> Belief:
    """The first belief on a machine.

    Args:
        reading: the first one.
        floor_us: the newest time that the disks bear, of footage or of settings; None: they are empty.
    """
    line_us = reading.wall_us if floor_us is None else floor_us
    fresh = Belief(
        boot=reading.boot,
        boot_us=reading.boot_us,
        line_us=line_us,
        began_us=min(line_us, reading.wall_us),
        sure_us=line_us,
        is_floor=floor_us is not None,
        since_us=reading.boot_us,
    )
    return observe(fresh, reading)


def observe(belief: Belief, reading: Reading, confirmed: Confirmation | None = None) -> Belief:
    """What is believed after one more reading."""
    here = _run_on(belief, reading) if reading.boot == belief.boot else _restarted(belief, reading)
    off_us = reading.wall_us - here.line_us
    vouched = confirmed is not None and confirmed.vouches_for(reading)
    if (vouched and here.off_us is not None) or (not here.is_sure and (vouched or reading.is_synchronised)):
        return _vouched_for(here, reading)
    if abs(off_us) <= STEP_US or (here.is_floor and 0 <= off_us <= OFF_US):
        return _followed(here, reading, off_us)
    return _doubted(here, reading, off_us)


def position_us(corrections: Iterable[Correction], time_us: int, *, is_marked: bool, now_us: int) -> int:
    """When something was recorded at the latest that was dated ``time_us``: from then its age counts.

    Args:
        corrections: those in force.
        time_us: of what is dated.
        is_marked: the clock was doubted when it was recorded.
        now_us: the believed time.
    """
    # A clock that was ahead can be told by its dates as long as no right one has been there.
    is_ahead = time_us > now_us + STEP_US
    shifts_us = [
        one.shift_us
        for one in corrections
        if one.from_us <= time_us < one.to_us and (is_ahead or (one.shift_us > 0 and (is_marked or not one.is_marked)))
    ]
    return time_us + max(shifts_us, default=0)


def _run_on(belief: Belief, reading: Reading) -> Belief:
    passed_us = reading.boot_us - belief.boot_us
    return replace(belief, boot_us=reading.boot_us, line_us=belief.line_us + passed_us)


def _restarted(belief: Belief, reading: Reading) -> Belief:
    """After a start of the machine all that is known is that so much has passed since."""
    doubts = () if belief.off_us is None else (_doubt(belief, belief.off_us),)
    return replace(
        belief,
        boot=reading.boot,
        boot_us=reading.boot_us,
        line_us=belief.line_us + reading.boot_us,
        is_sure=False,
        is_floor=True,
        start_us=belief.line_us,
        since_us=reading.boot_us,
        off_us=None,
        kept_since_us=None,
        stepped_us=None,
        corrections=_bounded((*belief.corrections, *doubts)),
    )


def _followed(here: Belief, reading: Reading, off_us: int) -> Belief:
    """The clock runs with the line, or has come back to it."""
    after = here if here.off_us is None else _returned(here, here.off_us)
    if here.is_floor and off_us > 0:  # the machine was off meanwhile, nobody knows when
        moved = tuple(_moved(one, here.start_us, off_us) for one in after.corrections)
        after = replace(after, corrections=moved)
    is_kept = here.is_sure and reading.is_synchronised
    return replace(
        after,
        line_us=reading.wall_us,
        lag_us=0 if is_kept else max(0, here.lag_us + off_us),
        sure_us=reading.wall_us if here.is_sure else here.sure_us,
        is_floor=False,
    )


def _returned(here: Belief, off_us: int) -> Belief:
    corrections = _bounded((*here.corrections, _doubt(here, off_us)))
    return replace(
        here, off_us=None, kept_since_us=None, step_us=-off_us, stepped_us=here.boot_us, corrections=corrections
    )


def _doubted(here: Belief, reading: Reading, off_us: int) -> Belief:
    """The clock has left the line: the line goes on without it."""
    if here.off_us is None or abs(off_us - here.off_us) > STEP_US:
        before = () if here.off_us is None else (_doubt(here, here.off_us),)
        kept_since_us = reading.boot_us if reading.is_synchronised else None
        corrections = _bounded((*here.corrections, *before))
        doubt = replace(here, off_us=off_us, off_from_us=reading.wall_us, kept_since_us=kept_since_us)
        return replace(doubt, corrections=corrections)
    if not reading.is_synchronised:
        return replace(here, kept_since_us=None)
    kept_since_us = here.boot_us if here.kept_since_us is None else here.kept_since_us
    if here.boot_us - kept_since_us >= PROBATION_US:
        return _vouched_for(here, reading)
    return replace(here, kept_since_us=kept_since_us)


def _vouched_for(here: Belief, reading: Reading) -> Belief:
    """The server's clock is right, whatever the line says: a new line begins, and the old one is corrected."""
    shift_us = reading.wall_us - here.line_us
    corrections, began_us = list(here.corrections), reading.wall_us
    if here.off_us is not None and abs(shift_us - here.off_us) > STEP_US:
        corrections.append(_doubt(here, here.off_us))
    elif here.off_us is not None:  # it is the doubted one: what it has dated since belongs to the new line
        began_us = min(began_us, here.off_from_us - STEP_US)
    is_step = abs(shift_us) > STEP_US
    if is_step:
        # Within one start of the machine time cannot have passed unseen: then the line was wrong, though vouched for,
        # and perhaps all before it. Otherwise the machine was off after it was vouched for last.
        whole_us = 0 if shift_us > 0 else here.began_us
        from_us = whole_us if here.is_sure else here.sure_us
        if here.is_sure or shift_us > 0:  # else it is not known which part of the line was ahead: keep longer
            corrections = [_moved(one, from_us, shift_us) for one in corrections]
        corrections.append(Correction(from_us, here.line_us + STEP_US, shift_us, is_marked=False))
    return replace(
        here,
        line_us=reading.wall_us,
        lag_us=0,
        began_us=began_us if is_step else here.began_us,
        sure_us=reading.wall_us,
        is_sure=True,
        is_floor=False,
        off_us=None,
        kept_since_us=None,
        step_us=shift_us if is_step else here.step_us,
        stepped_us=here.boot_us if is_step else here.stepped_us,
        corrections=_bounded(tuple(corrections)),
    )


def _doubt(belief: Belief, off_us: int) -> Correction:
    """How what the doubted clock dates is brought to the line."""
    to_us = belief.line_us + off_us + STEP_US
    return Correction(belief.off_from_us - STEP_US, max(to_us, belief.off_from_us), -off_us, is_marked=True)


def _moved(one: Correction, from_us: int, shift_us: int) -> Correction:
    """A correction to a line that is corrected itself."""
    end_us = one.to_us + one.shift_us - (0 if shift_us > 0 else STEP_US)  # where it is not clear, keep longer
    on_line = end_us > from_us
    return replace(one, shift_us=one.shift_us + shift_us) if on_line else one


def _bounded(corrections: tuple[Correction, ...]) -> tuple[Correction, ...]:
    """The oldest two are laid together where there are too many: then some footage is kept longer."""
    while len(corrections) > MOST_CORRECTIONS:
        a, b, *rest = corrections
        span = min(a.from_us, b.from_us), max(a.to_us, b.to_us)
        both = Correction(*span, max(0, a.shift_us, b.shift_us), a.is_marked and b.is_marked)
        corrections = (both, *rest)
    return corrections
