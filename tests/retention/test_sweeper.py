"""The sweeper with a real index and real files: disks do not fill, laws are kept, order is kept."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from indexer import keys
from nvr.capture.ladder import Rung
from nvr.errors import VolumeFull
from nvr.media import Track
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from retention.sweeper import Pace
from tests.crash.power import disk
from tests.manual_clock import ManualClock
from tests.nvr.chunk.mounts import tmpfs
from tests.retention.store import ONE, START_US, TWO, Archive, archive, keep

MIB = 1 << 20
CHUNK_BYTES = MIB
DEADLINE_S = 20


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    with archive(tmp_path, clock=ManualClock(START_US + 10 * US_PER_MINUTE)) as made:
        made.record_minutes(ONE, 10)
        made.record_minutes(TWO, 10)
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Archive]:
    """On a file system of 64 MiB."""
    with tmpfs(tmp_path / "disk", "64m") as disk, archive(tmp_path, disks=(disk,)) as made:
        yield made


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def starts(of: Archive) -> list[int | None]:
    """The minute in which each track begins."""
    firsts = [of.reader.first(track) for track in (ONE, TWO)]
    return [None if first is None else (first - START_US) // US_PER_MINUTE for first in firsts]


def manual(of: Archive) -> ManualClock:
    assert isinstance(of.clock, ManualClock)
    return of.clock


def test_footage_beyond_max_days_goes_though_there_is_room(stored: Archive) -> None:
    manual(stored).advance(US_PER_DAY - 3 * US_PER_MINUTE)
    stored.sweeper(keep(max_days=1)).sweep()
    assert starts(stored) == [7, 7]
    assert stored.files() == stored.rows()


def test_own_days_and_quotas_hold_after_one_sweep(stored: Archive) -> None:
    manual(stored).advance(US_PER_DAY - 3 * US_PER_MINUTE)
    chunk_gb = next(iter(stored.rows()))[2] / 1e9
    group = {"name": "both", "channels": ["1-2"], "max_days": 2, "quota_gb": 12.5 * chunk_gb}
    one = {"channel": 1, "max_days": 1}
    stored.sweeper(keep(group=[group], channel=[one]), pace=Pace(turn_files=3, pause_s=0)).sweep()
    assert starts(stored) == [8, 0]  # seven for their age, then the one that is oldest relative to its max_days
    assert stored.files() == stored.rows()


@pytest.mark.parametrize(("hold", "words"), [(False, "younger than min_days"), (True, "held footage alone")])
def test_quota_that_breaks_another_promise_is_told_once(stored: Archive, hold: bool, words: str) -> None:
    if hold:
        span = TimeRange(START_US, START_US + 5 * US_PER_MINUTE)
        stored.registry.holds.lay(span, channels=[1], reason="case", author="me", now_us=START_US)
    quota_gb = 3.5 * next(iter(stored.rows()))[2] / 1e9
    sweeper = stored.sweeper(keep(min_days=0 if hold else 1, channel=[{"channel": 1, "quota_gb": quota_gb}]))
    with capture_logs() as told:
        sweeper.sweep()
        stored.record(ONE, 10)
        manual(stored).advance(US_PER_MINUTE)
        sweeper.sweep()
    troubles = [row for row in told if row["event"] == "quota"]
    assert [(row["log_level"], row["whose"]) for row in troubles] == [("error", "channel 1")]
    assert words in troubles[0]["trouble"]
    assert starts(stored) == [0 if hold else 8, 0]
    assert len([path for _, path, _ in stored.rows() if "/00001/" in path]) == (5 if hold else 3)


def test_sweep_goes_on_turn_by_turn_until_nothing_must_go(stored: Archive) -> None:
    manual(stored).advance(2 * US_PER_DAY)
    stored.sweeper(keep(max_days=1), pace=Pace(turn_files=3, pause_s=0)).sweep()
    assert stored.files() == stored.rows() == stored.garbage() == set()


def test_nothing_is_decided_before_recovery_is_over(stored: Archive) -> None:
    manual(stored).advance(2 * US_PER_DAY)
    stored.sweeper(keep(max_days=1), ready=False).sweep()
    assert len(stored.rows()) == 20


def test_lost_file_is_no_victim_for_room_but_its_row_goes_with_age(stored: Archive) -> None:
    lost = next(stored.reader.pages(ONE))[0]
    stored.volumes[0].unlink(lost.name())
    stored.writer.mark_lost([lost])
    sweeper = stored.sweeper(keep(max_days=1))
    assert (ONE, lost.start_us) not in {
        (victim.chunk.track, victim.chunk.start_us) for victim in sweeper.decide({1}).victims
    }
    manual(stored).advance(US_PER_DAY)
    sweeper.sweep()
    assert stored.rows() == stored.garbage() == set()


def test_low_water_holds_while_a_writer_goes_on(small: Archive) -> None:
    sweeper = small.sweeper(keep(reserve_percent=25))
    low_water = small.volumes[0].total_bytes() // 4
    for minute in range(300):
        small.record(ONE if minute % 2 else TWO, minute, size=CHUNK_BYTES)
        manual(small).advance(US_PER_MINUTE)
        if minute % 4 == 3:
            sweeper.sweep()
            assert small.volumes[0].free_bytes() >= low_water
            assert sweeper.trouble == {}
    assert small.files() == small.rows()
    kept = sorted(int(path.rsplit("/", 1)[1].split("-")[0]) for _, path, _ in small.rows())
    assert kept == [START_US + minute * US_PER_MINUTE for minute in range(300 - len(kept), 300)]  # the newest
    assert len(kept) >= 40  # no more has gone than had to


def test_disk_with_few_inodes_keeps_some_free_while_a_writer_goes_on(tmp_path: Path) -> None:
    """Each file takes 1 KB of 64 MiB: the inodes are used up when a hundredth of the room is."""
    with disk("ext4", tmp_path, files=128) as few, archive(tmp_path, disks=(few.place,)) as made:
        (volume,), sweeper = made.volumes, made.sweeper(keep())
        reserve_files = volume.space().total_files // 8
        for minute in range(400):
            made.record(ONE if minute % 2 else TWO, minute)
            manual(made).advance(US_PER_MINUTE)
            if minute % 4 == 3:
                sweeper.sweep()
                assert volume.space().free_files >= reserve_files
                assert sweeper.trouble == {}
        assert made.files() == made.rows()
        kept = sorted(int(path.rsplit("/", 1)[1].split("-")[0]) for _, path, _ in made.rows())
        assert kept == [START_US + minute * US_PER_MINUTE for minute in range(400 - len(kept), 400)]  # the newest
        assert len(kept) >= 60  # no more has gone than had to


def fill_files(made: Archive, track: Track, size: int) -> int:
    """Record until the volume takes no file any more; gives the number of minutes that it took."""
    for minute in range(10_000):
        try:
            made.record(track, minute, size=size)
        except VolumeFull:
            return minute
    raise AssertionError("it is never full")


def test_inodes_that_are_used_up_cost_no_more_footage_than_they_must(tmp_path: Path) -> None:
    with disk("ext4", tmp_path, files=128) as few, archive(tmp_path, disks=(few.place,)) as made:
        volume, minute = made.volumes[0], fill_files(made, ONE, size=100_000)
        manual(made).advance(400 * US_PER_MINUTE)
        sweeper = made.sweeper(keep())
        assert sweeper._is_short()
        sweeper.volume_full(1)
        sweeper.sweep()
        assert volume.space().free_files >= volume.space().total_files // 8
        assert len(made.rows()) >= minute * 3 // 4  # for 16 MiB of room more all would have had to go
        promised = made.sweeper(keep(min_days=1))
        fill_files(made, TWO, size=1000)
        promised.sweep()
        assert "files (inodes) more are needed" in promised.trouble[1]
        assert promised.rung is Rung.NOTHING


def test_writer_at_full_speed_always_finds_room_again(small: Archive) -> None:
    with small.sweeper(keep(reserve_percent=25), pace=Pace(interval_s=60, turn_files=5, pause_s=0)) as sweeper:
        full = 0
        for minute in range(300):
            deadline = time.monotonic() + DEADLINE_S
            while True:
                try:
                    small.record(ONE, minute, size=CHUNK_BYTES)
                    break
                except VolumeFull:
                    full += 1
                    sweeper.volume_full(1)  # wakes it at once: its next sweep would be in a minute
                    assert time.monotonic() < deadline
                    time.sleep(0.002)
            manual(small).advance(US_PER_MINUTE)
    assert full > 0
    assert small.rows() <= small.files()
    assert small.files() <= small.rows() | small.garbage()
    assert len(small.rows()) < 64


def test_whoever_waits_for_room_is_told_where_files_have_gone(stored: Archive) -> None:
    sweeper, told = stored.sweeper(keep()), list[tuple[int, int]]()
    sweeper.on_room = lambda number: told.append((number, len(stored.files())))
    sweeper.sweep()
    assert told == []
    sweeper.volume_full(1)
    sweeper.sweep()
    assert told[-1] == (1, len(stored.files()))
    assert len(stored.files()) < 20


def test_volume_that_says_full_gets_room_though_it_seems_to_have_some(stored: Archive) -> None:
    sweeper = stored.sweeper(keep(), pace=Pace(interval_s=60, turn_files=50, pause_s=0.001))
    with sweeper:
        sweeper.volume_full(1)
        until(lambda: len(stored.rows()) == 0)  # 20 kB do not make the room that it wants: all may go
    assert stored.files() == set()


def test_short_volume_loses_the_oldest_of_all_tracks_first(stored: Archive) -> None:
    sweeper = stored.sweeper(keep(), pace=Pace(turn_files=8, pause_s=0))
    made = sweeper.decide({1})
    minutes = [(victim.chunk.start_us - START_US) // US_PER_MINUTE for victim in made.victims]
    assert minutes == [0, 0, 1, 1, 2, 2, 3, 3]
    assert made.is_partial


def test_shortage_is_told_in_plain_words_until_there_is_room(small: Archive) -> None:
    names = small.record_minutes(ONE, 50, size=CHUNK_BYTES)
    manual(small).advance(50 * US_PER_MINUTE)
    sweeper = small.sweeper(keep(min_days=1, reserve_percent=50))
    sweeper.sweep()
    assert "18 MiB more are needed" in sweeper.trouble[1] or "19 MiB more are needed" in sweeper.trouble[1]
    assert "min_days (1)" in sweeper.trouble[1]
    assert len(small.rows()) == len(names)  # the promise is kept
    manual(small).advance(US_PER_DAY)
    sweeper.sweep()
    assert sweeper.trouble == {}
    assert small.volumes[0].free_bytes() >= small.volumes[0].total_bytes() // 2


def test_recorder_steps_down_while_nothing_may_go_and_up_again_when_it_may(small: Archive) -> None:
    sweeper = small.sweeper(keep(min_days=1, reserve_percent=50))
    stood: list[Rung] = []
    sweeper.on_rung = stood.append
    for minute in range(60):
        small.record(ONE, minute, size=CHUNK_BYTES)
        manual(small).advance(US_PER_MINUTE)
        sweeper.sweep()
    assert stood == [Rung.SUB_ONLY, Rung.KEY_FRAMES] or stood == [Rung.SUB_ONLY, Rung.KEY_FRAMES, Rung.NOTHING]
    assert sweeper.rung is stood[-1]
    manual(small).advance(US_PER_DAY)
    sweeper.sweep()
    assert (sweeper.rung, stood[-1]) == (Rung.ALL, Rung.ALL)


def test_room_that_an_open_reader_keeps_is_not_mistaken_for_free(small: Archive) -> None:
    names = small.record_minutes(ONE, 50, size=CHUNK_BYTES)
    manual(small).advance(50 * US_PER_MINUTE)
    descriptors = [small.volumes[0].open_read(name) for name in names[:3]]
    try:
        small.sweeper(keep(reserve_percent=30)).sweep()
        assert small.volumes[0].free_bytes() >= small.volumes[0].total_bytes() * 30 // 100
        assert all(len(os.pread(fd, 2 * MIB, 0)) > MIB for fd in descriptors)
    finally:
        for fd in descriptors:
            os.close(fd)


def test_damaged_index_is_told_and_the_thread_goes_on(stored: Archive) -> None:
    manual(stored).advance(2 * US_PER_DAY)
    with stored.writer.store.write() as txn:  # a garbage row that is none
        txn.put(keys.GARBAGE, keys.garbage(1, "v1/broken"), b"")
    with stored.sweeper(keep(max_days=1)) as sweeper:
        until(lambda: 1 in sweeper.trouble)
        assert "nvr rebuild" in sweeper.trouble[1]
        with stored.writer.store.write() as txn:
            txn.delete(keys.GARBAGE, keys.garbage(1, "v1/broken"))
        until(lambda: not stored.rows())
        until(lambda: not sweeper.trouble)


def test_volume_that_falls_below_its_mark_is_swept_before_the_next_sweep_is_due(small: Archive) -> None:
    low_water = small.volumes[0].total_bytes() // 4
    with small.sweeper(keep(reserve_percent=25), pace=Pace(interval_s=600, turn_files=50, pause_s=0.001)):
        for minute in range(56):
            small.record(ONE, minute, size=CHUNK_BYTES)
            manual(small).advance(US_PER_MINUTE)
        until(lambda: small.volumes[0].free_bytes() >= low_water)
    assert small.reader.last(ONE) == START_US + 56 * US_PER_MINUTE


def test_sweep_tells_when_it_looked_and_what_it_cost(stored: Archive) -> None:
    with stored.sweeper(keep(max_days=1)) as sweeper:
        until(lambda: sweeper.swept_us == manual(stored).wall_us() and sweeper.cpu_us > 0)
        manual(stored).advance(US_PER_DAY)
        until(lambda: sweeper.swept_us == manual(stored).wall_us())
        assert stored.rows() == set()
