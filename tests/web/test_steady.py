"""The tables of a day's clip stay small, whatever a camera's stamps do, and no picture moves far."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.codec.movie import MovieTables, progressive_head
from tests.web.pictures import stream
from web.steady import TOLERANCES_90K, Times, smaller, steadied

DAY = 24 * 3600 * 25
PHONE_BYTES = 35_000_000  # of moov: telephones are reported not to begin beyond that


def ordered(shown: np.ndarray) -> Times:
    """Times of a stream without B-frames."""
    return Times(shown - shown[0], shown - shown[0])


def reordered(shown: np.ndarray) -> Times:
    """The same with two B-frames behind each picture that they need."""
    count = len(shown) // 3 * 3
    decode = shown[:count] - shown[0]
    groups = decode.reshape(-1, 3)[:, [2, 0, 1]].reshape(-1)
    return Times(decode, groups + 7200)


def jittered(spread: int) -> np.ndarray:
    """A steady camera, 100 ppm slow, whose stamps are off by up to so many ticks, now and then with a hole."""
    beat = np.arange(DAY) * 36_004 // 10 + np.repeat(np.arange(24) * 900_000, DAY // 24)
    return beat + np.random.default_rng(1).integers(-spread, spread + 1, DAY)


def head_bytes(times: Times) -> int:
    count = len(times.decode_90k)
    movie = MovieTables(
        entries=(stream().sets,),
        sizes=np.full(count, 20_000, np.uint32),
        durations_90k=np.diff(times.decode_90k, append=times.decode_90k[-1] + 3600).astype(np.uint32),
        compositions_90k=(times.shown_90k - times.decode_90k).astype(np.int32),
        sync=np.arange(count) % 25 == 0,
        entry=np.zeros(count, np.int64),
        run_offsets=np.arange(0, count, 12, dtype=np.int64) * 20_000,
        run_samples=np.diff(np.arange(0, count, 12), append=count).astype(np.uint32),
    )
    return len(progressive_head(movie, count * 20_000))


@pytest.mark.parametrize("spread", [1, 900])
@pytest.mark.parametrize("kind", [ordered, reordered])
def test_moov_of_a_day_is_small_enough_for_telephones(kind, spread: int) -> None:  # type: ignore[no-untyped-def]
    times = kind(jittered(spread))
    small = smaller(times)
    moved = (small.shown_90k - small.shown_90k[0]) - (times.shown_90k - times.shown_90k[0])
    assert head_bytes(small) < PHONE_BYTES * 0.7
    assert head_bytes(small) < head_bytes(times) * 0.8
    assert int(np.abs(moved).max()) <= 2 * TOLERANCES_90K[-1]
    assert (np.diff(small.decode_90k) > 0).all()
    assert (small.shown_90k >= small.decode_90k).all()
    assert small.decode_90k[0] == 0


def test_clip_of_few_runs_stays_exact() -> None:
    times = ordered(jittered(900)[:10_000])
    assert smaller(times) is times


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=300), st.sampled_from(TOLERANCES_90K))
def test_no_picture_moves_further_than_the_tolerance_and_none_before_another(steps: list[int], tolerance: int) -> None:
    shown = np.cumsum(np.array(steps, np.int64))
    steady = steadied(shown, tolerance)
    assert steady is not None
    assert int(np.abs(steady - shown).max()) <= tolerance + 1
    assert (np.diff(steady) > 0).all()
