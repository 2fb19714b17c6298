"""Pictures are read in batches, up to half a second late; their wall times must be true to the frame all the same."""

import pytest

from nvr.capture.link import PROMPT_US, SWEEP_US
from nvr.capture.runclock import RunClock
from nvr.timebase import US_PER_S, ticks_from_us

START_US = 1_763_900_000_000_000
NETWORK_US = 200
CHUNKS = 12
RATES_MILLI = (5_000, 10_000, 12_000, 12_500, 15_000, 20_000, 24_000, 25_000, 29_970, 30_000, 50_000)


def received_us(sent_us: int) -> int:
    """A new session is read at once; later each picture waits for the next sweep."""
    arrived_us = sent_us + NETWORK_US
    return arrived_us if sent_us < PROMPT_US else -(-arrived_us // SWEEP_US) * SWEEP_US


def worst_error_us(rate_milli: int, chunk_s: int, drift_ppm: int, phase_us: int) -> int:
    """The largest error of the wall time of a chunk's last picture, when the clock has had time to go astray."""
    clock, number, errors_us = RunClock(0), 0, []
    taken_us = phase_us
    for chunk in range(1, CHUNKS + 1):
        media_90k = 0
        while taken_us < chunk * chunk_s * US_PER_S:
            media_90k = ticks_from_us(taken_us + taken_us * drift_ppm // 1_000_000)
            clock.observe(media_90k, START_US + received_us(taken_us))
            last_us = taken_us
            number += 1
            taken_us = phase_us + number * 1_000_000_000 // rate_milli
        errors_us.append(abs(clock.wall_us(media_90k) - START_US - last_us))
        clock.next_chunk(chunk_s * US_PER_S)
    return max(errors_us[CHUNKS // 2 :])


@pytest.mark.parametrize("rate_milli", RATES_MILLI)
@pytest.mark.parametrize("drift_ppm", [-50, 0, 50])
def test_wall_time_of_pictures_read_in_batches_is_true_to_half_a_frame(rate_milli: int, drift_ppm: int) -> None:
    assert max(worst_error_us(rate_milli, 60, drift_ppm, phase_us) for phase_us in (0, 7_001, 23_003)) < 10_000
