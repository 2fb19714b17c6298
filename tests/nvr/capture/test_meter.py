"""The meter: rates are those of our clock, whatever the camera's time stamps say."""

from collections.abc import Callable

import pytest

from nvr.capture.meter import Meter
from nvr.media import Sample
from nvr.timebase import US_PER_S

SWEEP_US = 487_000


def fed(pictures: int, stamp: Callable[[int], int], *, size: int = 3000, sweep_us: int = SWEEP_US) -> tuple[Meter, int]:
    """A meter that was given pictures of 25 a second, read in batches; and the time of the last one."""
    meter, received_us = Meter(), 0
    for number in range(pictures):
        received_us = -(-(number * 40_000 + 1) // sweep_us) * sweep_us
        meter.count(Sample(bytes(size), stamp(number), number % 25 == 0, received_us))
    return meter, received_us


STAMPS: dict[str, Callable[[int], int]] = {
    "good": lambda n: n * 3600,
    "pictures": lambda n: n,
    "milliseconds": lambda n: n * 40,
    "stuck": lambda n: 0 * n,
    "backwards": lambda n: -n * 810_000,
    "ever faster": lambda n: n * n * 977,
}


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=STAMPS)
def test_rates_are_those_of_the_receipt_whatever_the_time_stamps_say(stamp: Callable[[int], int]) -> None:
    meter, now_us = fed(500, stamp)
    bitrate_bps, fps_milli = meter.rates(now_us)
    assert bitrate_bps == pytest.approx(600_000, rel=0.06)
    assert fps_milli == pytest.approx(25_000, rel=0.06)


def test_one_key_frame_alone_tells_no_rate() -> None:
    meter, now_us = fed(8, lambda n: n * 3600, size=200_000)
    assert meter.rates(now_us) == (0, 0)


def test_sessions_that_end_after_four_pictures_count_against_the_time_that_they_take() -> None:
    meter, now_us = Meter(), 0
    for session in range(10):
        for picture in range(4):
            now_us = session * US_PER_S + picture * 40_000
            meter.count(Sample(bytes(200_000 if picture == 0 else 500), picture * 3600, picture == 0, now_us))
    bitrate_bps, _ = meter.rates(now_us)
    assert bitrate_bps == pytest.approx(201_500 * 8, rel=0.2)


def test_rates_are_0_three_seconds_after_the_last_picture() -> None:
    meter, now_us = fed(200, lambda n: n * 3600)
    assert meter.rates(now_us + 4 * US_PER_S) == (0, 0)
