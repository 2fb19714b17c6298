"""Viewers and attackers of the web server: all threads of one process, each with a habit of its own."""

import http.client
import random
import socket
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 20
JOIN_S = 60
PAUSE_S = 0.2
HALF_OPEN = 40
SERVER_ERROR = 500
TOLD = (502, 503)  # a camera's damaged pictures cannot be decoded; a disk hangs or is gone
Habit = Callable[[], None]


class WebLoad:
    """Use it as a context manager; ``statuses`` counts what was answered.

    Args:
        url: of the server.
        channels: how many there are.
        now_us: what the server takes for the time.
        seed: of all chance.
    """

    def __init__(self, url: str, channels: int, now_us: Callable[[], int], seed: int) -> None:
        self._url = url
        self._channels = channels
        self._now_us = now_us
        self._draw = random.Random(seed)
        self._ended = threading.Event()
        self.statuses: Counter[int | str] = Counter()
        self.errors: list[str] = []  # paths that were answered with 500
        habits = (self._look, self._look, self._stills, self._stare, self._half_open)
        self._threads = [threading.Thread(target=self._repeat, args=(habit,)) for habit in habits]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(JOIN_S)

    def _repeat(self, habit: Habit) -> None:
        while not self._ended.wait(PAUSE_S):
            try:
                habit()
            except (OSError, http.client.HTTPException) as error:  # the server was killed, or ended the connection
                self.statuses[type(error).__name__] += 1

    def _path(self, *kinds: str) -> str:
        draw, now_us = self._draw, self._now_us()
        channel, end_us = draw.randint(1, self._channels), now_us - draw.randrange(60_000_000)
        query = {"track": "main", "at_us": end_us, "from_us": end_us - draw.randrange(1, 30_000_000), "to_us": end_us}
        kind = draw.choice(kinds)
        wanted = ("track", "at_us") if kind == "still.jpg" else ("track", "from_us", "to_us")
        return f"/api/channels/{channel}/{kind}?{urlencode({name: query[name] for name in wanted})}"

    def _get(self, path: str) -> None:
        try:
            with urllib.request.urlopen(self._url + path, timeout=TIMEOUT_S) as answer:
                answer.read()
                self.statuses[answer.status] += 1
        except urllib.error.HTTPError as error:
            self.statuses[error.code] += 1
            if error.code >= SERVER_ERROR and error.code not in TOLD:
                self.errors.append(f"{error.code} {path}: {error.read(400)!r}")
            error.close()

    def _look(self) -> None:
        """As people do."""
        self._get(self._path("fragments", "timeline", "still.jpg", "clip.mp4", "hls.m3u8", "samples"))
        self._get(self._draw.choice(("/api/channels", "/api/site", "/api/troubles", "/metrics")))

    def _stills(self) -> None:
        """Many pictures at once, most of which nobody waits for."""
        host = urlsplit(self._url)
        for _ in range(20):
            with socket.create_connection((host.hostname or "", host.port or 0), TIMEOUT_S) as sock:
                sock.sendall(f"GET {self._path('still.jpg')} HTTP/1.1\r\nHost: {host.netloc}\r\n\r\n".encode())

    def _stare(self) -> None:
        """Ask for a clip and never read it."""
        host = urlsplit(self._url)
        with socket.create_connection((host.hostname or "", host.port or 0), TIMEOUT_S) as sock:
            sock.sendall(f"GET {self._path('clip.mp4')} HTTP/1.1\r\nHost: {host.netloc}\r\n\r\n".encode())
            self._ended.wait(5)

    def _half_open(self) -> None:
        """Connections that begin a request and stop."""
        host = urlsplit(self._url)
        opened = [socket.create_connection((host.hostname or "", host.port or 0), TIMEOUT_S) for _ in range(HALF_OPEN)]
        for sock in opened:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: ")
        self._ended.wait(5)
        for sock in opened:
            sock.close()
