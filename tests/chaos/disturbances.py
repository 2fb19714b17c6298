"""What happens to the machine while cameras are recorded: disks, the clock, the web server. Each is made good again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.chaos.clock import SetClock
from tests.crash.power import Disk
from tests.running import Running
from tools.process import tree

LAST_S = 8.0  # how long a disturbance lasts
LET_GO_S = 90.0  # by which nobody may have a file open on a disk that has failed, slow viewers included
FROZEN_S = 14.0  # a disk that hangs is avoided after eight seconds


class Disturbances:
    """Each kind is a method: it returns when all is mended."""

    def __init__(self, program: Running, disks: Sequence[Disk], clock: SetClock | None) -> None:
        self._program = program
        self._disks = disks
        self._clock = clock

    def kinds(self) -> list[Callable[[], None]]:
        """Those that this machine can do."""
        disks = [self.pulled, self.filled, self.frozen] if len(self._disks) == 3 else []
        clocks = [self.clock_ahead, self.clock_behind, self.clock_years_ahead] if self._clock is not None else []
        wanted = os.environ.get("NVR_CHAOS_ONLY", "")  # to find out which of them a finding needs
        return [kind for kind in (*disks, *clocks, self.web_killed) if wanted in kind.__name__]

    def pulled(self) -> None:
        """The kernel gives the first disk up."""
        disk = self._disks[0]
        disk.cut()
        self._wait(LAST_S)
        subprocess.run(["umount", "-l", str(disk.place)], check=True)
        try:  # as long as a file of it is open, the kernel would mount the dead one again
            self._program.until(lambda: not _is_in_use(disk), "nobody uses the dead disk any more", LET_GO_S)
        except AssertionError:
            living = [str(one.place) for one in self._disks[1:]]
            raise AssertionError(f"the dead disk is kept open by {holders(self._program, living)}") from None
        disk.mount()

    def filled(self) -> None:
        """Another program takes all the room of the second disk."""
        other = self._disks[1].place / "other program's"
        with other.open("wb") as file:
            for step in (1 << 24, 1 << 20, 1 << 12):  # until not even a page is left; others delete meanwhile
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)
        self._wait(LAST_S)
        other.unlink()

    def frozen(self) -> None:
        """The third disk does not answer."""
        place = str(self._disks[2].place)
        subprocess.run(["fsfreeze", "--freeze", place], check=True)
        try:
            self._wait(FROZEN_S)
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", place], check=True)

    def clock_ahead(self) -> None:
        """By seven hours, as without a time zone."""
        self._set_clock(7 * 3600)

    def clock_behind(self) -> None:
        """By an hour."""
        self._set_clock(-3600)

    def clock_years_ahead(self) -> None:
        """By four hundred days: what is recorded looks too old."""
        self._set_clock(400 * 86_400)

    def web_killed(self) -> None:
        """SIGKILL for the web server; the recorder must not notice."""
        for pid in tree(self._program.process.pid)[1:]:
            with suppress(OSError):
                if b"\0web\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def _set_clock(self, by_s: int) -> None:
        assert self._clock is not None
        self._clock.set_wrong(by_s)
        try:
            self._wait(LAST_S)
        finally:
            self._clock.set_wrong(0)

    def _wait(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        self._program.until(lambda: time.monotonic() > end_s, "the disturbance is over", seconds + 60)


def _is_in_use(disk: Disk) -> bool:
    return str(disk.image) in subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout


def holders(program: Running, living: Sequence[str]) -> list[str]:
    """Which process has which file open on a disk that is not one of these."""
    found = []
    for pid in tree(program.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                opened = str(link.readlink())
                is_of_volume = "v1/" in opened or "disk" in opened
                if is_of_volume and not opened.startswith(tuple(living)):
                    found.append(f"{words[3].decode()} {opened}")
    return found
