"""The server: every room's routes behind one door, on one address, until told to stop."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from aiohttp import web

from nvr import __version__
from nvr.config import RetentionSettings, Settings, SiteSettings
from nvr.errors import StorageError
from nvr.log import get_logger
from nvr.timebase import SystemClock
from nvr.watchdog import Watchdog
from web.activity import ActivityKeeper
from web.address import opened
from web.archive import Archive, open_archive
from web.auth import May, may
from web.bookmarks import BookmarkRoom
from web.clip import ClipRoom
from web.clip_set import ClipSetRoom
from web.connection import Limits, busy, listening
from web.coverage import CoverageRoom
from web.decoder import Decoder
from web.door import BODY_BYTES, Door, add_security_headers
from web.finding.motion_room import MotionRoom
from web.finding.room import FindingRoom
from web.footage import FootageReader
from web.fragments import FragmentsRoom
from web.hls import HlsRoom
from web.hls_live import LiveListRoom
from web.live import LiveRoom
from web.media import ChunkFinder, MediaRoom
from web.metrics import MetricsRoom
from web.oom import WEB_SCORE, first_to_go
from web.openapi import ApiRoom
from web.overview import OverviewRoom
from web.pages import STATIC, Pages
from web.reading import WindowReader
from web.route import Route
from web.run_media import RunMediaRoom
from web.samples import SamplesRoom
from web.segment import SegmentRoom
from web.site import SiteRoom
from web.still import StillRoom
from web.still_cache import StillCache
from web.thumbnails import ThumbnailRoom
from web.timeline import TimelineRoom
from web.troubles import TroublesRoom

SWEEP_S = 60.0  # chosen: a minute after retention deleted footage its pictures are gone too
ALIVE_S = 2.0  # chosen: a fifteenth of what `nvr run` waits
REQUEST_THREADS = 32  # for requests that read; chosen: readers of two disks that hang leave enough to the others
SHUTDOWN_S = 3.0  # how long a stop waits for answers that are under way

_log = get_logger()


class Room(Protocol):
    """A part of the server with routes of its own."""

    def routes(self) -> list[Route]:
        """What it serves."""
        ...


def build(
    archive: Archive,
    site: SiteSettings,
    retention: RetentionSettings,
    *,
    may: May = may,
    static: Path = STATIC,
    names: frozenset[str] = frozenset(),
    stills: StillCache | None = None,
) -> web.Application:
    """The whole server, not listening yet.

    Args:
        archive: what it reads.
        site: who it is.
        retention: how long footage is kept.
        may: the question that every route asks.
        static: the built user interface.
        names: host names it answers to beside the local ones.
        stills: where decoded pictures are kept; None: nowhere.
    """
    footage, decoder, live = FootageReader(archive), Decoder(), LiveRoom(archive)
    finder, windows = ChunkFinder(archive, may), WindowReader(archive, footage)
    clips = ClipRoom(archive, windows, site.timezone)
    pictures = StillRoom(archive, footage, decoder, stills)
    rooms: list[Room] = [
        SiteRoom(archive, site, may),
        TimelineRoom(archive),
        OverviewRoom(archive, footage, may),
        TroublesRoom(archive),
        BookmarkRoom(archive, may),
        CoverageRoom(archive, site, retention, may),
        MetricsRoom(archive, retention, may),
        FragmentsRoom(archive, windows),
        SamplesRoom(archive, windows),
        MediaRoom(archive, footage, finder),
        RunMediaRoom(archive, footage, finder, may),
        SegmentRoom(archive, footage, finder),
        clips,
        ClipSetRoom(archive, windows, clips, site.timezone, may),
        HlsRoom(archive, windows),
        LiveListRoom(archive, windows),
        pictures,
        ThumbnailRoom(archive),
        FindingRoom(archive, footage, decoder),
        MotionRoom(archive, footage, decoder),
        live,
    ]
    routes = [route for room in rooms for route in room.routes()]
    description = ApiRoom(routes, f"{site.name}: network video recorder", __version__)
    door = Door(may, names)
    app = web.Application(middlewares=[busy, door.middleware], client_max_size=BODY_BYTES)
    register(app, door, [*routes, *description.routes(), *Pages(static).routes()])
    app.on_response_prepare.append(add_security_headers)

    async def life(_app: web.Application) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(REQUEST_THREADS, "request"))
        sweeping = asyncio.create_task(sweep(pictures))
        yield
        sweeping.cancel()
        await asyncio.to_thread(decoder.close)

    async def say_goodbye(_app: web.Application) -> None:
        await live.close()

    app[DECODER] = decoder
    app.cleanup_ctx.append(life)
    app.on_shutdown.append(say_goodbye)
    return app


async def sweep(pictures: StillRoom) -> None:
    """At the start and ever after, remove cached pictures of footage that is gone."""
    while True:
        with suppress(StorageError):  # no index yet: nothing is shown either, and nothing is known to be gone
            await asyncio.to_thread(pictures.sweep)
        await asyncio.sleep(SWEEP_S)


DECODER: web.AppKey[Decoder] = web.AppKey("decoder", Decoder)
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes", tuple)


def register(app: web.Application, door: Door, routes: Sequence[Route]) -> None:
    """Put routes into an application, each behind the door. There is no other way in."""
    app[ROUTES] = tuple(routes)
    for route in routes:
        handler = door.handler(route)
        for method in route.methods:
            app.router.add_route(method, route.path, handler)


def serve(settings: Settings, address: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: the whole configuration.
        address: where it listens already; None: it is opened here.

    Raises:
        ConfigError: the address is taken or not ours.
    """
    first_to_go(WEB_SCORE)
    asyncio.run(_serve(settings, address or opened(settings.web.host, settings.web.port)))


async def _serve(settings: Settings, address: socket.socket) -> None:
    archive = open_archive(settings, SystemClock())
    names = frozenset({settings.web.host})
    stills = StillCache(settings.stills_path, settings.web.stills_mib << 20)
    app = build(archive, settings.site, settings.retention, names=names, stills=stills)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    speaking = loop.create_task(_say_alive(Watchdog()))
    limits = Limits.of_this_process()
    served = listening(app, address, clock=SystemClock(), limits=limits, shutdown_s=SHUTDOWN_S)
    async with served as (host, port):
        _log.info("web server ready", url=f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/")
        with suppress(StorageError):  # no memory now: it is tried again when a picture is asked for
            await asyncio.to_thread(app[DECODER].warm)
        with ActivityKeeper(archive):
            await stopped.wait()
    speaking.cancel()


async def _say_alive(watchdog: Watchdog) -> None:
    """A loop that stands still says nothing, and is started again."""
    while True:
        watchdog.alive()
        await asyncio.sleep(ALIVE_S)
