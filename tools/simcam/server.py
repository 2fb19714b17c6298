"""The simulator: all cameras in one process and one thread."""

import asyncio
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nvr.media import TrackKind
from nvr.timebase import US_PER_S, Clock, SystemClock
from tools.simcam.cache import LoopCache, LoopWorker, Progress
from tools.simcam.certificate import server_context
from tools.simcam.connection import Connection
from tools.simcam.control import ControlConnection
from tools.simcam.delivery import Pump
from tools.simcam.faults import Faults
from tools.simcam.options import Manners, Town
from tools.simcam.pacer import Pacer
from tools.simcam.stream import Stream


class Server:
    """Listens for readers and for orders. Made inside a running event loop."""

    def __init__(self, town: Town, manners: Manners, clock: Clock | None = None) -> None:
        self.manners, self.clock = manners, clock or SystemClock()
        loop = asyncio.get_running_loop()
        self.pacer, self.pump = Pacer(loop, self.clock), Pump(loop)
        self.connections: set[Connection] = set()
        self._cache = LoopCache(manners.cache)
        self._worker = LoopWorker(self._cache)
        self.faults = Faults(self, self._cache, self._worker)
        self._streams = {
            (recipe.channel, recipe.kind): Stream(recipe, self._cache.load(recipe), self.clock)
            for recipe in town.recipes()
        }
        for stream in self._streams.values():
            stream.warm_up()
        self._servers: list[asyncio.Server] = []
        self._sweep: asyncio.Task[None] | None = None

    @property
    def streams(self) -> Mapping[tuple[int, TrackKind], Stream]:
        return self._streams

    def stream(self, channel: int, kind: TrackKind) -> Stream | None:
        return self._streams.get((channel, kind))

    async def start(self) -> dict[str, int]:
        """Open the ports; their numbers by name: rtsp, rtsps if wanted, control."""
        loop, manners = asyncio.get_running_loop(), self.manners
        doors = {"rtsp": await loop.create_server(lambda: Connection(self), manners.host, manners.port, backlog=256)}
        if manners.tls_port is not None:
            context = server_context(manners.host)
            doors["rtsps"] = await loop.create_server(
                lambda: Connection(self), manners.host, manners.tls_port, ssl=context, backlog=256
            )
        doors["control"] = await loop.create_server(lambda: ControlConnection(self), "127.0.0.1", manners.control_port)
        self._servers = list(doors.values())
        self._sweep = loop.create_task(self._sweep_out())
        return {name: door.sockets[0].getsockname()[1] for name, door in doors.items()}

    async def stop(self) -> None:
        """Close everything; readers see the connection end."""
        if self._sweep is not None:
            self._sweep.cancel()
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.abort()
        self._worker.close()
        await asyncio.sleep(0)

    async def _sweep_out(self) -> None:
        """End the sessions whose readers have not been heard of (RFC 2326 section 12.37)."""
        limit_us = self.manners.session_timeout_s * US_PER_S
        while True:
            await asyncio.sleep(1)
            now_us = self.clock.monotonic_us()
            for connection in list(self.connections):
                if now_us - connection.seen_us > limit_us:
                    connection.abort()


def prepare(town: Town, manners: Manners, progress: Progress | None = None) -> None:
    """Make all media that is not in the cache yet; the first time takes a while."""
    LoopCache(manners.cache).prepare(town.recipes(), progress)


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Keep what is there at the start out of the collector's sight: a collection would delay pictures."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
