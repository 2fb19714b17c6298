"""The pair of UDP sockets that receives one stream's RTP and RTCP (RFC 3550 section 11: even and odd port)."""

import contextlib
import errno
import socket
from collections.abc import Iterator

from nvr.errors import CameraError

FIRST_PORT = 30_000  # chosen: below Linux' ephemeral range (32768…), so that no outgoing connection takes them
LAST_PORT = 32_766
BUFFER_BYTES = 4 << 20  # a 4 Mbit/s key frame is a burst of 140 packets, and each costs the kernel 2.3 kB
DATAGRAM_BYTES = 65_536


class DatagramPair:
    """Two bound, non-blocking sockets, on one address, that accept only what comes from one camera.

    Args:
        local_address: the address of ours that the camera sees.
        remote_address: the camera's; datagrams from elsewhere are dropped by the kernel once `connect` was called.

    Raises:
        CameraError: no pair of ports is free.
    """

    def __init__(self, local_address: str, remote_address: str, first_port: int) -> None:
        self._remote_address = remote_address
        self._family = socket.AF_INET6 if ":" in remote_address else socket.AF_INET
        self.rtp, self.rtcp = self._bind(local_address, first_port)

    @property
    def ports(self) -> tuple[int, int]:
        return self.rtp.getsockname()[1], self.rtcp.getsockname()[1]

    def connect(self, rtp_port: int, rtcp_port: int) -> None:
        """The camera's ports are known: accept datagrams only from them."""
        for sock, port in ((self.rtp, rtp_port), (self.rtcp, rtcp_port)):
            if port:
                with contextlib.suppress(OSError):  # then `receive` alone filters
                    sock.connect((self._remote_address, port))

    def receive(self, sock: socket.socket, buffer: memoryview) -> Iterator[int]:
        """Read every waiting datagram into ``buffer``; gives the size of each before reading the next."""
        while True:
            try:
                size, sender = sock.recvfrom_into(buffer)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:  # an ICMP answer to our RTCP: the camera's business
                    continue
                raise CameraError(f"receiving failed: {error.strerror}", where=self._remote_address) from error
            if sender is None or sender[0].split("%")[0] == self._remote_address:
                yield size

    def send_rtcp(self, data: bytes, port: int) -> None:
        """Send a report; it may get lost like any datagram."""
        with contextlib.suppress(OSError):
            self.rtcp.sendto(data, (self._remote_address, port)) if port else None

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def _bind(self, address: str, first_port: int) -> tuple[socket.socket, socket.socket]:
        span = LAST_PORT - FIRST_PORT
        for step in range(0, span, 2):
            port = FIRST_PORT + (first_port - FIRST_PORT + step) % span
            rtp = self._try(address, port)
            if rtp is None:
                continue
            rtcp = self._try(address, port + 1)
            if rtcp is not None:
                return rtp, rtcp
            rtp.close()
        raise CameraError("no pair of UDP ports is free", where=f"{FIRST_PORT}-{LAST_PORT}", hint="use TCP")

    def _try(self, address: str, port: int) -> socket.socket | None:
        sock = socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.bind((address, port))
        except OSError:
            sock.close()
            return None
        _enlarge(sock)
        return sock


def _enlarge(sock: socket.socket) -> None:
    """A large receive buffer; beyond net.core.rmem_max only for a process with CAP_NET_ADMIN (socket(7))."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, 33, BUFFER_BYTES)  # SO_RCVBUFFORCE, not named by Python
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
