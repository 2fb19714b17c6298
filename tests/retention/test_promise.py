"""The promise: days promised, days there, days to come."""

from collections.abc import Sequence

from nvr.timebase import US_PER_DAY
from retention.promise import HORIZON_DAYS, Room, promise

NOW_US = 1000 * US_PER_DAY


def days(used_days: float, free_days: float, promised_days: float = 30) -> Room:
    """Of a channel that brings 1000 bytes a day."""
    return Room(int(used_days * 1000), int(free_days * 1000), 1000, int(promised_days * 1000))


def expected(holding_days: float, used_days: float, free_days: float, quotas: Sequence[Room] = ()) -> float:
    """With disks that hold so many days' intake, and have room for so many more."""
    first_us = NOW_US - int(holding_days * US_PER_DAY)
    return promise(1, 30, first_us, NOW_US, days(used_days, free_days), quotas).expected


def test_while_there_is_room_each_day_adds_a_day() -> None:
    assert expected(10, 10, 50) == 10 + HORIZON_DAYS


def test_never_more_than_promised() -> None:
    assert expected(28, 28, 50) == 30


def test_full_disks_keep_what_they_hold() -> None:
    assert expected(20, 20, 0) == 20
    assert expected(20, 20, 3) == 23


def test_more_cameras_make_it_less_day_by_day_until_the_disks_hold_no_more() -> None:
    assert expected(20, 10, 0) == 20 - HORIZON_DAYS  # cannot fall faster than a day in a day
    assert expected(20, 18, 0) == 18


def test_disks_that_are_too_small_give_each_the_same_share_of_its_target() -> None:
    room = Room(used_bytes=40_000, free_bytes=0, bytes_per_day=2000, wanted_bytes=(10 + 70) * 1000)
    assert [room.lasts(days) for days in (10, 70)] == [5, 35]


def test_quota_that_is_full_keeps_what_it_holds_though_the_disks_have_room() -> None:
    assert expected(10, 10, 50, [days(10, 0)]) == 10
    assert expected(10, 10, 50, [days(10, 3), days(10, 90)]) == 13


def test_quota_with_room_for_fewer_days_than_the_minimum_is_told_before_it_is_full() -> None:
    first_us = NOW_US - US_PER_DAY
    kept = promise(5, 30, first_us, NOW_US, days(1, 50), [days(1, 3)])
    assert (kept.quota, kept.least, kept.is_impossible) == (4, 5, True)
    assert not promise(4, 30, first_us, NOW_US, days(1, 50), [days(1, 3)]).is_impossible


def test_nothing_recorded_holds_nothing() -> None:
    kept = promise(1, 30, None, NOW_US, Room(0, 0, 0, 0), [Room(0, 5, 0, 0)])
    assert (kept.promised, kept.holding, kept.expected) == (30, 0, HORIZON_DAYS)
    assert not kept.is_impossible
