"""Decode times: monotonic, never later than shown, exact for streams without B-frames."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from nvr.capture.decodetime import DecodeTimes

FRAME = 3600
PATTERN_IPBB = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]  # display positions in decoding order, two B-frames


def times(reorder: int, positions: list[int]) -> list[int]:
    decode = DecodeTimes(reorder, FRAME)
    return [decode.next(position * FRAME) for position in positions]


def test_times_without_reordering_equal_presentation() -> None:
    assert times(0, [0, 1, 2, 5, 6]) == [0, FRAME, 2 * FRAME, 5 * FRAME, 6 * FRAME]


def test_times_with_two_b_frames_are_evenly_spaced_and_never_after_presentation() -> None:
    decoded = times(2, PATTERN_IPBB)
    assert [b - a for a, b in itertools.pairwise(decoded)] == [FRAME] * 9
    assert all(t <= position * FRAME for t, position in zip(decoded, PATTERN_IPBB, strict=True))


def test_times_of_stream_that_reorders_more_than_it_promised_stay_monotonic_and_recover() -> None:
    positions = [block * 3 + offset for block in range(20) for offset in (3, 1, 2)]
    decoded = times(0, [0, *positions])
    assert all(b > a for a, b in itertools.pairwise(decoded))
    assert all(t <= p * FRAME for t, p in zip(decoded[30:], positions[29:], strict=False))


def test_times_after_change_to_b_frames_go_on_without_stepping_back() -> None:
    decode = DecodeTimes(0, FRAME)
    before = [decode.next(i * FRAME) for i in range(5)]
    decode.change(2, FRAME)
    after = [decode.next((5 + position) * FRAME) for position in PATTERN_IPBB]
    assert all(b > a for a, b in zip(before + after, (before + after)[1:], strict=False))
    assert all(t <= (5 + position) * FRAME for t, position in zip(after, PATTERN_IPBB, strict=True))


@given(st.lists(st.integers(-(1 << 40), 1 << 40), min_size=1, max_size=60), st.integers(0, 4))
def test_times_of_any_nonsense_are_strictly_increasing(presentations: list[int], reorder: int) -> None:
    decode = DecodeTimes(reorder, None)
    decoded = [decode.next(p) for p in presentations]
    assert all(b > a for a, b in itertools.pairwise(decoded))
