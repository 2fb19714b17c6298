"""Which clock is believed: for every sequence of readings nothing seems older than it is, and all ages in the end."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.believedclock import (
    MOST_CORRECTIONS,
    OFF_US,
    PROBATION_US,
    SETTLE_US,
    STEP_US,
    Belief,
    Confirmation,
    Reading,
    begin,
    observe,
    position_us,
)
from nvr.timebase import US_PER_DAY, US_PER_S

START_US = 1_795_000_000 * US_PER_S
HOUR_US = 3600 * US_PER_S


@dataclass
class Machine:
    """A machine whose clock may be wrong; it records something now and then."""

    off_us: int = 0
    is_synchronised: bool = False
    true_us: int = START_US
    boot_us: int = 100 * US_PER_S
    starts: int = 1
    confirmed: Confirmation | None = None
    recorded: list[tuple[int, int, bool]] = field(default_factory=list)  # true time, time as dated, marked
    belief: Belief | None = None

    def reading(self) -> Reading:
        return Reading(str(self.starts), self.boot_us, self.true_us + self.off_us, self.is_synchronised)

    def look(self) -> Belief:
        reading = self.reading()
        self.belief = begin(reading) if self.belief is None else observe(self.belief, reading, self.confirmed)
        return self.belief

    def wait(self, duration_us: int) -> Belief:
        self.true_us += duration_us
        self.boot_us += duration_us
        return self.look()

    def set(self, off_us: int) -> Belief:
        self.off_us = off_us
        return self.look()

    def restart(self, away_us: int, off_us: int | None = None) -> Belief:
        self.boot_us, self.starts = 10 * US_PER_S, self.starts + 1
        self.true_us += away_us + self.boot_us
        self.off_us = self.off_us if off_us is None else off_us
        return self.look()

    def confirm(self) -> Belief:
        reading = self.reading()
        self.confirmed = Confirmation(reading.boot, reading.boot_us, reading.wall_us)
        return self.look()

    def record(self) -> None:
        belief = self.look()
        self.recorded.append((self.true_us, self.true_us + self.off_us, belief.is_doubtful))

    def ages(self) -> list[tuple[int, int]]:
        """Of all that was recorded: how old it is, and how old it seems."""
        belief = self.look()
        return [
            (
                self.true_us - true_us,
                belief.now_us - position_us(belief.in_force(), dated_us, is_marked=marked, now_us=belief.now_us),
            )
            for true_us, dated_us, marked in self.recorded
        ]


def test_clock_that_runs_on_is_believed() -> None:
    machine = Machine()
    machine.look()
    belief = machine.wait(HOUR_US)
    assert (belief.is_believed, belief.is_doubtful, belief.now_us) == (True, False, machine.true_us)


def test_first_minutes_are_marked_until_somebody_vouches() -> None:
    machine = Machine()
    assert machine.look().is_doubtful
    assert machine.look().is_believed
    machine.is_synchronised = True
    assert not machine.look().is_doubtful


@pytest.mark.parametrize("jump_us", [60 * US_PER_DAY, -60 * US_PER_DAY, 7 * HOUR_US, -HOUR_US, 31_300 * US_PER_DAY])
@pytest.mark.parametrize("is_synchronised", [False, True])
def test_jump_is_doubted_until_the_clock_is_back(jump_us: int, is_synchronised: bool) -> None:
    machine = Machine(is_synchronised=is_synchronised)
    machine.look()
    belief = machine.set(jump_us)
    assert (belief.off_us, belief.is_doubtful, belief.now_us) == (jump_us, True, machine.true_us)
    machine.wait(40 * US_PER_S)
    belief = machine.set(0)
    assert (belief.is_believed, belief.now_us, belief.step_us) == (True, machine.true_us, -jump_us)


def test_jump_is_believed_when_a_person_says_so_and_costs_no_footage() -> None:
    machine = Machine(off_us=-400 * US_PER_DAY)
    machine.record()
    machine.wait(HOUR_US)
    machine.set(0)
    assert not machine.look().is_believed
    machine.record()
    assert machine.confirm().is_believed
    assert [seems_us for _, seems_us in machine.ages()] == [HOUR_US, 0]


def test_old_word_of_a_person_does_not_vouch_for_a_later_jump() -> None:
    machine = Machine()
    machine.look()
    machine.confirm()
    assert not machine.set(60 * US_PER_DAY).is_believed


def test_synchronised_clock_is_believed_at_once_after_a_start_of_the_machine() -> None:
    machine = Machine(is_synchronised=True)
    machine.wait(HOUR_US)
    machine.record()
    belief = machine.restart(40 * US_PER_DAY)
    assert (belief.is_believed, belief.now_us) == (True, machine.true_us)


def test_dead_battery_is_doubted_until_the_kernel_is_synchronised() -> None:
    machine = Machine(is_synchronised=True)
    machine.wait(HOUR_US)
    machine.is_synchronised = False
    belief = machine.restart(US_PER_S, off_us=-START_US)
    assert not belief.is_believed
    machine.record()
    machine.wait(60 * US_PER_S)
    machine.is_synchronised = True
    assert machine.set(0).is_believed
    [(age_us, seems_us)] = machine.ages()
    assert abs(seems_us - age_us) <= STEP_US


def test_hours_off_after_a_start_are_put_right_by_the_kernel_and_what_was_dated_ahead_goes_in_time() -> None:
    machine = Machine(is_synchronised=True)
    machine.wait(HOUR_US)
    machine.is_synchronised = False
    belief = machine.restart(60 * US_PER_S, off_us=7 * HOUR_US)
    assert belief.now_us <= machine.true_us  # it counts only what has surely passed
    machine.record()
    machine.wait(60 * US_PER_S)
    machine.is_synchronised = True
    assert machine.set(0).step_us == -7 * HOUR_US
    [(age_us, seems_us)] = machine.ages()
    assert age_us - US_PER_DAY < seems_us <= age_us


def test_machine_that_was_off_long_needs_somebody_who_vouches() -> None:
    machine = Machine()
    machine.wait(HOUR_US)
    assert machine.restart(OFF_US // 2).is_believed
    belief = machine.restart(2 * OFF_US)
    assert not belief.is_believed
    assert machine.confirm().now_us == machine.true_us


def test_clock_that_the_kernel_keeps_for_a_day_is_believed_in_the_end_and_older_footage_stays() -> None:
    machine = Machine(is_synchronised=True)
    machine.record()
    machine.set(60 * US_PER_DAY)
    machine.wait(PROBATION_US // 2)
    assert not machine.look().is_believed
    assert machine.wait(PROBATION_US // 2).is_believed
    [(age_us, seems_us)] = machine.ages()
    assert seems_us <= age_us


def test_mark_ends_where_nobody_ever_vouches() -> None:
    machine = Machine()
    machine.look()
    assert not machine.wait(SETTLE_US).is_doubtful
    assert machine.restart(US_PER_S).is_doubtful
    assert not machine.wait(SETTLE_US).is_doubtful


def test_disks_that_bear_later_times_make_a_clock_doubted() -> None:
    reading = Reading("1", US_PER_S, START_US - 400 * US_PER_DAY, is_synchronised=False)
    assert not begin(reading, START_US).is_believed
    assert begin(replace(reading, wall_us=START_US + HOUR_US), START_US).is_believed
    assert begin(replace(reading, is_synchronised=True), START_US).is_believed


def test_corrections_are_bounded_and_keep_longer() -> None:
    machine = Machine()
    machine.look()
    for hours in range(1, 3 * MOST_CORRECTIONS):
        machine.set(-hours * 24 * HOUR_US)
        machine.record()
        machine.set(0)
        machine.wait(US_PER_S)
    assert len(machine.look().corrections) == MOST_CORRECTIONS
    assert all(seems_us <= age_us + STEP_US for age_us, seems_us in machine.ages())


hours = st.integers(-24 * 20_000, 24 * 30_000)
events = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 24 * 40)),
    st.tuples(st.just("set"), hours),
    st.tuples(st.just("right"), st.just(0)),
    st.tuples(st.just("restart"), st.integers(0, 24 * 40)),
    st.tuples(st.just("confirm"), st.just(0)),
    st.tuples(st.just("wrong server"), st.just(0)),
)


@given(first=hours, story=st.lists(events, max_size=30))
def test_no_sequence_of_clocks_makes_anything_seem_older_than_it_is(first: int, story: list[tuple[str, int]]) -> None:
    """Who vouches is right: the kernel after a start, a person always. Later a server may be wrong for hours."""
    machine = Machine(off_us=first * HOUR_US)
    for steps, (event, amount) in enumerate(story, 1):
        match event:
            case "wait":
                machine.is_synchronised = machine.is_synchronised and (not machine.off_us or amount < 24)
                machine.wait(amount * HOUR_US)
                machine.is_synchronised = machine.is_synchronised and not machine.off_us
            case "set":
                belief = machine.look()
                machine.is_synchronised = machine.is_synchronised and belief.is_sure
                machine.set(amount * HOUR_US)
            case "right":
                machine.is_synchronised = True
                machine.set(0)
            case "restart":
                machine.is_synchronised = machine.off_us == 0
                machine.restart(amount * HOUR_US)
            case "confirm":
                machine.set(0)
                machine.confirm()
            case "wrong server":
                if machine.look().is_sure:
                    machine.is_synchronised = True
        machine.record()
        assert all(seems_us <= age_us + steps * STEP_US for age_us, seems_us in machine.ages())


@given(first=hours, story=st.lists(events, max_size=12))
def test_what_is_marked_is_too_old_one_day_once_the_clock_is_right(first: int, story: list[tuple[str, int]]) -> None:
    machine = Machine(off_us=first * HOUR_US)
    for event, amount in story:
        if event == "set":
            machine.set(amount * HOUR_US)
        elif event == "restart":
            machine.restart(amount * HOUR_US)
        else:
            machine.wait(amount * HOUR_US)
        machine.record()
    machine.set(0)
    machine.confirm()
    # At the latest when as much time has passed as any clock was ever off.
    machine.wait(35 * US_PER_DAY + HOUR_US * sum(abs(amount) for _, amount in (("", first), *story)))
    seeming = [
        seems_us for (_, seems_us), (_, _, marked) in zip(machine.ages(), machine.recorded, strict=True) if marked
    ]
    assert all(seems_us >= 30 * US_PER_DAY for seems_us in seeming)
