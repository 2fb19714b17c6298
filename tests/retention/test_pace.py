"""The pace of the scrub: in time, but never in the way."""

from hypothesis import given
from hypothesis import strategies as st

from nvr.timebase import US_PER_DAY, US_PER_S
from retention.pace import ScrubPace, is_due, rate_bps, rest_us

PACE = ScrubPace()


def test_archive_of_the_town_is_read_once_a_month() -> None:
    assert rate_bps(81 * 10**12, 30 * US_PER_DAY, PACE) == 31_250_000


def test_small_archive_is_read_at_the_floor_and_a_round_that_is_late_without_limit() -> None:
    assert rate_bps(10**9, 30 * US_PER_DAY, PACE) == PACE.floor_bps
    assert rate_bps(10**9, 0, PACE) is None


def test_rest_makes_up_the_rate_on_a_fast_disk_and_the_share_on_a_slow_one() -> None:
    assert rest_us(30_000_000, US_PER_S // 5, 30_000_000, PACE) == US_PER_S * 4 // 5
    assert rest_us(30_000_000, 2 * US_PER_S, 30_000_000, PACE) == 6 * US_PER_S
    assert rest_us(30_000_000, 2 * US_PER_S, None, PACE) == 6 * US_PER_S


@given(st.integers(0, 2**40), st.integers(0, 10**9), st.none() | st.integers(1, 2**40))
def test_disk_is_never_taken_for_more_than_its_share(read_bytes: int, took_us: int, rate: int | None) -> None:
    rest = rest_us(read_bytes, took_us, rate, PACE)
    assert took_us <= PACE.share * (took_us + rest) + 1


def test_round_that_keeps_its_rate_ends_in_its_period() -> None:
    size, left, now_us = 10**9, 4 * 10**12, 0
    while left > 0:
        rate = rate_bps(left, PACE.period_us - now_us, PACE)
        now_us += 10**6 + rest_us(size, 10**6, rate, PACE)
        left -= size
    assert now_us <= PACE.period_us + 10**6


def test_next_round_waits_a_day_unless_the_clock_was_set_back() -> None:
    assert not is_due(100, 100 + US_PER_DAY - 1, PACE)
    assert is_due(100, 100 + US_PER_DAY, PACE)
    assert is_due(100, 99, PACE)
