"""Connections: how many there may be, from whom, and when one that is of no use ends.

aiohttp ends what is idle and what is too long about its headers: ``keepalive_timeout`` counts from the opening, and
again from each answer. It does not count connections, and it waits for ever for a peer that does not read: that is
here, and so are its own errors, which would name its version and carry no headers.
"""

import asyncio
import fcntl
import logging
import resource
import socket
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from nvr.timebase import US_PER_S, Clock
from web.door import SECURITY_HEADERS, SERVER
from web.log_limit import LogLimit
from web.reply import encode
from web.wire import Problem

IDLE_S = 20.0  # chosen: a page asks every few seconds; headers come within one
STALLED_US = 30 * US_PER_S  # chosen: a phone that changes its cell takes ten
SLOWEST_BPS = 8 << 10  # bytes a second; chosen: below 64 kbit/s no stream can be watched and no clip fetched
LOOK_S = 5.0
MOST = 1000  # chosen: a hundred pages with ten connections each
MOST_DESCRIPTORS = 4096
FILES_EACH = 3  # descriptors of a connection that sends a file: socket, file, its copy
SPARE_DESCRIPTORS = 64  # for index, decoders, files that are read
_SILENT = logging.getLogger("nvr.web.access")  # no line a request: whoever sends many would fill the disk
_SILENT.disabled = True
_ACKED = struct.Struct("120xQ")  # tcpi_bytes_acked in struct tcp_info, linux/tcp.h, since 4.1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is not sent yet is dropped at the close


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections there may be, of all and of one address, and how long they may be idle."""

    total: int = MOST
    per_address: int = MOST * 3 // 4  # behind a proxy, and on loopback, all have one address
    idle_s: float = IDLE_S
    look_s: float = LOOK_S  # from one look at the stalled ones to the next

    @classmethod
    def of_this_process(cls) -> "Limits":
        """As many as there are descriptors for, whose number is raised as far as is allowed and useful."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = max(soft, min(hard, MOST_DESCRIPTORS))
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        used = sum(1 for _ in Path("/proc/self/fd").iterdir())
        free = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - used - SPARE_DESCRIPTORS
        total = min(MOST, max(8, free // FILES_EACH))
        return cls(total, total * 3 // 4)


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ("_all", "address", "busy", "mark")

    def __init__(self, server: web.Server, every: "Connections", idle_s: float) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server, loop=loop, access_log=_SILENT, auto_decompress=False, keepalive_timeout=idle_s)
        self._all = every
        self.address = ""
        self.busy = False  # a request is being answered
        self.mark: tuple[int, int] | None = None  # when, and how many bytes the peer had taken then

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if self._all.admit(self):
            super().connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            transport.write(_REFUSAL)
            transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._all.forget(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - names what the peer sent
    ) -> web.StreamResponse:
        """The answer to what is no request, or to one whose handler failed unexpectedly. The connection ends."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._all.log.error("a request failed unexpectedly", path=request.path[:200], exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: nothing else can be said any more")
        answer = _problem(HTTPStatus(status), "this is no request that can be read" if exc and status < 500 else "")
        answer.force_close()
        return answer

    def pending_bytes(self) -> int:
        """What the peer has not taken yet, in our buffer and in the kernel's."""
        transport = self.transport
        if transport is None:
            return 0
        with suppress(OSError, ValueError):  # closed under our hands
            fd = transport.get_extra_info("socket").fileno()
            waiting = struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))[0]
            return transport.get_write_buffer_size() + int(waiting)
        return 0

    def taken_bytes(self) -> int:
        """What the peer has acknowledged since the connection was opened."""
        with suppress(OSError, struct.error):
            info = self.transport and self.transport.get_extra_info("socket").getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED.size
            )
            return int(_ACKED.unpack(info)[0]) if info else 0
        return 0

    def end(self) -> None:
        """Drop the connection with all that is not sent yet.

        By the socket, not by the transport: a sendfile that waits for this peer wakes up by it.
        """
        if self.transport is not None:
            with suppress(OSError):
                link = self.transport.get_extra_info("socket")
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                link.shutdown(socket.SHUT_RDWR)


