"""The simulator as a process: it says on standard output how far it is, and serves until it is told to stop."""

import asyncio
import json
import os
import signal
import sys

from tools.simcam.options import Manners, Town
from tools.simcam.server import Server, frozen_heap, prepare


def run(town: Town, manners: Manners, *, with_parent: bool) -> None:
    """Serve until SIGINT, SIGTERM or, ``with_parent``, the end of standard input."""
    prepare(town, manners, lambda done, of: _say({"making": done, "of": of}))
    asyncio.run(_serve(town, manners, with_parent=with_parent))


async def _serve(town: Town, manners: Manners, *, with_parent: bool) -> None:
    server = Server(town, manners)
    ports = await server.start()
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _watch_parent, over)
    _say({"ready": True, "channels": town.channels, "pid": os.getpid(), "ports": ports})
    with frozen_heap():
        await over.wait()
    await server.stop()


def _watch_parent(over: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        over.set()
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)
