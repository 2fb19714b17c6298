"""A small RTSP reader for tests of the simulator, written apart from the recorder's: they share no mistakes."""

import hashlib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from nvr.media import Codec
from tools.simcam.gate import Account

TIMEOUT_S = 5


class Garbled(Exception):
    """The interleaved framing is lost."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet."""

    channel: int
    first: int  # first byte of the header: padding, extension, CSRC count
    marker: bool
    sequence: int
    time_90k: int
    payload: bytes
    arrived_us: int

    @classmethod
    def of(cls, channel: int, data: bytes) -> Self:
        start = 12 + 4 * (data[0] & 15)
        if data[0] & 0x10:
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        end = len(data) - (data[-1] if data[0] & 0x20 else 0)
        sequence, time_90k = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        return cls(channel, data[0], data[1] > 127, sequence, time_90k, data[start:end], time.time_ns() // 1000)


@dataclass
class Reader:
    """Plays one stream. ``texts`` and ``reports`` collect what comes between the packets."""

    url: str
    account: Account
    udp: bool = False
    algorithm: str = "MD5"
    channels: str = "0-1"
    buffer_bytes: int = 0  # of the kernel, 0: as it likes
    answers_unauthorized: bool = True
    texts: list[str] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    play_headers: dict[str, str] = field(default_factory=dict)
    sdp: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        plain = socket.socket()
        plain.settimeout(TIMEOUT_S)
        if self.buffer_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_bytes)
        plain.connect((parts.hostname, parts.port))
        if parts.scheme == "rtsps":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            plain = context.wrap_socket(plain)
        self.socket = plain
        self._buffer = b""
        self._challenge: dict[str, str] = {}
        self._counts = 0
        self._unit: list[Packet] = []  # that is not whole yet
        self._ports: tuple[socket.socket, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()
        for port in self._ports:
            port.close()

    def request(self, method: str, url: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """Ask, with credentials once they are wanted; status, headers, body of the final answer."""
        answer = self._ask(method, url, headers)
        if answer[0] == 401 and self.answers_unauthorized:
            answer = self._ask(method, url, headers)
        return answer

    def describe(self) -> str:
        status, self.describe_headers, self.sdp = self.request("DESCRIBE", self.url)
        assert status == 200, status
        return self.sdp

    def play(self) -> Self:
        """All the way to PLAY."""
        self.describe()
        if self.udp:
            wish = "RTP/AVP;unicast;client_port=" + self._open_ports()
        else:
            wish = f"RTP/AVP/TCP;unicast;interleaved={self.channels}"
        status, headers, _ = self.request("SETUP", f"{self.url}/trackID=0", Transport=wish)
        assert status == 200, status
        self.transport = headers["transport"]
        status, self.play_headers, _ = self.request("PLAY", self.url, Session=headers["session"].partition(";")[0])
        assert status == 200, status
        return self

    def packets(self, count: int) -> list[Packet]:
        """The next ``count`` packets; do not ask for access units after packets."""
        return list(islice(self.stream(), count))

    def stream(self) -> Iterator[Packet]:
        """RTP packets as they come, for ever."""
        while True:
            packet = self._datagram() if self.udp else self._interleaved()
            if packet:
                yield packet

    def units(self) -> Iterator[list[Packet]]:
        """Access units, by their times."""
        for packet in self.stream():
            if self._unit and self._unit[-1].time_90k != packet.time_90k:
                whole, self._unit = self._unit, [packet]
                yield whole
            else:
                self._unit.append(packet)

    def access_units(self, count: int) -> list[list[Packet]]:
        """The next ``count`` access units."""
        return list(islice(self.units(), count))

    def until(self, condition: Callable[[Packet], bool], timeout_s: float = TIMEOUT_S) -> Packet:
        """The first packet that fulfils ``condition``."""
        deadline = time.monotonic() + timeout_s
        for packet in self.stream():
            if condition(packet):
                return packet
            assert time.monotonic() < deadline, "it did not come"
        raise AssertionError("the stream ended")

    def _open_ports(self) -> str:
        self._ports = tuple(socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for port in self._ports:
            port.bind(("127.0.0.1", 0))
            port.settimeout(TIMEOUT_S)
        return "-".join(str(port.getsockname()[1]) for port in self._ports)

    def _datagram(self) -> Packet:
        return Packet.of(0, self._ports[0].recv(65536))

    def _interleaved(self) -> Packet | None:
        head = self._take(1)
        if head != b"$":
            self._buffer = head + self._buffer
            self._text()
            return None
        channel, *size = self._take(3)
        data = self._take(int.from_bytes(size, "big"))
        if data[0] >> 6 != 2:
            raise Garbled("this is no RTP")
        if 200 <= data[1] <= 204:
            self.reports.append(data)
            return None
        return Packet.of(channel, data)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the camera closed the connection")
        self._buffer += data

    def _text(self) -> str:
        """A reply or a request, read to its end."""
        while b"\r\n\r\n" not in self._buffer:
            if self._buffer and not self._buffer[:1].isalpha():
                raise Garbled(f"{self._buffer[:8]!r} is neither a packet nor a text")
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        text = head.decode()
        match = re.search(r"(?i)content-length: *(\d+)", text)
        text += "\r\n\r\n" + self._take(int(match[1]) if match else 0).decode()
        self.texts.append(text)
        return text

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        self._counts += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._counts}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self._challenge:
            lines.append(f"Authorization: {self._credentials(method, url)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while True:
            while self._buffer[:1] == b"$":
                self._interleaved()
            text = self._text()
            if text.startswith("RTSP/"):
                break
        head, _, body = text.partition("\r\n\r\n")
        status, *rows = head.split("\r\n")
        for row in rows:
            self._note_challenge(row)
        return (
            int(status.split()[1]),
            {row.partition(":")[0].lower(): row.partition(":")[2].strip() for row in rows},
            body,
        )

    def _note_challenge(self, row: str) -> None:
        name, _, value = row.partition(":")
        scheme, _, rest = value.strip().partition(" ")
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', rest))
        if name.lower() == "www-authenticate" and fields.get("algorithm", self.algorithm) == self.algorithm:
            self._challenge = fields | {"scheme": scheme}

    def _credentials(self, method: str, url: str) -> str:
        fields = self._challenge

        def digest(text: str) -> str:
            return hashlib.new(self.algorithm.replace("-", "").lower(), text.encode()).hexdigest()

        secret = digest(f"{self.account.username}:{fields['realm']}:{self.account.password}")
        count = f"{self._counts:08x}"
        response = digest(f"{secret}:{fields['nonce']}:{count}:abc:auth:{digest(f'{method}:{url}')}")
        return (
            f'Digest username="{self.account.username}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
            f'uri="{url}", response="{response}", algorithm={self.algorithm}, qop=auth, nc={count}, cnonce="abc"'
        )


def nal_units(codec: Codec, packets: list[Packet]) -> list[bytes]:
    """The NAL units of an access unit's packets: single, aggregated or cut (RFC 6184, RFC 7798)."""
    units: list[bytes] = []
    head, aggregate, cut = (1, 24, 28) if codec is Codec.H264 else (2, 48, 49)
    for packet in packets:
        data = packet.payload
        kind = data[0] & 31 if codec is Codec.H264 else data[0] >> 1 & 63
        if kind == aggregate:
            rest = data[head:]
            while rest:
                size = int.from_bytes(rest[:2], "big")
                units.append(rest[2 : 2 + size])
                rest = rest[2 + size :]
        elif kind == cut:
            mark = data[head]
            if mark & 0x80:
                if codec is Codec.H264:
                    units.append(bytes((data[0] & 0xE0 | mark & 31,)))
                else:
                    units.append(bytes((data[0] & 0x81 | (mark & 63) << 1, data[1])))
            units[-1] += data[head + 1 :]
        else:
            units.append(data)
    return units
