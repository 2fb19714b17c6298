"""``nvr demo``: 55 simulated cameras, recorded and played back, with nothing to set up."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError, NvrError

if TYPE_CHECKING:
    from indexer.board import Board
    from nvr.media import Track
    from tools.simcam.fleet import Fleet
    from tools.simcam.options import Town

MARK = "# Written by nvr demo; the folder is emptied at the next demo."
START_S = 60.0  # all cameras are to be recorded within so much
STOP_S = 60.0
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """The JSON line."""

    channels: int
    tracks: int
    recorded_tracks: int
    access_units_sent: int
    access_units_recorded: int
    lost_access_units: int
    chunks: int
    bytes: int
    recorder_cpu_s: float
    recorder_cpu_s_per_gb: float
    recorder_pss_mb: float

    @property
    def complete(self) -> bool:
        """Whether every track was recorded and nothing is missing."""
        return self.recorded_tracks == self.tracks and self.lost_access_units == 0


@dataclass(frozen=True, slots=True)
class _Cost:
    """What the recorder has cost so far."""

    cpu_s: float
    pss_mb: float
    media_bytes: int


def demo(
    duration_s: Annotated[float, typer.Option("--for", help="Stop after so many seconds; 0: at Ctrl-C.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line at the end.")] = False,
    channels: Annotated[int, typer.Option(help="How many cameras.", min=1, max=1023)] = 55,
    size: Annotated[str, typer.Option(help="Of the main streams.")] = "640x360",
    fps: Annotated[int, typer.Option(help="Of the main streams.", min=1, max=60)] = 25,
    main_kbps: Annotated[int, typer.Option(help="Of the main streams.", min=50)] = 800,
    sub: Annotated[bool, typer.Option(help="Record the cameras' sub streams as well.")] = True,
    trickle: Annotated[bool, typer.Option("--trickle", help="Send packets as a real network brings them.")] = False,
    port: Annotated[int, typer.Option(help="Of the web page; 0: any that is free.")] = 8055,
    folder: Annotated[Path, typer.Option(help="For footage and index; emptied at the start.")] = Path("demo-data"),
) -> None:
    """Record simulated cameras and show them: the whole system on one machine, without a camera."""
    from tools.simcam.fleet import Fleet
    from tools.simcam.options import MAIN, SUB, Manners, Picture, Town
    from tools.simcam.options import size as parse_size

    main = Picture(*parse_size(size), fps, main_kbps, MAIN.codec)
    small = Picture(640, 360, SUB.fps, 512) if main.width >= 1280 else SUB
    town = Town(channels=channels, main=main, sub=small if sub else None)
    _prepare(folder, port or _free_port())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing is left running
    say = _speaker(quiet=as_json)
    with Fleet(
        town, Manners(trickle=trickle), progress=lambda done, of: say(f"drawing cameras: {done} of {of}")
    ) as fleet:
        outcome = _Demo(folder, town, fleet, say).run(duration_s)
    if outcome is not None:
        print(json.dumps(asdict(outcome)) if as_json else _in_words(outcome), flush=True)
        sys.exit(0 if outcome.complete else 1)


class _Demo:
    """One run."""

    def __init__(self, folder: Path, town: "Town", fleet: "Fleet", say: Callable[[str], None]) -> None:
        from nvr.config import load
        from nvr.timebase import SystemClock

        self._config = folder / "nvr.toml"
        self._settings = load(self._config)
        self._town = town
        self._fleet = fleet
        self._say = say
        self._clock = SystemClock()
        self._tracks = [track for channel in fleet.channels() for track in channel.tracks()]

    def run(self, duration_s: float) -> Outcome | None:
        """Record for so long, or until Ctrl-C when it is 0; then there is no outcome."""
        from indexer.board import Board
        from indexer.registry import Registry
        from tools.clock import vouch
        from tools.init import make_volumes

        make_volumes(self._settings)
        with Registry.open(self._settings.registry_path) as registry:
            for channel in self._fleet.channels():
                registry.put(channel)
        vouch(self._settings.clock_path)  # its cameras live by this clock: no time of theirs is doubted
        command = (sys.executable, "-m", "tools.main", "run", "--config", str(self._config))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            with Board.open(self._settings.board_path) as board:
                return self._watch(process, board, duration_s)
        except KeyboardInterrupt:
            self._say("stopping …")
            return None
        finally:
            _stop(process)

    def _watch(self, process: "subprocess.Popen[bytes]", board: "Board", duration_s: float) -> Outcome | None:
        started_s = time.monotonic()
        self._wait_until_recording(process, board, started_s)
        took_s = time.monotonic() - started_s
        self._say(f"{self._town.channels} cameras, {len(self._tracks)} streams: all recorded after {took_s:.0f} s.")
        self._say(
            f"Open http://{self._settings.web.host}:{self._settings.web.port}/ in a browser. Ctrl-C ends the demo."
        )
        if not duration_s:
            self._wait(process, lambda: False, float("inf"))
            return None
        before = self._cost(board)
        self._wait(process, lambda: time.monotonic() - started_s >= duration_s, float("inf"))
        after = self._cost(board)
        _stop(process)
        return self._count(before, after)

    def _wait_until_recording(self, process: "subprocess.Popen[bytes]", board: "Board", started_s: float) -> None:
        from nvr.capture.report import TrackState

        def all_recording() -> bool:
            states = [status.state for status in board.all()]
            return states.count(TrackState.RECORDING) == len(self._tracks)

        if not self._wait(process, all_recording, started_s + START_S):
            bad = [
                f"{s.track}: {s.state.value} {s.message}" for s in board.all() if s.state is not TrackState.RECORDING
            ]
            raise NvrError(f"not all cameras are recorded after {START_S:.0f} s", where="; ".join(bad[:5]))

    def _wait(self, process: "subprocess.Popen[bytes]", condition: Callable[[], bool], deadline_s: float) -> bool:
        """Look until the condition holds; False: the deadline came first."""
        while not condition():
            if process.poll() is not None:
                raise NvrError("the recorder and the web server have ended", hint="their messages stand above")
            if time.monotonic() > deadline_s:
                return False
            time.sleep(LOOK_S)
        return True

    def _cost(self, board: "Board") -> _Cost:
        from tools.process import cpu_s, pss_mb

        recorder = board.recorder()
        if recorder is None:
            raise NvrError("the recorder shows no sign of life")
        return _Cost(cpu_s(recorder.pid), pss_mb(recorder.pid), sum(status.bytes for status in board.all()))

    def _count(self, before: _Cost, after: _Cost) -> Outcome:
        from nvr.chunk.volume import Volume
        from nvr.timebase import TICKS_PER_S
        from tools.tally import tally

        volumes = [
            Volume.open(one.number, one.path, create=False, clock=self._clock, read_only=True)
            for one in self._settings.volumes
        ]
        found = tally(volumes, {track: TICKS_PER_S // self._fps(track) for track in self._tracks})
        sent = self._fleet.all_sent()
        gigabytes = max(1, after.media_bytes - before.media_bytes) / 1e9
        return Outcome(
            channels=self._town.channels,
            tracks=len(self._tracks),
            recorded_tracks=sum(track.access_units > 0 for track in found.values()),
            access_units_sent=sum(one.access_units for one in sent.values()),
            access_units_recorded=sum(track.access_units for track in found.values()),
            lost_access_units=sum(track.lost + track.twice for track in found.values()),
            chunks=sum(track.chunks for track in found.values()),
            bytes=sum(track.bytes for track in found.values()),
            recorder_cpu_s=round(after.cpu_s, 2),
            recorder_cpu_s_per_gb=round((after.cpu_s - before.cpu_s) / gigabytes, 2),
            recorder_pss_mb=round(after.pss_mb, 1),
        )

    def _fps(self, track: "Track") -> int:
        recipe = self._town.recipe(track.channel, track.kind)
        assert recipe is not None
        return recipe.fps


def _prepare(folder: Path, port: int) -> None:
    """An empty folder with a configuration; refuses to empty one that no demo made."""
    config = folder / "nvr.toml"
    if folder.exists() and any(folder.iterdir()):
        if not config.exists() or not config.read_text(encoding="utf-8").startswith(MARK):
            raise ConfigError(
                "this folder is not empty, and no demo made it", where=str(folder), hint="name another one"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(
        f'{MARK}\ndata_dir = "data"\n\n[[volumes]]\nnumber = 1\npath = "volume1"\n\n'
        f"[retention]\nmin_days = 0\nmax_days = 1\n\n[web]\nport = {port}\n",
        encoding="utf-8",
    )


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _speaker(*, quiet: bool) -> Callable[[str], None]:
    """Says what happens; on stderr when stdout is for JSON."""
    return lambda text: print(text, file=sys.stderr if quiet else sys.stdout, flush=True)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(STOP_S)


def _in_words(outcome: Outcome) -> str:
    verdict = "Nothing is missing." if outcome.complete else "SOMETHING IS MISSING."
    footage = f"{outcome.access_units_recorded} pictures in {outcome.chunks} files, {outcome.bytes / 1e6:.0f} MB"
    cost = f"{outcome.recorder_cpu_s_per_gb} CPU seconds a GB and {outcome.recorder_pss_mb} MB of memory"
    return (
        f"{verdict} {outcome.recorded_tracks} of {outcome.tracks} streams, {footage}; "
        f"{outcome.lost_access_units} pictures lost. The recorder took {cost}."
    )
