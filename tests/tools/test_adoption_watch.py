"""Each volume is looked through once, what is found is told, and retention acts on it at once."""

from pathlib import Path

from nvr.timebase import US_PER_DAY
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, TWO, archive, keep
from tools.adoption_watch import AdoptionWatch


def test_footage_of_a_lost_index_is_told_and_deleted_in_its_time(tmp_path: Path) -> None:
    clock = ManualClock(START_US)
    with archive(tmp_path, clock=clock) as found:
        old = [found.write(track, minute)[0] for track in (ONE, TWO) for minute in range(4)]
        clock.advance(40 * US_PER_DAY)
        young = found.record(ONE, 40 * 1440)
        volume, sweeper = found.volumes[0], found.sweeper(keep(max_days=30))
        told: list[str] = []
        watch = AdoptionWatch(
            found.writer, lambda: {1: volume}, ready=lambda: True, on_found=lambda: told.extend(watch.trouble.values())
        )
        sweeper.sweep()
        assert all(volume.resolve(name).exists() for name in old)
        watch.look()
        assert "did not know 8 files" in told[-1]
        assert watch.trouble == {}
        sweeper.look_again()
        sweeper.sweep()
        assert not any(volume.resolve(name).exists() for name in old)
        assert volume.resolve(young).exists()


def test_volume_that_came_back_is_looked_through_again(tmp_path: Path) -> None:
    with archive(tmp_path) as found:
        found_at: list[int] = []
        volume = found.volumes[0]
        watch = AdoptionWatch(
            found.writer, lambda: {1: volume}, ready=lambda: True, on_found=lambda: found_at.append(found.reader.rows())
        )
        watch.look()
        found.write(ONE, 0)
        watch.look()
        assert found_at == []
        volume.close()
        with type(volume).open(1, volume.path, create=False, clock=found.clock) as volume:
            watch.look()
        assert found_at == [1]


def test_nothing_is_told_where_the_index_knows_all(tmp_path: Path) -> None:
    with archive(tmp_path) as found:
        found.record(ONE, 0)
        told: list[int] = []
        watch = AdoptionWatch(
            found.writer, lambda: {1: found.volumes[0]}, ready=lambda: True, on_found=lambda: told.append(1)
        )
        watch.look()
        assert told == []
        assert watch.trouble == {}
