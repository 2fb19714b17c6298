"""The promise made visible: how many days were promised, how many are there, how many there will be. Pure."""

from dataclasses import dataclass

from nvr.timebase import US_PER_DAY


@dataclass(frozen=True, slots=True)
class Promise:
    """In days."""

    promised: float  # `max_days`: as long as the law lets it be kept
    holding: float  # from the oldest footage until now
    expected: float  # of those, how many there will be in `HORIZON_DAYS`


@dataclass(frozen=True, slots=True)
class Room:
    """All disks together."""

    used_bytes: int
    free_bytes: int  # that may still be filled, without the low-water marks
    bytes_per_day: int  # that come in


HORIZON_DAYS = 7.0  # chosen: time enough to buy a disk


def promise(promised_days: float, first_us: int | None, now_us: int, room: Room) -> Promise:
    """Where a channel, or all of them, stand and will stand.

    While there is room, each day adds a day. Once the disks are full as much goes as comes, and what is kept draws near
    to what the disks hold of today's intake: that is more days or fewer than now, as cameras were taken away or added.

    Args:
        promised_days: its target.
        first_us: where its oldest footage begins.
        now_us: the time.
        room: of all disks; footage goes oldest first relative to its target, so all share one fate.
    """
    holding = 0.0 if first_us is None else max(0, now_us - first_us) / US_PER_DAY
    grown = holding + HORIZON_DAYS
    if room.bytes_per_day > 0:
        until_full = room.free_bytes / room.bytes_per_day
        lasting = (room.used_bytes + room.free_bytes) / room.bytes_per_day
        if until_full < HORIZON_DAYS:
            grown = min(grown, max(lasting, holding - (HORIZON_DAYS - until_full)))
    return Promise(promised_days, holding, min(promised_days, grown))
