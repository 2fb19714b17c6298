"""The pair of UDP sockets that receives one stream's RTP and RTCP (RFC 3550 section 11: even and odd port)."""

import contextlib
import errno
import socket
from collections.abc import Iterator

from nvr.capture.reactor import READABLE, Handler, Reactor
from nvr.errors import CameraError
from nvr.rtsp.transport import ServerPorts

FIRST_PORT = 30_000  # chosen: below Linux' ephemeral range (32768…), so that no outgoing connection takes them
LAST_PORT = 32_766
BUFFER_BYTES = 4 << 20  # a 4 Mbit/s key frame is a burst of 140 packets, and each costs the kernel 2.3 kB
DATAGRAM_BYTES = 65_536
DATAGRAMS_A_TURN = 1024  # chosen: two seconds of 4 Mbit/s; a camera that sends without end keeps nobody waiting
# What opens the way through a firewall between us: an RTP packet without payload and an empty receiver report.
_RTP_PUNCH = b"\x80" + bytes(11)
_RTCP_PUNCH = b"\x80\xc9\x00\x01" + bytes(4)


class DatagramPair:
    """Two bound, non-blocking sockets, on one address, that accept only what comes from one camera.

    From any port of it: cameras send from other ports than they announce, or stand behind a router that changes them.

    Args:
        local_address: the address of ours that the camera sees.
        remote_address: the camera's; datagrams from elsewhere are dropped.

    Raises:
        CameraError: no pair of ports is free.
    """

    def __init__(self, local_address: str, remote_address: str, first_port: int) -> None:
        self._remote_address = remote_address
        self._senders = {_bare(remote_address)}
        self._ports = (0, 0)  # the camera's, as announced; 0: not known
        self._reports_from: tuple[str, int] | None = None
        self._family = socket.AF_INET6 if ":" in remote_address else socket.AF_INET
        self.rtp, self.rtcp = self._bind(local_address, first_port)

    @property
    def ports(self) -> tuple[int, int]:
        return self.rtp.getsockname()[1], self.rtcp.getsockname()[1]

    def expect(self, ports: ServerPorts | None, source: str = "") -> None:
        """What the camera announced, if it did: its ports, and an address of its own to send from."""
        self._ports = (ports.rtp, ports.rtcp) if ports else (0, 0)
        if source:
            self._senders.add(_bare(source))

    def punch(self) -> None:
        """Send a little to the camera's ports: a firewall between us lets in what answers it."""
        for sock, data, port in zip((self.rtp, self.rtcp), (_RTP_PUNCH, _RTCP_PUNCH), self._ports, strict=True):
            self._send(sock, data, (self._remote_address, port))

    @property
    def fds(self) -> list[int]:
        return [self.rtp.fileno(), self.rtcp.fileno()]

    def watch(self, reactor: Reactor, on_rtp: Handler, on_rtcp: Handler) -> None:
        """Call these whenever datagrams wait."""
        reactor.watch(self.rtp.fileno(), READABLE, on_rtp)
        reactor.watch(self.rtcp.fileno(), READABLE, on_rtcp)

    def receive(self, sock: socket.socket, buffer: memoryview) -> Iterator[int]:
        """Read waiting datagrams into ``buffer``, a bounded number; gives the size of each before reading the next."""
        for _ in range(DATAGRAMS_A_TURN):
            try:
                size, sender = sock.recvfrom_into(buffer)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:  # an ICMP answer to our RTCP: the camera's business
                    continue
                raise CameraError(f"receiving failed: {error.strerror}", where=self._remote_address) from error
            if sender is not None and _bare(sender[0]) in self._senders:
                if sock is self.rtcp:
                    self._reports_from = sender[:2]
                yield size

    def send_rtcp(self, data: bytes) -> None:
        """Send a report to where the camera's reports come from, or are announced to come from; it may get lost."""
        self._send(self.rtcp, data, self._reports_from or (self._remote_address, self._ports[1]))

    def _send(self, sock: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        if to[1]:
            with contextlib.suppress(OSError):
                sock.sendto(data, to)

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


def _bare(address: str) -> str:
    """Without the zone of a link-local address."""
    return address.partition("%")[0]


def _enlarge(sock: socket.socket) -> None:
    """A large receive buffer; beyond net.core.rmem_max only for a process with CAP_NET_ADMIN (socket(7))."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, 33, BUFFER_BYTES)  # SO_RCVBUFFORCE, not named by Python
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
