"""The web server is killed (SIGKILL) again and again: it comes back, and the recorder loses nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nvr.chunk.volume import Volume
from nvr.timebase import TICKS_PER_S, SystemClock
from tests.running import Running, running
from tools.process import tree
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Town
from tools.tally import tally

KILLS = 3


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(Town(channels=4), Manners()) as fleet:
        yield fleet


def pid_of(service: Running, command: str) -> int | None:
    """The child of ``nvr run`` that runs a command."""
    for pid in tree(service.process.pid)[1:]:
        with suppress(OSError):  # it has ended since it was seen
            if command.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
    return None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_web_server_killed_again_and_again_costs_no_picture(fleet: Fleet, tmp_path: Path) -> None:
    tracks = [track for channel in fleet.channels() for track in channel.tracks()]
    with running(tmp_path, fleet, main_chunk_s=5, sub_chunk_s=8) as service:
        service.until(lambda: service.recorded(tracks, 3), "all tracks are recorded")
        recorder = pid_of(service, "recorder")
        for _ in range(KILLS):
            web = pid_of(service, "web")
            assert web is not None
            os.kill(web, signal.SIGKILL)
            service.until(lambda: pid_of(service, "web") not in (None, web), "another web server")  # noqa: B023
            service.until(service.answers, "it answers")
        service.until(lambda: service.recorded(tracks, 10), "footage in one piece over all kills")
        assert pid_of(service, "recorder") == recorder
    with Volume.open(1, tmp_path / "footage", create=False, clock=SystemClock(), read_only=True) as volume:
        frames = {track: TICKS_PER_S // fleet.media(track.channel, track.kind).recipe.fps for track in tracks}
        counted = tally([volume], frames)
    assert all(one.access_units > 100 for one in counted.values())
    assert sum(one.lost + one.twice for one in counted.values()) == 0
