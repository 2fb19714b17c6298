"""Several cameras live on one wall: all at the same instant, a second and a half behind now."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, us_from_90k
from tests.web.pictures import stream
from tests.web_ui.house import House, fragments
from tests.web_ui.page import Face
from tests.web_ui.test_wall import look, spread

pytestmark = pytest.mark.alone

CAMERAS, GROUP = 4, 50


class Street:
    """Four cameras that record the same pictures at the same time, each fragment a little later than the one before."""

    def __init__(self, house: House) -> None:
        self.house = house
        for number in range(1, CAMERAS + 1):
            house.camera(number, f"Ngã tư {number}")
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(number,)) for number in range(1, CAMERAS + 1)]
        self._begin_us = house.clock.wall_us() - 5 * US_PER_S
        self._coded = stream(pictures=1_000, group=GROUP, size=(640, 360))

    def __enter__(self) -> "Street":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _live(self, number: int) -> None:
        track, clock = Track(number, TrackKind.SUB), self.house.clock
        for sequence in range(1, 1_000):
            start_us = self._begin_us + (sequence - 1) * us_from_90k(len(self._coded.units) * self._coded.ticks_90k)
            chunk = self.house.begin(self._coded, track, start_us, 1, sequence)
            for fragment in fragments(self._coded, self._coded.units, start_us):
                due_us = chunk.end_us + us_from_90k(fragment.duration_90k) + number * 60_000  # the way from the camera
                if self._stop.wait(max(0, due_us - clock.wall_us()) / US_PER_S):
                    chunk.part.abandon()
                    return
                chunk.append(fragment)
                self.house.post_open(track, chunk, 1)
                self.house.beat()
            self.house.seal(chunk)


@pytest.fixture
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    house = House(tmp_path_factory.mktemp("street"))
    with Street(house), house.server() as url:
        yield url
    house.close()


def test_live_wall_is_in_step(street: str, chromium: Browser) -> None:
    face = Face(chromium.new_page(viewport={"width": 1920, "height": 1080}), street)
    face.open("#/wall/1,2,3,4")
    face.until(lambda: face.player("mode") == "live" and None not in look(face)[2] and look(face)[2], "four pictures")
    # The fragments of this house are three times as long as a recorder's: the wall finds out how long it must wait.
    calm: list[bool] = []

    def is_calm() -> bool:
        calm.append(spread(look(face)[2]) <= 1)
        return len(calm) > 15 and all(calm[-15:])

    face.until(is_calm, "in step", 20)
    spreads = []
    for _ in range(40):
        spreads.append(spread(look(face)[2]))
        face.page.wait_for_timeout(150)
    late = sum(one > 1 for one in spreads)
    print(
        f"\n4 cameras live: of {len(spreads)} looks {late} found them more than a picture apart, at most {max(spreads)}"
    )
    face.page.close()
    assert late <= len(spreads) // 2, "a picture's difference is what one sees; a busy machine may add one now and then"
    assert max(spreads) <= 8, "a third of a second"
