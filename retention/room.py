"""Who shares which room: the disks, which are for everybody, and each quota, which is for a few. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nvr.timebase import US_PER_DAY
from retention.plan import Policy, Quota
from retention.promise import Room


@dataclass(frozen=True, slots=True)
class Intake:
    """What a channel has, and what comes in: both streams together."""

    used_bytes: int
    bytes_per_day: int


@dataclass(frozen=True, slots=True)
class SiteRooms:
    """The rooms of a site."""

    disks: Room
    quotas: tuple[tuple[Quota, Room], ...]

    def quotas_of(self, channel: int) -> list[Room]:
        """The quotas that bound a channel: its own, its group's."""
        return [room for quota, room in self.quotas if channel in quota.channels]


def rooms_of(
    intake: Mapping[int, Intake], policies: Mapping[int, Policy], quotas: Sequence[Quota], free_bytes: int
) -> SiteRooms:
    """Measure all rooms.

    Args:
        intake: of every channel that has footage or sends some.
        policies: of the same channels.
        quotas: in the order in which `retention.plan` judges them: what a channel may not have its group need not hold.
        free_bytes: of all disks, that may still be filled.
    """
    wanted = {
        channel: one.bytes_per_day * policies[channel].max_us / US_PER_DAY for channel, one in intake.items()
    }  # bytes that keep all of it as long as it may be kept
    rooms = []
    for quota in quotas:
        mine = sorted(quota.channels & wanted.keys())
        room = _room([intake[channel] for channel in mine], quota.bytes, sum(wanted[channel] for channel in mine))
        rooms.append((quota, room))
        if room.wanted_bytes > quota.bytes:
            wanted |= {channel: wanted[channel] * quota.bytes / room.wanted_bytes for channel in mine}
    used_bytes = sum(one.used_bytes for one in intake.values())
    disks = _room(list(intake.values()), used_bytes + free_bytes, sum(wanted.values()))
    return SiteRooms(disks, tuple(rooms))


def _room(intake: Sequence[Intake], holds_bytes: int, wanted_bytes: float) -> Room:
    used_bytes = sum(one.used_bytes for one in intake)
    return Room(
        used_bytes=used_bytes,
        free_bytes=max(0, holds_bytes - used_bytes),
        bytes_per_day=sum(one.bytes_per_day for one in intake),
        wanted_bytes=int(wanted_bytes),
    )
