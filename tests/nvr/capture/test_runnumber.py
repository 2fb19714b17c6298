"""Numbers of runs grow and fit into 32 bits, whatever the server's clock says."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.capture.runnumber import LAST, next_run
from nvr.timebase import US_PER_S

NOW_S = 1_763_900_000


def test_run_is_numbered_by_the_second_it_starts_in() -> None:
    assert next_run(NOW_S - 5000, NOW_S * US_PER_S + 7) == NOW_S


def test_two_runs_of_one_second_have_two_numbers() -> None:
    assert next_run(NOW_S, NOW_S * US_PER_S) == NOW_S + 1


@pytest.mark.parametrize("year_s", [4_294_967_295, 4_294_967_296, 4_481_000_000, 253_402_300_799])
def test_clock_after_2106_numbers_go_on_and_leave_room_for_those_after_it_is_right_again(year_s: int) -> None:
    last = next_run(NOW_S, year_s * US_PER_S)
    assert last == NOW_S + 1
    assert next_run(last, (NOW_S + 60) * US_PER_S) == NOW_S + 60


@given(st.lists(st.integers(-US_PER_S, 1 << 53), min_size=2, max_size=50))
def test_numbers_grow_with_any_clock(walls_us: list[int]) -> None:
    numbers = [NOW_S]
    for wall_us in walls_us:
        numbers.append(next_run(numbers[-1], wall_us))
    assert all(before < after <= LAST for before, after in pairwise(numbers))
