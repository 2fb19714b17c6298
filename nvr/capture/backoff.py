"""How long to wait before a camera is tried again."""

import random

from nvr.timebase import US_PER_S

FIRST_US = US_PER_S // 2


class Backoff:
    """Doubles from half a second to a limit, each wait drawn between half and the whole of it.

    The jitter keeps 55 cameras behind one switch from knocking at the same instant after a power cut
    (chosen: "equal jitter", so that a wait is never close to nothing).

    Args:
        limit_us: the longest wait.
        random: draws the jitter; tests seed it.
    """

    def __init__(self, limit_us: int, draw: random.Random) -> None:
        self._limit_us = limit_us
        self._draw = draw
        self._next_us = FIRST_US

    def wait_us(self) -> int:
        """The next wait; the one after it is twice as long."""
        whole_us = min(self._next_us, self._limit_us)
        self._next_us = min(whole_us * 2, self._limit_us)
        return whole_us // 2 + self._draw.randrange(whole_us // 2 + 1)

    def succeeded(self) -> None:
        """The camera has delivered for a while: begin anew next time."""
        self._next_us = FIRST_US
