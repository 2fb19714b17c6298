"""The promise made visible: how many days were promised, how many are there, how many there will be. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from nvr.timebase import US_PER_DAY


@dataclass(frozen=True, slots=True)
class Promise:
    """In days."""

    promised: float  # `max_days`: as long as the law lets it be kept
    holding: float  # from the oldest footage until now
    expected: float  # of those, how many there will be in `HORIZON_DAYS`
    least: float  # `min_days`
    quota: (
        float | None
    )  # how many days its quotas have room for, of what comes in now; None: it has none, or nothing comes

    @property
    def is_impossible(self) -> bool:
        """Whether a quota takes footage that is younger than `min_days`."""
        return self.quota is not None and self.quota < self.least


@dataclass(frozen=True, slots=True)
class Room:
    """What several channels share: all disks together, or a quota."""

    used_bytes: int
    free_bytes: int  # that may still be filled: without the low-water marks
    bytes_per_day: int  # that come in
    wanted_bytes: int  # what it takes to keep everything for each channel's `max_days`

    def lasts(self, promised_days: float) -> float | None:
        """For how many days it has room once it is full, for a channel with this target; None: nothing comes in.

        What is oldest relative to its target goes first, so every channel gets the same share of its target.
        """
        if self.wanted_bytes <= 0:
            return None
        return promised_days * (self.used_bytes + self.free_bytes) / self.wanted_bytes


HORIZON_DAYS = 7.0  # chosen: time enough to buy a disk


def promise(
    least_days: float, promised_days: float, first_us: int | None, now_us: int, disks: Room, quotas: Sequence[Room] = ()
) -> Promise:
    """Where a channel stands and will stand.

    While there is room, each day adds a day. Once disks or a quota are full as much goes as comes, and what is kept
    draws near to what they hold of today's intake: that is more days or fewer than now, as cameras were taken away or
    added.

    Args:
        least_days: its minimum.
        promised_days: its target.
        first_us: where its oldest footage begins.
        now_us: the time.
        disks: of all; footage goes oldest first relative to its target, so all share one fate.
        quotas: its own and its group's.
    """
    holding = 0.0 if first_us is None else max(0, now_us - first_us) / US_PER_DAY
    lasting = [days for room in quotas if (days := room.lasts(promised_days)) is not None]
    grown = min(_grown(holding, promised_days, room) for room in (disks, *quotas))
    return Promise(promised_days, holding, min(promised_days, grown), least_days, min(lasting, default=None))


def _grown(holding: float, promised_days: float, room: Room) -> float:
    """How many days there will be if this room were the only one."""
    lasting, grown = room.lasts(promised_days), holding + HORIZON_DAYS
    if lasting is None or room.bytes_per_day <= 0:
        return grown
    until_full = room.free_bytes / room.bytes_per_day
    return grown if until_full >= HORIZON_DAYS else min(grown, max(lasting, holding - (HORIZON_DAYS - until_full)))
