"""How many channels until the first access unit is lost? One recorder, to which channels are added while it runs."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.cameras import FRAME_90K, Cameras
from benchmarks.contestants import Processes, register, start_recorder, stop
from benchmarks.window import Figures, await_sessions, look
from indexer.board import Board
from indexer.reader import IndexReader
from nvr.capture.report import TrackState

BYTES_PER_CHANNEL_S = 520_000


class Step(NamedTuple):
    """One number of channels."""

    channels: int
    figures: Figures
    lost: int  # access units, and packets, since the first step
    why: str


class Climb(NamedTuple):
    """What was found."""

    steps: list[Step]
    whole: int  # the most channels with nothing lost
    holes: int  # access units missing inside what was recorded, by the index, if nothing had seemed lost


def climb(cameras: Cameras, *, first: int, step: int, most: int, settle_s: float, seconds: float, place: Path) -> Climb:
    """Add channels step by step until something is lost, or there are ``most``, or the disk has no room for more."""
    folder = Path(tempfile.mkdtemp(dir=place))
    steps: list[Step] = []
    processes: Processes = []
    try:
        begun, lost_before = cameras.count(0).sessions, cameras.count(0).lost
        processes = start_recorder(cameras.url, first, folder)
        for channels in range(first, most + 1, step):
            if shutil.disk_usage(place).free < 2 * (settle_s + seconds) * channels * BYTES_PER_CHANNEL_S:
                print(f"the disk has no room to go on to {channels} channels")
                break
            if channels > first:
                register(cameras.url, range(channels - step + 1, channels + 1), folder)
            await_sessions(cameras, channels, begun + channels, processes)
            time.sleep(settle_s)
            figures = look(cameras, channels, processes, seconds)
            steps.append(_judge(channels, figures, cameras.count(channels).lost - lost_before, folder))
            print(_line(steps[-1]), flush=True)
            if steps[-1].lost:
                break
        stop(processes)
        holes = _holes(folder)
    finally:
        stop(processes)
        shutil.rmtree(folder)
    whole = max((one.channels for one in steps if not one.lost), default=0)
    return Climb(steps, whole, holes)


def _judge(channels: int, figures: Figures, unsent: int, folder: Path) -> Step:
    """Whether anything was lost: unsent by the simulator, missing on the way, or refused by the disk's queue."""
    with Board.open(folder / "data" / "run" / "board") as board:
        tracks, recorder = board.all(), board.recorder()
    faults = {
        "not sent in time": unsent,
        "packets lost": sum(track.lost_packets for track in tracks),
        "sessions lost": sum(track.reconnects for track in tracks),
        "not recording": channels - sum(track.state is TrackState.RECORDING for track in tracks),
        "fragments refused": recorder.dropped_fragments if recorder else 0,
    }
    why = ", ".join(f"{count} {what}" for what, count in faults.items() if count)
    return Step(channels, figures, sum(faults.values()), why)


def _line(step: Step) -> str:
    figures = step.figures
    return (
        f"{step.channels:5d} channels  {figures.mb_per_s:6.1f} MB/s  {figures.cpu_s_per_gb:5.2f} CPU s/GB  "
        f"recorder {figures.core_percent:3.0f} % of a core  machine {figures.busy_percent:3.0f} % busy  "
        f"PSS {figures.pss_mb:4.0f} MB  {step.why or 'nothing lost'}"
    )


def _holes(folder: Path) -> int:
    """Access units that are missing inside the recorded chunks: a frame's duration without its frame."""
    with IndexReader.open(folder / "data" / "index") as index:
        rows = [row for track in index.tracks() for page in index.pages(track) for row in page]
    return sum(row.media_90k // FRAME_90K - row.samples for row in rows)
