"""Whatever a camera's RTP time does, each picture is filed within a second of its receipt, once, and in order."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nvr.capture.events import ChunkEnded, ChunkOpened, Event
from nvr.chunk.header import ChunkHeader
from nvr.chunk.writer import ChunkWriter
from nvr.media import CutReason, Sample
from nvr.timebase import US_PER_S
from tests.nvr.capture.clock_faults import FAULTS, FRAME, WALL_US, filed, fragments, pictures, recorded, sample, stalled

FINE = ("good", "1000 ppm fast", "pairs")
MARGINAL = ("2 % fast", "2 % slow", "jitter")  # followed, where the network lets it


def assert_filed_right(events: list[Event], samples: list[Sample], within_us: int = US_PER_S) -> None:
    found = list(filed(events, samples))
    assert [one.index for one in found] == list(range(len(samples)))
    assert max(abs(one.filed_us - one.received_us) for one in found) <= within_us
    assert all(duration > 0 for fragment in fragments(events) for duration in fragment.durations_90k)
    ends = [event for event in events if isinstance(event, ChunkEnded)]
    opened = [event.run for event in events if isinstance(event, ChunkOpened)]
    for (one, other), (run, next_run) in zip(pairwise(ends), pairwise(opened), strict=True):
        assert run != next_run or other.start_us >= one.start_us + one.duration_us


@pytest.mark.parametrize("fault", FAULTS)
def test_two_minutes_of_a_faulty_clock_are_filed_within_a_second_of_their_receipt(fault: str) -> None:
    samples = pictures([(fault, 3000)])
    events = recorded(samples, 20)
    assert_filed_right(events, samples)
    assert sum(isinstance(event, ChunkOpened) for event in events) <= 8
    coarse = sum(one.is_coarse for one in filed(events, samples))
    assert coarse == 0 if fault in FINE else coarse > 0 or fault in MARGINAL


@pytest.mark.parametrize("fault", FAULTS)
def test_a_camera_that_behaves_again_is_believed_again(fault: str) -> None:
    samples = pictures([("good", 500), (fault, 500), ("good", 3000)])
    events = recorded(samples)
    assert_filed_right(events, samples)
    found = list(filed(events, samples))
    assert not any(one.is_coarse for one in found[:480])
    assert not any(one.is_coarse for one in found[-500:])
    steps_us = [b.filed_us - a.filed_us for a, b in pairwise(found[-500:])]
    assert max(steps_us) - min(steps_us) < 2000


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(1, 400)), min_size=1, max_size=6),
    st.integers(0, 1000),
    st.sampled_from([1, 5, 12, 25, 50]),
    st.sampled_from([5, 60]),
)
def test_any_mixture_of_faults_is_filed_right(
    stretches: list[tuple[str, int]], seed: int, fps: int, chunk_s: int
) -> None:
    samples = pictures(stretches, seed=seed, fps=fps)
    assert_filed_right(recorded(samples, chunk_s), samples)


STALLS = st.lists(st.tuples(st.integers(0, 2000), st.integers(300_000, 4_000_000)), max_size=4)


def assert_filed_between(events: list[Event], samples: list[Sample], fps: int) -> None:
    """Where receipt is late for our own sake, a picture may stand anywhere from when it was taken to then."""
    for one in filed(events, samples):
        taken_us = WALL_US + one.index * US_PER_S // fps
        assert taken_us - US_PER_S <= one.filed_us <= one.received_us + US_PER_S


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(1, 400)), min_size=1, max_size=4),
    st.integers(0, 1000),
    st.sampled_from([0, 0, 50, 10]),
    STALLS,
)
@example([("180 kHz", 29)], 0, 0, [(21, 300_000)])
@example([("180 kHz", 29)], 0, 0, [(20, 200_000), (24, 300_000)])
def test_any_mixture_of_faults_read_by_a_busy_machine_is_filed_between_taken_and_received(
    stretches: list[tuple[str, int]], seed: int, one_of: int, stalls: list[tuple[int, int]]
) -> None:
    samples = pictures(stretches, seed=seed, one_of=one_of)
    stalled(samples, stalls)
    events = recorded(samples, 20)
    assert [one.index for one in filed(events, samples)] == list(range(len(samples)))
    assert_filed_between(events, samples, 25)


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(100, 599), max_size=6),
    st.integers(0, (1 << 32) - 1),
    st.integers(100, 500),
    st.integers(300_000, 4_000_000),
)
@example({278}, 87_395, 255, 2_079_867)  # as if all had been read that waited
def test_single_wrong_stamps_never_move_the_others_on_a_busy_machine(
    wrong: set[int], stamp: int, index: int, duration_us: int
) -> None:
    samples = pictures([("good", 700)])
    for number in wrong - {number + 1 for number in wrong}:
        samples[number].presentation_90k += stamp
    stalled(samples, [(index, duration_us)])
    for one in filed(recorded(samples, 20), samples):
        if one.index not in wrong:
            assert abs(one.filed_us - WALL_US - one.index * 40_000) < US_PER_S


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_faulty_clock_makes_fits_the_fields_of_the_file(fault: str) -> None:
    writer: ChunkWriter | None = None
    for event in recorded(pictures([(fault, 4000)])):
        if isinstance(event, ChunkOpened):
            facts = (event.track, event.run, event.sequence, event.start_us, event.parameter_sets)
            writer = ChunkWriter(ChunkHeader("", bytes(16), *facts, event.composition_delay_90k, ""))
        elif isinstance(event, ChunkEnded):
            assert writer is not None
            _, sealed = writer.seal(start_us=event.start_us, duration_us=event.duration_us, cut=event.cut)
            assert abs(sealed.duration_us - sealed.media_90k * 100 // 9) < US_PER_S
        else:
            assert writer is not None
            for fragment in fragments([event]):
                writer.append(fragment)


def test_single_wrong_stamps_are_restamped_and_their_neighbours_stay_fine() -> None:
    samples = pictures([("good", 1000)])
    for number in range(30, 1000, 50):
        samples[number].presentation_90k += 9800 * 90_000
    events = recorded(samples)
    assert_filed_right(events, samples)
    found = list(filed(events, samples))
    steps_us = [b.filed_us - a.filed_us for a, b in pairwise(found)]
    assert all(abs(step_us - 40_000) < 45_000 for step_us in steps_us)
    assert sum(one.is_coarse for one in found) <= 20 * 14  # the fragments that hold one


def test_pictures_that_waited_behind_a_stall_keep_their_own_times() -> None:
    samples = pictures([("good", 1000)])
    for number in range(500, 700):  # 8 s of the network standing still
        samples[number].received_us = samples[699].received_us
    events = recorded(samples)
    found = list(filed(events, samples))
    steps_us = [b.filed_us - a.filed_us for a, b in pairwise(found)]
    assert max(steps_us) - min(steps_us) < 2000
    assert not any(one.is_coarse for one in found)


def test_a_clock_that_stood_still_during_a_stall_is_not_taken_for_pictures_that_waited() -> None:
    samples = pictures([("good", 1000)])
    for number in range(500, 1000):
        samples[number].received_us += 8 * 487_000 * 2
    events = recorded(samples)
    assert_filed_right(events, samples)
    assert next(event.cut for event in events if isinstance(event, ChunkEnded)) is CutReason.SILENCE


@pytest.mark.parametrize("kept", [50, 125, 375])
def test_old_pictures_sent_at_once_at_the_beginning_keep_their_own_times(kept: int) -> None:
    samples = [sample(n, (1 << 40) + n * FRAME, max(n * 200, (n - kept) * 40_000)) for n in range(kept + 1000)]
    found = list(filed(recorded(samples), samples))
    for one in found:
        assert abs(one.filed_us - WALL_US - (one.index - kept) * 40_000) < 20_000
    assert not any(one.is_coarse for one in found)


def test_32_bit_time_that_wraps_is_nothing_special_after_unwrapping() -> None:
    samples = [sample(n, (1 << 33) - 100 * FRAME + n * FRAME, n * 40_000 + 5000) for n in range(200)]
    assert not any(one.is_coarse for one in filed(recorded(samples), samples))