class Connections:
    """All connections of a server; called, it makes one more, as `asyncio.loop.create_server` wants it.

    Args:
        server: aiohttp's.
        limits: how many there may be.
        clock: tells the time.
    """

    def __init__(self, server: web.Server, limits: Limits, clock: Clock) -> None:
        self._server = server
        self._limits = limits
        self._clock = clock
        self._open: dict[Connection, int] = {}  # and since when it is open; the oldest first
        self.log = LogLimit(clock)

    def __call__(self) -> Connection:
        return Connection(self._server, self, self._limits.idle_s)

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, one: Connection) -> bool:
        """Whether one more is let in. Where there are too many, the oldest that nobody waits on makes room."""
        of_address = [other for other in self._open if other.address == one.address]
        if len(of_address) >= self._limits.per_address:
            others = of_address
        elif len(self._open) >= self._limits.total:
            others = list(self._open)
        else:
            others = None
        if others is not None:
            idle = next((other for other in others if not other.busy and not other.pending_bytes()), None)
            if idle is None:
                self.log.error("too many connections: one was refused", open=len(self._open), address=one.address)
                return False
            self.forget(idle)
            idle.end()
        self._open[one] = self._clock.monotonic_us()
        return True

    def forget(self, one: Connection) -> None:
        """It has ended."""
        self._open.pop(one, None)

    def end_stalled(self) -> None:
        """End those whose peers take too little of what is there for them."""
        now_us = self._clock.monotonic_us()
        for one in list(self._open):
            taken = one.taken_bytes()
            if one.mark is None or not one.pending_bytes():
                one.mark = (now_us, taken)
                continue
            since_us = now_us - one.mark[0]
            if since_us >= STALLED_US:
                if (taken - one.mark[1]) * US_PER_S < SLOWEST_BPS * since_us:
                    one.end()
                one.mark = (now_us, taken)


@web.middleware
async def busy(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note that a connection's request is being answered: it is not ended to make room for another."""
    one = request.protocol
    if not isinstance(one, Connection):
        return await handler(request)
    one.busy = True
    try:
        return await handler(request)
    finally:
        one.busy = False


@asynccontextmanager
async def listening(
    app: web.Application, address: socket.socket, *, clock: Clock, limits: Limits, shutdown_s: float
) -> AsyncIterator[tuple[str, int]]:
    """Serve an application at an open address (`web.address`) for as long as the block lasts; gives its name and port.

    What waits for a peer that has gone is cancelled (``handler_cancellation``).
    """
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=shutdown_s)
    try:
        await runner.setup()
        assert runner.server is not None
        connections = Connections(runner.server, limits, clock)
        listener = await asyncio.get_running_loop().create_server(connections, sock=address)
        looking = asyncio.create_task(_look(connections, limits.look_s))
        try:
            yield listener.sockets[0].getsockname()[:2]
        finally:
            looking.cancel()
            listener.close()
    finally:
        address.close()
        await runner.cleanup()


async def _look(connections: Connections, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        connections.end_stalled()


def _problem(status: HTTPStatus, what: str = "") -> web.Response:
    body = encode(Problem(what or status.phrase, "", "try again, or tell whoever looks after the recorder"))
    return web.Response(body=body, status=status, content_type="application/json", headers=SECURITY_HEADERS | SERVER)


def _refusal() -> bytes:
    """The answer to a connection that is one too many, as it goes over the wire."""
    answer = _problem(HTTPStatus.SERVICE_UNAVAILABLE, "there are too many connections")
    body = answer.body
    assert isinstance(body, bytes)
    headers = {**SECURITY_HEADERS, **SERVER, "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{name}: {text}" for name, text in {**headers, "Connection": "close", "Retry-After": "10"}.items()]
    return "\r\n".join(["HTTP/1.1 503 Service Unavailable", *lines, "", ""]).encode() + body


_REFUSAL = _refusal()
