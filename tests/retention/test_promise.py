"""The promise: days promised, days there, days to come."""

from nvr.timebase import US_PER_DAY
from retention.promise import HORIZON_DAYS, Room, promise

NOW_US = 1000 * US_PER_DAY


def expected(holding_days: float, used_days: float, free_days: float) -> float:
    """With disks that hold so many days' intake, and have room for so many more."""
    room = Room(used_bytes=int(used_days * 1000), free_bytes=int(free_days * 1000), bytes_per_day=1000)
    return promise(30, NOW_US - int(holding_days * US_PER_DAY), NOW_US, room).expected


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


def test_nothing_recorded_holds_nothing() -> None:
    kept = promise(30, None, NOW_US, Room(0, 0, 0))
    assert (kept.promised, kept.holding, kept.expected) == (30, 0, HORIZON_DAYS)
