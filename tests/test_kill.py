"""The recorder is killed (SIGKILL) at random moments, again and again, while it records.

After each restart all cameras are recorded again within seconds, nothing that was written is lost or wrong, and what
is missing is a gap that says why.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.board import Board
from indexer.reader import IndexReader
from indexer.registry import Registry
from nvr.capture.report import TrackState
from nvr.chunk.reader import ChunkReader
from nvr.chunk.volume import Volume
from nvr.config import load
from nvr.media import GapReason, Track
from nvr.timebase import US_PER_S, SystemClock, TimeRange, us_from_90k
from tools.init import make_volumes
from tools.simcam.fleet import Fleet
from tools.simcam.options import SUB, Manners, Picture, Town

KILLS = 20
CHANNELS = int(os.environ.get("NVR_KILL_CHANNELS", "8"))  # 55 by hand
AGAIN_S = 5.0  # the promise, for most restarts; a busy machine may take longer now and then
LATEST_S = 20.0
FRAGMENT_US = 500_000
UNREAD_US = 600_000  # what the kernel holds of a camera until the next read, and one turn of the disk thread
BUSY_US = 400_000  # by which a busy machine may be late with either


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(Town(channels=CHANNELS, main=Picture(640, 360, 25, 800), sub=SUB), Manners()) as fleet:
        yield fleet


class Service:
    """``nvr recorder`` as its supervisor runs it, and the board that shows what it does."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        self.folder = folder
        self.config = folder / "nvr.toml"
        self.config.write_text(
            'data_dir = "data"\n[[volumes]]\nnumber = 1\npath = "volume1"\n'
            "[recorder]\nmain_chunk_s = 5\nsub_chunk_s = 9\n"
        )
        make_volumes(load(self.config))
        with Registry.open(folder / "data" / "registry") as registry:
            for channel in fleet.channels():
                registry.put(channel)
        self.tracks = [track for channel in fleet.channels() for track in channel.tracks()]
        self.board = Board.open(folder / "data" / "run" / "board")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = (sys.executable, "-m", "tools.main", "recorder", "--config", str(self.config))
        self.process = subprocess.Popen(command)

    def kill(self) -> int:
        """SIGKILL; gives the wall time of it."""
        assert self.process is not None
        now_us = SystemClock().wall_us()
        self.process.kill()
        self.process.wait()
        return now_us

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0

    def recording(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the recorder ended by itself"
        recorder = self.board.recorder()
        states = [status.state for status in self.board.all()]
        mine = recorder is not None and recorder.pid == self.process.pid
        return mine and states.count(TrackState.RECORDING) == len(self.tracks)


@pytest.fixture
def service(fleet: Fleet, tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path, fleet)
    yield service
    if service.process is not None and service.process.poll() is None:
        service.kill()


def wait_until(condition: Callable[[], bool], deadline_s: float) -> float:
    """Look often; gives the seconds it took."""
    started_s = time.monotonic()
    while not condition():
        assert time.monotonic() - started_s < deadline_s, f"not within {deadline_s} s"
        time.sleep(0.02)
    return time.monotonic() - started_s


def recorded_times(volume: Volume, track: Track) -> list[int]:
    """The wall time of every recorded picture of a track, in order."""
    times: list[int] = []
    for name in sorted((name for name, _ in volume.chunks() if name.track == track), key=lambda name: name.start_us):
        with ChunkReader(volume.open_read(name)) as reader:
            delay_90k = reader.header.composition_delay_90k
            for row in reader.samples():
                shown_90k = int(row["decode_90k"]) + int(row["composition_90k"]) - delay_90k
                times.append(reader.start_us + us_from_90k(shown_90k))
    return times


def check(config: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "tools.main", "check", "--deep", "--config", str(config))
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_kills_at_random_moments_lose_one_fragment_and_are_told_as_gaps(service: Service, tmp_path: Path) -> None:
    draw = random.Random(55)
    sessions: list[tuple[int, int]] = []  # wall times: all tracks were being recorded, the kill
    took_s: list[float] = []
    service.start()
    wait_until(service.recording, 30)
    for _ in range(KILLS):
        since_us = SystemClock().wall_us()
        time.sleep(draw.uniform(0.2, 3.0))  # not a wait for something: the moment is the point of the test
        sessions.append((since_us, service.kill()))
        service.start()
        took_s.append(wait_until(service.recording, LATEST_S))
    wait_until(lambda: all(status.samples > 30 for status in service.board.all()), 30)
    service.stop()
    service.board.close()
    result = check(service.config)
    assert result.returncode == 0, result.stdout + result.stderr
    assert statistics.median(took_s) <= AGAIN_S
    worst_us = 0
    with (
        IndexReader.open(tmp_path / "data" / "index") as reader,
        Volume.open(1, tmp_path / "volume1", create=False, clock=SystemClock(), read_only=True) as volume,
    ):
        for track in service.tracks:
            everything = TimeRange(0, SystemClock().wall_us() + US_PER_S)
            gaps = [gap for gap in reader.gaps(track, everything) if gap.reason is GapReason.RESTART]
            times = recorded_times(volume, track)
            for since_us, kill_us in sessions:
                # every kill lies in one gap, or so close before one that the pictures between were on their way
                gap = next(gap for gap in gaps if gap.start_us <= kill_us + US_PER_S and gap.end_us > kill_us)
                lost_us = kill_us - max(since_us, *(time_us for time_us in times if time_us <= kill_us))
                worst_us = max(worst_us, lost_us)
                assert lost_us <= FRAGMENT_US + UNREAD_US + BUSY_US, f"{track} lost {lost_us} µs before the kill"
                assert gap.end_us - kill_us <= LATEST_S * US_PER_S
                assert not any(gap.start_us + 100_000 < time_us < gap.end_us - 100_000 for time_us in times)
    print(
        f"{KILLS} kills, {len(service.tracks)} tracks: again after {statistics.median(took_s):.1f} s, at most "
        f"{max(took_s):.1f} s; at most {worst_us / 1000:.0f} ms of footage lost before a kill"
    )
