"""What is to be deleted: a pure function from facts to a plan. Nothing here touches a disk or an index.

The order of victims (DESIGN section 6): first whatever is older than its channel may be kept (the privacy law: always,
room or no room), then what a channel or a group of channels has beyond its quota, then, on a volume that runs short,
what there is past its channel's minimum. Within a group and on a volume the footage goes first that is oldest relative
to its channel's target. A quota was set by a person for just these channels: it holds even where it takes what is
younger than the minimum, and the plan says so. Held footage is never a victim.

A plan is small, whatever there is to do: at most so many victims for each cause, so that it is made in milliseconds and
no cause waits for another's backlog. Whoever carries it out asks again.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile

from nvr.media import Track
from nvr.timebase import TimeRange


class Why(Enum):
    """Why a chunk has to go."""

    MAX_AGE = "max_age"
    QUOTA = "quota"
    LOW_WATER = "low_water"
    LAST_RESORT = "last_resort"  # the same, though it is younger than its minimum


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a channel is kept."""

    min_us: int
    max_us: int


@dataclass(frozen=True, slots=True)
class Quota:
    """How much footage one channel, or several together, may have. Without one: as much as fits."""

    whose: str  # for people
    channels: frozenset[int]
    bytes: int


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
    sequence: int  # its low 16 bits: with track and start what the index calls it
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
    is_partial: bool  # there are more victims than these
    too_small: tuple[Quota, ...]  # quotas that take what is younger than its channel's minimum
    exceeded: tuple[Quota, ...]  # quotas beyond which held footage reaches
    young: frozenset[int] = frozenset()  # volumes for whose want of room goes what is younger than its minimum


Usage = Mapping[tuple[Track, int], int]  # bytes of a track on a volume
Oldest = Callable[[Track, int | None], Iterable[StoredChunk]]
IsHeld = Callable[[Track, TimeRange], bool]


def plan(
    now_us: int,
    policies: Mapping[int, Policy],
    quotas: Iterable[Quota],
    usage_bytes: Usage,
    volumes: Iterable[VolumeRoom],
    oldest: Oldest,
    is_held: IsHeld,
    *,
    limit: int,
    spare_young: bool = True,
) -> DeletePlan:
    """Decide what goes now.

    Args:
        now_us: the instant from which ages count.
        policies: channel → how long it is kept; every channel that is named in ``usage_bytes``.
        quotas: judged one after the other: what goes for one has gone for the next.
        usage_bytes: what each track occupies on each volume; nothing else is looked at.
        volumes: how full they are.
        oldest: gives a track's chunks, oldest first, lazily: no more are read than have to go. With a volume's number
            only those whose deletion makes room there.
        is_held: whether any part of a range of a track is held.
        limit: at most so many victims for age, for all quotas, and for each volume's want of room.
        spare_young: never take what is younger than its minimum for want of room; the last resort is not to.
    """
    decision = _Decision(now_us, policies, usage_bytes, oldest, is_held, limit, spare_young)
    decision.too_old()
    decision.over(quotas)
    shortages = tuple(filter(None, map(decision.short_of_room, volumes)))
    return DeletePlan(
        tuple(decision.chosen.values()),
        shortages,
        decision.is_partial,
        tuple(decision.too_small),
        tuple(decision.exceeded),
        frozenset(decision.young),
    )


