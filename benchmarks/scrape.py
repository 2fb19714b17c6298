"""How long does a scrape of `/metrics` take? Over an index that ``benchmarks.seek --keep`` has left.

    python -m benchmarks.scrape INDEX [--rounds 50]

Serves that index with a board and a registry of as many cameras, two streams each, and asks over HTTP. Prints the
median and the slowest of the scrapes, and the bytes of one; as its last line, one JSON object. Gaps make a scrape
dearer: `benchmarks.retention` writes ten a day for each camera into the index.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from aiohttp import ClientSession, web

from indexer.board import Board, RecorderStatus, TrackState, TrackStatus, VolumeStatus
from indexer.reader import IndexReader
from indexer.registry import Registry
from indexer.troubles import TroubleBook
from nvr.channel import Channel
from nvr.config import RetentionSettings, SiteSettings
from nvr.media import Track, TrackKind
from nvr.timebase import SystemClock
from web.app import build
from web.archive import Archive


class LastRecorded:
    """A clock that stands where the footage of the index ends."""

    def __init__(self, wall_us: int) -> None:
        self._wall_us = wall_us

    def wall_us(self) -> int:
        """Microseconds UTC."""
        return self._wall_us

    def monotonic_us(self) -> int:
        """This one runs."""
        return SystemClock().monotonic_us()


def main() -> None:
    """Fill the board, serve, scrape, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scrape", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        IndexReader.open(asked.index) as index,
        Board.open(Path(folder) / "board") as board,
        Registry.open(Path(folder) / "registry") as registry,
        TroubleBook.open(Path(folder) / "troubles") as troubles,
    ):
        channels = [track.channel for track in index.tracks()]
        now_us = max(index.last(track) or 0 for track in index.tracks())
        for number in channels:
            registry.put(Channel(number, f"Camera {number}", "rtsp://camera/main", "rtsp://camera/sub"))
        fill(board, channels, now_us)
        archive = Archive(
            index=lambda: index,
            board=lambda: board,
            registry=lambda: registry,
            troubles=lambda: troubles,
            volumes={},
            clock=LastRecorded(now_us),
        )
        found: dict[str, float | int] = {"rows": index.rows(), "channels": len(channels)}
        found |= asyncio.run(scrape(archive, asked.rounds))
    for what, value in found.items():
        print(f"{what}: {value:,}")
    print(json.dumps(found))


def fill(board: Board, channels: list[int], now_us: int) -> None:
    """Every stream records, but the sub stream of every tenth camera."""
    board.post_recorder(
        RecorderStatus(pid=1, started_us=now_us, heartbeat_us=now_us),
        [VolumeStatus(number=number, free_bytes=10**12, total_bytes=4 * 10**12) for number in (1, 2)],
    )
    tracks = [Track(number, kind) for number in channels for kind in TrackKind]
    states = {True: TrackState.WAITING, False: TrackState.RECORDING}
    board.post(
        TrackStatus(
            track=track,
            state=states[track.kind is TrackKind.SUB and track.channel % 10 == 0],
            bytes=10**12 + track.id,
            lost_packets=track.id,
            bitrate_bps=4_096_000,
            clock_offset_us=track.id,
        )
        for track in tracks
    )


async def scrape(archive: Archive, rounds: int) -> dict[str, float | int]:
    """Ask so many times."""
    app = build(archive, SiteSettings(name="bench"), RetentionSettings.model_validate({}))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    durations_ns, size_bytes = [], 0
    async with ClientSession() as session:
        for _ in range(rounds):
            began_ns = time.perf_counter_ns()
            async with session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/metrics") as reply:
                size_bytes = len(await reply.read())
                reply.raise_for_status()
            durations_ns.append(time.perf_counter_ns() - began_ns)
    await runner.cleanup()
    ordered = [round(duration_ns / 1e6, 2) for duration_ns in sorted(durations_ns)]
    return {"scrape_p50_ms": ordered[rounds // 2], "scrape_max_ms": ordered[-1], "scrape_bytes": size_bytes}


if __name__ == "__main__":
    main()
