"""A recorder with simulated cameras on volumes that are too small for them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import STOP_S, allow_many_files
from benchmarks.soak_plan import SoakPlan
from indexer.registry import Registry
from nvr.config import load
from tools.init import make_volumes
from tools.simcam.fleet import Fleet

CAUSES = ("too_old", "over_quota", "for_room")


class CannotMount(Exception):
    """This machine lets nobody mount a small file system here."""


@dataclass(slots=True)
class Rig:
    """What runs, and where."""

    config: Path
    log: Path
    volumes: dict[int, Path]
    process: "subprocess.Popen[bytes]"

    def stop(self) -> int:
        """End the recorder as a person does; its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_S)

    def said(self) -> str:
        """All that the recorder has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def deleted(self) -> dict[str, int]:
        """How many chunks went for which cause, as the recorder says."""
        text = self.said()
        return {cause: sum(map(int, re.findall(rf"\b{cause}=(\d+)", text))) for cause in CAUSES}


@contextmanager
def rig(plan: SoakPlan, folder: Path) -> Iterator[Rig]:
    """Volumes 1 and 3 on tmpfs, 2 on ext4; cameras; the recorder. Nothing is left behind but the folder.

    Raises:
        CannotMount: it takes root.
    """
    allow_many_files()
    with ExitStack() as stack:
        volumes = {number: folder / f"disk{number}" for number in (1, 2, 3)}
        for number, path in volumes.items():
            stack.enter_context(_ext4(path, plan.volume_mib) if number == 2 else _tmpfs(path, plan.volume_mib))
        fleet = stack.enter_context(Fleet(plan.town))
        config = folder / "nvr.toml"
        config.write_text(plan.toml({number: f"{path}/footage" for number, path in volumes.items()}))
        make_volumes(load(config))
        with Registry.open(folder / "data" / "registry") as registry:
            for channel in fleet.channels():
                registry.put(channel)
        log = folder / "recorder.log"
        out = stack.enter_context(log.open("wb"))
        command = (sys.executable, "-m", "tools.main", "recorder", "--config", str(config))
        running = Rig(config, log, volumes, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT))
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()


def _tmpfs(path: Path, mib: int) -> "_Mount":
    return _Mount(path, ["-t", "tmpfs", "-o", f"size={mib}m", "tmpfs"])


def _ext4(path: Path, mib: int) -> "_Mount":
    image = path.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    return _Mount(path, ["-t", "ext4", "-o", "loop", str(image)])


class _Mount:
    """A file system for as long as the block lasts."""

    def __init__(self, path: Path, arguments: list[str]) -> None:
        self._path = path
        self._arguments = arguments

    def __enter__(self) -> None:
        self._path.mkdir(parents=True)
        done = subprocess.run(["mount", *self._arguments, str(self._path)], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise CannotMount(done.stderr.strip())

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self._path)], check=True)
