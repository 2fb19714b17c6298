"""Units of time convert exactly, ranges are half-open, days split where UTC says."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.timebase import (
    TICKS_PER_S,
    US_PER_DAY,
    US_PER_S,
    SystemClock,
    TimeRange,
    format_utc,
    ntp_from_us,
    parse_utc,
    ticks_from_us,
    us_from_90k,
    us_from_ntp,
    utc,
    utc_day,
    utc_days,
)
from tests.manual_clock import ManualClock

INSTANTS_US = st.integers(min_value=0, max_value=parse_utc("2100-01-01T00:00:00Z"))
NTP_ERA_0_US = st.integers(min_value=0, max_value=parse_utc("2036-02-07T06:28:15Z"))


@pytest.mark.parametrize(
    ("ticks_90k", "expected_us"),
    [(0, 0), (9, 100), (TICKS_PER_S, US_PER_S), (3600, 40_000), (1, 11), (5, 56), (-9, -100)],
)
def test_us_from_90k_known_ticks_rounds_to_nearest(ticks_90k: int, expected_us: int) -> None:
    assert us_from_90k(ticks_90k) == expected_us


@given(st.integers(min_value=-(2**50), max_value=2**50))
def test_ticks_from_us_of_any_ticks_round_trips(ticks_90k: int) -> None:
    assert ticks_from_us(us_from_90k(ticks_90k)) == ticks_90k


def test_us_from_ntp_epoch_of_1970_is_zero() -> None:
    assert us_from_ntp(2_208_988_800 << 32) == 0


def test_us_from_ntp_half_a_second_is_500000() -> None:
    assert us_from_ntp((2_208_988_800 << 32) + 2**31) == 500_000


@given(NTP_ERA_0_US)
def test_ntp_from_us_any_instant_round_trips_to_the_microsecond(wall_us: int) -> None:
    assert us_from_ntp(ntp_from_us(wall_us)) == wall_us
    assert 0 <= ntp_from_us(wall_us) < 2**64


@given(INSTANTS_US)
def test_format_utc_any_instant_parses_back(wall_us: int) -> None:
    assert parse_utc(format_utc(wall_us)) == wall_us


@given(INSTANTS_US)
def test_utc_any_instant_is_exact(wall_us: int) -> None:
    assert (utc(wall_us) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == wall_us


def test_format_utc_whole_second_keeps_six_decimals() -> None:
    assert format_utc(1_795_465_865_000_000) == "2026-11-23T20:31:05.000000Z"


def test_parse_utc_offset_of_vietnam_is_seven_hours_earlier() -> None:
    assert parse_utc("2026-11-24T03:31:05+07:00") == parse_utc("2026-11-23T20:31:05Z")


@pytest.mark.parametrize("text", ["2026-11-23T20:31:05", "2026-11-23", "yesterday", "", "20:31"])
def test_parse_utc_without_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|Invalid isoformat"):
        parse_utc(text)


def test_time_range_contains_its_start_and_not_its_end() -> None:
    span = TimeRange(10, 20)
    assert span.contains(10)
    assert span.contains(19)
    assert not span.contains(20)
    assert not span.contains(9)
    assert span.duration_us == 10


def test_time_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        TimeRange(20, 19)


def test_time_range_neighbours_do_not_overlap() -> None:
    assert not TimeRange(0, 10).overlaps(TimeRange(10, 20))
    assert TimeRange(0, 11).overlaps(TimeRange(10, 20))


RANGES = st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(lambda ends: TimeRange(min(ends), max(ends)))


@given(RANGES, RANGES)
def test_clipped_to_any_ranges_keeps_just_what_both_contain(one: TimeRange, other: TimeRange) -> None:
    clipped = one.clipped_to(other)
    for instant_us in range(1001):
        assert clipped.contains(instant_us) == (one.contains(instant_us) and other.contains(instant_us))
    assert other.start_us <= clipped.start_us <= clipped.end_us <= other.end_us


def test_utc_day_changes_at_midnight_utc() -> None:
    midnight_us = parse_utc("2026-11-24T00:00:00Z")
    assert utc_day(midnight_us - 1) == 20261123
    assert utc_day(midnight_us) == 20261124


def test_utc_days_over_two_midnights_gives_three_parts() -> None:
    span = TimeRange(parse_utc("2026-02-27T23:00:00Z"), parse_utc("2026-03-01T01:00:00Z"))
    days = list(utc_days(span))
    assert [day for day, _ in days] == [20260227, 20260228, 20260301]
    assert [part.duration_us // (3600 * US_PER_S) for _, part in days] == [1, 24, 1]


@given(st.integers(0, 10 * US_PER_DAY), st.integers(0, 4 * US_PER_DAY))
def test_utc_days_of_any_range_cover_it_without_overlap(start_us: int, duration_us: int) -> None:
    span = TimeRange(start_us, start_us + duration_us)
    parts = [part for _, part in utc_days(span)]
    assert sum(part.duration_us for part in parts) == duration_us
    assert all(before.end_us == after.start_us for before, after in pairwise(parts))
    assert all(utc_day(part.start_us) == utc_day(part.end_us - 1) == day for day, part in utc_days(span))


def test_system_clock_monotonic_never_goes_back_and_wall_is_this_century() -> None:
    clock = SystemClock()
    readings = [clock.monotonic_us() for _ in range(1000)]
    assert readings == sorted(readings)
    assert parse_utc("2020-01-01T00:00:00Z") < clock.wall_us() < parse_utc("2100-01-01T00:00:00Z")


def test_manual_clock_stepped_moves_the_wall_alone(clock: ManualClock) -> None:
    wall_us, monotonic_us = clock.wall_us(), clock.monotonic_us()
    clock.advance(5)
    clock.step_wall(-3)
    assert (clock.wall_us() - wall_us, clock.monotonic_us() - monotonic_us) == (2, 5)
