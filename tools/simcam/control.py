"""Orders to a running simulator: one JSON object a line over TCP on the loopback, one answer a line.

``{"order": "fault", "channel": 7, "kind": "main", "name": "drop", "arguments": {"percent": 2}}`` → ``{"ok": true}``.
Without ``kind`` both streams are meant, without ``channel`` all. Likewise ``clear``, ``sent`` and ``units`` (SHA-256 of
each NAL unit by access unit). A mistake is answered by ``{"error": "…"}``.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from nvr.errors import NvrError
from nvr.media import TrackKind
from tools.simcam.faults import Faults
from tools.simcam.stream import Stream

Order = dict[str, Any]


class Desk(Protocol):
    """What orders can reach."""

    faults: Faults

    @property
    def streams(self) -> Mapping[tuple[int, TrackKind], Stream]: ...


class ControlConnection(asyncio.Protocol):
    """Takes orders one after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = b""
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._task = asyncio.get_running_loop().create_task(self._work())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._task.cancel()

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._queue.put_nowait(line)

    async def _work(self) -> None:
        while True:
            line = await self._queue.get()
            try:
                answer = await self._obey(json.loads(line))
            except (NvrError, ValueError, KeyError, TypeError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            self._transport.write(json.dumps(answer).encode() + b"\n")

    async def _obey(self, order: Order) -> Order:
        streams = self._streams(order)
        match order["order"]:
            case "fault":
                for stream in streams:
                    await self._desk.faults.apply(stream, str(order["name"]), dict(order.get("arguments", {})))
                return {"ok": True}
            case "clear":
                for stream in streams:
                    await self._desk.faults.clear(stream)
                return {"ok": True}
            case "sent":
                return {"ok": True, "sent": {stream.name: asdict(stream.tally.sent()) for stream in streams}}
            case "units":
                units = streams[0].tally.units(int(order["first"]), int(order["last"]))
                hashes = {n: [hashlib.sha256(unit).hexdigest() for unit in nals] for n, nals in units.items()}
                return {"ok": True, "units": hashes}
            case unknown:
                raise ValueError(f"there is no order {unknown!r}")

    def _streams(self, order: Order) -> list[Stream]:
        """Those of a channel, or all; of one kind, or both."""
        channel, kind = order.get("channel"), order.get("kind")
        found = [
            stream
            for (number, which), stream in self._desk.streams.items()
            if channel in (None, number) and kind in (None, which.word)
        ]
        if not found:
            raise ValueError(f"there is no channel {channel} {kind or ''}")
        return found
