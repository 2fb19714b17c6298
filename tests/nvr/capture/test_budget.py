"""No camera takes more than its share of the reactor's time and of the wire; none that is usual ever waits."""

from hypothesis import given
from hypothesis import strategies as st

from nvr.capture.budget import (
    BUFFER_BYTES,
    BURST_BYTES,
    RATE_BYTES,
    REST_LIMIT_US,
    SHARE,
    SMALLEST_BYTES,
    SPENT_LIMIT_US,
    TURN_US,
    Budget,
)
from nvr.timebase import US_PER_S

LONGEST_TURN_US = 40_000
turns = st.lists(
    st.tuples(st.integers(0, LONGEST_TURN_US), st.integers(0, 1 << 22), st.integers(0, 5_000)), min_size=1, max_size=400
)


@given(turns)
def test_share_is_kept_over_any_stretch_of_turns(turns: list[tuple[int, int, int]]) -> None:
    budget, now_us = Budget(), 1_000_000_000
    began_us, spent_us, taken_bytes = now_us, 0, 0
    for cpu_us, size_bytes, pause_us in turns:
        now_us += cpu_us + pause_us
        spent_us, taken_bytes = spent_us + cpu_us, taken_bytes + size_bytes
        rest_us = budget.rest_us(now_us, cpu_us, size_bytes)
        assert 0 <= rest_us <= REST_LIMIT_US
        if rest_us == 0:
            passed_us = now_us - began_us
            assert spent_us <= passed_us // SHARE + SPENT_LIMIT_US + len(turns)
            assert taken_bytes <= passed_us * RATE_BYTES // US_PER_S + BURST_BYTES + len(turns)
        now_us += rest_us


def test_usual_camera_never_waits_not_even_after_a_pause() -> None:
    budget, now_us = Budget(), 1_000_000_000
    for second in range(600):
        for _ in range(2):  # 8 Mbit/s in two batches a second
            now_us += US_PER_S // 2
            assert budget.rest_us(now_us, 10_000, 500_000) == 0
        if second % 60 == 59:  # and once a minute what eight seconds have held back
            now_us += 8 * US_PER_S
            assert budget.rest_us(now_us, 150_000, 8_000_000) == 0


def test_piece_shrinks_while_bytes_are_dear_and_grows_again() -> None:
    budget = Budget()
    for _ in range(20):
        budget.fit(10 * TURN_US, budget.piece_bytes)
    assert budget.piece_bytes == SMALLEST_BYTES
    budget.fit(100, 200)  # a short read says nothing of how dear a large one would be
    assert budget.piece_bytes == SMALLEST_BYTES
    for _ in range(20):
        budget.fit(100, budget.piece_bytes)
    assert budget.piece_bytes == BUFFER_BYTES
