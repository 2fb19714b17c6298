import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import CameraError
from nvr.rtsp.rtp import FIRST_EPOCH_90K, SequenceTracker, TimestampUnwrapper, payload_range
from tests.nvr.rtsp.camera import rtp


@pytest.mark.parametrize("csrcs", [(), (1, 2, 3)])
@pytest.mark.parametrize("extension", [None, b"", b"abcdefgh"])
@pytest.mark.parametrize("padding", [0, 1, 7])
def test_payload_range_leaves_out_csrcs_extension_and_padding(
    csrcs: tuple[int, ...], extension: bytes | None, padding: int
) -> None:
    packet = b"??" + rtp(1, 2, b"payload", csrcs=csrcs, extension=extension, padding=padding)
    start, end = payload_range(memoryview(packet), 2, len(packet))
    assert packet[start:end] == b"payload"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        rtp(1, 2, b"")[:11],
        b"\x40" + rtp(1, 2, b"x")[1:],
        b"\x8f" + rtp(1, 2, b"x")[1:],
        rtp(1, 2, b"x", extension=b"abcd")[:17],
        rtp(1, 2, b"x", extension=b"abcd")[:14],
        rtp(1, 2, b"x", padding=1)[:-1] + b"\xff",
    ],
)
def test_payload_range_what_does_not_fit_raises_camera_error(packet: bytes) -> None:
    with pytest.raises(CameraError):
        payload_range(memoryview(packet), 0, len(packet))


@given(st.binary(max_size=64))
def test_payload_range_any_bytes_stay_inside_or_raise_camera_error(packet: bytes) -> None:
    try:
        start, end = payload_range(memoryview(packet), 0, len(packet))
        assert 12 <= start <= end <= len(packet)
    except CameraError:
        pass


def test_tracker_counts_gaps_across_the_wrap() -> None:
    tracker = SequenceTracker()
    assert [tracker.accept(n) for n in (65_533, 65_534, 1, 2)] == [0, 0, 2, 0]
    assert (tracker.packets, tracker.lost) == (4, 2)
    assert tracker.extended_highest == 0x1_0002


def test_tracker_repeated_and_late_packets_are_thrown_away() -> None:
    tracker = SequenceTracker()
    assert [tracker.accept(n) for n in (10, 11, 11, 10, 12)] == [0, 0, -1, -1, 0]


def test_tracker_far_behind_is_a_new_beginning() -> None:
    tracker = SequenceTracker()
    assert [tracker.accept(n) for n in (40_000, 30_000, 30_001)] == [0, 1, 0]


@given(st.lists(st.integers(0, 0xFFFF), max_size=50))
def test_tracker_any_numbers_never_count_backwards(numbers: list[int]) -> None:
    tracker = SequenceTracker()
    for number in numbers:
        missing = tracker.accept(number)
        assert -1 <= missing < 0x8000
        assert missing == -1 or tracker.expected == (number + 1) & 0xFFFF


def test_unwrap_over_the_wrap_goes_on() -> None:
    unwrapper = TimestampUnwrapper()
    times = [unwrapper.unwrap(0xFFFFFFFF - 3599 + n * 3600 & 0xFFFFFFFF) for n in range(4)]
    assert [b - a for a, b in itertools.pairwise(times)] == [3600] * 3
    assert times[0] > FIRST_EPOCH_90K
    assert unwrapper.jumps == 0


def test_unwrap_b_frames_go_back_and_never_below_zero() -> None:
    unwrapper = TimestampUnwrapper()
    times = [unwrapper.unwrap(stamp & 0xFFFFFFFF) for stamp in (0, 7200, -3600, 3600)]
    assert [time - FIRST_EPOCH_90K for time in times] == [0, 7200, -3600, 3600]


@pytest.mark.parametrize("step", [901_000, -901_000])
def test_unwrap_jump_over_ten_seconds_is_counted_and_kept(step: int) -> None:
    unwrapper = TimestampUnwrapper()
    first = unwrapper.unwrap(5_000_000)
    assert unwrapper.unwrap(5_000_000 + step) - first == step
    assert unwrapper.jumps == 1


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20))
def test_unwrap_any_steps_keep_the_low_32_bits(first: int, steps: list[int]) -> None:
    unwrapper = TimestampUnwrapper()
    true = FIRST_EPOCH_90K + first
    assert unwrapper.unwrap(first) == true
    for step in steps:
        true += step
        assert unwrapper.unwrap(true & 0xFFFFFFFF) == true
