"""A process tells whoever started it that it is alive, as sd_notify(3) has it: systemd hears it, and `nvr run` does.

Whoever hears nothing for a while kills the process and starts it again: one that hangs looks like one that works.
"""

import contextlib
import os
import socket

ADDRESS = "NOTIFY_SOCKET"
ALIVE = b"WATCHDOG=1"


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
