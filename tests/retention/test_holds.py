"""What is held is never deleted, whoever lays the hold and whenever, and no lost registry ends it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.holds import Hold
from indexer.registry import Registry
from nvr.chunk import mirror
from nvr.media import GapReason
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from retention.holds import Kept, begins_us, kept_by, shortened_us
from retention.sweeper import Pace
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, TWO, Archive, archive, keep

LATER_US = START_US + 40 * US_PER_DAY
LAY = """
import sys
from pathlib import Path
from indexer.registry import Registry
from nvr.timebase import TimeRange
with Registry.open(Path(sys.argv[1])) as registry:
    for line in sys.stdin:
        start_us, end_us = map(int, line.split())
        registry.holds.lay(TimeRange(start_us, end_us), channels=[1], reason="theft", author="An", now_us=0)
        print("laid", flush=True)
"""


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    """Ten minutes of two cameras, forty days ago."""
    with archive(tmp_path, clock=ManualClock(LATER_US)) as made:
        made.record_minutes(ONE, 10)
        made.record_minutes(TWO, 10)
        yield made


def minutes(first: float, end: float) -> TimeRange:
    return TimeRange(START_US + int(first * US_PER_MINUTE), START_US + int(end * US_PER_MINUTE))


def lay(of: Archive, span: TimeRange, *channels: int, expires_us: int | None = None) -> Hold:
    return of.registry.holds.lay(
        span, channels=channels, reason="theft", author="An", now_us=of.clock.wall_us(), expires_us=expires_us
    )


def left(of: Archive, track: object = ONE) -> list[int]:
    """The minutes of a track that are still indexed, each of which must have its file."""
    files = of.files()  # before the rows: a sweep that runs takes first the row, then the file
    assert of.rows() <= files
    pages = (page for one in of.reader.tracks() if one == track for page in of.reader.pages(one))
    return [(row.start_us - START_US) // US_PER_MINUTE for page in pages for row in page]


def test_held_range_stays_whole_with_every_chunk_that_it_touches(stored: Archive) -> None:
    lay(stored, minutes(2.5, 4.1), 1)
    stored.sweeper(keep(max_days=1)).sweep()
    assert (left(stored), left(stored, TWO)) == ([2, 3, 4], [])


def test_hold_without_channels_keeps_every_channel(stored: Archive) -> None:
    lay(stored, minutes(9, 99))
    stored.sweeper(keep(max_days=1)).sweep()
    assert (left(stored), left(stored, TWO)) == ([9], [9])


def test_hold_covers_footage_that_is_not_written_yet(stored: Archive) -> None:
    lay(stored, minutes(20, 22), 1)
    for minute in (19, 20, 21, 22):
        stored.record(ONE, minute)
    stored.sweeper(keep(max_days=1)).sweep()
    assert left(stored) == [20, 21]


def test_hole_beside_held_footage_says_that_its_time_was_over(stored: Archive) -> None:
    lay(stored, minutes(2, 4), 1)
    stored.record(ONE, 40 * 1440 - 5)
    stored.sweeper(keep(max_days=1)).sweep()
    (gap,) = stored.reader.gaps(ONE, TimeRange(0, 2**62))
    assert (gap.reason, gap.start_us, gap.end_us) == (
        GapReason.RETENTION,
        minutes(4, 5).start_us,
        minutes(9, 10).end_us,
    )
    assert stored.reader.gaps(TWO, TimeRange(0, 2**62)) == []


def test_expired_and_released_holds_keep_nothing(stored: Archive) -> None:
    lay(stored, minutes(0, 2), 1, expires_us=LATER_US + US_PER_DAY)
    lasting = lay(stored, minutes(5, 6), 1)
    sweeper = stored.sweeper(keep(max_days=1))
    sweeper.sweep()
    assert left(stored) == [0, 1, 5]
    assert isinstance(stored.clock, ManualClock)
    stored.clock.advance(US_PER_DAY)
    sweeper.sweep()
    assert left(stored) == [5]
    stored.registry.holds.release(lasting.number, by="Bình", now_us=stored.clock.wall_us())
    sweeper.sweep()
    assert left(stored) == []


def test_hold_laid_between_plan_and_deletion_is_obeyed(stored: Archive) -> None:
    sweeper = stored.sweeper(keep(max_days=1), pace=Pace(turn_files=50, pause_s=0))
    made = sweeper.decide()
    lay(stored, minutes(3, 4), 1)
    sweeper.deletion.condemn(victim.chunk for victim in made.victims)
    assert left(stored) == [3]


def test_hold_of_another_process_stands_from_the_moment_it_is_laid(stored: Archive, tmp_path: Path) -> None:
    """A sweeper deletes chunk by chunk; another process holds minute after minute, from the last one backwards."""
    command = [sys.executable, "-c", LAY, str(tmp_path / "registry")]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
        stored.sweeper(keep(max_days=1), pace=Pace(interval_s=0.01, turn_files=1, pause_s=0.01)) as sweeper,
    ):
        assert other.stdin
        assert other.stdout
        held: set[int] = set()
        for minute in reversed(range(10)):
            span = minutes(minute, minute + 1)
            print(span.start_us, span.end_us, file=other.stdin, flush=True)
            assert other.stdout.readline() == "laid\n"
            now = set(left(stored))
            assert held <= now
            held |= {minute} & now
        other.stdin.close()
        sweeper.sweep()
        assert set(left(stored)) == held


def test_lost_registry_takes_its_holds_back_from_a_volume(tmp_path: Path) -> None:
    clock = ManualClock(LATER_US)
    with archive(tmp_path, clock=clock) as before:
        before.record_minutes(ONE, 10)
        hold = lay(before, minutes(2, 4), 1)
        gone = lay(before, minutes(0, 1), 1)
        before.registry.holds.release(gone.number, by="An", now_us=LATER_US)
        before.sweeper(keep(max_days=1)).sweep()
    (tmp_path / "registry").rename(tmp_path / "lost")
    with archive(tmp_path, clock=clock) as after:
        standing = after.standing()
        standing.take_back(after.volumes)
        assert [(one.uid, one.stands(LATER_US)) for one in after.registry.holds.all()] == [
            (hold.uid, True),
            (gone.uid, False),
        ]
        after.sweeper(keep(max_days=1)).sweep()
        assert left(after) == [2, 3]


def test_mirror_never_changes_what_the_registry_knows(stored: Archive) -> None:
    hold = lay(stored, minutes(2, 4), 1)
    standing = stored.standing()
    standing.refresh()
    standing.mirror(stored.volumes)
    stored.registry.holds.release(hold.number, by="An", now_us=LATER_US)
    standing.take_back(stored.volumes)
    (now,) = stored.registry.holds.all()
    assert now.released_by == "An"


def test_hold_that_comes_back_gets_a_free_number(stored: Archive, tmp_path: Path) -> None:
    with Registry.open(tmp_path / "other") as other:
        other.holds.lay(minutes(0, 1), channels=[], reason="other", author="An", now_us=0)
        mine = lay(stored, minutes(2, 4), 1)
        taken = other.holds.take_back([mine])
        assert [(hold.number, hold.uid) for hold in taken] == [(2, mine.uid)]
        assert other.holds.take_back([mine]) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'[{"number": 1}]'])
def test_damaged_mirror_is_left_alone_and_written_anew(stored: Archive, damage: bytes) -> None:
    (stored.volumes[0].path / mirror.HOLDS).write_bytes(damage)
    hold = lay(stored, minutes(2, 4), 1)
    standing = stored.standing()
    standing.take_back(stored.volumes)
    standing.refresh()
    assert standing.mirror(stored.volumes) == {}
    assert hold.uid in (stored.volumes[0].read_mirror(mirror.HOLDS) or b"").decode()


def test_what_a_hold_keeps_is_told_in_bytes_and_in_time_lost_to_others(stored: Archive) -> None:
    hold = lay(stored, minutes(2.5, 4.5), 1)
    kept = kept_by(hold, stored.reader)
    sizes = [row.bytes for page in stored.reader.pages(ONE) for row in page]
    assert kept == Kept({1: sum(sizes[2:5])})
    assert begins_us(stored.reader) == {1: START_US}
    assert shortened_us(Kept({1: 10, 2: 10}), {1: 100}, {1: 50 * US_PER_DAY}) == {1: 5 * US_PER_DAY}


spans = st.tuples(st.integers(-1, 12), st.integers(1, 5)).map(lambda pair: minutes(pair[0], pair[0] + pair[1]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(spans, st.sets(st.integers(1, 2))), max_size=4))
def test_whatever_is_held_all_else_goes(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[TimeRange, set[int]]]
) -> None:
    with archive(tmp_path_factory.mktemp("held"), clock=ManualClock(LATER_US)) as of:
        of.record_minutes(ONE, 10)
        of.record_minutes(TWO, 10)
        for span, channels in orders:
            lay(of, span, *channels)
        of.sweeper(keep(max_days=1)).sweep()
        for track in (ONE, TWO):
            expected = [
                minute
                for minute in range(10)
                if any(
                    span.overlaps(minutes(minute, minute + 1)) and (not channels or track.channel in channels)
                    for span, channels in orders
                )
            ]
            assert left(of, track) == expected
