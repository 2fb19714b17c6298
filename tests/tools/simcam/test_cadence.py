"""The rhythm of simulated cameras."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.timebase import US_PER_S, ticks_from_us
from tools.simcam.cadence import Cadence

NOW_US = 1_795_000_000 * US_PER_S

cadences = st.builds(
    Cadence.of_channel, st.integers(1, 1023), st.sampled_from((1, 10, 12, 15, 25, 30, 60)), st.integers(2, 4000)
)
numbers = st.integers(1, 10**12)


@given(cadences, numbers)
def test_number_at_an_instant_is_the_picture_taken_then(cadence: Cadence, number: int) -> None:
    instant_us = cadence.instant_us(number)
    assert cadence.number_at(instant_us) == number
    assert cadence.number_at(instant_us - 1) == number - 1


@given(cadences, numbers)
def test_rtp_time_is_the_instant_to_a_tick(cadence: Cadence, number: int) -> None:
    assert abs(cadence.rtp_90k(number) - ticks_from_us(cadence.instant_us(number))) <= 1


@given(cadences, st.integers(10**9, 10**11), st.data())
def test_instant_of_a_picture_is_found_from_any_time_nearer_than_half_a_loop(
    cadence: Cadence, number: int, data: st.DataObject
) -> None:
    off = data.draw(st.integers(-(cadence.frames // 2) + 1, (cadence.frames - 1) // 2 - 1 if cadence.frames > 4 else 0))
    near_us = cadence.instant_us(number + off)
    assert cadence.number_of(cadence.picture(number), near_us) == number
    assert cadence.instant_of(cadence.picture(number), near_us) == cadence.instant_us(number)


def test_channels_are_not_in_step() -> None:
    sync = {
        (Cadence.of_channel(channel, 25, 350).phase, Cadence.of_channel(channel, 25, 350).shift % 50)
        for channel in range(1, 56)
    }
    assert len(sync) > 50


@pytest.mark.parametrize(("fps", "ticks"), [(25, 3600), (15, 6000), (10, 9000)])
def test_rtp_time_advances_evenly(fps: int, ticks: int) -> None:
    cadence = Cadence.of_channel(7, fps, 14 * fps)
    first = cadence.number_at(NOW_US)
    steps = {cadence.rtp_90k(n + 1) - cadence.rtp_90k(n) for n in range(first, first + 100)}
    assert steps == {ticks}
