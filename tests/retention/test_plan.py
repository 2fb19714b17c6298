"""The deletion plan: who goes, in which order, and who never does."""

from collections import Counter
from collections.abc import Iterable

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_DAY, TimeRange
from retention.plan import DeletePlan, Policy, Quota, StoredChunk, VolumeRoom, Why, plan

NOW_US = 1000 * US_PER_DAY
HOUR_US = US_PER_DAY // 24
ONE, TWO, THREE = (Track(channel, TrackKind.MAIN) for channel in (1, 2, 3))
GENEROUS = Policy(min_us=US_PER_DAY, max_us=30 * US_PER_DAY)


def hourly(track: Track, hours: int, *, volume: int = 1, size: int = 100) -> list[StoredChunk]:
    """A chunk an hour, the last one ending now."""
    first_us = NOW_US - hours * HOUR_US
    return [
        StoredChunk(track, first_us + i * HOUR_US, first_us + (i + 1) * HOUR_US, i, volume, size) for i in range(hours)
    ]


def of(whose: str, size: int, *channels: int) -> Quota:
    return Quota(whose, frozenset(channels), size)


def decide(
    stored: dict[Track, list[StoredChunk]],
    policies: dict[int, Policy],
    rooms: Iterable[VolumeRoom] = (),
    held: Iterable[tuple[Track, TimeRange]] = (),
    limit: int = 1_000_000,
    quotas: Iterable[Quota] = (),
    *,
    spare_young: bool = True,
) -> DeletePlan:
    holds = list(held)
    usage: Counter[tuple[Track, int]] = Counter()
    for chunks in stored.values():
        for chunk in chunks:
            usage[chunk.track, chunk.volume] += chunk.bytes
    return plan(
        NOW_US,
        policies,
        quotas,
        usage,
        rooms,
        lambda track, volume: [chunk for chunk in stored[track] if volume in (None, chunk.volume)],
        lambda track, span: any(track == t and span.overlaps(r) for t, r in holds),
        limit=limit,
        spare_young=spare_young,
    )


def test_footage_older_than_max_days_goes_even_with_room() -> None:
    made = decide({ONE: hourly(ONE, 31 * 24)}, {1: GENEROUS})
    assert {victim.why for victim in made.victims} == {Why.MAX_AGE}
    assert len(made.victims) == 24
    assert max(victim.chunk.end_us for victim in made.victims) == NOW_US - 30 * US_PER_DAY


def test_channel_over_its_quota_loses_its_oldest() -> None:
    policies = {1: Policy(0, 30 * US_PER_DAY), 2: GENEROUS}
    made = decide({ONE: hourly(ONE, 48), TWO: hourly(TWO, 48)}, policies, quotas=[of("one", 1000, 1)])
    assert [victim.chunk for victim in made.victims] == hourly(ONE, 48)[:38]
    assert made.too_small == made.exceeded == ()


def test_group_over_its_quota_loses_what_is_oldest_relative_to_its_target() -> None:
    policies = {1: Policy(0, 10 * US_PER_DAY), 2: Policy(0, 40 * US_PER_DAY), 3: GENEROUS}
    stored = {track: hourly(track, 48) for track in (ONE, TWO, THREE)}
    made = decide(stored, policies, quotas=[of("both", 9600 - 4000, 1, 2)])
    gone = Counter(victim.chunk.track for victim in made.victims)
    assert gone == {ONE: 37, TWO: 3}  # 12 of its 240 hours are as old as 48 of 960
    assert {victim.why for victim in made.victims} == {Why.QUOTA}


def test_files_are_room_as_bytes_are() -> None:
    room = VolumeRoom(1, 0, 0, 0, free_files=2, low_water_files=6, enough_files=9)
    made = decide({ONE: hourly(ONE, 48)}, {1: GENEROUS}, [room])
    assert [victim.chunk for victim in made.victims] == hourly(ONE, 48)[:7]
    assert made.shortages == ()


def test_files_that_nothing_may_free_are_a_shortage() -> None:
    room = VolumeRoom(1, 0, 0, 0, free_files=2, low_water_files=60, enough_files=90)
    made = decide({ONE: hourly(ONE, 30)}, {1: GENEROUS}, [room])
    assert len(made.victims) == 6
    (shortage,) = made.shortages
    assert (shortage.missing_bytes, shortage.missing_files) == (0, 58 - 6)


def test_what_a_channel_loses_for_its_own_quota_has_gone_for_its_group() -> None:
    stored = {ONE: hourly(ONE, 48), TWO: hourly(TWO, 48)}
    quotas = [of("one", 1000, 1), of("both", 5800, 1, 2)]
    made = decide(stored, dict.fromkeys((1, 2), GENEROUS), quotas=quotas)
    assert [victim.chunk for victim in made.victims] == hourly(ONE, 48)[:38]


def test_quota_takes_what_is_younger_than_its_minimum_and_says_so() -> None:
    small = of("one", 1000, 1)
    made = decide({ONE: hourly(ONE, 20)}, {1: GENEROUS}, quotas=[small])
    assert [victim.chunk for victim in made.victims] == hourly(ONE, 20)[:10]
    assert made.too_small == (small,)


def test_quota_that_held_footage_alone_exceeds_takes_all_else_and_says_so() -> None:
    small, chunks = of("one", 1000, 1), hourly(ONE, 48)
    held = [(ONE, TimeRange(chunks[5].start_us, chunks[24].end_us))]
    made = decide({ONE: chunks}, {1: GENEROUS}, held=held, quotas=[small])
    assert [victim.chunk for victim in made.victims] == chunks[:5] + chunks[25:]
    assert made.exceeded == (small,)


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
    quota = of("one", 30 * 24 * 100 - 300, 1)
    made = decide({ONE: hourly(ONE, 31 * 24)}, {1: GENEROUS}, quotas=[quota])
    assert [victim.why for victim in made.victims] == [Why.MAX_AGE] * 24 + [Why.QUOTA] * 3


def test_last_resort_takes_young_footage_down_to_the_mark_oldest_first_and_never_what_is_held() -> None:
    stored = {ONE: hourly(ONE, 10), TWO: hourly(TWO, 10)}
    held = [(ONE, TimeRange(NOW_US - 10 * HOUR_US, NOW_US - 8 * HOUR_US))]
    room = VolumeRoom(1, free_bytes=0, low_water_bytes=450, enough_bytes=2000)
    made = decide(stored, {1: GENEROUS, 2: GENEROUS}, [room], held, spare_young=False)
    assert {victim.why for victim in made.victims} == {Why.LAST_RESORT}
    assert [(v.chunk.track.channel, v.chunk.sequence) for v in made.victims] == [(2, 0), (2, 1), (1, 2), (2, 2), (1, 3)]
    assert (made.shortages, made.young) == ((), frozenset({1}))


def test_last_resort_waits_until_nothing_older_is_left() -> None:
    room = VolumeRoom(1, free_bytes=0, low_water_bytes=300, enough_bytes=400)
    made = decide({ONE: hourly(ONE, 30)}, {1: GENEROUS}, [room], spare_young=False)
    assert [victim.why for victim in made.victims] == [Why.LOW_WATER] * 4
    assert made.young == frozenset()
    short = VolumeRoom(1, free_bytes=0, low_water_bytes=800, enough_bytes=900)
    made = decide({ONE: hourly(ONE, 30)}, {1: GENEROUS}, [short], spare_young=False)
    assert [victim.why for victim in made.victims] == [Why.LOW_WATER] * 6 + [Why.LAST_RESORT] * 2
    assert made.young == frozenset({1})
