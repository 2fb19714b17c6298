"""A server as its clients see it."""

import io
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, web
from multidict import CIMultiDictProxy

from tests.web.pictures import read_jpeg, shown


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    json: Any


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    session: ClientSession
    app: web.Application

    async def ask(
        self,
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: Any = None,
        **query: Any,
    ) -> Reply:
        params = {name: str(value) for name, value in query.items()}
        async with self.session.request(method, self.url + path, params=params, headers=headers, json=body) as response:
            body = await response.read()
            is_json = response.content_type == "application/json" and body
            return Reply(response.status, response.headers, body, await response.json() if is_json else None)

    async def json(self, path: str, **query: Any) -> Any:
        reply = await self.ask(path, **query)
        assert reply.status == 200, (reply.status, reply.body)
        return reply.json

    async def still(self, at_us: int, **query: Any) -> tuple[int, int]:
        """Number of the picture of an instant, and the wall time at which it was shown."""
        reply = await self.ask("/api/channels/1/still.jpg", at_us=at_us, **query)
        assert reply.status == 200, reply.body
        return read_jpeg(reply.body), int(reply.headers["X-Picture-Time-Us"])

    async def clip(self, from_us: int, to_us: int, **query: Any) -> "Clip":
        reply = await self.ask("/api/channels/1/clip.mp4", from_us=from_us, to_us=to_us, **query)
        assert reply.status == 200, reply.body
        assert len(reply.body) == int(reply.headers["Content-Length"])
        return Clip(reply)


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that was fetched."""

    reply: Reply

    @property
    def start_us(self) -> int:
        return int(self.reply.headers["X-Clip-Start-Us"])

    @property
    def end_us(self) -> int:
        return int(self.reply.headers["X-Clip-End-Us"])

    def shown(self, count: int | None = None) -> list[tuple[int, int]]:
        """Number and wall time of each picture that a player shows."""
        pictures = shown(io.BytesIO(self.reply.body), count)
        return [(number, self.start_us + round(seconds * 1_000_000)) for number, seconds in pictures]
