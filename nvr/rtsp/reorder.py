"""Datagrams arrive in any order: a buffer that puts RTP packets back into theirs."""

from collections.abc import Callable

from nvr.errors import CameraError
from nvr.rtsp.rtp import MISORDER_LIMIT, ForeignNumbers, payload_range, sequence_of

PACKETS_LIMIT = 512  # chosen: a 4 Mbit/s camera sends 400 a second
DELAY_US = 200_000  # chosen: on a network of one town a packet that is 200 ms late does not come any more

Deliver = Callable[[memoryview, int, int, int], None]  # view, start, end, received_us: as Depacketizer.push


class ReorderBuffer:
    """Gives packets on in order of their sequence numbers. What is missing is waited for, but not for ever.

    A packet in its turn is given on without being copied.

    Args:
        deliver: gets each packet.
        announces: whether the second byte of a packet names the type that is received. Others are given on at once,
            and what their numbers mean is told as in `ForeignNumbers`.
        limit: how many packets are held at most.
        delay_us: how long a packet is held at most, by the times that `push` and `expire` are told.
    """

    def __init__(
        self,
        deliver: Deliver,
        announces: Callable[[int], bool] = lambda _: True,
        *,
        limit: int = PACKETS_LIMIT,
        delay_us: int = DELAY_US,
    ) -> None:
        self._deliver = deliver
        self._announces = announces
        self._foreign = ForeignNumbers()
        self._limit = limit
        self._delay_us = delay_us
        self._held: dict[int, tuple[bytes, int]] = {}  # by sequence number: packet, received_us
        self._next = -1
        self._ssrc = b""
        self.rejected = 0  # datagrams that are no RTP: on UDP anybody may send some
        self.late = 0  # came twice, or after they had been given up

    def push(self, view: memoryview, received_us: int) -> None:
        """Take a datagram.

        Raises:
            CameraError: what ``deliver`` raises.
        """
        try:
            payload_range(view, 0, len(view))
        except CameraError:
            self.rejected += 1
            return
        sequence = sequence_of(view, 0)
        if not self._announces(view[1]):
            if view[8:12] == self._ssrc:
                self._foreign.note(sequence, self._next)
            self._deliver(view, 0, len(view), received_us)
            return
        ahead = sequence - self._next & 0xFFFF
        if 0 < ahead == self._foreign.between(self._next, sequence, self._next):
            self._next, ahead = sequence, 0
        if view[8:12] != self._ssrc or MISORDER_LIMIT < 0x10000 - ahead <= 0x8000:
            self._restart(bytes(view[8:12]), sequence)
            ahead = 0
        if ahead == 0:
            self._next = sequence + 1 & 0xFFFF
            self._deliver(view, 0, len(view), received_us)
            self._drain()
        elif ahead >= 0x8000 or sequence in self._held:
            self.late += 1
        else:
            self._held[sequence] = (bytes(view), received_us)
        if self._held:
            self.expire(received_us)

    def expire(self, now_us: int) -> None:
        """Give up waiting for what is missing before packets that have been held too long."""
        while self._held:
            oldest_us = next(iter(self._held.values()))[1]  # the first one put in
            if len(self._held) <= self._limit and oldest_us + self._delay_us > now_us:
                return
            self._give_up()

    def flush(self) -> None:
        """Give on everything that is held: nothing more will come."""
        while self._held:
            self._give_up()

    def _restart(self, ssrc: bytes, sequence: int) -> None:
        """Another source begins, or the same one anew."""
        self.flush()
        self._ssrc = ssrc
        self._next = sequence

    def _give_up(self) -> None:
        """Go on behind the gap, at the nearest packet held."""
        self._next = min(self._held, key=lambda sequence: sequence - self._next & 0xFFFF)
        self._drain()

    def _drain(self) -> None:
        while (held := self._held.pop(self._next, None)) is not None:
            self._next = self._next + 1 & 0xFFFF
            packet, received_us = held
            self._deliver(memoryview(packet), 0, len(packet), received_us)
