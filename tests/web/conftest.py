"""A house full of footage and a server on a real socket."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from nvr.config import RetentionSettings, SiteSettings
from nvr.timebase import US_PER_S
from tests.manual_clock import ManualClock
from tests.web.archive import START_US, House
from tests.web.server import Server
from web.address import opened
from web.app import build
from web.auth import May, may
from web.connection import Limits, listening
from web.still_cache import StillCache


@pytest.fixture
def clock() -> ManualClock:
    """100 s after the footage of the tests begins."""
    return ManualClock(wall_us=START_US + 100 * US_PER_S)


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with House(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def server(house: House, tmp_path: Path) -> AsyncIterator[Server]:
    """The whole server over the house's archive, for the local user."""
    async with AsyncExitStack() as stack:
        yield await open_server(stack, house, may, tmp_path / "static")


async def open_server(
    stack: AsyncExitStack,
    house: House,
    question: May,
    static: Path,
    retention: RetentionSettings | None = None,
    stills: StillCache | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Server:
    """Start a server that ends with the stack."""
    keeping = retention or RetentionSettings.model_validate({})
    app = build(house.archive(), SiteSettings(name="Hồ Xá"), keeping, may=question, static=static, stills=stills)
    served = listening(app, opened("127.0.0.1", 0), clock=house.clock, limits=limits, shutdown_s=1)
    host, port = await stack.enter_async_context(served)
    session = await stack.enter_async_context(ClientSession())
    return Server(f"http://{host}:{port}", session, app)
