"""The ways to a reader: inside its RTSP connection, or in datagrams. A slow reader loses whole access units."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from tools.simcam.packets import FRAMING_BYTES, Frame

PAUSE_S = 0.001  # between two pieces
TRICKLE_PACKETS = 3  # a piece, as packets come off a real network
UDP_PACKETS = 24  # a piece: a sync picture in one go would overrun the reader's socket buffer


class Delivery(Protocol):
    """Where the access units of one session go."""

    waits_for_sync: bool
    rtp_channel: int
    packets: int  # sent, for sender reports
    octets: int
    report_due_us: int

    def send(self, frame: Frame) -> bool:
        """Take an access unit to the reader; False where it is too slow and nothing of it was sent."""
        ...

    def report(self, packet: bytes) -> None:
        """Send an RTCP packet, between access units."""
        ...

    def request(self, text: bytes) -> None:
        """Send an RTSP request of the camera's own."""
        ...

    def abort(self) -> None:
        """Cut the line."""
        ...


Piece = memoryview | bytes


class Queue:
    """What waits to be written for one reader, in order."""

    __slots__ = ("pieces", "waiting_bytes", "write")

    def __init__(self, write: Callable[[Piece], None]) -> None:
        self.write = write
        self.pieces: deque[Piece] = deque()
        self.waiting_bytes = 0


class Pump:
    """Sends what must not go in one burst: a piece of each queue every millisecond."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._busy: dict[Queue, None] = {}  # an ordered set
        self._runs = False

    def push(self, queue: Queue, pieces: Sequence[Piece]) -> None:
        """Send the first piece at once, if nothing waits before it, and the others a millisecond apart."""
        if not queue.pieces:
            queue.write(pieces[0])
            pieces = pieces[1:]
        if pieces:
            queue.pieces.extend(pieces)
            queue.waiting_bytes += sum(map(len, pieces))
            self._busy[queue] = None
            self._run()

    def forget(self, queue: Queue) -> None:
        """Send no more of it."""
        queue.pieces.clear()
        queue.waiting_bytes = 0
        self._busy.pop(queue, None)

    def _run(self) -> None:
        if not self._runs:
            self._runs = True
            self._loop.call_later(PAUSE_S, self._tick)

    def _tick(self) -> None:
        self._runs = False
        for queue in tuple(self._busy):
            if not queue.pieces:  # forgotten while a neighbour was written
                continue
            piece = queue.pieces.popleft()
            queue.waiting_bytes -= len(piece)
            if not queue.pieces:
                del self._busy[queue]
            queue.write(piece)
        if self._busy:
            self._run()


@dataclass(eq=False, slots=True)
class TcpDelivery:
    """Interleaved in the RTSP connection (RFC 2326 section 10.12)."""

    transport: asyncio.Transport
    pump: Pump
    most_bytes: int  # that may wait for a slow reader
    piece_packets: int  # 0: an access unit in one go
    rtp_channel: int = 0
    rtcp_channel: int = 1
    waits_for_sync: bool = True
    packets: int = 0
    octets: int = 0
    report_due_us: int = 0
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = Queue(self.transport.write)

    def send(self, frame: Frame) -> bool:
        if self.transport.is_closing():
            return False
        if self.transport.get_write_buffer_size() + self.queue.waiting_bytes + frame.wire.size > self.most_bytes:
            return False
        count = frame.starts.size
        self.packets += count
        self.octets += frame.wire.size - 16 * count
        if not self.piece_packets:
            self._write(frame.wire.data)
        else:
            cuts = [*frame.starts[:: self.piece_packets].tolist(), frame.wire.size]
            self.pump.push(self.queue, [frame.wire.data[start:end] for start, end in pairwise(cuts)])
        return True

    def _write(self, data: Piece) -> None:
        if self.queue.pieces:
            self.pump.push(self.queue, [data])
        else:
            self.transport.write(data)

    def report(self, packet: bytes) -> None:
        self._write(bytes((0x24, self.rtcp_channel)) + len(packet).to_bytes(2, "big") + packet)

    def request(self, text: bytes) -> None:
        self._write(text)

    def abort(self) -> None:
        self.pump.forget(self.queue)
        self.transport.abort()


@dataclass(eq=False, slots=True)
class UdpDelivery:
    """Datagrams from a pair of ports of its own."""

    control: asyncio.Transport  # the RTSP connection
    rtp: socket.socket  # connected to the reader's ports
    rtcp: socket.socket
    pump: Pump
    piece_packets: int = UDP_PACKETS
    rtp_channel: int = 0
    waits_for_sync: bool = True
    packets: int = 0
    octets: int = 0
    report_due_us: int = 0
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = Queue(self._write)

    def send(self, frame: Frame) -> bool:
        packets = frame.packets()
        self.packets += len(packets)
        self.octets += frame.wire.size - 16 * len(packets)
        ends = [*frame.starts[:: self.piece_packets].tolist(), frame.wire.size]
        self.pump.push(self.queue, [frame.wire.data[start:end] for start, end in pairwise(ends)])
        return True

    def _write(self, piece: Piece) -> None:
        """Send the framed packets of a piece, one datagram each."""
        position, total = 0, len(piece)
        while position < total:
            start = position + FRAMING_BYTES
            position = start + (piece[start - 2] << 8 | piece[start - 1])
            _send(self.rtp, piece[start:position])

    def report(self, packet: bytes) -> None:
        _send(self.rtcp, packet)

    def request(self, text: bytes) -> None:
        self.control.write(text)

    def abort(self) -> None:
        self.close()
        self.control.abort()

    def close(self) -> None:
        """Give the ports back."""
        self.pump.forget(self.queue)
        self.rtp.close()
        self.rtcp.close()


def _send(sock: socket.socket, datagram: Piece) -> None:
    """Datagrams that find no room or nobody are lost, as on a network."""
    try:
        sock.send(datagram)
    except OSError:
        return


def port_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Two UDP sockets on neighbouring ports, the even one first (RFC 3550 section 11).

    Raises:
        OSError: no such pair is free.
    """
    for _ in range(64):
        rtp = _bound(host, 0)
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            try:
                return rtp, _bound(host, port + 1)
            except OSError:
                pass
        rtp.close()
    raise OSError("no pair of UDP ports is free")


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
