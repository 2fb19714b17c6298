"""The minutes of a UTC day that hold footage, as a bitmap: minute m is bit ``m & 7`` of byte ``m >> 3``, 180 bytes."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange, utc_day

DAY_BYTES = 180

Minutes = int  # of one day: bit m is minute m


def touched(span: TimeRange) -> Iterator[tuple[int, Minutes]]:
    """Each UTC day that a span touches, with the minutes of it that the span touches."""
    if not span.duration_us:
        return
    first, last = span.start_us // US_PER_MINUTE, (span.end_us - 1) // US_PER_MINUTE
    for day in range(first // 1440, last // 1440 + 1):
        start, end = max(first, day * 1440) - day * 1440, min(last, day * 1440 + 1439) - day * 1440
        yield name_of(day), (1 << end + 1) - (1 << start)


def whole_minutes(span: TimeRange) -> TimeRange:
    """The span, widened to the minutes that it touches."""
    start_us = span.start_us // US_PER_MINUTE * US_PER_MINUTE
    return TimeRange(start_us, max(start_us, -(-span.end_us // US_PER_MINUTE) * US_PER_MINUTE))


def union(spans: Iterable[TimeRange]) -> dict[int, Minutes]:
    """The minutes of each day that any of the spans touches."""
    days: dict[int, Minutes] = {}
    for span in spans:
        for day, minutes in touched(span):
            days[day] = days.get(day, 0) | minutes
    return days


def encode(minutes: Minutes) -> bytes:
    """The bitmap."""
    return minutes.to_bytes(DAY_BYTES, "little")


def decode(value: bytes) -> Minutes:
    """The minutes of a bitmap."""
    return int.from_bytes(value, "little")


@lru_cache(maxsize=1024)
def name_of(day: int) -> int:
    """A day counted from 1970 as ``YYYYMMDD``."""
    return utc_day(day * US_PER_DAY)
