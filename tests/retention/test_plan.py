"""The deletion plan: who goes, in which order, and who never does."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_DAY, TimeRange
from retention.plan import DeletePlan, Policy, StoredChunk, VolumeRoom, Why, plan

NOW_US = 1000 * US_PER_DAY
HOUR_US = US_PER_DAY // 24
ONE, TWO = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)
GENEROUS = Policy(min_us=US_PER_DAY, max_us=30 * US_PER_DAY)


def hourly(track: Track, hours: int, *, volume: int = 1, size: int = 100) -> list[StoredChunk]:
    """A chunk an hour, the last one ending now."""
    first_us = NOW_US - hours * HOUR_US
    return [
        StoredChunk(track, first_us + i * HOUR_US, first_us + (i + 1) * HOUR_US, i, volume, size) for i in range(hours)
    ]


def decide(
    stored: dict[Track, list[StoredChunk]],
    policies: dict[int, Policy],
    rooms: Iterable[VolumeRoom] = (),
    held: Iterable[tuple[Track, TimeRange]] = (),
    limit: int = 1_000_000,
) -> DeletePlan:
    holds = list(held)
    usage: Counter[tuple[Track, int]] = Counter()
    for chunks in stored.values():
        for chunk in chunks:
            usage[chunk.track, chunk.volume] += chunk.bytes
    return plan(
        NOW_US,
        policies,
        usage,
        rooms,
        lambda track, volume: [chunk for chunk in stored[track] if volume in (None, chunk.volume)],
        lambda track, span: any(track == t and span.overlaps(r) for t, r in holds),
        limit=limit,
    )


def test_footage_older_than_max_days_goes_even_with_room() -> None:
    made = decide({ONE: hourly(ONE, 31 * 24)}, {1: GENEROUS})
    assert {victim.why for victim in made.victims} == {Why.MAX_AGE}
    assert len(made.victims) == 24
    assert max(victim.chunk.end_us for victim in made.victims) == NOW_US - 30 * US_PER_DAY


def test_channel_over_its_quota_loses_its_oldest() -> None:
    made = decide({ONE: hourly(ONE, 48), TWO: hourly(TWO, 48)}, {1: Policy(0, 30 * US_PER_DAY, 1000), 2: GENEROUS})
    assert [victim.chunk for victim in made.victims] == hourly(ONE, 48)[:38]


def test_short_volume_loses_what_is_oldest_relative_to_its_target() -> None:
    policies = {1: Policy(0, 10 * US_PER_DAY), 2: Policy(0, 40 * US_PER_DAY)}
    room = VolumeRoom(1, free_bytes=0, low_water_bytes=1000, enough_bytes=2000)
    made = decide({ONE: hourly(ONE, 9 * 24), TWO: hourly(TWO, 9 * 24)}, policies, [room])
    assert {victim.chunk.track for victim in made.victims} == {ONE}
    assert len(made.victims) == 20
    assert made.shortages == ()


def test_volume_above_low_water_loses_nothing() -> None:
    room = VolumeRoom(1, free_bytes=1000, low_water_bytes=1000, enough_bytes=2000)
    assert decide({ONE: hourly(ONE, 48)}, {1: GENEROUS}, [room]).victims == ()


def test_minimum_is_kept_and_the_shortage_is_told() -> None:
    room = VolumeRoom(1, free_bytes=0, low_water_bytes=10_000, enough_bytes=20_000)
    made = decide({ONE: hourly(ONE, 30)}, {1: GENEROUS}, [room])
    assert len(made.victims) == 6
    assert made.shortages[0].missing_bytes == 10_000 - 600


def test_only_the_short_volume_loses_footage() -> None:
    room = VolumeRoom(2, free_bytes=0, low_water_bytes=500, enough_bytes=600)
    stored = {ONE: sorted(hourly(ONE, 72) + hourly(ONE, 72, volume=2), key=lambda chunk: chunk.start_us)}
    assert {victim.chunk.volume for victim in decide(stored, {1: GENEROUS}, [room]).victims} == {2}


def test_plan_of_limited_size_says_that_there_is_more() -> None:
    made = decide({ONE: hourly(ONE, 31 * 24)}, {1: GENEROUS}, limit=10)
    assert [victim.chunk for victim in made.victims] == hourly(ONE, 31 * 24)[:10]
    assert made.is_partial
    assert not decide({ONE: hourly(ONE, 31 * 24)}, {1: GENEROUS}, limit=24).is_partial


def test_short_volume_does_not_wait_for_the_backlog_of_another() -> None:
    stored = {ONE: hourly(ONE, 40 * 24), TWO: hourly(TWO, 72, volume=2)}
    room = VolumeRoom(2, free_bytes=0, low_water_bytes=10_000, enough_bytes=20_000)
    made = decide(stored, {1: GENEROUS, 2: GENEROUS}, [room], limit=5)
    assert [victim.chunk.volume for victim in made.victims] == [1] * 5 + [2] * 5
    assert made.shortages == ()
    assert made.is_partial


def test_quota_counts_what_goes_for_its_age_already() -> None:
    made = decide({ONE: hourly(ONE, 31 * 24)}, {1: Policy(0, 30 * US_PER_DAY, 30 * 24 * 100 - 300)})
    assert [victim.why for victim in made.victims] == [Why.MAX_AGE] * 24 + [Why.QUOTA] * 3


tracks = st.sampled_from([ONE, TWO])


@given(
    hours=st.dictionaries(tracks, st.integers(1, 200), min_size=1),
    min_days=st.integers(0, 3),
    max_days=st.integers(3, 9),
    quota=st.one_of(st.none(), st.integers(0, 20_000)),
    free=st.integers(0, 30_000),
    held=st.lists(st.tuples(tracks, st.integers(0, 200), st.integers(1, 50)), max_size=4),
)
def test_any_plan_never_takes_held_or_protected_footage_and_never_takes_twice(
    hours: dict[Track, int],
    min_days: int,
    max_days: int,
    quota: int | None,
    free: int,
    held: list[tuple[Track, int, int]],
) -> None:
    policy = Policy(min_days * US_PER_DAY, max_days * US_PER_DAY, quota)
    holds = [(t, TimeRange(NOW_US - (ago + n) * HOUR_US, NOW_US - ago * HOUR_US)) for t, ago, n in held]
    stored = {track: hourly(track, count) for track, count in hours.items()}
    room = VolumeRoom(1, free, 10_000, 12_000)
    made = decide(stored, {1: policy, 2: policy}, [room], holds)
    keys = [(victim.chunk.track, victim.chunk.start_us) for victim in made.victims]
    assert len(set(keys)) == len(keys)
    for victim in made.victims:
        chunk = victim.chunk
        assert not any(chunk.track == t and TimeRange(chunk.start_us, chunk.end_us).overlaps(r) for t, r in holds)
        if victim.why is Why.LOW_WATER:
            assert chunk.end_us <= NOW_US - policy.min_us
    kept_too_old = [
        chunk
        for chunks in stored.values()
        for chunk in chunks
        if chunk.end_us <= NOW_US - policy.max_us and (chunk.track, chunk.start_us) not in set(keys)
    ]
    assert all(
        any(c.track == t and TimeRange(c.start_us, c.end_us).overlaps(r) for t, r in holds) for c in kept_too_old
    )
    freed = sum(victim.chunk.bytes for victim in made.victims)
    assert made.shortages or free + freed >= 10_000
