"""The socket of a search: it tells what it finds while it searches, and ends when the other side closes."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMessage, web

from nvr.errors import NvrError
from web.reply import encode
from web.wire import Problem

Search = Callable[[web.WebSocketResponse], Awaitable[None]]


async def converse(request: web.Request, search: Search) -> web.WebSocketResponse:
    """Open the socket and search until it is done or nobody listens any more."""
    socket = web.WebSocketResponse(heartbeat=20, compress=False, max_msg_size=4096)
    await socket.prepare(request)
    searching = asyncio.create_task(_searched(search, socket))
    leaving = asyncio.create_task(_left(socket))
    try:
        await asyncio.wait([searching, leaving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        searching.cancel()
        await asyncio.gather(searching, leaving, return_exceptions=True)
        await socket.close()
    return socket


async def say(socket: web.WebSocketResponse, message: object) -> None:
    """One message, a struct of the wire."""
    await socket.send_str(encode(message).decode())


async def _searched(search: Search, socket: web.WebSocketResponse) -> None:
    try:
        await search(socket)
    except NvrError as error:
        await say(socket, Problem(error.what, error.where, error.hint))
    except ConnectionError:
        return  # who asked has left


async def _left(socket: web.WebSocketResponse) -> None:
    """Until the other side closes; what it says means nothing."""
    message: WSMessage
    async for message in socket:
        del message
