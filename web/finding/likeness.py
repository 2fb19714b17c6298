"""How alike two views of a place are, whatever the light. Pure.

A view is the operator's box with its surroundings, in shades of grey, small. Box and surroundings are compared by
structural similarity (Wang et al., IEEE Transactions on Image Processing 13(4), 2004, without its luminance term) of
pictures whose contrast was made alike. What changes the light changes the surroundings as well: only where the box has
lost more than they have, something in it is another.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.float32]

BOX_PIXELS = 48  # chosen: of the box's longer side; a motorbike is known by less, and noise is averaged away
MARGIN = 0.5  # chosen: surroundings on each side, as a share of the box
PART = 6  # chosen: parts of a third of the box, the radius being a sixth
_RADIUS = 3  # of the window in which pixels are compared: 7 × 7
_STEADY = 0.15  # chosen: variance, in units of the picture's own, below which a surface counts as flat
_SHIFTS = (-2, -1, 0, 1, 2)  # pixels by which a camera may sway
_LEAST_CONTRAST = 1.5  # shades; a picture with less in it is fog or a covered lens


@dataclass(frozen=True, slots=True)
class Box:
    """The operator's box, in thousandths of the picture's width and height."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a view lies in a picture: pixels, the surroundings included, and where in it the box is."""

    left: int
    top: int
    right: int
    bottom: int
    inner: tuple[int, int, int, int]  # left, top, right, bottom of the box, in pixels of the view that is made of it
    size: tuple[int, int]  # width and height of that view


@dataclass(frozen=True, slots=True)
class Likeness:
    """Of two views, each from 0 to 1."""

    box: float
    around: float

    @property
    def kept(self) -> float:
        """What the box has kept of the likeness that its surroundings have: near 1, it shows the same."""
        return min(1.0, self.box / max(self.around, 0.05))


def frame(box: Box, width: int, height: int) -> Frame:
    """Where to cut a picture of this size for a box."""
    left, right = box.left * width / 1000, (box.left + box.width) * width / 1000
    top, bottom = box.top * height / 1000, (box.top + box.height) * height / 1000
    wide, high = right - left, bottom - top
    margin = max(MARGIN * min(wide, high), 0.25 * max(wide, high))
    outer = (
        max(0, round(left - margin)),
        max(0, round(top - margin)),
        min(width, round(right + margin)),
        min(height, round(bottom + margin)),
    )
    scale = min(1.0, BOX_PIXELS / max(wide, high))
    size = max(16, round((outer[2] - outer[0]) * scale)), max(16, round((outer[3] - outer[1]) * scale))
    across, down = size[0] / (outer[2] - outer[0]), size[1] / (outer[3] - outer[1])
    inner = (
        round((left - outer[0]) * across),
        round((top - outer[1]) * down),
        round((right - outer[0]) * across),
        round((bottom - outer[1]) * down),
    )
    return Frame(*outer, inner, size)


def has_contrast(view: Grey) -> bool:
    """Whether there is anything to be seen at all."""
    return float(view.std()) >= _LEAST_CONTRAST


def evened(view: Grey) -> Grey:
    """The view with its light taken out: slow changes of brightness gone, contrast as in every other view."""
    detail = view - _blur(view, max(4, min(view.shape) // 6))
    # The median of what there is, not its mean: a headlight must not make all else flat.
    strength = np.percentile(np.abs(detail), 75) * 1.5 + 0.75
    flat: Grey = np.clip(detail / strength, -4, 4).astype(np.float32)
    return flat


def likeness(one: Grey, other: Grey, place: Frame) -> Likeness:
    """Compare two views that were `evened`.

    Args:
        one: shape (height, width).
        other: the same shape.
        place: where in them the box is.
    """
    same, inside, around = _compared(one, other, place)
    return Likeness(max(0.0, float(same[inside].mean())), around)


def least_likeness(one: Grey, other: Grey, place: Frame) -> Likeness:
    """The same, but of the part of the box that is least alike: a person in a corner of it is enough."""
    same, inside, around = _compared(one, other, place)
    left, top, right, bottom = place.inner
    parts = _blur(same, max(2, min(right - left, bottom - top) // PART))
    return Likeness(max(0.0, float(parts[inside].min())), around)


def _compared(one: Grey, other: Grey, place: Frame) -> tuple[Grey, npt.NDArray[np.bool_], float]:
    """Structural similarity of each pixel's neighbourhood, which pixels are the box's, and that of the surroundings."""
    inside = _inside(place.inner, one.shape)
    same = _structure(one, _aligned(one, other, ~inside))
    around = same[~inside]
    # People and cars pass through the surroundings as well: the better half tells how alike they are.
    best = np.sort(around)[len(around) // 4 :] if len(around) else np.ones(1, np.float32)
    return same, inside, max(0.0, float(best.mean()))


def _aligned(one: Grey, other: Grey, where: npt.NDArray[np.bool_]) -> Grey:
    """``other``, shifted by the pixel or two by which the camera has swayed."""
    shifted = [np.roll(other, (down, right), (0, 1)) for down in _SHIFTS for right in _SHIFTS]
    costs = [float(np.abs(one - moved)[where].mean()) for moved in shifted]
    return shifted[int(np.argmin(costs))]


def _structure(one: Grey, other: Grey) -> Grey:
    """Structural similarity of each pixel's neighbourhood, −1 to 1; two flat neighbourhoods are alike."""
    mean_one, mean_other = _blur(one, _RADIUS), _blur(other, _RADIUS)
    spread_one = _blur(one * one, _RADIUS) - mean_one * mean_one
    spread_other = _blur(other * other, _RADIUS) - mean_other * mean_other
    common = _blur(one * other, _RADIUS) - mean_one * mean_other
    same = (2 * common + _STEADY) / (spread_one + spread_other + _STEADY)
    return same.astype(np.float32)


def _blur(view: Grey, radius: int) -> Grey:
    """The mean of each pixel's square neighbourhood, by running sums."""
    blurred: Grey = view
    for axis in (0, 1):
        size = view.shape[axis]
        lows, highs = _edges(size, radius)
        first = np.zeros_like(np.take(blurred, [0], axis), np.float64)
        sums = np.concatenate((first, np.cumsum(blurred, axis=axis, dtype=np.float64)), axis=axis)
        counts = (highs - lows).reshape((-1, 1) if axis == 0 else (1, -1))
        blurred = ((np.take(sums, highs, axis) - np.take(sums, lows, axis)) / counts).astype(np.float32)
    return blurred


@cache
def _edges(size: int, radius: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    places = np.arange(size)
    return np.clip(places - radius, 0, size), np.clip(places + radius + 1, 0, size)


@cache
def _inside(inner: tuple[int, int, int, int], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(shape, np.bool_)
    left, top, right, bottom = inner
    inside[top : max(bottom, top + 1), left : max(right, left + 1)] = True
    return inside
