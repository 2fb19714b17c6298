"""How fast the scrub reads: arithmetic only."""

from dataclasses import dataclass

from nvr.timebase import US_PER_DAY, US_PER_S

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ScrubPace:
    """The bounds between which the scrub reads."""

    period_us: int = 30 * US_PER_DAY  # everything once in so long
    again_us: int = US_PER_DAY  # chosen: a small archive is read no more often, and what is new in it soon enough
    floor_bps: int = MIB  # bytes a second, chosen: a small archive is done in hours, and no disk notices
    share: float = 0.25  # of a disk's time, chosen: three quarters are left to recording and to viewers


def rate_bps(left_bytes: int, left_us: int, pace: ScrubPace) -> int | None:
    """Bytes a second that read what is left of a round in the time that is left; at least the floor. None: no limit.

    Args:
        left_bytes: of the archive as it is now; it may grow while it is read.
        left_us: until the round's period is over; 0 or less: it is over already.
        pace: the bounds.
    """
    if left_us <= 0:
        return None
    return max(pace.floor_bps, -(-left_bytes * US_PER_S // left_us))


def rest_us(read_bytes: int, took_us: int, rate: int | None, pace: ScrubPace) -> int:
    """How long to leave the disk alone after reading ``read_bytes`` in ``took_us``.

    On a disk that is too slow for the rate the share counts: the round takes longer than its period.
    """
    for_rate_us = 0 if rate is None else read_bytes * US_PER_S // rate
    for_share_us = int(took_us / pace.share)
    return max(for_rate_us, for_share_us) - took_us


def is_due(began_us: int, now_us: int, pace: ScrubPace) -> bool:
    """Whether the next round begins, now that this one is over; also when the clock was set back before its start."""
    return not began_us <= now_us < began_us + min(pace.again_us, pace.period_us)
