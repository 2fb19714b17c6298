"""The deletion plan: who goes, in which order, and who never does."""

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
) -> DeletePlan:
    holds = list(held)
    return plan(
        NOW_US,
        policies,
        {track: sum(chunk.bytes for chunk in chunks) for track, chunks in stored.items()},
        rooms,
        lambda track: stored[track],
        lambda track, span: any(track == t and span.overlaps(r) for t, r in holds),
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
    hours, min_days, max_days, quota, free, held
):
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
