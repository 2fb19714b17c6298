"""The page as a person sees it: what the player says, and which picture is really on the screen."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from playwright.sync_api import Page

from nvr.timebase import US_PER_S, SystemClock
from tools.simcam import blocks

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The page's Content-Security-Policy forbids eval, so that Playwright's own waiting does not work: it is polled instead.
_READ_PICTURE = """(fresh) => {
    const video = document.querySelector("video");
    const film = document.querySelector("canvas[data-leads=true]");
    const shown = film ?? video;
    const size = () => film ? [film.width, film.height] : [video.videoWidth, video.videoHeight];
    if (!shown || !size()[0]) return null;
    const read = () => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = size();
        const context = canvas.getContext("2d");
        context.drawImage(shown, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        const green = new Uint8Array(canvas.width * canvas.height);
        for (let place = 0; place < green.length; place++) green[place] = pixels[4 * place + 1];
        let text = "";
        for (let place = 0; place < green.length; place += 8192) {
            text += String.fromCharCode(...green.subarray(place, place + 8192));
        }
        return {wall: window.__player.wallTimeUs(), width: canvas.width, height: canvas.height, luma: btoa(text)};
    };
    if (!fresh || film) return read();
    return new Promise((done) => {
        video.requestVideoFrameCallback(() => done(read()));
        setTimeout(() => done(null), 1000);
    });
}"""


# Each picture that comes to the canvas of single pictures: when, the wall time it is said to have, a row of its blocks.
_WATCH_FILM = """() => {
    const seen = window.__seen = [];
    let last = null;
    const look = () => {
        const film = document.querySelector("canvas[data-leads=true]");
        const wall = window.__player.wallTimeUs();
        if (film && wall !== null && wall !== last) {
            last = wall;
            const context = film.getContext("2d");
            const y = film.height - Math.round(film.height / 30);
            const row = context.getImageData(0, y, film.width, 1).data.filter((_, place) => place % 4 === 1);
            seen.push({at: performance.now(), wall, row: btoa(String.fromCharCode(...row))});
        }
        window.__look = requestAnimationFrame(look);
    };
    cancelAnimationFrame(window.__look);
    look();
}"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture that came to the canvas: when (ms of the page), its number and the wall time that is said of it."""

    at_ms: float
    number: int
    wall_us: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on the screen: the number it carries, and the wall time the player gives it."""

    number: int
    wall_us: int


@dataclass
class Face:
    """One open page."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str = "#/") -> None:
        self.page.goto(self.url + address)

    def part(self, test_id: str) -> Any:
        return self.page.get_by_test_id(test_id)

    def player(self, what: str) -> Any:
        """A property of the player's probe, or the result of one of its methods."""
        return self.page.evaluate(f"() => window.__player?.{what} ?? null")

    def shown(self, *, fresh: bool = False) -> Shown | None:
        """The picture on the screen now, or the next ``fresh`` one as it comes; None while there is none."""
        facts = self.page.evaluate(_READ_PICTURE, fresh)
        if facts is None or facts["wall"] is None:
            return None
        luma = np.frombuffer(base64.b64decode(facts["luma"]), np.uint8).reshape(facts["height"], facts["width"])
        stamp = blocks.read(luma)
        return None if stamp is None else Shown(stamp.picture, facts["wall"])

    def watch_film(self) -> None:
        """Note every single picture from now on, for `drawn`."""
        self.page.evaluate(_WATCH_FILM)

    def drawn(self) -> list[Drawn]:
        """What came to the canvas since `watch_film`."""
        found = []
        for facts in self.page.evaluate("() => window.__seen"):
            row = np.frombuffer(base64.b64decode(facts["row"]), np.uint8)
            stamp = blocks.read(np.tile(row, (blocks.ROW_PART, 1)))
            assert stamp is not None, "a picture without a readable number"
            found.append(Drawn(facts["at"], stamp.picture, facts["wall"]))
        return found

    def until(self, is_so: Callable[[], Any], what: str, within_s: int = 10) -> Any:
        """Wait until something is so; gives what it gave.

        Raises:
            AssertionError: it did not come to be, with what the page complained of.
        """
        clock = SystemClock()
        deadline_us = clock.monotonic_us() + within_s * US_PER_S
        while clock.monotonic_us() < deadline_us:
            if found := is_so():
                return found
            self.page.wait_for_timeout(20)
        state, mode = self.player("state"), self.player("mode")
        raise AssertionError(f"not within {within_s} s: {what}; state {state}, mode {mode}, {self.complaints}")

    def until_state(self, state: str, mode: str | None = None) -> None:
        self.until(
            lambda: self.player("state") == state and mode in (None, self.player("mode")), f"{state} {mode or ''}"
        )
