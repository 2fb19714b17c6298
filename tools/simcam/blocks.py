"""A row of black and white blocks at the foot of a picture that says which picture it is.

40 blocks over the whole width, the lowest fifteenth of the height: ``1010`` | channel, 10 bits | 0 main, 1 sub |
picture within the loop, 12 bits | CRC-8 of those 23 bits (polynomial 0x07) | ``01101``. It reads after coding at
200 kbit/s and after scaling down to 160 pixels, where a block is 4 pixels wide.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvr.errors import ConfigError
from nvr.media import TrackKind
from tools.simcam.cadence import Cadence

HEAD = (1, 0, 1, 0)
TAIL = (0, 1, 1, 0, 1)
CHANNEL_BITS, KIND_BITS, PICTURE_BITS, CHECK_BITS = 10, 1, 12, 8
BLOCKS = len(HEAD) + CHANNEL_BITS + KIND_BITS + PICTURE_BITS + CHECK_BITS + len(TAIL)
ROW_PART = 15  # the row is 1/15 of the picture's height
BLACK, WHITE = 32, 208  # luma; inside the studio range, so that every decoder shows them apart
LEAST_CONTRAST = 48  # luma between the darkest white and the lightest black of head and tail; chosen: a third


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a picture says about itself."""

    channel: int
    kind: TrackKind
    picture: int  # within the loop


def instant_us(stamp: Stamp, near_us: int, fps: int, frames: int) -> int:
    """The exact wall time at which a stamped picture was taken, given a time less than half a loop away."""
    return Cadence.of_channel(stamp.channel, fps, frames).instant_of(stamp.picture, near_us)


def paint(luma: NDArray[np.uint8], stamp: Stamp) -> None:
    """Draw the row over the foot of ``luma`` (height × width)."""
    height, width = luma.shape
    bits = np.array(_bits(stamp), np.uint8)
    row = np.where(bits == 1, WHITE, BLACK).astype(np.uint8)
    luma[height - height // ROW_PART :] = row[np.arange(width) * BLOCKS // width]


def read(luma: NDArray[np.uint8]) -> Stamp | None:
    """The stamp of a picture (height × width, luma), or nothing where there is none that checks."""
    height, width = luma.shape
    foot = height / ROW_PART
    band = luma[round(height - 0.75 * foot) : round(height - 0.25 * foot) or None]
    if not band.size or width < BLOCKS:
        return None
    sums = np.concatenate(([0.0], np.cumsum(band.mean(axis=0))))
    edges = np.arange(BLOCKS) * width / BLOCKS
    left, right = np.ceil(edges + 0.25 * width / BLOCKS).astype(int), np.ceil(edges + 0.75 * width / BLOCKS).astype(int)
    levels = (sums[right] - sums[left]) / (right - left)
    return _stamp_of(levels)


def _stamp_of(levels: NDArray[np.float64]) -> Stamp | None:
    known = np.array([*HEAD, *TAIL])
    sample = np.concatenate((levels[: len(HEAD)], levels[-len(TAIL) :]))
    dark, light = sample[known == 0].max(), sample[known == 1].min()
    if light - dark < LEAST_CONTRAST:
        return None
    bits = levels[len(HEAD) : BLOCKS - len(TAIL)] > (dark + light) / 2
    value = int("".join("1" if bit else "0" for bit in bits), 2)
    word, check = value >> CHECK_BITS, value & 0xFF
    if _crc8(word) != check:
        return None
    picture = word & (1 << PICTURE_BITS) - 1
    return Stamp(word >> PICTURE_BITS + KIND_BITS, TrackKind(word >> PICTURE_BITS & 1), picture)


def _bits(stamp: Stamp) -> list[int]:
    if not (0 < stamp.channel < 1 << CHANNEL_BITS and 0 <= stamp.picture < 1 << PICTURE_BITS):
        raise ConfigError(
            f"channel {stamp.channel}, picture {stamp.picture} cannot be written in blocks",
            hint="use channels up to 1023 and loops of at most 4096 pictures",
        )
    word = (stamp.channel << KIND_BITS | stamp.kind) << PICTURE_BITS | stamp.picture
    value = word << CHECK_BITS | _crc8(word)
    count = BLOCKS - len(HEAD) - len(TAIL)
    return [*HEAD, *(value >> bit & 1 for bit in reversed(range(count))), *TAIL]


def _crc8(word: int) -> int:
    """CRC-8 with polynomial x^8 + x^2 + x + 1 over the 23 bits of ``word``."""
    register = word << CHECK_BITS
    for bit in reversed(range(CHECK_BITS, CHECK_BITS + CHANNEL_BITS + KIND_BITS + PICTURE_BITS)):
        if register >> bit & 1:
            register ^= 0x107 << bit - CHECK_BITS
    return register
