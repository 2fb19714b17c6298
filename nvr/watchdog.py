"""A process tells whoever started it that it is alive, as sd_notify(3) has it: systemd hears it, and `nvr run` does.

Whoever hears nothing for a while kills the process and starts it again: one that hangs looks like one that works.
"""

import contextlib
import ctypes
import os
import signal
import socket

ADDRESS = "NOTIFY_SOCKET"
ALIVE = b"WATCHDOG=1"
SUPERVISOR = "NVR_SUPERVISOR"  # its process id, in the environment of those it started
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Watchdog:
    """Says `ALIVE`. Where nobody asked for it (no `ADDRESS` in the environment) it says nothing."""

    def __init__(self) -> None:
        address = os.environ.get(ADDRESS, "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # unix(7): the abstract namespace
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None

    def alive(self) -> None:
        """To be called by the thread whose end or standstill would be the end of the process's work."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # nobody listens any more, or has not read for long
                self._socket.sendto(ALIVE, self._address)

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()


def end_with_supervisor() -> None:
    """Let the kernel send SIGTERM when the supervisor that started this process is gone, however it went (prctl(2)).

    Otherwise its successor would find volumes and port taken by processes that nobody watches over.
    """
    supervisor = os.environ.get(SUPERVISOR, "")
    if not supervisor.isdigit():
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != int(supervisor):  # it was gone before we asked
        os.kill(os.getpid(), signal.SIGTERM)
