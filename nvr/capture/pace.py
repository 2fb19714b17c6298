"""Times for pictures whose time stamps cannot be believed: spread evenly over the time in which they were received."""

from nvr.timebase import US_PER_S

WINDOW_US = 4 * US_PER_S  # chosen: eight sweeps, so that a batch more or less is an eighth
FIRST_PERIOD_US = US_PER_S // 25  # until two batches were received
# A batch holds what came in the last 487 ms (`nvr.capture.link.SWEEP_US`): so late may its first picture be.
LAG_US = 550_000
AHEAD_US = 300_000  # chosen: a clock that was trusted so far may have been ahead by as much; it is slowed, not stopped
_Point = tuple[int, int]  # time of receipt, pictures received until then


class Pace:
    """Counts pictures against their receipt. Pure; all times are wall time in µs.

    Pictures are read in batches: the receipt alone would show seven pictures at once and then none for half a second.
    """

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, last_us: int) -> None:
        """From now on pictures get their times here; the last one got its own elsewhere."""
        self.last_us = last_us
        self._period_us = FIRST_PERIOD_US
        self._received_us: int | None = None
        self._pictures = 0
        self._marks: tuple[_Point, _Point] | None = None

    def move(self, by_us: int) -> None:
        """The server's clock was set by so much: the rate is measured anew."""
        period_us = self._period_us
        self.begin(self.last_us + by_us)
        self._period_us = period_us

    def count(self, received_us: int) -> None:
        """A picture was received. The number received before the next batch began is the one to reckon with."""
        if received_us != self._received_us:
            if self._received_us is not None:
                self._measure((self._received_us, self._pictures))
            self._received_us = received_us
        self._pictures += 1

    def _measure(self, now: _Point) -> None:
        if self._marks is None or now[0] < self._marks[1][0]:
            self._marks = (now, now)
        elif now[0] - self._marks[1][0] >= WINDOW_US:
            self._marks = (self._marks[1], now)
        (then_us, pictures), _ = self._marks
        if now[0] > then_us:
            self._period_us = (now[0] - then_us) // (now[1] - pictures)

    def next(self, received_us: int) -> int:
        """The time of the picture that was counted last: one period after the one before, at most `LAG_US` late.

        A thirty-second is added to the period: the receipt, which no picture may be far ahead of, takes it back, so
        that the last picture of a batch is on time and the error of the period adds up to nothing.
        """
        due_us = self.last_us + self._period_us * 33 // 32
        if due_us > received_us:
            due_us = max(received_us, min(self.last_us + self._period_us // 4, received_us + AHEAD_US))
        return max(due_us, received_us - LAG_US)
