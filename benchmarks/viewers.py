"""People who watch, one camera each, in real time: as the page's player asks, a group of pictures ahead of its time."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from aiohttp import ClientSession

from nvr.chunk.volume import Volume
from nvr.media import Track
from nvr.timebase import US_PER_S, TimeRange
from tools.process import cpu_s

Files = Mapping[tuple[int, int], str]  # by channel and start: where a chunk lies

TABLE_US = 10 * US_PER_S  # the page asks for the table of so much at once


@dataclass(frozen=True, slots=True)
class Group:
    """The bytes of one group of pictures, and where they are served by us and lie for a file server."""

    url: str
    file: str  # relative to the volume
    offset: int
    end: int
    at_us: int


Plan = Sequence[Sequence[Group]]  # of each viewer what is fetched, in order


@dataclass(frozen=True, slots=True)
class Watched:
    """What it cost the server, and how late the latest group of pictures was there."""

    core_percent: float
    mb_per_s: float
    latest_ms: float


def plan_of(url: str, volume: Volume, tracks: Sequence[Track], from_us: int, seconds: float) -> Plan:
    """What each viewer will fetch from an instant on."""
    files = {(name.track.channel, name.start_us): name.path() for name, _ in volume.chunks()}
    return asyncio.run(_plan(url, files, tracks, TimeRange(from_us, from_us + round(seconds * US_PER_S))))


async def _plan(url: str, files: Files, tracks: Sequence[Track], window: TimeRange) -> Plan:
    async with ClientSession() as session:
        rows = []
        for track in tracks:
            query = f"from_us={window.start_us}&to_us={window.end_us}"
            async with session.get(f"{url}/api/channels/{track.channel}/fragments?{query}") as answer:
                table = await answer.json()
            chunks = ((chunk, files[track.channel, chunk["start_us"]]) for chunk in table["chunks"])
            rows.append([group for chunk, file in chunks for group in _groups(chunk, file)])
        return rows


def _groups(chunk: dict[str, Any], file: str) -> list[Group]:
    rows, url = chunk["fragments"], chunk["media_url"]
    starts = [number for number, row in enumerate(rows) if row[5]]
    edges = pairwise([*starts, len(rows)])
    return [Group(url, file, rows[first][0], rows[end - 1][1], rows[first][4]) for first, end in edges]


async def watch(url: str, pid: int, plan: Plan, seconds: float, *, ask_tables: bool) -> Watched:
    """Watch for so many seconds.

    Args:
        url: of the server.
        pid: of the server, whose CPU is looked at.
        plan: what each viewer fetches, in real time by ``Group.at_us``.
        seconds: how long.
        ask_tables: whether the table of fragments is asked for as well, every ten seconds, as a page does.
    """
    before_s, began_s = cpu_s(pid), time.monotonic()
    async with ClientSession(auto_decompress=False) as session:
        viewers = [_view(session, url, groups, seconds, ask_tables=ask_tables) for groups in plan]
        rows = await asyncio.gather(*viewers)
    elapsed_s = time.monotonic() - began_s
    core_percent = 100 * (cpu_s(pid) - before_s) / elapsed_s
    return Watched(core_percent, sum(count for count, _ in rows) / 1e6 / elapsed_s, max(late for _, late in rows))


async def _view(
    session: ClientSession, url: str, groups: Sequence[Group], seconds: float, *, ask_tables: bool
) -> tuple[int, float]:
    """Bytes fetched, and by how many ms the latest answer came behind the moment it was asked for."""
    began_s, first_us, count, latest_ms, table_us = time.monotonic(), groups[0].at_us, 0, 0.0, 0
    for group in groups:
        due_s = began_s + (group.at_us - first_us) / US_PER_S
        if due_s > began_s + seconds:
            break
        await asyncio.sleep(max(0, due_s - time.monotonic()))
        asked_s = time.monotonic()
        if ask_tables and group.at_us >= table_us:
            table_us = group.at_us + TABLE_US
            channel = group.url.split("/")[2]
            window = f"from_us={group.at_us}&to_us={table_us}"
            async with session.get(f"{url}/api/channels/{channel}/fragments?{window}") as answer:
                await answer.read()
        path = group.url if ask_tables else f"/{group.file}"
        async with session.get(url + path, headers={"Range": f"bytes={group.offset}-{group.end - 1}"}) as answer:
            answer.raise_for_status()
            count += len(await answer.read())
        latest_ms = max(latest_ms, 1000 * (time.monotonic() - asked_s))
    return count, latest_ms
