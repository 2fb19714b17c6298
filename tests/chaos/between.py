"""Stands between a recorder and a good camera, and lets the camera misbehave: a TCP proxy that understands RTSP."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.chaos.mischief import Character

READ_BYTES = 1 << 16
MOST_WAITING_BYTES = 8 << 20  # for a recorder that reads slowly; then the camera's pictures are dropped
JOIN_S = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """An interleaved frame (RFC 2326 section 10.12)."""

    channel: int
    payload: bytes


def split(buffer: bytearray) -> Iterator[Frame | bytes]:
    """Whole frames and messages from the beginning of what a camera sent; they are taken out of ``buffer``."""
    while len(buffer) >= 4:
        if buffer[0] == ord("$"):
            size = 4 + int.from_bytes(buffer[2:4], "big")
            if len(buffer) < size:
                return
            item: Frame | bytes = Frame(buffer[1], bytes(buffer[4:size]))
        else:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            lines = bytes(buffer[:end]).lower().split(b"\r\n")
            body = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            size = end + 4 + body
            if len(buffer) < size:
                return
            item = bytes(buffer[:size])
        del buffer[:size]
        yield item


class Between:
    """One proxy for each misbehaving camera, all in one thread of this process. Use it as a context manager.

    Args:
        upstream: port of the simulator on 127.0.0.1.
        characters: of each channel that misbehaves.
    """

    def __init__(self, upstream: int, characters: dict[int, Character]) -> None:
        self._upstream = upstream
        self._characters = characters
        self.ports: dict[int, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="between", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(JOIN_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(JOIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_S)
        self._loop.close()

    async def _listen(self) -> None:
        self._servers = []
        for channel, character in self._characters.items():

            async def met(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, character: Character = character
            ) -> None:
                await self._serve(reader, writer, character)

            server = await asyncio.start_server(met, "127.0.0.1", 0)
            self._servers.append(server)
            self.ports[channel] = server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, character: Character) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            camera = await asyncio.open_connection("127.0.0.1", self._upstream)
            for mischief in character.mischiefs:
                mischief.begin(self._loop.time())
            up = asyncio.ensure_future(_pass_on(reader, camera[1]))
            with contextlib.suppress(OSError):
                await self._misbehave(camera[0], writer, character)
            up.cancel()
            camera[1].transport.abort()
        except asyncio.CancelledError:  # the proxy ends; what asyncio's server makes of a cancelled handler is noise
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _misbehave(
        self, camera: asyncio.StreamReader, recorder: asyncio.StreamWriter, character: Character
    ) -> None:
        buffer = bytearray()
        while data := await camera.read(READ_BYTES):
            buffer += data
            for item in split(buffer):
                now_s = self._loop.time()
                if recorder.is_closing() or any(mischief.ends(now_s) for mischief in character.mischiefs):
                    return
                if isinstance(item, bytes):
                    await self._answer(item, recorder, character)
                elif recorder.transport.get_write_buffer_size() < MOST_WAITING_BYTES:
                    _send(item, recorder, character, now_s)

    async def _answer(self, text: bytes, recorder: asyncio.StreamWriter, character: Character) -> None:
        for mischief in character.mischiefs:
            text = mischief.answer(text)
            await asyncio.sleep(mischief.delay_s())  # the camera is slow: it is what is tested, not waited for
        recorder.write(text)


def _send(frame: Frame, recorder: asyncio.StreamWriter, character: Character, now_s: float) -> None:
    payloads = character.packets(frame.payload, now_s) if frame.channel == 0 else (frame.payload,)
    pieces = [bytes((ord("$"), frame.channel)) + len(one).to_bytes(2, "big") + one for one in payloads]
    pieces += [mischief.between() for mischief in character.mischiefs]
    recorder.write(b"".join(pieces))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
        writer.close()
