"""The whole program as a person runs it: ``nvr run`` over simulated cameras, asked through its web address."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from indexer.registry import Registry
from nvr.media import Track
from nvr.timebase import SystemClock
from tests.ports import free_port
from tests.tools.command_line import nvr
from tools.simcam.cadence import Cadence
from tools.simcam.fleet import Fleet

STOP_S = 60
LOOK_S = 0.05

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sent."""

    headers: Any
    body: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """A recorder with its web server, and the cameras."""

    url: str
    fleet: Fleet
    process: "subprocess.Popen[bytes]"

    def ask(self, path: str, **query: object) -> Answer:
        """GET; an error status raises `urllib.error.HTTPError`."""
        with urllib.request.urlopen(f"{self.url}{path}?{urlencode(query)}", timeout=30) as answer:
            return Answer(answer.headers, answer.read())

    def json(self, path: str, **query: object) -> Any:
        return json.loads(self.ask(path, **query).body)

    def chunks(self, track: Track, from_us: int, to_us: int) -> list[dict[str, Any]]:
        """The chunks of a window with their fragments, as the page asks for them."""
        path = f"/api/channels/{track.channel}/fragments"
        chunks: list[dict[str, Any]] = self.json(path, track=track.kind.word, from_us=from_us, to_us=to_us)["chunks"]
        return chunks

    def spans(self, track: Track, to_us: int) -> list[list[int]]:
        """What of a track's last ten minutes is there."""
        path, from_us = f"/api/channels/{track.channel}/timeline", to_us - 600_000_000
        spans: list[list[int]] = self.json(path, track=track.kind.word, from_us=from_us, to_us=to_us)["spans"]
        return spans

    def cadence(self, track: Track) -> Cadence:
        return self.fleet.media(track.channel, track.kind).recipe.cadence

    def until(self, condition: Callable[[], Found | None], what: str, deadline_s: float = 60) -> Found:
        """Look often until something is so; gives what it gave."""
        end_s = time.monotonic() + deadline_s
        while time.monotonic() < end_s:
            assert self.process.poll() is None, "nvr run ended by itself"
            if found := condition():
                return found
            time.sleep(LOOK_S)
        raise AssertionError(f"not within {deadline_s} s: {what}")

    def recorded(self, tracks: list[Track], seconds: float) -> bool:
        """Whether each track has so much footage in one piece."""
        now_us = SystemClock().wall_us()
        newest = [spans[-1] if (spans := self.spans(track, now_us)) else [0, 0] for track in tracks]
        return all(end - start >= seconds * 1_000_000 for start, end in newest)

    def answers(self) -> bool:
        """Whether the web server does, and the recorder has given a sign of life: then index and board are there."""
        try:
            return bool(self.json("/api/site")["recorder"]["running"])
        except urllib.error.URLError:
            return False


@contextmanager
def running(
    folder: Path,
    fleet: Fleet,
    *,
    main_chunk_s: int,
    sub_chunk_s: int,
    volumes: Sequence[tuple[int, Path]] = ((1, Path("footage")),),
    more: str = "",
    prepare: Callable[[Path], None] = lambda _data: None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """``nvr init``, the cameras into the registry, ``nvr run``; ended by SIGTERM.

    Args:
        folder: for everything.
        fleet: the cameras.
        main_chunk_s: seconds of a main stream's file.
        sub_chunk_s: of a sub stream's.
        volumes: numbers and folders.
        more: further blocks of nvr.toml.
        prepare: called with the data folder before the recorder starts.
        environment: more variables for the program.
    """
    port, config = free_port(), folder / "nvr.toml"
    blocks = "".join(f'[[volumes]]\nnumber = {number}\npath = "{path}"\n' for number, path in volumes)
    config.write_text(
        f'data_dir = "data"\n{blocks}'
        f"[recorder]\nmain_chunk_s = {main_chunk_s}\nsub_chunk_s = {sub_chunk_s}\n[web]\nport = {port}\n{more}"
    )
    assert nvr("init", folder).code == 0
    with Registry.open(folder / "data" / "registry") as registry:
        for channel in fleet.channels():
            registry.put(channel)
    prepare(folder / "data")
    command = (sys.executable, "-m", "tools.main", "run", "--config", str(config))
    process = subprocess.Popen(command, env=os.environ | (environment or {}))
    try:
        opened = Running(f"http://127.0.0.1:{port}", fleet, process)
        opened.until(opened.answers, "the web server answers")
        yield opened
    finally:
        process.terminate()
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    assert code == 0
