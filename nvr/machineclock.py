"""What the machine says of time, for `nvr.believedclock`: its start, the time since, its clock, and who keeps that."""

import ctypes
import time
from pathlib import Path

from nvr.believedclock import Reading
from nvr.timebase import Clock

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STA_UNSYNC = 0x40  # linux/timex.h: no NTP client keeps the clock, or it was set since


class _Timex(ctypes.Structure):
    """The beginning of struct timex (linux/timex.h); the kernel fills the rest as well."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


class MachineClock:
    """Reads this machine. In a container the kernel answers for the host, whose clock it is.

    Args:
        clock: the server's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boot = BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else "this start"
        self._libc = ctypes.CDLL(None, use_errno=True)

    def reading(self) -> Reading:
        """All of it, at one instant."""
        boot_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        return Reading(self._boot, boot_us, self._clock.wall_us(), self._is_synchronised())

    def _is_synchronised(self) -> bool:
        """adjtimex(2). Where it may not be asked, or an NTP client never tells the kernel, nobody vouches."""
        timex = _Timex()
        return self._libc.adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & _STA_UNSYNC
