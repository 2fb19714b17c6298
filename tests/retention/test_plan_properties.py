"""The deletion plan, whatever there is to decide: generated archives, holds, quotas and volumes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nvr.media import Track, TrackKind
from nvr.timebase import TimeRange
from retention.plan import DeletePlan, Policy, Quota, StoredChunk, Victim, VolumeRoom, Why, plan

NOW_US = 1_000_000
CHANNELS = (1, 2, 3)
TRACKS = [Track(channel, kind) for channel in CHANNELS for kind in TrackKind]
NUMBERS = (1, 2)  # of volumes
TURNS = 200  # more than any of these archives has chunks


@dataclass(frozen=True)
class Archive:
    """All that a plan is made from."""

    chunks: tuple[StoredChunk, ...]
    policies: dict[int, Policy]
    quotas: tuple[Quota, ...]
    rooms: tuple[VolumeRoom, ...]
    holds: tuple[tuple[int, TimeRange], ...]  # channel, stretch
    limit: int

    def is_held(self, track: Track, span: TimeRange) -> bool:
        return any(track.channel == channel and span.overlaps(held) for channel, held in self.holds)

    def holds_chunk(self, chunk: StoredChunk) -> bool:
        return self.is_held(chunk.track, TimeRange(chunk.start_us, chunk.end_us))

    def decide(self) -> DeletePlan:
        usage: Counter[tuple[Track, int]] = Counter()
        for chunk in self.chunks:
            for volume in chunk.volumes:
                usage[chunk.track, volume] += chunk.bytes
        return plan(
            NOW_US,
            self.policies,
            self.quotas,
            usage,
            self.rooms,
            self._oldest,
            self.is_held,
            limit=self.limit,
            doubles=self._doubles,
        )

    def _oldest(self, track: Track, volume: int | None) -> Iterator[StoredChunk]:
        return (chunk for chunk in self.chunks if chunk.track == track and volume in (None, *chunk.volumes))

    def _doubles(self, track: Track, volume: int | None) -> Iterator[StoredChunk]:
        return (chunk for chunk in self._oldest(track, volume) if chunk.second is not None)

    def without(self, victims: tuple[Victim, ...]) -> "Archive":
        """After a plan was carried out."""
        rooms = tuple(
            replace(room, free_bytes=room.free_bytes + sum(victim.freed_bytes(room.number) for victim in victims))
            for room in self.rooms
        )
        gone = {victim.chunk: victim.only for victim in victims}
        left = (single(chunk, gone[chunk]) if chunk in gone else chunk for chunk in self.chunks)
        return replace(self, chunks=tuple(chunk for chunk in left if chunk is not None), rooms=rooms)

    def used_bytes(self, quota: Quota) -> int:
        return sum(chunk.bytes * len(chunk.volumes) for chunk in self.chunks if chunk.track.channel in quota.channels)

    def youth(self, chunk: StoredChunk) -> float:
        return -(NOW_US - chunk.start_us) / self.policies[chunk.track.channel].max_us


def single(chunk: StoredChunk, gone: int | None) -> StoredChunk | None:
    """What is left of a chunk of which one volume's file has gone, or all."""
    if gone is None:
        return None
    (left,) = set(chunk.volumes) - {gone}
    return replace(chunk, volume=left, second=None)


def swept(archive: Archive) -> tuple[Archive, list[DeletePlan]]:
    """Plan and carry out until there is no more to do, as the sweeper does."""
    plans: list[DeletePlan] = []
    while len(plans) < TURNS:
        plans.append(archive.decide())
        archive = archive.without(plans[-1].victims)
        if not plans[-1].is_partial or not plans[-1].victims:
            return archive, plans
    raise AssertionError("the sweeper would never end")


