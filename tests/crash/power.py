"""A disk whose power can be cut: a file system of its own in an image on a loop device.

The cut is the kernel's own, ``shutdown`` of ext4 and xfs without a flush of the log (ioctl ``_IOR('X', 125, u32)``, as
xfstests use it): from one instant on nothing reaches the device any more, and what had not reached it is gone. The
next mount replays the journal. What it cannot show is a disk that loses or reorders what it has taken but not been told
to flush: `simulated` does that.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SHUTDOWN = 0x8004587D  # XFS_IOC_GOINGDOWN, EXT4_IOC_SHUTDOWN
NO_LOG_FLUSH = 2
IMAGE_MIB = {"ext4": 64, "xfs": 320}  # xfs refuses less than 300
MAKE = {"ext4": ["mkfs.ext4", "-q", "-m", "0"], "xfs": ["mkfs.xfs", "-q"]}


@dataclass(frozen=True, slots=True)
class Disk:
    """An image and where it is mounted."""

    kind: str
    image: Path
    place: Path

    def mount(self) -> None:
        """Mount it, which replays the journal after a cut.

        Skips the test where loop devices or mounts are not allowed.
        """
        command = ["mount", "-t", self.kind, "-o", "loop", str(self.image), str(self.place)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"{self.kind} images cannot be mounted here: {done.stderr.strip()}")

    def cut(self) -> None:
        """From now on nothing reaches the image."""
        fd = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.place)], check=True)


@contextmanager
def disk(kind: str, folder: Path, size_mib: int | None = None, files: int | None = None) -> Iterator[Disk]:
    """A new file system below ``folder``, mounted; ``files``: an ext4 that takes so many and no more."""
    if os.geteuid() != 0:
        pytest.skip("mounting an image needs root")
    if shutil.which(MAKE[kind][0]) is None:
        pytest.skip(f"{MAKE[kind][0]} is not installed: apt-get install xfsprogs e2fsprogs")
    made = Disk(kind, folder / "image", folder / "disk")
    made.place.mkdir()
    with made.image.open("wb") as image:
        image.truncate((size_mib or IMAGE_MIB[kind]) << 20)
    few = [] if files is None else ["-N", str(files)]
    subprocess.run([*MAKE[kind], *few, str(made.image)], check=True)
    made.mount()
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", str(made.place)], check=False)
