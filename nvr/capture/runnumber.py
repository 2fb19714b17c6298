"""How runs are numbered. Pure."""

from nvr.timebase import US_PER_S

LAST = (1 << 32) - 1  # a header and an index key have so much room
LAST_BY_CLOCK = LAST - (1 << 28)  # the year 2097; what is left lasts for a new run each second for 8 years


def next_run(last: int, wall_us: int) -> int:
    """The number of a track's next run: the second it starts in, so that they grow without a counter on disk.

    A clock that is decades ahead numbers nothing: the numbers are of 32 bits, and those left must last.

    Args:
        last: the greatest number that the track has had.
        wall_us: now.
    """
    now_s = wall_us // US_PER_S
    return max(last + 1, now_s if 0 <= now_s < LAST_BY_CLOCK else 1) & LAST