@st.composite
def tracks_chunks(draw: st.DrawFn, track: Track) -> list[StoredChunk]:
    """A track's chunks in the order of time, some with holes between them; now and then the last one ends after now."""
    pieces = draw(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 9)), max_size=12))
    end_us, chunks = NOW_US + draw(st.integers(-50, 1)), []
    for number, (duration_us, hole_us) in enumerate(pieces):
        size, volume = draw(st.integers(1, 100)), draw(st.sampled_from(NUMBERS))
        second = draw(st.sampled_from((None, None, sum(NUMBERS) - volume)))
        chunks.append(StoredChunk(track, end_us - duration_us, end_us, number, volume, size, second))
        end_us -= duration_us + hole_us
    return chunks[::-1]


@st.composite
def archives(draw: st.DrawFn) -> Archive:
    chunks = [chunk for track in TRACKS for chunk in draw(tracks_chunks(track))]
    low = {channel: draw(st.integers(0, 100)) for channel in CHANNELS}
    policies = {channel: Policy(low[channel], low[channel] + draw(st.integers(1, 200))) for channel in CHANNELS}
    sets = draw(st.lists(st.frozensets(st.sampled_from(CHANNELS), min_size=1), max_size=4))
    quotas = [Quota(f"number {n}", channels, draw(st.integers(1, 1500))) for n, channels in enumerate(sets)]
    marks = [(draw(st.integers(0, 500)), draw(st.integers(0, 900)), draw(st.integers(0, 90))) for _ in NUMBERS]
    rooms = [
        VolumeRoom(number, free, mark, mark + more) for number, (free, mark, more) in zip(NUMBERS, marks, strict=True)
    ]
    held = draw(st.lists(st.tuples(st.sampled_from(CHANNELS), st.integers(0, 250), st.integers(1, 90)), max_size=3))
    holds = [(channel, TimeRange(NOW_US - ago, NOW_US - ago + length)) for channel, ago, length in held]
    limit = draw(st.integers(1, 80))
    return Archive(tuple(chunks), policies, tuple(quotas), tuple(rooms), tuple(holds), limit)


@given(archives())
def test_no_victim_is_held_and_none_is_there_twice(archive: Archive) -> None:
    victims = [victim.chunk for victim in archive.decide().victims]
    assert len(set(victims)) == len(victims)
    assert not any(map(archive.holds_chunk, victims))


@given(archives())
def test_no_more_victims_than_the_limit_for_each_cause(archive: Archive) -> None:
    victims = archive.decide().victims
    causes = Counter((v.why, v.only or (v.chunk.volume if v.why is Why.LOW_WATER else 0)) for v in victims)
    assert all(count <= archive.limit for count in causes.values())


@given(archives())
def test_want_of_room_takes_nothing_that_is_younger_than_its_minimum(archive: Archive) -> None:
    for victim in archive.decide().victims:
        if victim.why is Why.LOW_WATER:
            assert victim.chunk.end_us <= NOW_US - archive.policies[victim.chunk.track.channel].min_us


@given(archives())
def test_footage_past_its_minimum_goes_from_a_volume_only_after_all_such_second_files(archive: Archive) -> None:
    victims = archive.decide().victims
    taken = {victim.chunk for victim in victims}
    for victim in victims:
        if victim.why is Why.LOW_WATER:
            for chunk in archive._doubles(victim.chunk.track, victim.chunk.volume):
                past = chunk.end_us <= NOW_US - archive.policies[chunk.track.channel].min_us
                assert not past or chunk in taken or archive.holds_chunk(chunk)


@given(archives())
def test_second_files_that_go_cost_no_footage_and_young_ones_are_told(archive: Archive) -> None:
    made = archive.decide()
    for victim in made.victims:
        if victim.why is Why.SECOND_FILE:
            assert victim.only in victim.chunk.volumes
            assert single(victim.chunk, victim.only) is not None
            if victim.chunk.end_us > NOW_US - archive.policies[victim.chunk.track.channel].min_us:
                assert victim.only in made.single


@given(archives())
def test_quota_that_takes_younger_footage_is_named(archive: Archive) -> None:
    made = archive.decide()
    named = {channel for quota in made.too_small for channel in quota.channels}
    for victim in made.victims:
        channel = victim.chunk.track.channel
        if victim.why is Why.QUOTA and victim.chunk.end_us > NOW_US - archive.policies[channel].min_us:
            assert channel in named


