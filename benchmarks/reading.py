"""How fast is footage read? From a timestamp to the first picture, clips, sixteen viewers; beside nginx sending files.

    python -m benchmarks.reading [--channels 16] [--minutes 4] [--rounds 60] [--seconds 20] [--index INDEX]

Makes footage of 1080p25 at 4 Mbit/s by the real writers (some 30 MB a minute and camera), serves it in a process of its
own and reads it over HTTP. nginx serves the same bytes where it is installed (Debian's nginx-light); what nginx cannot
do has no figure beside it. With an INDEX that ``benchmarks.seek --keep`` left, the timeline of a month of all its
channels as well. Prints a table and, as its last line, one JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.file_server import PROGRAM, FileServer, nginx
from benchmarks.footage import Footage, recorded
from benchmarks.served import ask, served
from benchmarks.viewers import Plan, Watched, plan_of, watch
from nvr.timebase import US_PER_DAY, US_PER_S
from tools.process import cpu_s

EDGE_US = 3 * US_PER_S
BUFFER_BYTES = 1 << 20
LANES = 2  # web/ui/src/thumbs/load.ts
STILL_WIDTH = 640
Found = dict[str, float | str]


class Read(NamedTuple):
    """One answer, read to its end."""

    first_byte_ms: float
    whole_ms: float
    bytes: int
    cpu_s: float


class Reader:
    """One connection, kept open, to a server whose CPU is looked at."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._buffer = bytearray(BUFFER_BYTES)

    def get(self, path: str, byte_range: tuple[int, int] | None = None) -> bytes:
        """A short answer."""
        return self._ask(path, byte_range).read()

    def read(self, path: str) -> Read:
        """A long answer, thrown away as it comes."""
        before_s, began_ns = cpu_s(self.pid), time.perf_counter_ns()
        answer = self._ask(path, None)
        count = len(answer.read(1))
        first_ns = time.perf_counter_ns() - began_ns
        while got := answer.readinto(self._buffer):
            count += got
        whole_ns = time.perf_counter_ns() - began_ns
        return Read(first_ns / 1e6, whole_ns / 1e6, count, cpu_s(self.pid) - before_s)

    def _ask(self, path: str, byte_range: tuple[int, int] | None) -> HTTPResponse:
        headers = {"Range": f"bytes={byte_range[0]}-{byte_range[1] - 1}"} if byte_range else {}
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        if answer.status not in (200, 206):
            sys.exit(f"{path}: {answer.status} {answer.read(300)!r}")
        return answer


def main() -> None:
    """Make, read, print."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.place) as folder:
        print(f"making {asked.channels} cameras × {asked.minutes} min …", file=sys.stderr)
        with recorded(Path(folder), asked.channels, asked.minutes) as made:
            found: Found = {"channels": asked.channels, "footage_mb": round(made.bytes / 1e6)}
            found |= first_pictures(made, asked.rounds)
            found |= strips(made)
            found |= clips(made)
            plan = plan_of(made.url, made.house.volume, made.tracks, made.start_us + EDGE_US, asked.seconds)
            found |= _watched("viewers", asyncio.run(watch(made.url, made.pid, plan, asked.seconds, ask_tables=True)))
            if PROGRAM is None:
                found["nginx"] = "skipped: it is not installed (apt-get install nginx-light)"
            else:
                found |= beside_nginx(made, plan, asked.rounds, asked.seconds)
    found |= timeline(asked.index, asked.rounds)
    for what, value in found.items():
        print(f"{what:32} {value if isinstance(value, str) else f'{value:,}'}")
    print(json.dumps(found))


def first_pictures(made: Footage, rounds: int) -> Found:
    """From a timestamp to what a person can be shown, each at an instant that was not asked for before."""
    reader, draw = Reader(made.url, made.pid), random.Random(4)
    found: Found = {"first_still_ms": round(_timed_ms(lambda: _wake(made)), 1)}
    for what, ask_one in {
        "still_exact": lambda: reader.get(_still(made, draw, "exact")),
        "still_key": lambda: reader.get(_still(made, draw, "key")),
        "group_of_pictures": lambda: _group(made, reader, draw),
    }.items():
        found |= _times(what, [_timed_ms(ask_one) for _ in range(rounds)])
    again = _still(made, draw, "key")
    reader.get(again)
    return found | _times("still_cached", [_timed_ms(lambda: reader.get(again)) for _ in range(rounds)])


def _wake(made: Footage) -> None:
    """Both decoder processes start, as they do once after the server's start."""
    draw = random.Random(3)
    paths = [_still(made, draw, "exact") for _ in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lambda path: Reader(made.url, made.pid).get(path), paths))


def strips(made: Footage) -> Found:
    """Twelve thumbnails as the page fetches them, two at a time: of a camera nobody looked at, and once more."""
    channel = made.tracks[-1].channel
    query = f"from_us={made.start_us}&to_us={made.end_us}&count=12&width=240"
    table = json.loads(Reader(made.url, made.pid).get(f"/api/channels/{channel}/thumbnails?{query}"))
    urls = [row["url"] for row in table["thumbnails"] if row["url"]]
    lanes = [(Reader(made.url, made.pid), urls[lane::LANES]) for lane in range(LANES)]

    def fetch(lane: tuple[Reader, list[str]]) -> None:
        for url in lane[1]:
            lane[0].get(url)

    with ThreadPoolExecutor(LANES) as pool:
        times_ms = [_timed_ms(lambda: list(pool.map(fetch, lanes))) for _ in range(2)]
    return {
        "strip_pictures": len(urls),
        "strip_ms": round(times_ms[0], 1),
        "strip_again_ms": round(times_ms[1], 1),
    }


