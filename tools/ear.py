"""Hears which processes say that they are alive (`nvr.watchdog`): the listening end of sd_notify(3)."""

import secrets
import socket
import struct

from nvr.watchdog import ALIVE

_CREDENTIALS = struct.Struct("3i")  # unix(7), SCM_CREDENTIALS: pid, uid, gid
_WORD_BYTES = 4096


class Ear:
    """A socket in the abstract namespace. The kernel says who spoke, so nobody can speak for another process."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        name = f"nvr-{secrets.token_hex(8)}"
        self._socket.bind("\0" + name)
        self.address = "@" + name  # as sd_notify(3) writes it

    def heard(self) -> set[int]:
        """The processes that have spoken since the last call."""
        found: set[int] = set()
        while True:
            try:
                words, ancillary, _, _ = self._socket.recvmsg(_WORD_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                return found
            for level, kind, data in ancillary:
                if words == ALIVE and (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    found.add(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0])

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
