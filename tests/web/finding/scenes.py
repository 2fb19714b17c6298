"""Made-up places before a camera: a wall with a thing that comes or goes, people, clouds, dusk, noise, a swaying pole.

A scene gives the key frame of any instant, always the same one for the same instant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nvr.timebase import US_PER_S
from web.finding.bisect import Asking, Finding, Sight, search
from web.finding.likeness import Box, Grey, frame

WIDTH, HEIGHT = 200, 150
GOP_US = 2 * US_PER_S
DAY_US = 86_400 * US_PER_S
START_US = 1_795_046_400 * US_PER_S  # midnight in Hồ Xá
BOX = Box(left=400, top=400, width=220, height=260)


@dataclass(frozen=True)
class Scene:
    """One place for some hours."""

    seed: int
    change_us: int  # since START_US: when the thing comes, or goes
    length_us: int = DAY_US
    begin_us: int = 0  # since START_US
    comes: bool = True
    thing: str = "pile"  # pile, leaflet, motorbike, crate
    passers: float = 0.1  # share of key frames with somebody in the view
    loiterer_us: tuple[int, int] | None = None  # somebody stands before the box all this time
    light: str = "day"  # day, clouds, dusk, round (day and night)
    noise: float = 3.0
    sway: int = 0  # pixels
    missing_us: tuple[int, int] | None = None  # no footage
    back_us: int | None = None  # when the thing is as before again

    @cached_property
    def _ground(self) -> Grey:
        draw = np.random.default_rng(self.seed)
        ground = np.full((HEIGHT + 20, WIDTH + 20), 120.0)
        for size, strength in ((40, 25), (14, 14), (5, 9)):
            coarse = draw.normal(0, strength, (HEIGHT // size + 4, WIDTH // size + 4))
            ground += np.kron(coarse, np.ones((size, size)))[: HEIGHT + 20, : WIDTH + 20]
        for _ in range(8):  # kerbs, doors, signs
            top, left = draw.integers(0, HEIGHT), draw.integers(0, WIDTH)
            ground[top : top + draw.integers(3, 50), left : left + draw.integers(3, 50)] += draw.normal(0, 30)
        whole: Grey = np.clip(ground, 10, 245).astype(np.float32)
        return whole

    @cached_property
    def _shape(self) -> tuple[Grey, Grey]:
        """The thing as a mask and its shades, as large as the box."""
        draw = np.random.default_rng(self.seed + 999)
        left, top, right, bottom = self._pixels
        high, wide = bottom - top, right - left
        down, across = np.mgrid[0 : 1 : high * 1j, 0 : 1 : wide * 1j]
        shades: npt.NDArray[np.floating] = draw.normal(0, 1, (high, wide))
        match self.thing:
            case "leaflet":
                mask = (abs(across - 0.5) < 0.28) & (abs(down - 0.5) < 0.32)
                shades = 225 - 60 * ((down * 12).astype(int) % 2)
            case "motorbike":
                wheels = ((across - 0.25) ** 2 + (down - 0.75) ** 2 < 0.03) | (
                    (across - 0.75) ** 2 + (down - 0.75) ** 2 < 0.03
                )
                mask = wheels | ((abs(down - 0.5) < 0.16) & (abs(across - 0.5) < 0.4))
                shades = np.where(wheels, 25, 60) + 20 * np.sin(across * 20)
            case "crate":
                mask = (abs(across - 0.5) < 0.35) & (abs(down - 0.55) < 0.35)
                shades = 90 + 50 * (((across * 6).astype(int) + (down * 6).astype(int)) % 2)
            case _:
                mask = (across - 0.5) ** 2 / 0.2 + (down - 0.6) ** 2 / 0.14 < 1
                shades = (
                    110 + 45 * np.kron(draw.normal(0, 1, (high // 4 + 1, wide // 4 + 1)), np.ones((4, 4)))[:high, :wide]
                )
        return mask.astype(np.float32), np.clip(shades, 5, 250).astype(np.float32)

    @property
    def _pixels(self) -> tuple[int, int, int, int]:
        return (
            BOX.left * WIDTH // 1000,
            BOX.top * HEIGHT // 1000,
            (BOX.left + BOX.width) * WIDTH // 1000,
            (BOX.top + BOX.height) * HEIGHT // 1000,
        )

    def is_there(self, us: int) -> bool:
        """Whether the thing stands there; ``us`` since START_US."""
        after = us >= self.change_us and (self.back_us is None or us < self.back_us)
        return after == self.comes

    def picture(self, us: int) -> Grey:
        """The key frame of an instant since START_US."""
        draw = np.random.default_rng((self.seed, us // GOP_US))
        sway = draw.integers(-self.sway, self.sway + 1, 2)
        scene = self._ground.copy()
        left, top, right, bottom = self._pixels
        if self.is_there(us):
            mask, shades = self._shape
            part = scene[top + 10 : bottom + 10, left + 10 : right + 10]
            part += mask * (shades - part)
        if draw.random() < self.passers:
            self._walk(scene, draw)
        if self.loiterer_us and self.loiterer_us[0] <= us < self.loiterer_us[1]:
            scene[top : bottom + 15, left + 4 : right + 8] = 70 + 20 * (np.arange(right - left + 4) % 7 > 3)
        lit = self._lit(scene, us, draw)
        seen = lit[10 + sway[0] : 10 + sway[0] + HEIGHT, 10 + sway[1] : 10 + sway[1] + WIDTH]
        noise = self.noise * (2.5 if self._night(us) else 1)
        return np.clip(seen + draw.normal(0, noise, seen.shape), 0, 255).astype(np.float32)

    def _walk(self, scene: Grey, draw: np.random.Generator) -> None:
        across, down = draw.integers(20, WIDTH - 20), draw.integers(20, HEIGHT - 30)
        body = draw.normal(draw.uniform(40, 200), 25, (draw.integers(30, 70), draw.integers(12, 30)))
        part = scene[down : down + body.shape[0], across : across + body.shape[1]]
        part[:] = body[: part.shape[0], : part.shape[1]]

    def _night(self, us: int) -> bool:
        hour = us % DAY_US / DAY_US * 24
        return self.light in {"dusk", "round"} and not 6 <= hour < 18

    def _lit(self, scene: Grey, us: int, draw: np.random.Generator) -> Grey:
        hour = us % DAY_US / DAY_US * 24
        if self._night(us):  # lamps and infrared: less contrast, a bright middle
            down, across = np.mgrid[-1 : 1 : scene.shape[0] * 1j, -1 : 1 : scene.shape[1] * 1j]
            lamp = 70 * np.exp(-(down**2 + across**2))
            lit: Grey = (15 + lamp + 0.35 * (scene - 120)).astype(np.float32)
            if draw.random() < 0.05:  # headlights
                lit[:, : scene.shape[1] // 3] += 60
            return lit
        strength = 1.0
        if self.light != "day":
            strength = 0.75 + 0.25 * np.sin(us / US_PER_S / 300) + 0.1 * np.sin(us / US_PER_S / 41)
        lit = scene * strength
        if self.light in {"clouds", "round"}:  # the shadow of a house wanders through the picture
            edge = int((hour - 6) / 12 * scene.shape[1])
            lit[:, : max(0, edge)] *= 0.72
        return lit

    def sight(self, at_us: int) -> Sight:
        """What a recorder would show of an instant."""
        us = at_us - START_US
        shown = us // GOP_US * GOP_US
        following = shown + GOP_US
        if self.missing_us and self.missing_us[0] <= shown < self.missing_us[1]:
            shown, following = self.missing_us[0] - GOP_US, self.missing_us[1]
        elif self.missing_us and following == self.missing_us[0]:
            following = self.missing_us[1]
        place = frame(BOX, WIDTH, HEIGHT)
        view = self.picture(shown)[place.top : place.bottom, place.left : place.right]
        assert (view.shape[1], view.shape[0]) == place.size
        return Sight(START_US + shown, START_US + following, view)


def found(scene: Scene, limit: int = 40) -> Finding:
    """Search a scene from its begin to its end."""
    from_us = START_US + scene.begin_us
    return ended(search(from_us, from_us + scene.length_us, frame(BOX, WIDTH, HEIGHT), limit), scene.sight)


def ended(asking: Asking, look: Callable[[int], Sight | None]) -> Finding:
    """What a search finds that is shown what it asks for."""
    sight: Sight | None = None
    try:
        while True:
            sight = look(asking.send(sight).at_us)
    except StopIteration as end:
        finding: Finding = end.value
        return finding
