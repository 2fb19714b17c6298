"""A camera that completes the handshake and then does what a test wants: for what the simulator is too polite for."""

import base64
import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Self

from nvr.channel import Channel

SPS = bytes.fromhex("6742c00cd901419f9f016a0c0c0d4a0000030002000003003d1e285490")
PPS = bytes.fromhex("68cb8cb2")
SSRC = 0x1234ABCD
FRAME_90K = 3600
_REPLIES = {
    "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n",
    "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 42;timeout=60\r\n",
    "PLAY": "Session: 42\r\n",
}


class Media:
    """One session's pictures, of a few bytes each; times go on by a 25th of a second with every one.

    A picture holds its number (`number_of`), counted from 1.
    """

    def __init__(self) -> None:
        self.pictures = 0
        self.sequence = 0
        self.timestamp = 1000

    def packet(self, payload: bytes, *, marker: bool = True) -> bytes:
        self.sequence += 1
        head = struct.pack(">BBHII", 0x80, 96 | marker << 7, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, SSRC)
        return _framed(head + payload, 0)

    def key(self, size: int = 60) -> bytes:
        """Parameter sets and an IDR picture, as one packet."""
        nals = (SPS, PPS, b"\x65\x88" + self._number(size - 2))
        return self.packet(b"\x78" + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals))

    def inter(self, size: int = 40) -> bytes:
        return self.packet(b"\x41\x9a" + self._number(size - 2))

    def _number(self, size: int) -> bytes:
        self.timestamp += FRAME_90K
        self.pictures += 1
        return f"{self.pictures:08}".encode().ljust(size, b"\x22")

    def group(self, pictures: int = 25) -> bytes:
        return self.key() + b"".join(self.inter() for _ in range(pictures - 1))

    def sender_report(self, ntp: int = 3_900_000_000 << 32) -> bytes:
        report = struct.pack(">BBHIQIII", 0x80, 200, 6, SSRC, ntp, self.timestamp & 0xFFFFFFFF, 10, 1000)
        return _framed(report, 1)


Play = Callable[["OddCamera", socket.socket], None]


class OddCamera:
    """Listens on loopback. ``with`` starts and stops it; `play` speaks after PLAY, in the session's thread."""

    def __init__(self, play: Play, *, sets: tuple[bytes, ...] = (SPS, PPS)) -> None:
        self._play = play
        self._sets = ",".join(base64.b64encode(one).decode() for one in sets)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.sessions = 0
        self.stopped = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/main"

    def channel(self, number: int) -> Channel:
        return Channel(number, f"odd {number}", self.url)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left behind: a test that counts descriptors comes next."""
        self.stopped.set()
        for one in (self._server, *self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        self._server.close()

    def pause(self, seconds: float) -> bool:
        """Wait between pictures; whether to go on."""
        return not self.stopped.wait(seconds)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            text = b""
            while piece := connection.recv(65536):
                text += piece
                while b"\r\n\r\n" in text:
                    head, _, text = text.partition(b"\r\n\r\n")
                    method = head.split()[0].decode()
                    connection.sendall(self._reply(method, head.decode()))
                    if method == "PLAY":
                        self.sessions += 1
                        self._play(self, connection)
                        return

    def _reply(self, method: str, head: str) -> bytes:
        number = re.search(r"(?im)^cseq:\s*(\d+)", head)
        more, body = _REPLIES.get(method, ""), self._description() if method == "DESCRIBE" else ""
        more += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n" if body else ""
        return f"RTSP/1.0 200 OK\r\nCSeq: {number[1] if number else 0}\r\n{more}\r\n{body}".encode()

    def _description(self) -> str:
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\n"
            "a=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={self._sets}\r\na=control:trackID=1\r\n"
        )


def number_of(picture: bytes) -> int:
    """Of a slice that `Media` made."""
    return int(picture[2:10])


def steady(camera: OddCamera, connection: socket.socket) -> None:
    """A camera as it should be: 25 pictures a second, in time however busy the machine is."""
    media, began_s = Media(), time.monotonic()
    while camera.pause(max(0.0, began_s + media.pictures / 25 - time.monotonic())):
        connection.sendall(media.inter() if media.pictures % 25 else media.key())


def _framed(packet: bytes, channel: int) -> bytes:
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet
