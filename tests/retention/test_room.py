"""Who shares which room."""

from nvr.timebase import US_PER_DAY
from retention.plan import Policy, Quota
from retention.promise import Room
from retention.room import Intake, rooms_of

MONTH = Policy(US_PER_DAY, 30 * US_PER_DAY)
INTAKE = {channel: Intake(used_bytes=100, bytes_per_day=10) for channel in (1, 2, 3)}
POLICIES = dict.fromkeys(INTAKE, MONTH)


def test_without_quotas_all_share_the_disks() -> None:
    found = rooms_of(INTAKE, POLICIES, [], 500)
    assert found.disks == Room(used_bytes=300, free_bytes=500, bytes_per_day=30, wanted_bytes=900)
    assert found.quotas_of(1) == []


def test_quotas_bound_their_channels_and_relieve_the_disks() -> None:
    one, both = Quota("channel 1", frozenset({1}), 150), Quota("group", frozenset({1, 2, 9}), 400)
    found = rooms_of(INTAKE, POLICIES, [one, both], 500)
    own = Room(used_bytes=100, free_bytes=50, bytes_per_day=10, wanted_bytes=300)
    group = Room(used_bytes=200, free_bytes=200, bytes_per_day=20, wanted_bytes=150 + 300)
    assert (found.quotas_of(1), found.quotas_of(2), found.quotas_of(3)) == ([own, group], [group], [])
    assert found.disks.wanted_bytes == 400 + 300


def test_quota_that_is_exceeded_has_no_room() -> None:
    found = rooms_of(INTAKE, POLICIES, [Quota("channel 1", frozenset({1}), 60)], 0)
    assert found.quotas_of(1)[0].free_bytes == 0
    assert found.quotas_of(1)[0].lasts(30) == 10
