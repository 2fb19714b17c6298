"""How much of the reactor's time, and of the wire, one camera may take: no camera's flood makes the others wait."""

from nvr.timebase import US_PER_S, thread_cpu_us

BUFFER_BYTES = 512 * 1024
SMALLEST_BYTES = 16 * 1024  # a TLS record, RFC 8446 section 5.1
TURN_US = 10_000  # chosen: 55 such turns one after the other are about one sweep of all cameras
TURN_BYTES = 2 << 20  # chosen: half a second of the fastest camera
SHARE = 8  # one camera may take an eighth of the thread's time; measured: one of 8 Mbit/s takes a fiftieth
SPENT_LIMIT_US = 150_000  # chosen: what a camera brings after a pause of some seconds is taken at once
RATE_BYTES = 25_000_000  # a second; chosen: 200 Mbit/s, five times what the fastest cameras send
BURST_BYTES = 16 << 20  # chosen: more than the kernel's buffers hold back
REST_LIMIT_US = US_PER_S // 2


class Budget:
    """One camera's. Two leaky buckets, of processor time and of bytes; pure.

    `piece_bytes` is how much to read at once: less where a camera's bytes are dear, so that no piece takes much longer
    than `TURN_US`.
    """

    def __init__(self) -> None:
        self.piece_bytes = BUFFER_BYTES
        self._spent_us = 0
        self._taken_bytes = 0
        self._looked_us = 0

    def turn(self) -> "Turn":
        """The camera has something to be read: its turn begins. In the reactor's thread."""
        return Turn(self)

    def fit(self, cpu_us: int, size_bytes: int) -> None:
        """A piece of so many bytes took so long: the next one is smaller, or larger again."""
        if cpu_us > TURN_US:
            self.piece_bytes = max(SMALLEST_BYTES, self.piece_bytes // 2)
        elif size_bytes == self.piece_bytes and cpu_us < TURN_US // 4:
            self.piece_bytes = min(BUFFER_BYTES, self.piece_bytes * 2)

    def rest_us(self, now_us: int, cpu_us: int, size_bytes: int) -> int:
        """A turn is over: how long the camera must wait for its next one. 0: not at all.

        Args:
            now_us: monotonic.
            cpu_us: what the turn took of the processor's time: on a busy machine others take the rest of it.
            size_bytes: what it brought.
        """
        passed_us = now_us - self._looked_us
        self._looked_us = now_us
        self._spent_us = max(0, self._spent_us - passed_us // SHARE) + cpu_us
        self._taken_bytes = max(0, self._taken_bytes - passed_us * RATE_BYTES // US_PER_S) + size_bytes
        over_us = (self._spent_us - SPENT_LIMIT_US) * SHARE
        behind_us = (self._taken_bytes - BURST_BYTES) * US_PER_S // RATE_BYTES
        return min(REST_LIMIT_US, max(0, over_us, behind_us))


class Turn:
    """One turn of a camera, measured by the thread's processor time."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._began_us = self._since_us = thread_cpu_us()
        self._taken_bytes = 0

    @property
    def goes_on(self) -> bool:
        """Whether there may be another piece."""
        return self._taken_bytes < TURN_BYTES and self._since_us - self._began_us < TURN_US

    def took(self, size_bytes: int) -> bool:
        """A piece was read and worked on; whether it was all that waited."""
        now_us, is_all = thread_cpu_us(), size_bytes < self._budget.piece_bytes
        self._budget.fit(now_us - self._since_us, size_bytes)
        self._since_us = now_us
        self._taken_bytes += size_bytes
        return is_all

    def rest_us(self, now_us: int) -> int:
        """What it brought is handed over: how long the camera must wait for its next turn; ``now_us`` is monotonic."""
        return self._budget.rest_us(now_us, thread_cpu_us() - self._began_us, self._taken_bytes)
