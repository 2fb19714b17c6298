"""What is to be deleted: a pure function from facts to a plan. Nothing here touches a disk or an index.

The order of victims (DESIGN section 6, and the second files of `copies` in nvr.toml): first whatever is older than its
channel may be kept (the privacy law: always, room or no room), then what a channel or a group of channels has beyond
its quota, then, on a volume that runs short, second files of what is past its channel's minimum, and then what there is
past it. Within a group and on a volume the footage goes first that is oldest relative to its channel's target. A quota
was set by a person for just these channels: it holds even where it takes what is younger than the minimum, and the plan
says so. Held footage is never a victim.

A plan is small, whatever there is to do: at most so many victims for each cause, so that it is made in milliseconds and
no cause waits for another's backlog. Whoever carries it out asks again.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import takewhile

from nvr.media import Track
from nvr.timebase import TimeRange


class Why(Enum):
    """Why a chunk has to go."""

    MAX_AGE = "max_age"
    QUOTA = "quota"
    LOW_WATER = "low_water"
    SECOND_FILE = "second_file"  # room again, and only one of two files goes
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
    free_files: int = 0  # the same in files: some file systems have room for so many and no more, however small
    low_water_files: int = 0
    enough_files: int = 0

    @property
    def is_short(self) -> bool:
        """Whether footage must go."""
        return self.free_bytes < self.low_water_bytes or self.free_files < self.low_water_files

    def with_more(self, bytes_: int, files: int) -> "VolumeRoom":
        """The same with so much more that is free."""
        return replace(self, free_bytes=self.free_bytes + bytes_, free_files=self.free_files + files)

    def has_enough(self) -> bool:
        """Whether no more needs to go."""
        return self.free_bytes >= self.enough_bytes and self.free_files >= self.enough_files


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk that could go. Iterables of these are in the order of `aged_start_us`."""

    track: Track
    start_us: int
    end_us: int
    sequence: int  # its low 16 bits: with track and start what the index calls it
    volume: int
    bytes: int
    second: int | None = None  # another volume that holds the same file
    shift_us: int = 0  # it was recorded so much later at most than it is dated: the clock was wrong

    @property
    def aged_start_us(self) -> int:
        """From when its age counts."""
        return self.start_us + self.shift_us

    @property
    def aged_end_us(self) -> int:
        return self.end_us + self.shift_us

    def is_held_by(self, is_held: "IsHeld") -> bool:
        """Whether any part of it is held, by its dates or by when it was recorded."""
        spans = [TimeRange(self.start_us, self.end_us)]
        if self.shift_us:
            spans.append(TimeRange(self.aged_start_us, self.aged_end_us))
        return any(is_held(self.track, span) for span in spans)

    @property
    def volumes(self) -> tuple[int, ...]:
        """Those that hold it."""
        return (self.volume,) if self.second is None else (self.volume, self.second)


@dataclass(frozen=True, slots=True)
class Victim:
    """A chunk that has to go, or one of its two files."""

    chunk: StoredChunk
    why: Why
    only: int | None = None  # number of the volume whose file goes, while the chunk stays; None: the chunk goes

    def freed_bytes(self, volume: int | None = None) -> int:
        """Room that this makes on a volume, or in all."""
        return self.chunk.bytes * self.freed_files(volume)

    def freed_files(self, volume: int | None = None) -> int:
        """How many files go of a volume, or in all."""
        volumes = self.chunk.volumes if self.only is None else (self.only,)
        return sum(volume in (None, number) for number in volumes)


@dataclass(frozen=True, slots=True)
class Shortage:
    """A volume that stays short although everything that may go has gone."""

    volume: int
    missing_bytes: int
    missing_files: int = 0


