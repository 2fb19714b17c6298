"""Small file systems mounted for a test."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(path: Path, size: str) -> Iterator[Path]:
    """A tmpfs at ``path`` for as long as the test needs it; without the right to mount, the test is skipped."""
    with _mounted(path, ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]):
        yield path


@contextmanager
def ext4(folder: Path, size_mib: int) -> Iterator[Path]:
    """A small ext4 on a loop device below ``folder``, or the test is skipped."""
    image = folder / "image"
    image.write_bytes(bytes(size_mib << 20))
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    with _mounted(folder / "disk", ["-t", "ext4", "-o", "loop", str(image)]):
        yield folder / "disk"


@contextmanager
def _mounted(path: Path, arguments: list[str]) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *arguments, str(path)], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount_read_only(path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
