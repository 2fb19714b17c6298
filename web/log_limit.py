"""A bound on lines of the log: a flood of requests must not become one of lines."""

from nvr.log import get_logger
from nvr.timebase import US_PER_MINUTE, Clock

LINES_A_MINUTE = 5  # chosen: enough to see what is the matter

_log = get_logger()


class LogLimit:
    """Lets so many lines a minute pass, and counts the rest.

    Args:
        clock: tells the time.
        lines: a minute.
    """

    def __init__(self, clock: Clock, lines: int = LINES_A_MINUTE) -> None:
        self._clock = clock
        self._lines = lines
        self._minute = -1
        self._count = 0
        self._left_out = 0

    def error(self, event: str, **facts: object) -> None:
        """A line, if there is room for it; it says how many were left out before it."""
        minute = self._clock.monotonic_us() // US_PER_MINUTE
        if minute != self._minute:
            self._minute, self._count = minute, 0
        self._count += 1
        if self._count > self._lines:
            self._left_out += 1
            return
        _log.error(event, left_out=self._left_out, **facts)
        self._left_out = 0