@given(archives())
def test_after_a_sweep_nothing_is_too_old_unless_it_is_held(archive: Archive) -> None:
    after, _ = swept(archive)
    for chunk in after.chunks:
        if chunk.end_us <= NOW_US - archive.policies[chunk.track.channel].max_us:
            assert archive.holds_chunk(chunk)


@given(archives())
def test_after_a_sweep_every_quota_holds_or_only_held_footage_is_left(archive: Archive) -> None:
    after, plans = swept(archive)
    for quota in archive.quotas:
        if after.used_bytes(quota) > quota.bytes:
            left = [chunk for chunk in after.chunks if chunk.track.channel in quota.channels]
            assert all(map(archive.holds_chunk, left))
            assert quota in plans[-1].exceeded


@given(archives())
def test_after_a_sweep_every_volume_has_room_or_nothing_more_may_go(archive: Archive) -> None:
    after, plans = swept(archive)
    short = {shortage.volume: shortage.missing_bytes for shortage in plans[-1].shortages}
    for room in after.rooms:
        if room.free_bytes < room.low_water_bytes:
            assert short[room.number] == room.low_water_bytes - room.free_bytes
            for chunk in after.chunks:
                if room.number in chunk.volumes and not archive.holds_chunk(chunk):
                    assert chunk.second is None
                    assert chunk.end_us > NOW_US - archive.policies[chunk.track.channel].min_us


@given(archives())
def test_victims_come_in_the_order_of_causes_and_the_oldest_first(archive: Archive) -> None:
    order = list(Why)
    for made in swept(archive)[1]:
        causes = [order.index(victim.why) for victim in made.victims if victim.only is None]
        assert causes == sorted(causes)
        for why in Why:
            for track in TRACKS:
                times = [
                    victim.chunk.start_us
                    for victim in made.victims
                    if victim.why is why and victim.chunk.track == track
                ]
                groups = len(archive.quotas) if why is Why.QUOTA else len(NUMBERS)
                assert sum(b < a for a, b in pairwise(times)) < max(1, groups)


@given(archives())
def test_single_quota_takes_what_is_oldest_relative_to_its_target(archive: Archive) -> None:
    quota = Quota("all", frozenset(CHANNELS), 500)
    alone = replace(archive, quotas=(quota,), rooms=())
    victims = [victim.chunk for victim in alone.decide().victims if victim.why is Why.QUOTA]
    youths = [alone.youth(chunk) for chunk in victims]
    assert youths == sorted(youths)
    gone = {victim.chunk for victim in alone.decide().victims}
    spared = [alone.youth(chunk) for chunk in alone.chunks if chunk not in gone and not alone.holds_chunk(chunk)]
    if victims and not alone.decide().is_partial:
        assert max(youths) <= min(spared, default=0)


@given(archives())
def test_no_more_goes_for_a_quota_than_must(archive: Archive) -> None:
    quota = Quota("all", frozenset(CHANNELS), 500)
    alone = replace(archive, quotas=(quota,), rooms=())
    made = alone.decide()
    last = [victim for victim in made.victims if victim.why is Why.QUOTA][-1:]
    for victim in last:
        assert alone.without(made.victims).used_bytes(quota) + victim.freed_bytes() > quota.bytes


@given(archives())
def test_within_all_limits_nothing_goes(archive: Archive) -> None:
    after, _ = swept(archive)
    made = after.decide()
    if not made.shortages and not made.exceeded:
        assert made.victims == ()
        assert not made.is_partial
    roomy = replace(
        archive,
        policies={channel: Policy(0, NOW_US) for channel in CHANNELS},
        quotas=tuple(replace(quota, bytes=1 << 40) for quota in archive.quotas),
        rooms=tuple(replace(room, free_bytes=room.low_water_bytes) for room in archive.rooms),
    )
    assert roomy.decide() == DeletePlan((), (), False, (), ())
