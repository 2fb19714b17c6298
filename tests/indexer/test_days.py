"""The minutes of days."""

from hypothesis import given
from hypothesis import strategies as st

from indexer import days
from nvr.timebase import US_PER_MINUTE, TimeRange, utc_day

MIDNIGHT_US = 1_795_046_400_000_000  # 2026-11-19T00:00:00Z


def test_span_over_midnight_touches_two_days() -> None:
    span = TimeRange(MIDNIGHT_US - 1, MIDNIGHT_US + 1)
    assert dict(days.touched(span)) == {20261118: 1 << 1439, 20261119: 1}


def test_minute_is_the_documented_bit() -> None:
    span = TimeRange(MIDNIGHT_US + 13 * US_PER_MINUTE, MIDNIGHT_US + 14 * US_PER_MINUTE)
    [(_, minutes)] = days.touched(span)
    bitmap = days.encode(minutes)
    assert len(bitmap) == 180
    assert bitmap[13 >> 3] & 1 << (13 & 7)
    assert sum(bitmap) == bitmap[1] == 32


@given(st.integers(0, 2**50), st.integers(0, 3 * 86_400_000_000))
def test_touched_minutes_are_those_of_each_instant(start_us: int, duration_us: int) -> None:
    span = TimeRange(start_us, start_us + duration_us)
    found = days.union([span])
    assert all(days.decode(days.encode(minutes)) == minutes for minutes in found.values())
    total = sum(minutes.bit_count() for minutes in found.values())
    whole = days.whole_minutes(span)
    assert total == (whole.duration_us // US_PER_MINUTE if duration_us else 0)
    if duration_us:
        assert found[utc_day(start_us)] & 1 << (start_us // US_PER_MINUTE % 1440)
