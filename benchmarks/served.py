"""An index that ``benchmarks.seek --keep`` left, with board and registry of as many cameras, asked over HTTP."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession, web

from indexer.activity import ActivityBook
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


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and what it is made of."""

    archive: Archive
    channels: list[int]
    rows: int
    now_us: int  # where the footage ends


@dataclass(frozen=True, slots=True)
class Answers:
    """How long answers took, in milliseconds, and how many bytes the last one had on the wire."""

    p50_ms: float
    max_ms: float
    wire_bytes: int


@contextmanager
def served(path: Path) -> Iterator[Served]:
    """Everything that the web server reads, but footage.

    Args:
        path: the folder of the index.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        IndexReader.open(path) as index,
        Board.open(Path(folder) / "board") as board,
        Registry.open(Path(folder) / "registry") as registry,
        TroubleBook.open(Path(folder) / "troubles") as troubles,
        ActivityBook.open(Path(folder) / "activity") as activity,
    ):
        channels = [track.channel for track in index.tracks()]
        now_us = max(index.last(track) or 0 for track in index.tracks())
        for number in channels:
            registry.put(Channel(number, f"Camera {number}", "rtsp://camera/main", "rtsp://camera/sub"))
        _fill(board, channels, now_us)
        archive = Archive(
            index=lambda: index,
            board=lambda: board,
            registry=lambda: registry,
            troubles=lambda: troubles,
            activity=lambda: activity,
            volumes={},
            clock=LastRecorded(now_us),
        )
        yield Served(archive, channels, index.rows(), now_us)


def _fill(board: Board, channels: list[int], now_us: int) -> None:
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


async def ask(archive: Archive, path: str, rounds: int) -> Answers:
    """Ask for an address so many times over HTTP, compressed as for a browser."""
    app = build(archive, SiteSettings(name="bench"), RetentionSettings.model_validate({}))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    durations_ns, wire_bytes = [], 0
    async with ClientSession(auto_decompress=False) as session:
        for _ in range(rounds):
            began_ns = time.perf_counter_ns()
            async with session.get(url, headers={"Accept-Encoding": "gzip"}) as reply:
                wire_bytes = len(await reply.read())
                reply.raise_for_status()
            durations_ns.append(time.perf_counter_ns() - began_ns)
    await runner.cleanup()
    ordered = [round(duration_ns / 1e6, 2) for duration_ns in sorted(durations_ns)]
    return Answers(ordered[rounds // 2], ordered[-1], wire_bytes)