@dataclass(slots=True)
class _Decision:
    """The arguments of `plan`, and what it has decided so far."""

    now_us: int
    policies: Mapping[int, Policy]
    usage_bytes: Usage
    oldest: Oldest
    is_held: IsHeld
    limit: int
    spare_young: bool
    chosen: dict[tuple[Track, int, int], Victim] = field(default_factory=dict)
    is_partial: bool = False
    too_small: list[Quota] = field(default_factory=list)
    exceeded: list[Quota] = field(default_factory=list)
    young: set[int] = field(default_factory=set)

    def too_old(self) -> None:
        """Choose what is older than it may be."""
        room = self.limit
        for track in self._tracks():
            limit_us = self.now_us - self.policies[track.channel].max_us
            for chunk in _ended_by(limit_us, self.oldest(track, None)):
                if room == 0:
                    self.is_partial = True
                    return
                room -= self._choose(chunk, Why.MAX_AGE)

    def over(self, quotas: Iterable[Quota]) -> None:
        """Choose what there is beyond each quota."""
        room = self.limit
        for quota in quotas:
            excess_bytes = self._used_bytes(quota.channels) - quota.bytes
            for chunk in self._by_relative_age(quota.channels) if excess_bytes > 0 else ():
                if excess_bytes <= 0:
                    break
                if room == 0:
                    self.is_partial = True
                    return
                if self._choose(chunk, Why.QUOTA):
                    excess_bytes -= chunk.bytes
                    room -= 1
                    self._note_if_young(chunk, quota)
            if excess_bytes > 0:
                self.exceeded.append(quota)

    def short_of_room(self, volume: VolumeRoom) -> Shortage | None:
        """Choose what must go for a volume's want of room; gives what is missing when nothing more may go."""
        coming_bytes = sum(
            victim.chunk.bytes for victim in self.chosen.values() if victim.chunk.volume == volume.number
        )
        free_bytes, room = volume.free_bytes + coming_bytes, self.limit
        if free_bytes >= volume.low_water_bytes:
            return None
        for chunk, why in self._for_room(volume.number):
            is_last_resort = why is Why.LAST_RESORT
            if free_bytes >= (volume.low_water_bytes if is_last_resort else volume.enough_bytes):
                return None
            if room == 0:
                self.is_partial = True
                return None
            if self._choose(chunk, why):
                free_bytes += chunk.bytes
                room -= 1
                self.young |= {volume.number} if is_last_resort else set()
        missing_bytes = volume.low_water_bytes - free_bytes
        return Shortage(volume.number, missing_bytes) if missing_bytes > 0 else None

    def _choose(self, chunk: StoredChunk, why: Why) -> bool:
        """Take a chunk as a victim unless it is held or taken already."""
        key = (chunk.track, chunk.start_us, chunk.sequence)
        if key in self.chosen or self.is_held(chunk.track, TimeRange(chunk.start_us, chunk.end_us)):
            return False
        self.chosen[key] = Victim(chunk, why)
        return True

    def _note_if_young(self, chunk: StoredChunk, quota: Quota) -> None:
        if quota not in self.too_small and chunk.end_us > self.now_us - self.policies[chunk.track.channel].min_us:
            self.too_small.append(quota)

    def _tracks(self, volume: int | None = None) -> list[Track]:
        """The tracks that have footage, anywhere or on one volume."""
        return sorted({track for track, number in self.usage_bytes if volume is None or number == volume})

    def _used_bytes(self, channels: Collection[int]) -> int:
        """What these channels will occupy when those already chosen have gone."""
        stored_bytes = sum(size for (track, _), size in self.usage_bytes.items() if track.channel in channels)
        going = (victim.chunk for victim in self.chosen.values() if victim.chunk.track.channel in channels)
        return stored_bytes - sum(chunk.bytes for chunk in going)

    def _by_relative_age(self, channels: Collection[int]) -> Iterator[StoredChunk]:
        """The chunks of these channels, oldest relative to their channel's target first."""
        tracks = (track for track in self._tracks() if track.channel in channels)
        return heapq.merge(*(self.oldest(track, None) for track in tracks), key=self._youth)

    def _for_room(self, volume: int) -> Iterator[tuple[StoredChunk, Why]]:
        """What may go for a volume's want of room, the last resort last."""
        yield from ((chunk, Why.LOW_WATER) for chunk in self._past_minimum(volume))
        if not self.spare_young:
            young = heapq.merge(*(self.oldest(track, volume) for track in self._tracks(volume)), key=self._youth)
            yield from ((chunk, Why.LAST_RESORT) for chunk in young)

    def _past_minimum(self, volume: int) -> Iterator[StoredChunk]:
        """The chunks of a volume that are past their minimum, oldest relative to their channel's target first."""

        def removable(track: Track) -> Iterator[StoredChunk]:
            limit_us = self.now_us - self.policies[track.channel].min_us
            return _ended_by(limit_us, self.oldest(track, volume))

        return heapq.merge(*(removable(track) for track in self._tracks(volume)), key=self._youth)

    def _youth(self, chunk: StoredChunk) -> float:
        return -(self.now_us - chunk.start_us) / self.policies[chunk.track.channel].max_us


def _ended_by(instant_us: int, chunks: Iterable[StoredChunk]) -> Iterator[StoredChunk]:
    return takewhile(lambda chunk: chunk.end_us <= instant_us, chunks)
