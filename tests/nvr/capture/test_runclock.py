"""The run clock: the least delayed picture sets the start, later the server's clock is followed slowly."""

import random

import pytest

from nvr.capture.runclock import LATE_US, RunClock
from nvr.timebase import US_PER_S, ticks_from_us

START_US = 1_763_900_000_000_000
MINUTE_US = 60 * US_PER_S


def observe_minute(clock: RunClock, minute: int, *, drift_ppm: int = 0, least_delay_us: int = 2_000) -> None:
    """25 pictures a second with 2 to 80 ms of delay, from a camera whose clock is off by ``drift_ppm``."""
    draw = random.Random(minute)
    for picture in range(minute * 1500, (minute + 1) * 1500):
        true_us = picture * 40_000
        media_90k = ticks_from_us(true_us + true_us * drift_ppm // 1_000_000)
        clock.observe(media_90k, START_US + true_us + least_delay_us + draw.randrange(80_000))


def test_start_after_jittery_minute_is_that_of_the_least_delayed_picture() -> None:
    clock = RunClock(0)
    observe_minute(clock, 0)
    assert abs(clock.wall_us(0) - (START_US + 2_000)) < 200


def test_start_after_first_chunk_no_longer_jumps() -> None:
    clock = RunClock(0)
    observe_minute(clock, 0)
    clock.next_chunk(MINUTE_US)
    settled_us = clock.wall_us(0)
    clock.observe(ticks_from_us(MINUTE_US), START_US + MINUTE_US - 200_000)
    assert clock.wall_us(0) == settled_us


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_camera_clock_that_drifts_is_followed_within_a_few_milliseconds(drift_ppm: int) -> None:
    clock = RunClock(0)
    for minute in range(30):
        observe_minute(clock, minute, drift_ppm=drift_ppm)
        clock.next_chunk(MINUTE_US)
    end_us = 30 * MINUTE_US
    media_90k = ticks_from_us(end_us + end_us * drift_ppm // 1_000_000)
    assert abs(clock.wall_us(media_90k) - (START_US + end_us)) < 30_000


def test_correction_of_a_chunk_is_at_most_500_ppm() -> None:
    clock = RunClock(0)
    observe_minute(clock, 0)
    clock.next_chunk(MINUTE_US)
    before_us = clock.wall_us(0)
    observe_minute(clock, 1, least_delay_us=90_000)
    clock.next_chunk(MINUTE_US)
    assert clock.wall_us(0) - before_us == MINUTE_US * 500 // 1_000_000


@pytest.mark.parametrize("percent", [20, 50, 80, 96, 98, 100, 103, 200, 1000])
@pytest.mark.parametrize("period_us", [40_000, 2 * US_PER_S])
def test_hours_of_a_clock_with_another_rate_are_filed_within_a_second_of_their_receipt(
    percent: int, period_us: int
) -> None:
    clock, worst_us = RunClock(0), 0
    for picture in range(20_000):
        received_us = START_US + picture * period_us
        run_90k = clock.observe(ticks_from_us(picture * period_us * percent // 100), received_us)
        worst_us = max(worst_us, abs(clock.at_us(run_90k) - received_us))
        if (picture + 1) * period_us % MINUTE_US == 0:
            clock.next_chunk(MINUTE_US)
    assert worst_us <= LATE_US


def test_wall_time_before_any_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was observed"):
        RunClock(0).wall_us(0)
