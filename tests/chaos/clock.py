"""A clock of the server that can be set wrong: a preloaded library, made here, that reads the error from a file.

Debian's libfaketime is not enough: under it ``clock_nanosleep`` fails with EINVAL once the clock has been set back.
"""

import mmap
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from nvr.timebase import US_PER_S, SystemClock

SOURCE = Path(__file__).with_name("wall_clock.c")
_ERROR = struct.Struct("=q")


@dataclass
class SetClock:
    """What the recorder takes for the wall clock. Make it with `made`."""

    library: Path
    path: Path  # of the file that says how wrong it is
    boot_us: int  # true wall time − monotonic time
    offset_us: int = 0
    offsets_us: list[int] = field(default_factory=lambda: [0])

    @classmethod
    def made(cls, folder: Path) -> Self | None:
        """Compile the library; None where there is no C compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return None
        library, path, system = folder / "wall_clock.so", folder / "clock", SystemClock()
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], check=True)
        path.write_bytes(_ERROR.pack(0))
        return cls(library, path, system.wall_us() - system.monotonic_us())

    @property
    def environment(self) -> dict[str, str]:
        """For the program that is to be deceived."""
        return {"LD_PRELOAD": str(self.library), "NVR_CLOCK_OFFSET": str(self.path)}

    def set_wrong(self, by_s: int) -> None:
        """From now on the clock is wrong by so much; 0: right."""
        self.offset_us = by_s * US_PER_S
        if self.offset_us not in self.offsets_us:
            self.offsets_us.append(self.offset_us)
        with self.path.open("r+b") as file, mmap.mmap(file.fileno(), _ERROR.size) as mapped:
            _ERROR.pack_into(mapped, 0, self.offset_us)

    def now_us(self) -> int:
        """What the recorder takes for the time."""
        return SystemClock().wall_us() + self.offset_us
