"""On which rung the recorder stands."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.capture.ladder import Rung
from retention.ladder import rung
from retention.plan import VolumeRoom

MARK = 1000

rungs = st.sampled_from(Rung)
free = st.integers(0, 2 * MARK)


def room(free_bytes: int, number: int = 1) -> VolumeRoom:
    return VolumeRoom(number, free_bytes, MARK, MARK + 50)


@pytest.mark.parametrize(
    ("free_bytes", "expected"),
    [
        (999, Rung.ALL),
        (900, Rung.ALL),
        (899, Rung.SUB_ONLY),
        (500, Rung.SUB_ONLY),
        (499, Rung.KEY_FRAMES),
        (100, Rung.KEY_FRAMES),
        (99, Rung.NOTHING),
        (0, Rung.NOTHING),
    ],
)
def test_helpless_volume_leads_down_step_by_step(free_bytes: int, expected: Rung) -> None:
    assert rung(Rung.ALL, [room(free_bytes)], {1}) is expected


def test_files_lead_down_as_bytes_do() -> None:
    few = VolumeRoom(1, 2 * MARK, MARK, MARK, free_files=40, low_water_files=100, enough_files=125)
    assert rung(Rung.ALL, [few], {1}) is Rung.KEY_FRAMES
    assert rung(Rung.ALL, [replace(few, low_water_files=0)], {1}) is Rung.ALL


def test_volume_from_which_more_may_be_deleted_is_no_reason_to_record_less() -> None:
    assert rung(Rung.KEY_FRAMES, [room(0)], set()) is Rung.ALL


def test_one_volume_that_is_well_is_enough() -> None:
    assert rung(Rung.NOTHING, [room(0), room(2 * MARK, 2)], {1}) is Rung.ALL


def test_roomiest_of_helpless_volumes_decides() -> None:
    assert rung(Rung.ALL, [room(0), room(600, 2)], {1, 2}) is Rung.SUB_ONLY


def test_without_volumes_nothing_changes() -> None:
    assert [rung(now, [], set()) for now in Rung] == list(Rung)


@given(rungs, free)
def test_deciding_twice_changes_nothing(now: Rung, free_bytes: int) -> None:
    once = rung(now, [room(free_bytes)], {1})
    assert rung(once, [room(free_bytes)], {1}) is once


@given(rungs, free, st.integers(-40, 40))
def test_small_change_of_room_never_swings(now: Rung, free_bytes: int, change: int) -> None:
    """Up and down again by less than the margin moves at most once."""
    once = rung(now, [room(free_bytes)], {1})
    there = rung(once, [room(max(0, free_bytes + change))], {1})
    back = rung(there, [room(free_bytes)], {1})
    again = rung(back, [room(max(0, free_bytes + change))], {1})
    assert again is there or again is back


@given(rungs, free, free)
def test_more_room_never_means_a_lower_rung(now: Rung, less: int, more: int) -> None:
    less, more = sorted((less, more))
    assert rung(now, [room(more)], {1}) <= rung(now, [room(less)], {1})
