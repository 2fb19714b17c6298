"""Programs that record cameras, each started in the same way: URLs and a folder in, processes out."""

import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from indexer.registry import Registry
from nvr.channel import Channel
from nvr.config import load
from tools.init import make_volumes

Processes = list["subprocess.Popen[bytes]"]

ROOT = Path(__file__).parent.parent
STOP_S = 60
CONFIG = 'data_dir = "data"\n[[volumes]]\nnumber = 1\npath = "footage"\n'
FFMPEG = (
    "ffmpeg -nostdin -hide_banner -loglevel error -rtsp_transport tcp -i {url} -c copy -an "
    "-f segment -segment_time 60 -reset_timestamps 1 {folder}/{channel}-%05d.mp4"
)


class Urls(Protocol):
    """Where each channel plays."""

    def __call__(self, channel: int) -> str: ...


Start = Callable[[Urls, int, Path], Processes]  # where, how many, folder for the data


def start_recorder(url: Urls, channels: int, folder: Path) -> Processes:
    """``nvr recorder``, as ``nvr run`` starts it: SHA-256 of every fragment, index, board, syncfs every 2 s."""
    config = folder / "nvr.toml"
    config.write_text(CONFIG)
    make_volumes(load(config))
    register(url, range(1, channels + 1), folder)
    return [_spawn([sys.executable, "-m", "tools.main", "recorder", "--config", str(config)])]


def register(url: Urls, numbers: Sequence[int], folder: Path) -> None:
    """Enter channels in the recorder's registry; it need not be stopped for that."""
    with Registry.open(folder / "data" / "registry") as registry:
        for number in numbers:
            registry.put(Channel(number, f"Camera {number}", url(number)))


def a_process_a_channel(command: str) -> Start:
    """A program that is started for each channel; ``{url}``, ``{channel}`` and ``{folder}`` stand for themselves."""

    def start(url: Urls, channels: int, folder: Path) -> Processes:
        lines = (command.format(url=url(n), channel=n, folder=folder) for n in range(1, channels + 1))
        return [_spawn(shlex.split(line)) for line in lines]

    return start


def floor(low_mark_bytes: int, program: Path) -> Start:
    """The C program that only reads and writes."""

    def start(url: Urls, channels: int, folder: Path) -> Processes:
        places = [url(n).removeprefix("rtsp://").partition("/") for n in range(1, channels + 1)]
        host, _, port = places[0][0].rpartition(":")
        paths = [f"/{path}" for _, _, path in places]
        return [_spawn([str(program), str(folder), str(low_mark_bytes), host, port, *paths])]

    return start


def compile_floor(folder: Path) -> Path | None:
    """Compile ``floor.c``; None: there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program = folder / "floor"
    subprocess.run([compiler, "-O2", "-o", program, ROOT / "benchmarks" / "floor.c"], check=True)
    return program


def stop(processes: Processes) -> None:
    """End what was started, and wait for it."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def allow_many_files() -> None:
    """A reader takes a descriptor or two a channel: the children inherit the highest limit there is."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _spawn(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
