"""Cameras of Debian's gst-rtsp-server for tests: `tools/gstcam.py` in a process of the system's Python."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.simcam.certificate import pem
from tools.simcam.gate import Account
from tools.simcam.loop import Loop

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).parent.parent / "tools" / "gstcam.py"
PROBE = 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer'
STOP_TIMEOUT_S = 10
ACCOUNT = Account()


@dataclass(frozen=True, slots=True)
class GstCameras:
    """They run: mount ``i`` (from 0) sends the ``i``-th loop, at the loop's own instants."""

    port: int
    mounts: Sequence[str]
    account: Account | None
    tls: bool
    pid: int

    def url(self, mount: int) -> str:
        """Without credentials."""
        return f"{'rtsps' if self.tls else 'rtsp'}://127.0.0.1:{self.port}{self.mounts[mount]}"


def missing() -> str:
    """What Debian has to give first; empty where all is there."""
    if not shutil.which(PYTHON):
        return f"there is no {PYTHON}"
    probe = subprocess.run([PYTHON, "-c", PROBE], capture_output=True, text=True, check=False)
    return (
        "" if probe.returncode == 0 else "gst-rtsp-server is not installed: sh requirements/debian.sh list says what is"
    )


@contextmanager
def gst_cameras(
    loops: Sequence[Loop],
    folder: Path,
    *,
    account: Account | None = ACCOUNT,
    tls: bool = False,
    transport: str = "any",
) -> Iterator[GstCameras]:
    """Serve ``loops`` (without B-frames); the test is skipped, with the reason, where that cannot be.

    Args:
        loops: what each mount sends for ever.
        folder: for the streams as files and the certificate.
        account: Digest is asked for; None: nothing is.
        tls: serve rtsps only.
        transport: what the server allows: tcp, udp or any.
    """
    if reason := missing():
        pytest.skip(reason)
    command = [PYTHON, str(PROGRAM), "--with-parent", f"--transport={transport}"]
    for loop in loops:
        path = folder / f"{loop.recipe.channel}-{loop.recipe.kind.word}.{loop.recipe.codec.value}"
        path.write_bytes(loop.annex_b())
        command += ["--mount", f"{path}:{loop.recipe.fps}:{loop.cadence.shift}:{loop.cadence.phase}"]
    if account:
        command += ["--user", account.username, "--password", account.password]
    if tls:
        certificate = folder / "gstcam.pem"
        certificate.write_bytes(pem("127.0.0.1"))
        command += ["--tls-pem", str(certificate)]
    with _running(command) as process:
        assert process.stdout is not None
        words = json.loads(process.stdout.readline() or '{"mounts": [], "port": 0}')
        assert words["port"], "gstcam ended before it was ready: its words stand above"
        yield GstCameras(words["port"], words["mounts"], account, tls, process.pid)


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
