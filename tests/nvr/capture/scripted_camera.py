"""An RTSP camera on loopback, in threads, that plays a small real stream; a test overrides what is odd about it."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from nvr.channel import Channel, Transport
from nvr.codec.nal import split
from nvr.media import Codec
from nvr.rtsp.message import Headers, MessageReader, Request, Response, format_message
from tests.nvr.codec.streams import encode
from tests.nvr.rtsp.camera import Stream, frame, fu_a, reply

DESCRIPTION = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
FRAME_S = 0.04


class ScriptedCamera:
    """Serves until `stop`; `requests` holds the method of each request of all connections.

    Args:
        wrap: what makes a connection secure.
    """

    def __init__(
        self, address: str = "127.0.0.1", wrap: Callable[[socket.socket], socket.socket] | None = None
    ) -> None:
        self.requests: list[Request] = []
        self.wrap = wrap
        self._server = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.port: int = self._server.getsockname()[1]
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def channel(
        self,
        host: str = "127.0.0.1",
        scheme: str = "rtsp",
        transport: str = "tcp",
        username: str = "",
        password: str = "",
    ) -> Channel:
        """Channel 1."""
        url = f"{scheme}://{host}:{self.port}/live"
        return Channel(1, "odd", url, "", username, password, Transport(transport))

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def stop(self) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(10)

    # -- what may be odd

    def answer(self, request: Request) -> Response | None:
        """None: no answer."""
        match request.method:
            case "DESCRIBE":
                return reply(DESCRIPTION)
            case "SETUP":
                return reply(Transport=request.headers.get("Transport") or "", Session="7")
            case _:
                return reply()

    def send(self, sock: socket.socket, packets: list[bytes]) -> None:
        """Send an access unit."""
        sock.sendall(b"".join(frame(0, packet) for packet in packets))

    # -- the rest

    def _spawn(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError):
                sock, _ = self._server.accept()
                self._spawn(self._serve, sock)

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain, self.wrap(plain) if self.wrap else plain as sock:
            sock.settimeout(0.2)
            self._converse(sock)

    def _converse(self, sock: socket.socket) -> None:
        reader, data = MessageReader(), b""
        while not self._stopping.is_set():
            try:
                piece = sock.recv(65_536)
            except TimeoutError:
                continue
            if not piece:
                return
            data += piece
            while data:
                if data[:1] == b"$":
                    length = 4 + int.from_bytes(data[2:4], "big")
                    if len(data) < length:
                        break
                    data = data[length:]
                    continue
                message, taken = reader.feed(data)
                data = data[taken:]
                if isinstance(message, Request) and not self._take(sock, message):
                    return

    def _take(self, sock: socket.socket, request: Request) -> bool:
        self.requests.append(request)
        told = self.answer(request)
        if told is None:
            return True
        items = (("CSeq", request.headers.get("CSeq") or "0"), *told.headers.items)
        sock.sendall(format_message(Response(told.status, told.reason, Headers(items), told.body)))
        if request.method == "PLAY":
            self._spawn(self._play, sock)
        return request.method != "TEARDOWN"

    def _play(self, sock: socket.socket) -> None:
        stream, number, pictures = Stream(), 0, encode(Codec.H264, options="bframes=0").data
        with suppress(OSError, ValueError):
            while not self._stopping.wait(FRAME_S):
                data = pictures[number % len(pictures)]
                nals = [data[start:end] for start, end in split(data)]
                payloads = [piece for nal in nals for piece in (fu_a(nal, 1200) if len(nal) > 1200 else [nal])]
                self.send(sock, list(stream.picture(*payloads)))
                number += 1


def client_ports(request: Request) -> tuple[int, int]:
    """Where a request wants datagrams."""
    numbers = re.search(r"client_port=(\d+)-(\d+)", request.headers.get("Transport") or "")
    assert numbers is not None
    return int(numbers[1]), int(numbers[2])
