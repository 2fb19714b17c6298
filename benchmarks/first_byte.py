"""From a timestamp to the first byte over HTTP, as a player does it: one connection, kept open."""

import json
import random
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from nvr.timebase import US_PER_S

WINDOW_US = 10 * US_PER_S
EDGE_US = 5 * US_PER_S  # the newest seconds are still being written, the oldest may just go


@dataclass(frozen=True, slots=True)
class FirstBytes:
    """Durations in nanoseconds, one a request."""

    pictures_ns: list[int]  # fragment table, then the first byte of the fragment's range
    clip_ns: list[int]


@dataclass(frozen=True, slots=True)
class _Channel:
    number: int
    first_us: int
    last_us: int


def measure_http(url: str, count: int, draw: random.Random) -> FirstBytes:
    """Ask a running server for random instants of what it has recorded."""
    host = urlsplit(url).netloc
    connection = HTTPConnection(host, timeout=30)
    channels = _channels(connection)
    found = FirstBytes([], [])
    while len(found.pictures_ns) < count:
        channel = draw.choice(channels)
        from_us = draw.randrange(channel.first_us, channel.last_us)
        duration_ns = _pictures(connection, channel.number, from_us)
        if duration_ns is not None:  # the instant may lie in a gap
            found.pictures_ns.append(duration_ns)
            found.clip_ns.append(_clip(HTTPConnection(host, timeout=30), channel.number, from_us))
    connection.close()
    return found


def _channels(connection: HTTPConnection) -> list[_Channel]:
    rows = json.loads(_whole(_get(connection, "/api/channels")))
    channels = [
        _Channel(row["number"], row["first_us"] + EDGE_US, row["last_us"] - EDGE_US)
        for row in rows
        if row["first_us"] is not None and row["last_us"] - row["first_us"] > 2 * EDGE_US
    ]
    if not channels:
        sys.exit("the server has no footage of more than ten seconds")
    return channels


def _pictures(connection: HTTPConnection, channel: int, from_us: int) -> int | None:
    began = time.perf_counter_ns()
    table = json.loads(
        _whole(_get(connection, f"/api/channels/{channel}/fragments?from_us={from_us}&to_us={from_us + WINDOW_US}"))
    )
    if not table["chunks"] or not table["chunks"][0]["fragments"]:
        return None
    chunk = table["chunks"][0]
    offset, end = chunk["fragments"][0][:2]
    answer = _get(connection, chunk["media_url"], {"Range": f"bytes={offset}-{end - 1}"})
    answer.read(1)
    duration_ns = time.perf_counter_ns() - began
    _whole(answer)
    return duration_ns


def _clip(connection: HTTPConnection, channel: int, from_us: int) -> int:
    connection.connect()
    began = time.perf_counter_ns()
    answer = _get(connection, f"/api/channels/{channel}/clip.mp4?from_us={from_us}&to_us={from_us + WINDOW_US}")
    answer.read(1)
    duration_ns = time.perf_counter_ns() - began
    connection.close()
    return duration_ns


def _get(connection: HTTPConnection, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    if answer.status not in (200, 206):
        sys.exit(f"{path}: {answer.status} {answer.read(500)!r}")
    return answer


def _whole(answer: HTTPResponse) -> bytes:
    return answer.read()
