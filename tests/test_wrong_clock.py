"""A recorder whose clock is wrong, as a whole: libfaketime moves the clock while cameras are recorded."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.reader import IndexReader
from indexer.registry import Registry
from indexer.troubles import Matter, TroubleBook
from nvr.config import load
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_DAY, SystemClock
from tools.init import make_volumes
from tools.simcam.fleet import Fleet
from tools.simcam.options import SUB, Manners, Picture, Town

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
DEADLINE_S = 90
MAIN = Track(1, TrackKind.MAIN)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is missing: apt-get install faketime"),
]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(Town(channels=1, main=Picture(320, 180, 10, 200), sub=SUB), Manners()) as fleet:
        yield fleet


class Recorder:
    """``nvr recorder`` with a clock that is moved."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        self.folder = folder
        self.config = folder / "nvr.toml"
        self.config.write_text(
            'data_dir = "data"\n[[volumes]]\nnumber = 1\npath = "volume"\n'
            "[retention]\nmax_days = 30\nmin_days = 1\nballast_mib = 0\n[recorder]\nmain_chunk_s = 3\nsub_chunk_s = 3\n"
        )
        make_volumes(load(self.config))
        with Registry.open(folder / "data" / "registry") as registry:
            for channel in fleet.channels():
                registry.put(channel)
        self._offset = folder / "offset"

    def clock(self, offset: str) -> None:
        """Move the clock of the running recorder, or of the next one."""
        new = self.folder / "offset.new"
        new.write_text(offset + "\n")
        new.rename(self._offset)

    def __enter__(self) -> "Recorder":
        fake = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        command = (sys.executable, "-m", "tools.main", "recorder", "--config", str(self.config))
        self._process = subprocess.Popen(command, env=os.environ | fake)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.wait(60) == 0

    def files(self) -> set[str]:
        return {str(path) for path in (self.folder / "volume").rglob("*.mp4")}

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert self._process.poll() is None, "the recorder ended by itself"
            assert time.monotonic() < end_s, what
            time.sleep(0.1)

    def more_files(self, count: int) -> None:
        known = self.files()
        self.until(lambda: len(self.files() - known) >= count, f"{count} more files")


def test_footage_of_a_clock_a_year_behind_is_kept_and_marked_once_the_clock_is_right(
    tmp_path: Path, fleet: Fleet
) -> None:
    service = Recorder(tmp_path, fleet)
    service.clock("-400d")
    with service:
        service.more_files(3)
        behind = service.files()
        service.clock("+0")
        service.more_files(6)  # sealing takes longer than a sweep after a step
    assert behind <= service.files()
    with IndexReader.open(tmp_path / "data" / "index") as reader:
        rows = [row for page in reader.pages(MAIN) for row in page]
    now_us = SystemClock().wall_us()
    old = [row for row in rows if now_us - row.start_us > 300 * US_PER_DAY]
    assert len(old) >= 2
    assert all(row.is_clock_doubtful for row in old)
    assert _doubts(tmp_path)


def test_archive_survives_a_clock_that_jumps_ahead_and_comes_back(tmp_path: Path, fleet: Fleet) -> None:
    service = Recorder(tmp_path, fleet)
    service.clock("+0")
    with service:
        service.more_files(3)
        before = service.files()
        service.clock("+60d")
        service.more_files(4)
        service.clock("+0")
        service.more_files(4)
    assert before <= service.files()
    assert _doubts(tmp_path)


def _doubts(folder: Path) -> list[str]:
    with TroubleBook.open(folder / "data" / "troubles", read_only=True) as book:
        return [one.detail for one in book.since(0) if one.matter is Matter.CLOCK]
