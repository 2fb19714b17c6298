"""What is to be deleted: a pure function from facts to a plan. Nothing here touches a disk or an index.

The order of victims (DESIGN section 6): first whatever is older than its channel may be kept (the privacy law: always,
room or no room), then what a channel has beyond its byte quota, then, on a volume that runs short, the footage that
is oldest relative to its channel's target, never younger than its channel's minimum while anything else can go.
Held footage is never a victim.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from nvr.media import Track
from nvr.timebase import TimeRange


class Why(Enum):
    """Why a chunk has to go."""

    MAX_AGE = "max_age"
    QUOTA = "quota"
    LOW_WATER = "low_water"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a channel is kept."""

    min_us: int
    max_us: int
    quota_bytes: int | None = None  # None: as much as fits


@dataclass(frozen=True, slots=True)
class VolumeRoom:
    """How full a volume is."""

    number: int
    free_bytes: int
    low_water_bytes: int  # below it footage must go
    enough_bytes: int  # and goes until so much is free: a margin, so that not every sweep has work


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk that could go. Iterables of these are in the order of time."""

    track: Track
    start_us: int
    end_us: int
    sequence: int
    volume: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Victim:
    """A chunk that has to go."""

    chunk: StoredChunk
    why: Why


@dataclass(frozen=True, slots=True)
class Shortage:
    """A volume that stays short although everything that may go has gone."""

    volume: int
    missing_bytes: int


@dataclass(frozen=True, slots=True)
class DeletePlan:
    """The victims in the order in which to delete them, and what they do not solve."""

    victims: tuple[Victim, ...]
    shortages: tuple[Shortage, ...]


Oldest = Callable[[Track], Iterable[StoredChunk]]
IsHeld = Callable[[Track, TimeRange], bool]


def plan(
    now_us: int,
    policies: Mapping[int, Policy],
    usage_bytes: Mapping[Track, int],
    volumes: Iterable[VolumeRoom],
    oldest: Oldest,
    is_held: IsHeld,
) -> DeletePlan:
    """Decide what goes now.

    Args:
        now_us: the instant from which ages count.
        policies: channel → how long it is kept.
        usage_bytes: what each track occupies; only tracks named here are looked at.
        volumes: how full they are.
        oldest: gives a track's chunks, oldest first, lazily: no more are read than have to go.
        is_held: whether any part of a range of a track is held.
    """
    chosen: dict[tuple[Track, int, int], Victim] = {}
    for track in usage_bytes:
        for chunk in _too_old(track, now_us - policies[track.channel].max_us, oldest):
            _choose(chosen, chunk, Why.MAX_AGE, is_held)
    for channel, policy in policies.items():
        if policy.quota_bytes is not None:
            _fit_quota(chosen, channel, policy.quota_bytes, usage_bytes, oldest, is_held)
    shortages = [
        shortage
        for room in volumes
        if (shortage := _fill_up(chosen, room, now_us, policies, usage_bytes, oldest, is_held)) is not None
    ]
    return DeletePlan(tuple(chosen.values()), tuple(shortages))


def _choose(chosen: dict[tuple[Track, int, int], Victim], chunk: StoredChunk, why: Why, is_held: IsHeld) -> bool:
    """Take a chunk as a victim unless it is held or taken already."""
    key = (chunk.track, chunk.start_us, chunk.sequence)
    if key in chosen or is_held(chunk.track, TimeRange(chunk.start_us, max(chunk.start_us, chunk.end_us))):
        return False
    chosen[key] = Victim(chunk, why)
    return True


def _too_old(track: Track, limit_us: int, oldest: Oldest) -> Iterator[StoredChunk]:
    return takewhile(lambda chunk: chunk.end_us <= limit_us, iter(oldest(track)))


def _fit_quota(
    chosen: dict[tuple[Track, int, int], Victim],
    channel: int,
    quota_bytes: int,
    usage_bytes: Mapping[Track, int],
    oldest: Oldest,
    is_held: IsHeld,
) -> None:
    tracks = [track for track in usage_bytes if track.channel == channel]
    going_bytes = sum(victim.chunk.bytes for victim in chosen.values() if victim.chunk.track in tracks)
    excess_bytes = sum(usage_bytes[track] for track in tracks) - going_bytes - quota_bytes
    if excess_bytes <= 0:
        return
    for chunk in heapq.merge(*(oldest(track) for track in tracks), key=lambda chunk: chunk.start_us):
        if _choose(chosen, chunk, Why.QUOTA, is_held):
            excess_bytes -= chunk.bytes
        if excess_bytes <= 0:
            return


def _fill_up(
    chosen: dict[tuple[Track, int, int], Victim],
    room: VolumeRoom,
    now_us: int,
    policies: Mapping[int, Policy],
    usage_bytes: Mapping[Track, int],
    oldest: Oldest,
    is_held: IsHeld,
) -> Shortage | None:
    """Make room on one volume; gives what is still missing when nothing more may go."""
    coming_bytes = sum(victim.chunk.bytes for victim in chosen.values() if victim.chunk.volume == room.number)
    free_bytes = room.free_bytes + coming_bytes
    if free_bytes >= room.low_water_bytes:
        return None
    for chunk in _by_relative_age(room.number, now_us, policies, usage_bytes, oldest):
        if free_bytes >= room.enough_bytes:
            return None
        if _choose(chosen, chunk, Why.LOW_WATER, is_held):
            free_bytes += chunk.bytes
    missing_bytes = room.low_water_bytes - free_bytes
    return Shortage(room.number, missing_bytes) if missing_bytes > 0 else None


def _by_relative_age(
    volume: int, now_us: int, policies: Mapping[int, Policy], usage_bytes: Mapping[Track, int], oldest: Oldest
) -> Iterator[StoredChunk]:
    """The chunks of a volume that are past their minimum, oldest relative to their channel's target first."""

    def removable(track: Track) -> Iterator[StoredChunk]:
        limit_us = now_us - policies[track.channel].min_us
        past_minimum = takewhile(lambda chunk: chunk.end_us <= limit_us, iter(oldest(track)))
        return (chunk for chunk in past_minimum if chunk.volume == volume)

    def youth(chunk: StoredChunk) -> float:
        return -(now_us - chunk.start_us) / policies[chunk.track.channel].max_us

    return heapq.merge(*(removable(track) for track in usage_bytes), key=youth)