@dataclass(frozen=True, slots=True)
class DeletePlan:
    """The victims in the order in which to delete them, and what they do not solve."""

    victims: tuple[Victim, ...]
    shortages: tuple[Shortage, ...]
    is_partial: bool  # there are more victims than these
    too_small: tuple[Quota, ...]  # quotas that take what is younger than its channel's minimum
    exceeded: tuple[Quota, ...]  # quotas beyond which held footage reaches
    young: frozenset[int] = frozenset()  # volumes for whose want of room goes what is younger than its minimum
    single: frozenset[int] = frozenset()  # and those for which second files of it go


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
    by_age: bool = True,
    spare_young: bool = True,
    doubles: Oldest = lambda _track, _volume: (),
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
        by_age: take what is older than it may be; not while the server's clock is doubted.
        spare_young: never take what is younger than its minimum for want of room; the last resort is not to.
        doubles: gives the chunks of a track that have two files, one of them on this volume, oldest first, lazily.
    """
    decision = _Decision(now_us, policies, usage_bytes, oldest, is_held, limit, spare_young, doubles)
    if by_age:
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
        frozenset(decision.single),
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
    doubles: Oldest
    chosen: dict[tuple[Track, int, int], Victim] = field(default_factory=dict)
    is_partial: bool = False
    too_small: list[Quota] = field(default_factory=list)
    exceeded: list[Quota] = field(default_factory=list)
    young: set[int] = field(default_factory=set)
    single: set[int] = field(default_factory=set)

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
                    excess_bytes -= chunk.bytes * len(chunk.volumes)
                    room -= 1
                    self._note_if_young(chunk, quota)
            if excess_bytes > 0:
                self.exceeded.append(quota)

    def short_of_room(self, volume: VolumeRoom) -> Shortage | None:
        """Choose what must go for a volume's want of room; gives what is missing when nothing more may go."""
        number, room, waits = volume.number, self.limit, False
        going = [(one.freed_bytes(number), one.freed_files(number)) for one in self.chosen.values()]
        volume = volume.with_more(sum(bytes_ for bytes_, _ in going), sum(files for _, files in going))
        if not volume.is_short:
            return None
        for victim in self._for_room(number):
            breaks = self._promise_broken(victim)
            if volume.has_enough() or (breaks is not None and not volume.is_short):
                return None
            if room == 0:
                self.is_partial = True
                return None
            if self._is_single_soon(victim.chunk, number):
                waits = True
            elif self._take(victim):
                volume = volume.with_more(victim.freed_bytes(number), victim.freed_files(number))
                room -= 1
                if breaks is not None:
                    breaks.add(number)
        return self._shortage(volume, waits=waits) if volume.is_short else None

    def _shortage(self, volume: VolumeRoom, *, waits: bool) -> Shortage | None:
        if waits:
            self.is_partial = True
            return None
        bytes_, files = volume.low_water_bytes - volume.free_bytes, volume.low_water_files - volume.free_files
        return Shortage(volume.number, max(0, bytes_), max(0, files))

    def _is_single_soon(self, chunk: StoredChunk, volume: int) -> bool:
        """Whether the other file of a chunk goes already: only the next plan may decide about this one."""
        chosen = self.chosen.get(_key(chunk))
        return chosen is not None and chosen.only not in (None, volume)

    def _promise_broken(self, victim: Victim) -> set[int] | None:
        """Where it is noted if this victim is younger than its minimum; None: it is not."""
        if victim.chunk.aged_end_us <= self._minimum_us(victim.chunk.track):
            return None
        return self.young if victim.only is None else self.single

    def _choose(self, chunk: StoredChunk, why: Why) -> bool:
        return self._take(Victim(chunk, why))

    def _take(self, victim: Victim) -> bool:
        """Take a victim unless it is held or taken already."""
        chunk, key = victim.chunk, _key(victim.chunk)
        if key in self.chosen or chunk.is_held_by(self.is_held):
            return False
        self.chosen[key] = victim
        return True

    def _minimum_us(self, track: Track) -> int:
        """What ended after this instant is younger than its minimum."""
        return self.now_us - self.policies[track.channel].min_us

    def _note_if_young(self, chunk: StoredChunk, quota: Quota) -> None:
        if quota not in self.too_small and chunk.aged_end_us > self._minimum_us(chunk.track):
            self.too_small.append(quota)

    def _tracks(self, volume: int | None = None) -> list[Track]:
        """The tracks that have footage, anywhere or on one volume."""
        return sorted({track for track, number in self.usage_bytes if volume is None or number == volume})

    def _used_bytes(self, channels: Collection[int]) -> int:
        """What these channels will occupy when those already chosen have gone."""
        stored_bytes = sum(size for (track, _), size in self.usage_bytes.items() if track.channel in channels)
        going = (victim for victim in self.chosen.values() if victim.chunk.track.channel in channels)
        return stored_bytes - sum(victim.freed_bytes() for victim in going)

    def _by_relative_age(self, channels: Collection[int]) -> Iterator[StoredChunk]:
        """The chunks of these channels, oldest relative to their channel's target first."""
        return self._by_youth(self.oldest(track, None) for track in self._tracks() if track.channel in channels)

    def _for_room(self, volume: int) -> Iterator[Victim]:
        """What may go for a volume's want of room: first what costs no footage, the last resort last."""
        for chunk in self._ended(volume, self.doubles):
            yield Victim(chunk, Why.SECOND_FILE, volume)
        for chunk in self._ended(volume, self.oldest):
            yield Victim(chunk, Why.LOW_WATER)
        for chunk in self._by_youth(self.doubles(track, volume) for track in self._tracks(volume)):
            yield Victim(chunk, Why.SECOND_FILE, volume)
        if not self.spare_young:
            for chunk in self._by_youth(self.oldest(track, volume) for track in self._tracks(volume)):
                yield Victim(chunk, Why.LAST_RESORT)

    def _ended(self, volume: int, chunks: Oldest) -> Iterator[StoredChunk]:
        """Of the chunks of a volume those that are past their minimum."""
        tracks = self._tracks(volume)
        return self._by_youth(_ended_by(self._minimum_us(track), chunks(track, volume)) for track in tracks)

    def _by_youth(self, chunks: Iterable[Iterable[StoredChunk]]) -> Iterator[StoredChunk]:
        """Oldest relative to their channel's target first."""
        return heapq.merge(*chunks, key=self._youth)

    def _youth(self, chunk: StoredChunk) -> float:
        return -(self.now_us - chunk.aged_start_us) / self.policies[chunk.track.channel].max_us


def _ended_by(instant_us: int, chunks: Iterable[StoredChunk]) -> Iterator[StoredChunk]:
    return takewhile(lambda chunk: chunk.aged_end_us <= instant_us, chunks)


def _key(chunk: StoredChunk) -> tuple[Track, int, int]:
    return chunk.track, chunk.start_us, chunk.sequence
