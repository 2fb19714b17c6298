"""A town of six cameras with ten minutes behind them, a server, and Debian's Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.web_ui.house import House
from tests.web_ui.page import FLAGS, Face
from tests.web_ui.town import Town
from web.pages import STATIC

CHROMIUM = shutil.which("chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    if not (STATIC / "index.html").exists():
        pytest.skip("the front end is not built: python web/ui/hatch_build.py")
    house = House(tmp_path_factory.mktemp("town"))
    built = Town(house)
    with built.living(), house.server() as url:
        built.url = url
        yield built
    house.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For a file's tests: while it is open an event loop runs in this thread, and no other can."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def face(town: Town, chromium: Browser) -> Iterator[Face]:
    """A page of a person whose PC is in another time zone than the cameras: the site's zone must win."""
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, timezone_id="America/New_York")
    opened = Face(context.new_page(), town.url)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on("console", lambda said: opened.complaints.extend([said.text] if said.type == "error" else []))
    yield opened
    opened.page.unroute_all(behavior="ignoreErrors")  # a request may be under way still
    context.close()
    assert not opened.complaints, "the page must not complain"
