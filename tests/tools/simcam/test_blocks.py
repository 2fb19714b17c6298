"""The machine-readable row of a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import ConfigError
from nvr.media import TrackKind
from tools.simcam import blocks
from tools.simcam.blocks import Stamp
from tools.simcam.cadence import Cadence

stamps = st.builds(Stamp, st.integers(1, 1023), st.sampled_from(TrackKind), st.integers(0, 4095))


def painted(stamp: Stamp, width: int = 640, height: int = 360) -> np.ndarray:
    luma = np.random.default_rng(1).integers(0, 255, (height, width), dtype=np.uint8)
    blocks.paint(luma, stamp)
    return luma


@given(stamps, st.integers(160, 400).map(lambda w: w * 2), st.integers(45, 540).map(lambda h: h * 2))
def test_stamp_of_any_size_reads_back(stamp: Stamp, width: int, height: int) -> None:
    assert blocks.read(painted(stamp, width, height)) == stamp


@given(stamps)
def test_stamp_scaled_down_to_160_pixels_reads_back(stamp: Stamp) -> None:
    luma = painted(stamp)
    small = luma.reshape(90, 4, 160, 4).mean(axis=(1, 3)).astype(np.uint8)
    assert blocks.read(small) == stamp


@given(stamps, st.integers(0, 2**32 - 1))
def test_stamp_under_heavy_noise_reads_back(stamp: Stamp, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 30, (360, 640))
    assert blocks.read(np.clip(painted(stamp) + noise, 0, 255).astype(np.uint8)) == stamp


@given(stamps, st.integers(4, 34))
def test_flipped_block_gives_no_stamp(stamp: Stamp, place: int) -> None:
    luma = painted(stamp)
    cell = luma[-24:, place * 16 : place * 16 + 16]
    cell[:] = blocks.BLACK + blocks.WHITE - cell
    assert blocks.read(luma) is None


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_even_picture_gives_no_stamp(level: int) -> None:
    assert blocks.read(np.full((360, 640), level, np.uint8)) is None


def test_picture_too_small_gives_no_stamp() -> None:
    assert blocks.read(np.zeros((8, 8), np.uint8)) is None


def test_channel_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="channel 1024"):
        painted(Stamp(1024, TrackKind.MAIN, 0))


def test_instant_of_a_stamp_is_that_of_its_cadence() -> None:
    cadence = Cadence.of_channel(9, 25, 350)
    number = cadence.number_at(1_795_000_000_000_000)
    stamp = Stamp(9, TrackKind.MAIN, cadence.picture(number))
    assert blocks.instant_us(stamp, cadence.instant_us(number) + 5_000_000, 25, 350) == cadence.instant_us(number)