def clips(made: Footage) -> Found:
    """One clip of everything, and archives: the first byte with nothing known, and how fast they come."""
    reader = Reader(made.url, made.pid)
    whole = f"from_us={made.start_us}&to_us={made.end_us}"
    clip = reader.read(f"/api/channels/1/clip.mp4?{whole}")
    again = reader.read(f"/api/channels/1/clip.mp4?{whole}")
    archive = reader.read(f"/api/clips.zip?channels=1,2,3,4&{whole}")
    return {
        "clip_first_byte_ms": round(clip.first_byte_ms, 1),
        "clip_again_first_byte_ms": round(again.first_byte_ms, 1),
        **_speed("clip", again),
        "archive_first_byte_ms": round(archive.first_byte_ms, 1),
        **_speed("archive", archive),
    }


def beside_nginx(made: Footage, plan: Plan, rounds: int, seconds: float) -> Found:
    """The same bytes as files: one group of pictures, one clip, sixteen viewers who know every range beforehand."""
    with tempfile.TemporaryDirectory() as folder:
        root, draw = made.folder, random.Random(4)
        clip = root / "clip.mp4"
        reader = Reader(made.url, made.pid)
        clip.write_bytes(reader.get(f"/api/channels/1/clip.mp4?from_us={made.start_us}&to_us={made.end_us}"))
        with nginx(root, Path(folder), as_root=os.geteuid() == 0) as server:
            files = Reader(server.url, server.pid)
            files.read("/clip.mp4")
            sent = files.read("/clip.mp4")
            groups = [draw.choice(draw.choice(plan)) for _ in range(rounds)]
            asks = [partial(files.get, f"/{one.file}", (one.offset, one.end)) for one in groups]
            times_ms = [_timed_ms(ask_one) for ask_one in asks]
            watched = _watch_files(server, plan, seconds)
    return {
        "nginx_clip_first_byte_ms": round(sent.first_byte_ms, 1),
        **_speed("nginx_clip", sent),
        **_times("nginx_group_of_pictures", times_ms),
        **_watched("nginx_viewers", watched),
    }


def timeline(index: Path | None, rounds: int) -> Found:
    """A month of every channel in an index, as the page asks for it."""
    if index is None:
        return {"timeline": "skipped: give --index, a folder that benchmarks.seek --keep has left"}
    with served(index) as made:
        query = f"from_us={made.now_us - 30 * US_PER_DAY}&to_us={made.now_us}&cells=1920"
        answers = asyncio.run(ask(made.archive, f"/api/timeline?{query}", rounds))
        return {
            "timeline_channels": len(made.channels),
            "timeline_month_p50_ms": answers.p50_ms,
            "timeline_month_max_ms": answers.max_ms,
            "timeline_month_wire_bytes": answers.wire_bytes,
        }


def _watch_files(server: FileServer, plan: Plan, seconds: float) -> Watched:
    return asyncio.run(watch(server.url, server.pid, plan, seconds, ask_tables=False))


def _instant(made: Footage, draw: random.Random) -> tuple[int, int]:
    return draw.choice(made.tracks).channel, draw.randrange(made.start_us + EDGE_US, made.end_us - EDGE_US)


def _still(made: Footage, draw: random.Random, picture: str) -> str:
    channel, at_us = _instant(made, draw)
    return f"/api/channels/{channel}/still.jpg?at_us={at_us}&width={STILL_WIDTH}&picture={picture}"


def _group(made: Footage, reader: Reader, draw: random.Random) -> None:
    """What a player needs before it can show an instant: table, init segment, bytes from the sync sample on."""
    channel, at_us = _instant(made, draw)
    table = json.loads(reader.get(f"/api/channels/{channel}/fragments?from_us={at_us}&to_us={at_us + 1}"))
    chunk = table["chunks"][0]
    reader.get(chunk["init_url"])
    reader.get(chunk["media_url"], (chunk["fragments"][0][0], chunk["fragments"][-1][1]))


def _timed_ms(what: Callable[[], object]) -> float:
    began_ns = time.perf_counter_ns()
    what()
    return (time.perf_counter_ns() - began_ns) / 1e6


def _times(what: str, times_ms: list[float]) -> Found:
    ordered = sorted(times_ms)
    return {
        f"{what}_p50_ms": round(ordered[len(ordered) // 2], 1),
        f"{what}_p95_ms": round(ordered[len(ordered) * 95 // 100], 1),
    }


def _speed(what: str, read: Read) -> Found:
    return {
        f"{what}_mb_per_s": round(read.bytes / 1e3 / read.whole_ms),
        f"{what}_cpu_s_per_gb": round(read.cpu_s / (read.bytes / 1e9), 2),
    }


def _watched(what: str, watched: Watched) -> Found:
    return {
        f"{what}_core_percent": round(watched.core_percent, 1),
        f"{what}_mb_per_s": round(watched.mb_per_s, 1),
        f"{what}_latest_ms": round(watched.latest_ms, 1),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--channels", type=int, default=16, help="as many viewers, one each")
    parser.add_argument("--minutes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=20, help="that the viewers watch")
    parser.add_argument("--index", type=Path, help="of benchmarks.seek --keep, for the timeline")
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()), help="where the footage goes")
    asked = parser.parse_args()
    needed_bytes = asked.channels * asked.minutes * 40 * 10**6
    if shutil.disk_usage(asked.place).free < needed_bytes:
        parser.error(f"{asked.place} has not the {needed_bytes / 1e9:.0f} GB that this needs: give --place")
    if asked.channels < 4 or asked.minutes * 60 < asked.seconds + 10:
        parser.error("at least 4 channels, and some seconds more of footage than are watched")
    return asked


if __name__ == "__main__":
    main()
