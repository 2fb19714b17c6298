"""The server as a process of its own, from a configuration file to SIGTERM."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nvr import config
from nvr.errors import ConfigError
from tests.manual_clock import ManualClock
from tests.ports import free_port
from tests.web.archive import START_US, House
from tests.web.pictures import read_jpeg, stream
from web.app import serve

SOON_S = 30.0
PROGRAM = """
import sys
from pathlib import Path
from nvr import config
from web.app import serve
serve(config.load(Path(sys.argv[1])))
"""


def configure(folder: Path, port: int) -> Path:
    path = folder / "nvr.toml"
    path.write_text(
        f'data_dir = "data"\nruntime_dir = "data"\n[[volumes]]\nnumber = 1\npath = "volume"\n[web]\nport = {port}\n',
        encoding="utf-8",
    )
    return path


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server process that answers."""
    port = free_port()
    command = [sys.executable, "-c", PROGRAM, str(configure(folder, port))]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(url, process)
            yield url, process
        finally:
            if process.poll() is None:
                process.kill()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + SOON_S
    while time.monotonic() < deadline_s:
        assert process.poll() is None
        try:
            fetch(url + "/")
        except urllib.error.URLError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the server does not answer")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=SOON_S) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def children(pid: int) -> list[int]:
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(word) for text in texts for word in text.split()]


def test_server_serves_what_is_recorded_and_stops_on_sigterm(tmp_path: Path, clock: ManualClock) -> None:
    with House(tmp_path, clock) as house:
        end_us = house.record(stream(), START_US)
    with running(tmp_path) as (url, process):
        status, body = fetch(f"{url}/api/channels/1/timeline?from_us={START_US}&to_us={end_us}")
        assert (status, json.loads(body)["spans"]) == (200, [[START_US, end_us]])
        status, jpeg = fetch(f"{url}/api/channels/1/still.jpg?at_us={START_US + 1_000_000}")
        assert (status, read_jpeg(jpeg)) == (200, 25)
        started = children(process.pid)
        assert started, "a decoder process runs"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON_S) == 0
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))


def test_server_that_starts_before_the_recorder_says_so_and_recovers(tmp_path: Path, clock: ManualClock) -> None:
    with running(tmp_path) as (url, _):
        question = f"{url}/api/channels/1/timeline?from_us={START_US}&to_us={START_US + 1}"
        status, body = fetch(question)
        assert status in (404, 503)
        assert json.loads(body)["error"]
        with House(tmp_path, clock) as house:
            house.record(stream(), START_US)
        assert fetch(question)[0] == 200


def test_address_that_is_taken_is_a_configuration_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = config.load(configure(tmp_path, taken.getsockname()[1]))
        with pytest.raises(ConfigError, match="cannot be opened") as caught:
            serve(settings)
        assert "web.port" in caught.value.hint
