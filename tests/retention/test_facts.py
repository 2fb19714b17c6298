"""Facts for the plan: read lazily, remembered where walking would be long, forgotten in time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.errors import StorageError
from nvr.timebase import US_PER_MINUTE
from retention.facts import INGEST_US, REMEMBER_US, Facts
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, TWO, Archive, archive, keep


@pytest.fixture
def stored(tmp_path: Path, clock: ManualClock) -> Iterator[Archive]:
    with archive(tmp_path, disks=(tmp_path / "large", tmp_path / "small"), clock=clock) as made:
        yield made


def facts(of: Archive) -> Facts:
    return Facts(of.writer.store, keep(reserve_percent=5), lambda: 0, of.clock)


def minutes(found: Facts, volume: int | None) -> list[int]:
    return [(chunk.start_us - START_US) // US_PER_MINUTE for chunk in found.oldest(ONE, volume)]


def test_usage_is_told_by_track_and_volume(stored: Archive) -> None:
    stored.record_minutes(ONE, 3)
    stored.record_minutes(TWO, 2, volume=2)
    expected = {
        (ONE, 1): sum(size for volume, _, size in stored.files() if volume == 1),
        (TWO, 2): sum(size for volume, _, size in stored.files() if volume == 2),
    }
    assert facts(stored).usage_bytes() == expected


def test_oldest_on_a_small_volume_is_found_behind_those_of_a_large_one(stored: Archive) -> None:
    stored.record_minutes(ONE, 60)
    for minute in (60, 61):
        stored.record(ONE, minute, volume=2)
    found = facts(stored)
    for _ in range(2):  # also from the remembered place
        assert minutes(found, 2) == [60, 61]
        assert minutes(found, None) == list(range(62))
        assert minutes(found, 1) == list(range(60))


def test_remembered_place_moves_on_when_chunks_go_and_comes_back_in_time(stored: Archive, clock: ManualClock) -> None:
    for minute in range(10, 14):
        stored.record(ONE, minute, volume=2)
    found = facts(stored)
    assert minutes(found, 2) == [10, 11, 12, 13]
    stored.record(ONE, 5, volume=2)  # an old part that recovery has sealed
    clock.advance(REMEMBER_US)
    assert minutes(found, 2) == [5, 10, 11, 12, 13]


def test_rows_before_the_oldest_folder_of_the_volume_are_not_walked_over(stored: Archive) -> None:
    for minute in (0, 90, 91):
        stored.record(ONE, minute, volume=2)
    volume = stored.volumes[1]
    oldest = volume.path / min(path for number, path, _ in stored.files() if number == 2)
    oldest.unlink()
    oldest.parent.rmdir()  # somebody's hand: its row makes no room
    found = facts(stored)
    assert minutes(found, 2) == [0, 90, 91]
    found = facts(stored)
    found.room(volume, said_full=False)
    assert minutes(found, 2) == [90, 91]


def test_room_is_what_the_file_system_says(stored: Archive) -> None:
    volume = stored.volumes[0]
    room = facts(stored).room(volume, said_full=False)
    assert room.number == 1
    assert room.low_water_bytes == volume.total_bytes() * 5 // 100
    assert abs(room.free_bytes - volume.free_bytes()) < volume.total_bytes() // 50


def test_ingest_that_cannot_be_measured_counts_as_before(stored: Archive, clock: ManualClock) -> None:
    answers = iter([80_000_000])

    def measure() -> int:
        try:
            return next(answers)
        except StopIteration:
            raise StorageError("the board fails") from None

    found = Facts(stored.writer.store, keep(reserve_percent=0), measure, stored.clock)
    before = found.room(stored.volumes[0], said_full=False)
    clock.advance(INGEST_US)
    after = found.room(stored.volumes[0], said_full=False)
    assert before.low_water_bytes == after.low_water_bytes == 6_000_000_000


def test_ingest_is_measured_once_for_all_volumes_and_again_in_time(stored: Archive, clock: ManualClock) -> None:
    answers = iter([80_000_000, 160_000_000])
    found = Facts(stored.writer.store, keep(reserve_percent=0), lambda: next(answers), stored.clock)
    rooms = [found.room(volume, said_full=False) for volume in stored.volumes]
    assert [room.low_water_bytes for room in rooms] == [6_000_000_000] * 2
    clock.advance(INGEST_US)
    assert found.room(stored.volumes[1], said_full=False).low_water_bytes == 12_000_000_000
