"""Time: the only room that converts units of time, and the only one that reads a clock.

Wall time is ``int`` microseconds since 1970-01-01T00:00:00Z (``_us``), media time is 90 kHz ticks
(``_90k``, RFC 6184 section 8.2.1), durations come from the monotonic clock. There is no float time.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

US_PER_S = 1_000_000
TICKS_PER_S = 90_000
US_PER_MINUTE = 60 * US_PER_S
US_PER_DAY = 86_400 * US_PER_S
NTP_EPOCH_S = 2_208_988_800  # seconds from 1900-01-01 to 1970-01-01, RFC 5905 section 6


class Clock(Protocol):
    """What tells the time. Code takes one as an argument; tests bring one that they move by hand."""

    def wall_us(self) -> int:
        """Microseconds UTC since 1970; may step when the system clock is set."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since an unknown instant; never steps, never goes back."""
        ...


class SystemClock:
    """The clock of the machine."""

    def wall_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000


def thread_cpu_us() -> int:
    """Microseconds that the processor has worked for the calling thread: on a busy machine, less than have passed."""
    return time.thread_time_ns() // 1000


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """A half-open stretch of wall time ``[start_us, end_us)``; may be empty, never negative."""

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        if self.end_us < self.start_us:
            raise ValueError(f"a range cannot end ({self.end_us}) before it starts ({self.start_us})")

    @property
    def duration_us(self) -> int:
        return self.end_us - self.start_us

    def contains(self, instant_us: int) -> bool:
        return self.start_us <= instant_us < self.end_us

    def overlaps(self, other: "TimeRange") -> bool:
        return self.start_us < other.end_us and other.start_us < self.end_us

    def clipped_to(self, other: "TimeRange") -> "TimeRange":
        """The part of this range inside ``other``; empty, at ``other``'s nearer edge, where they do not meet."""
        start_us = min(max(self.start_us, other.start_us), other.end_us)
        return TimeRange(start_us, max(start_us, min(self.end_us, other.end_us)))


def us_from_90k(ticks_90k: int) -> int:
    """90 kHz ticks as microseconds, rounded to the nearest."""
    return (ticks_90k * 100 + 4) // 9


def ticks_from_us(duration_us: int) -> int:
    """Microseconds as 90 kHz ticks, rounded to the nearest (half up)."""
    return (duration_us * 9 + 50) // 100


def us_from_ntp(ntp: int) -> int:
    """A 64-bit NTP time stamp (RFC 3550 section 4) as wall microseconds; era 0, until 2036."""
    return ((ntp >> 32) - NTP_EPOCH_S) * US_PER_S + ((ntp & 0xFFFFFFFF) * US_PER_S >> 32)


def ntp_from_us(wall_us: int) -> int:
    """Wall microseconds as a 64-bit NTP time stamp, the inverse of `us_from_ntp` to 1 µs."""
    seconds, micros = divmod(wall_us, US_PER_S)
    return (seconds + NTP_EPOCH_S) << 32 | -(-(micros << 32) // US_PER_S)


def utc(wall_us: int) -> datetime:
    """Wall microseconds as an aware UTC datetime."""
    return datetime.fromtimestamp(wall_us // US_PER_S, UTC).replace(microsecond=wall_us % US_PER_S)


def format_utc(wall_us: int) -> str:
    """``2026-11-23T20:31:05.250000Z`` (RFC 3339), always with six decimals."""
    return utc(wall_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_utc(text: str) -> int:
    """An RFC 3339 time, any offset, as wall microseconds.

    Raises:
        ValueError: not such a time, or without an offset: a local time would be a guess.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write 2026-11-23T20:31:05Z or ...+07:00")
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return int(whole.timestamp()) * US_PER_S + moment.microsecond


def utc_day(wall_us: int) -> int:
    """The UTC day as ``YYYYMMDD``, the name of a day's folder and the key of its row."""
    return int(utc(wall_us).strftime("%Y%m%d"))


def utc_days(span: TimeRange) -> Iterator[tuple[int, TimeRange]]:
    """Each UTC day that ``span`` touches, with the part of the span that lies in it."""
    start_us = span.start_us
    while start_us < span.end_us:
        next_us = min((start_us // US_PER_DAY + 1) * US_PER_DAY, span.end_us)
        yield utc_day(start_us), TimeRange(start_us, next_us)
        start_us = next_us
