"""A drawn street under a sky: the pictures of a simulated camera. Things move such that the loop has no seam."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.simcam import blocks, font
from tools.simcam.blocks import Stamp
from tools.simcam.recipe import Look, Recipe

Plane = NDArray[np.uint8]
Colour = tuple[int, int, int]  # Y, U, V

GRAIN = 5  # luma steps of sensor noise, so that the pictures between two sync pictures cost bits as real ones do
NIGHT = (20, 128, 128)
CAR_COLOURS: tuple[Colour, ...] = (
    (86, 100, 196), (122, 166, 92), (200, 128, 128), (150, 60, 140), (58, 130, 124), (176, 70, 170),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mover:
    """Something that crosses the picture a whole number of times in a loop."""

    colour: Colour
    start: float  # 0…1 of its way
    laps: int  # a loop; negative: to the left
    top: float  # 0…1 of the picture's height
    width: float  # 0…1 of the picture's width
    height: float  # 0…1 of the picture's height
    is_car: bool


class Canvas:
    """A yuv420p picture as one array, height × 3/2 rows, with its three planes as views."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.data: Plane = np.zeros((height * 3 // 2, width), np.uint8)
        flat, area = self.data.reshape(-1), width * height
        self.y = flat[:area].reshape(height, width)
        self.u = flat[area : area * 5 // 4].reshape(height // 2, width // 2)
        self.v = flat[area * 5 // 4 :].reshape(height // 2, width // 2)

    def fill(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle given in pixels; what lies outside is cut off."""
        x0, x1 = (min(max(round(x / 2), 0), self.width // 2) for x in (left, right))
        y0, y1 = (min(max(round(y / 2), 0), self.height // 2) for y in (top, bottom))
        self.y[2 * y0 : 2 * y1, 2 * x0 : 2 * x1] = colour[0]
        self.u[y0:y1, x0:x1] = colour[1]
        self.v[y0:y1, x0:x1] = colour[2]


class Scene:
    """The pictures of one stream: ``draw(i)`` for i in 0…frames−1."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._random = np.random.default_rng(recipe.channel)
        self._movers = self._cast()
        self._street = Canvas(recipe.width, recipe.height)
        self._canvas = Canvas(recipe.width, recipe.height)
        self._build()
        self._street.y[:] = np.clip(self._street.y, 16 + GRAIN, 235 - GRAIN) - GRAIN // 2
        tile = (recipe.height + 64, recipe.width + 64)
        self._grain = self._random.integers(0, GRAIN, tile, dtype=np.uint8)

    def draw(self, picture: int) -> Plane:
        """Picture ``picture`` as yuv420p, (height × 3/2, width); the array is used again for the next one."""
        recipe, canvas = self._recipe, self._canvas
        if recipe.look is Look.FREEZE:
            picture = 0
        if recipe.look is Look.BLACK:
            canvas.fill(0, 0, recipe.width, recipe.height, NIGHT)
        else:
            self._draw_street(picture)
        if recipe.look is Look.BLUR:
            canvas.y[:] = _blurred(canvas.y, recipe.width // 40)
        self._write(picture)
        return canvas.data

    def _draw_street(self, picture: int) -> None:
        canvas = self._canvas
        canvas.data[:] = self._street.data
        x, y = picture * 37 % 64, picture * 23 % 64
        canvas.y += self._grain[y : y + canvas.height, x : x + canvas.width]
        for mover in self._movers:
            self._draw_mover(mover, picture)

    def _draw_mover(self, mover: Mover, picture: int) -> None:
        canvas = self._canvas
        width, height = mover.width * canvas.width, mover.height * canvas.height
        way = (mover.start + mover.laps * picture / self._recipe.frames) % 1
        left, top = way * (canvas.width + width) - width, mover.top * canvas.height
        canvas.fill(left, top, left + width, top + height, mover.colour)
        if not mover.is_car:
            canvas.fill(left, top - width, left + width, top, (150, 112, 150))  # a head
            return
        roof, wheel = height * 0.7, height * 0.4
        canvas.fill(left + 0.2 * width, top - roof, left + 0.8 * width, top, mover.colour)
        canvas.fill(left + 0.26 * width, top - 0.8 * roof, left + 0.74 * width, top - 0.1 * roof, (188, 138, 120))
        for axle in (0.15, 0.65):
            x = left + axle * width
            canvas.fill(x, top + height - wheel / 2, x + 0.2 * width, top + height + wheel / 2, (30, 128, 128))

    def _write(self, picture: int) -> None:
        recipe, luma = self._recipe, self._canvas.y
        dot = max(1, recipe.height // 120)
        clock = f"{picture // recipe.fps:02d}.{picture % recipe.fps * 100 // recipe.fps:02d}"
        words = f"CH {recipe.channel:02d} {recipe.kind.word.upper()}"
        font.write(luma, words, 3 * dot, 3 * dot, dot, ink=235, paper=24)
        right = recipe.width - (font.ADVANCE * len(clock) + 2) * dot
        font.write(luma, clock, right, 3 * dot, dot, ink=235, paper=24)
        blocks.paint(luma, Stamp(recipe.channel, recipe.kind, picture))
        foot = recipe.height // blocks.ROW_PART // 2 + 1
        self._canvas.u[-foot:] = 128
        self._canvas.v[-foot:] = 128

    def _cast(self) -> list[Mover]:
        """Cars on two lanes and people on the pavement, other ones for each channel."""
        random, cast = self._random, []
        for lane, (top, direction) in enumerate(((0.66, -1), (0.8, 1))):
            for place in range(3):
                colour = CAR_COLOURS[int(random.integers(len(CAR_COLOURS)))]
                start = place / 3 + float(random.uniform(0, 0.15))
                laps = direction * (2 + lane)
                cast.append(Mover(colour, start, laps, top, 0.13 + 0.02 * lane, 0.05 + 0.01 * lane, is_car=True))
        for _ in range(4):
            colour = CAR_COLOURS[int(random.integers(len(CAR_COLOURS)))]
            laps = int(random.choice((-1, 1)))
            cast.insert(0, Mover(colour, float(random.random()), laps, 0.555, 0.014, 0.06, is_car=False))
        return cast

    def _build(self) -> None:
        """Everything that stands still: sky, houses, trees, pavement, road."""
        street, random = self._street, self._random
        width, height = street.width, street.height
        street.fill(0, 0, width, height, (170, 140, 116))
        sky = np.linspace(198, 150, height // 2).astype(np.uint8)
        street.y[: height // 2] = sky[:, None]
        street.u[: height // 4], street.v[: height // 4] = 148, 112
        left = 0.0
        while left < width:
            left += self._build_house(left, float(random.uniform(0.1, 0.2)) * width)
        street.fill(0, 0.58 * height, width, 0.63 * height, (150, 126, 130))
        street.fill(0, 0.63 * height, width, height, (84, 128, 127))
        for dash in range(0, 20, 2):
            street.fill(dash * width / 20, 0.745 * height, (dash + 1) * width / 20, 0.755 * height, (210, 120, 136))
        texture = random.integers(0, 14, (height - round(0.63 * height), width), dtype=np.uint8)
        street.y[round(0.63 * height) :] += texture

    def _build_house(self, left: float, wide: float) -> float:
        street, random = self._street, self._random
        height, foot = street.height, 0.58 * street.height
        top = float(random.uniform(0.2, 0.4)) * height
        wall = (int(random.integers(96, 176)), int(random.integers(104, 136)), int(random.integers(122, 158)))
        street.fill(left, top, left + wide, foot, wall)
        street.fill(left - 0.02 * wide, top - 0.03 * height, left + 1.02 * wide, top, (74, 118, 160))
        for row in np.arange(top + 0.03 * height, foot - 0.08 * height, 0.09 * height):
            for x in np.arange(left + 0.12 * wide, left + 0.8 * wide, 0.26 * wide):
                street.fill(x, row, x + 0.15 * wide, row + 0.05 * height, (int(random.integers(50, 90)), 138, 122))
        if random.random() < 0.6:  # a tree before it
            crown, trunk = 0.12 * height, left + 0.9 * wide
            street.fill(trunk, foot - crown, trunk + 0.012 * street.width, foot, (70, 116, 140))
            for part in (1.0, 0.7, 0.4):
                street.fill(
                    trunk - part * crown / 2, foot - (2.2 - part) * crown, trunk + part * crown / 2, foot - crown,
                    (int(random.integers(70, 110)), 108, 112),
                )  # fmt: skip
        return wide


def _blurred(plane: Plane, reach: int) -> Plane:
    """The mean over a square of ``2 × reach + 1`` pixels, edges repeated."""
    size = 2 * reach + 1
    padded = np.pad(plane.astype(np.int64), ((reach + 1, reach), (reach + 1, reach)), mode="edge")
    sums = padded.cumsum(axis=0).cumsum(axis=1)
    area = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return np.asarray(area // size**2, np.uint8)
