"""What is believed of the clock is kept over restarts, mirrored on the volumes, and told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.clockbook import ClockBook, decode, encode
from nvr.believedclock import Confirmation, Reading
from nvr.chunk import mirror
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S
from retention.clockwatch import MIRROR_US, TELL_US, ClockWatch
from tests.manual_clock import ManualClock
from tests.retention.store import START_US, Archive, archive


@dataclass
class Machine:
    """Its clock is moved by hand; the time since its start runs on."""

    clock: ManualClock
    boot: str = "1"
    is_synchronised: bool = False

    def reading(self) -> Reading:
        return Reading(self.boot, self.clock.monotonic_us(), self.clock.wall_us(), self.is_synchronised)


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    with archive(tmp_path, clock=ManualClock(START_US)) as made:
        yield made


@pytest.fixture
def machine(stored: Archive) -> Machine:
    assert isinstance(stored.clock, ManualClock)
    return Machine(stored.clock)


@contextmanager
def watch(stored: Archive, machine: Machine, book: Path, floor_us: int | None = None) -> Iterator[ClockWatch]:
    with ClockBook.renewed(book) as opened:
        yield ClockWatch(opened, machine.reading, machine.clock, volumes=stored.volumes, floor_us=lambda: floor_us)


def test_jump_is_seen_by_a_recorder_that_was_started_after_it(
    stored: Archive, machine: Machine, tmp_path: Path
) -> None:
    with watch(stored, machine, tmp_path / "clock") as before:
        before.look()
    machine.clock.advance(US_PER_MINUTE)
    machine.clock.step_wall(40 * US_PER_DAY)
    with watch(stored, machine, tmp_path / "clock") as after:
        assert not after.belief().is_believed
        assert after.wall_us() == START_US + US_PER_MINUTE
        assert "40.0 days ahead" in after.trouble


def test_lost_data_folder_is_no_reason_to_believe_a_wrong_clock(
    stored: Archive, machine: Machine, tmp_path: Path
) -> None:
    with watch(stored, machine, tmp_path / "clock") as before:
        before.look()
    machine.clock.step_wall(40 * US_PER_DAY)
    with watch(stored, machine, tmp_path / "new") as after:
        assert not after.belief().is_believed


def test_first_belief_is_judged_by_what_the_disks_bear(stored: Archive, machine: Machine, tmp_path: Path) -> None:
    with watch(stored, machine, tmp_path / "clock", START_US + 400 * US_PER_DAY) as found:
        assert not found.belief().is_believed
        assert "400.0 days behind" in found.trouble


def test_person_is_heard(stored: Archive, machine: Machine, tmp_path: Path) -> None:
    with ClockBook.renewed(tmp_path / "clock") as book:
        found = ClockWatch(book, machine.reading, machine.clock, volumes=(), floor_us=lambda: None)
        machine.clock.step_wall(40 * US_PER_DAY)
        found.look()
        assert found.is_doubtful()
        book.confirm(Confirmation("1", machine.clock.monotonic_us(), machine.clock.wall_us()))
        found.look()
        assert found.belief().is_believed
        assert found.wall_us() == machine.clock.wall_us()


def test_whoever_waits_is_told_once_when_the_clock_is_believed(
    stored: Archive, machine: Machine, tmp_path: Path
) -> None:
    told: list[int] = []
    with watch(stored, machine, tmp_path / "clock") as found:
        found.on_believed = told.append
        found.look()
        machine.clock.step_wall(US_PER_DAY)
        found.look()
        machine.clock.step_wall(-US_PER_DAY)
        found.look()
        found.look()
    assert told == [START_US, START_US]


def test_clock_that_was_put_right_is_told_for_a_while_and_by_how_much(
    stored: Archive, machine: Machine, tmp_path: Path
) -> None:
    with watch(stored, machine, tmp_path / "clock") as found:
        machine.clock.step_wall(-7 * 3600 * US_PER_S)
        found.look()
        machine.clock.step_wall(7 * 3600 * US_PER_S)
        found.look()
        assert "was 7.0 hours behind" in found.trouble
        machine.clock.advance(TELL_US)
        found.look()
        assert found.trouble == ""


def test_every_volume_has_a_copy_that_is_renewed(stored: Archive, machine: Machine, tmp_path: Path) -> None:
    with watch(stored, machine, tmp_path / "clock") as found:
        for _ in range(2):
            found.look()
            data = stored.volumes[0].read_mirror(mirror.CLOCK)
            assert data is not None
            assert decode(data) == found.belief()
            machine.clock.advance(MIRROR_US)


def test_copy_that_is_something_else_is_none() -> None:
    assert decode(b"{}") is None
    assert decode(b"\xff") is None


def test_thread_notes_what_it_believes_when_it_ends(stored: Archive, machine: Machine, tmp_path: Path) -> None:
    with ClockBook.renewed(tmp_path / "clock") as book:
        with ClockWatch(book, machine.reading, machine.clock, volumes=(), floor_us=lambda: None) as found:
            machine.clock.advance(5 * US_PER_S)
        noted = book.belief()
        assert noted is not None
        assert encode(noted) == encode(found.belief())
