"""The camera's own clock: told where it has one, and not where it has none."""

import pytest

from nvr.capture.cameraclock import CameraClock
from nvr.rtsp.rtcp import SenderReport
from nvr.timebase import US_PER_S, ntp_from_us

WALL_US = 1_763_900_000 * US_PER_S


def test_offset_is_that_of_the_least_delayed_report() -> None:
    clock = CameraClock()
    for number, delay_us in enumerate((400_000, 20_000, 300_000)):
        taken_us = number * 5 * US_PER_S
        clock.observe(SenderReport(1, ntp_from_us(WALL_US + taken_us), 0, taken_us + delay_us), WALL_US)
    assert clock.offset_us is not None
    assert abs(clock.offset_us + 20_000) <= 1


@pytest.mark.parametrize("ntp", [0, 77 << 32])
def test_camera_that_has_no_clock_has_no_offset(ntp: int) -> None:
    clock = CameraClock()
    clock.observe(SenderReport(1, ntp, 0, 5), WALL_US)
    assert clock.offset_us is None


def test_camera_that_lost_its_clock_has_no_offset_any_more() -> None:
    clock = CameraClock()
    clock.observe(SenderReport(1, ntp_from_us(WALL_US), 0, 0), WALL_US)
    clock.observe(SenderReport(1, 0, 0, US_PER_S), WALL_US)
    assert clock.offset_us is None
