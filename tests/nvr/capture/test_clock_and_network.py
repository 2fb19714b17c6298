"""A network that stands still, slow cameras and wrong clocks at once: no picture is filed far off in silence."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nvr.media import Sample
from nvr.timebase import US_PER_S
from tests.nvr.capture.clock_faults import WALL_US, Filed, filed, held_up, pictures, rated, recorded, stalled

PERIODS_US = (30 * US_PER_S, US_PER_S, US_PER_S // 7, US_PER_S // 25)
RATES = st.sampled_from([50, 95, 97, 99, 100, 101, 103, 105, 200])
HOLDUPS = st.tuples(st.integers(0, 60_000_000), st.integers(300_000, 8_000_000), st.sampled_from([0, 500, 20_000]))


def assert_filed_between(found: list[Filed], period_us: int) -> None:
    """From a second before it was taken to a second after it was received."""
    for one in found:
        taken_us = WALL_US + one.index * period_us
        assert taken_us - US_PER_S <= one.filed_us <= one.received_us + US_PER_S


def worst_us(found: list[Filed], period_us: int = 40_000) -> int:
    return max(abs(one.filed_us - WALL_US - one.index * period_us) for one in found)


def file(samples: list[Sample]) -> list[Filed]:
    found = list(filed(recorded(samples, 20), samples))
    assert [one.index for one in found] == list(range(len(samples)))
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(RATES, st.integers(1, 500)), min_size=1, max_size=5),
    st.sampled_from(PERIODS_US),
    st.lists(HOLDUPS, max_size=2),
)
@example([(50, 30), (100, 400)], 40_000, [(500_000, 4_000_000, 0)])
def test_clocks_that_change_their_rate_on_a_network_that_stands_still_are_filed_between_taken_and_received(
    stretches: list[tuple[int, int]], period_us: int, holdups: list[tuple[int, int, int]]
) -> None:
    samples = rated(stretches, period_us)
    for begin_us, duration_us, each_us in holdups:
        held_up(samples, begin_us, duration_us, each_us)
    assert_filed_between(file(samples), period_us)


@pytest.mark.parametrize("period_us", [30 * US_PER_S, 5 * US_PER_S, US_PER_S, 700_000])
@pytest.mark.parametrize("off_s", [-40_000, -20, -2, 3, 25, 40_000])
def test_single_wrong_stamps_of_slow_cameras_are_filed_within_a_second_of_their_receipt(
    period_us: int, off_s: int
) -> None:
    samples = rated([(100, 60)], period_us)
    for number in (1, 20, 31):
        samples[number].presentation_90k += off_s * 90_000
    found = file(samples)
    assert max(abs(one.filed_us - one.received_us) for one in found) <= US_PER_S
    assert all(found[number].is_coarse for number in (1, 20, 31))
    assert not any(one.is_coarse for one in found[40:])


@pytest.mark.parametrize("held_us", [1_500_000, 8 * US_PER_S])
@pytest.mark.parametrize("off_90k", [-500_000, -3_000, 240_000, 1 << 31])
def test_single_wrong_stamps_among_what_waited_stand_between_their_neighbours(held_us: int, off_90k: int) -> None:
    samples = rated([(100, 700)], 40_000)
    for number in (305, 312, 331):
        samples[number].presentation_90k += off_90k
    held_up(samples, 12 * US_PER_S, held_us, 500)
    found = file(samples)
    assert worst_us(found) < 500_000
    assert not any(one.is_coarse for one in [*found[:250], *found[520:]])


def test_what_waited_when_the_session_ended_is_told_as_coarse() -> None:
    samples = rated([(100, 500)], 40_000)
    held_up(samples, 12 * US_PER_S, 7 * US_PER_S, 500)
    held = [one.index for one in file(samples) if one.received_us - WALL_US >= 19 * US_PER_S]
    found = file(samples[: held[50]])
    assert worst_us(found) < 500_000
    assert all(one.is_coarse for one in found[held[0] :])


@pytest.mark.parametrize("percent", [0, 50])
def test_a_clock_that_stood_or_ran_slowly_while_pictures_waited_is_told(percent: int) -> None:
    samples = rated([(100, 300), (percent, 40), (400 - 3 * percent, 20), (100, 400)], 40_000)
    held_up(samples, 12 * US_PER_S, 3 * US_PER_S, 0)
    found = file(samples)
    assert_filed_between(found, 40_000)
    assert all(one.is_coarse for one in found if abs(one.filed_us - WALL_US - one.index * 40_000) > 700_000)


def test_pictures_with_times_from_their_receipt_are_not_moved_when_the_clock_seems_to_have_begun_earlier() -> None:
    samples = pictures([("180 kHz", 24), ("good", 700)])
    samples[3].presentation_90k -= 5 * 90_000
    found = file(samples)
    assert max(abs(one.filed_us - one.received_us) for one in found) <= US_PER_S


@pytest.mark.parametrize(("percent", "fast"), [(300, 18), (500, 8), (250, 22)])
def test_a_clock_that_is_fast_for_half_a_second_is_not_taken_for_pictures_that_were_kept(
    percent: int, fast: int
) -> None:
    samples = rated([(percent, fast), (100, 700)], 33_333)
    assert max(abs(one.filed_us - one.received_us) for one in file(samples)) <= US_PER_S


@pytest.mark.parametrize("reach", [1, 3])
def test_reordered_pictures_that_waited_keep_their_own_times(reach: int) -> None:
    """Groups of B-frames: the picture that is shown last comes first."""
    samples = rated([(100, 700)], 40_000)
    for number in range(1, 699 - reach, reach + 1):
        group = [samples[number + n].presentation_90k for n in range(reach + 1)]
        for n, stamp_90k in enumerate([group[-1], *group[:-1]]):
            samples[number + n].presentation_90k = stamp_90k
    held_up(samples, 12 * US_PER_S, 4 * US_PER_S, 500)
    found = file(samples)
    assert worst_us(found) < 200_000
    assert not any(one.is_coarse for one in found)


def test_several_wrong_stamps_around_a_stall_leave_the_others_within_a_second_or_told() -> None:
    for seed in range(40):
        draw = random.Random(seed)
        samples = rated([(100, 700)], 40_000)
        for number in draw.sample(range(280, 420, 2), 6):
            samples[number].presentation_90k += draw.randrange(1 << 32)
        stalled(samples, [(300, draw.randrange(300_000, 4_000_000))])
        off = [one for one in file(samples) if abs(one.filed_us - WALL_US - one.index * 40_000) > US_PER_S]
        assert all(one.is_coarse for one in off)
