"""The numbers that the configuration stands for."""

import pytest

from nvr.config import ChannelRetention, GroupRetention, RetentionSettings
from nvr.timebase import US_PER_DAY
from retention.plan import Policy, Quota
from retention.policy import GB, policies, quotas, volume_room
from tests.retention.store import keep

TB = 10**12
MIB = 1 << 20
CAMERAS_BPS = 220_000_000  # 55 cameras with two streams each


def low_water_bytes(total_bytes: int, *, percent: float = 5, ingest_bps: int = CAMERAS_BPS) -> int:
    room = volume_room(
        keep(reserve_percent=percent),
        1,
        free_bytes=0,
        total_bytes=total_bytes,
        ingest_bps=ingest_bps,
        said_full=False,
    )
    return room.low_water_bytes


def test_every_channel_with_footage_has_the_defaults() -> None:
    policy = Policy(US_PER_DAY // 2, 30 * US_PER_DAY)
    assert policies(keep(min_days=0.5), [1, 7]) == {1: policy, 7: policy}


def test_channels_and_groups_have_what_was_set_for_them() -> None:
    schools = GroupRetention(name="Schools", channels=frozenset({1, 2}), min_days=None, max_days=60, quota_gb=500)
    gate = ChannelRetention(channel=2, min_days=2, max_days=7, quota_gb=0.5)
    settings = RetentionSettings(
        min_days=1, max_days=30, reserve_percent=5, scrub_days=30, group=(schools,), channel=(gate,)
    )
    found = policies(settings, [1, 2, 3])
    assert [found[n].min_us // US_PER_DAY for n in (1, 2, 3)] == [1, 2, 1]
    assert [found[n].max_us // US_PER_DAY for n in (1, 2, 3)] == [60, 7, 30]
    own, together = Quota("channel 2", frozenset({2}), 500_000_000), Quota("group Schools", frozenset({1, 2}), 500 * GB)
    assert quotas(settings) == (own, together)


def test_files_keep_a_reserve_where_they_are_counted() -> None:
    def marks(total_files: int) -> tuple[int, int]:
        room = volume_room(
            keep(),
            1,
            free_bytes=TB,
            total_bytes=TB,
            ingest_bps=0,
            said_full=True,
            free_files=50,
            total_files=total_files,
        )
        return room.low_water_files, room.low_water_bytes

    assert marks(10**8) == (1000, 0)  # short of files: that is why it said full, and no footage goes for bytes
    assert marks(1000) == (125, 0)
    assert marks(400) == (50, TB + TB // 100)
    assert marks(0)[0] == 0


def test_low_water_of_a_large_disk_is_its_reserve() -> None:
    assert low_water_bytes(8 * TB) == 8 * TB // 20


def test_low_water_of_a_smaller_disk_is_ten_minutes_of_all_cameras() -> None:
    assert low_water_bytes(TB // 10) == 16_500_000_000


def test_low_water_of_a_tiny_disk_leaves_it_some_footage() -> None:
    assert low_water_bytes(200 * MIB) == 50 * MIB
    assert low_water_bytes(200 * MIB, percent=60) == 120 * MIB


@pytest.mark.parametrize(
    ("total_bytes", "margin_bytes"),
    [(8 * TB, 8 * TB // 100), (TB // 20, CAMERAS_BPS // 8 * 30), (200 * MIB, 10 * MIB)],
)
def test_margin_is_a_hundredth_or_what_comes_until_the_next_sweep(total_bytes: int, margin_bytes: int) -> None:
    room = volume_room(
        keep(reserve_percent=5),
        1,
        free_bytes=0,
        total_bytes=total_bytes,
        ingest_bps=CAMERAS_BPS,
        said_full=False,
    )
    assert room.enough_bytes - room.low_water_bytes == margin_bytes


def test_volume_that_said_full_is_short_whatever_it_says_is_free() -> None:
    room = volume_room(
        keep(reserve_percent=5), 1, free_bytes=TB // 2, total_bytes=TB, ingest_bps=CAMERAS_BPS, said_full=True
    )
    assert room.free_bytes < room.low_water_bytes < room.enough_bytes
    assert room.low_water_bytes - room.free_bytes == TB // 100
