"""How many of something a camera may cause in a time. Pure."""


class Allowance:
    """Lets a steady rate pass, and a burst now and then (the generic cell rate algorithm, ITU-T I.371 annex A).

    Args:
        interval_us: one in so long a time may pass for ever.
        burst: and so many at once.
    """

    __slots__ = ("_burst_us", "_due_us", "_interval_us")

    def __init__(self, interval_us: int, burst: int) -> None:
        self._interval_us = interval_us
        self._burst_us = interval_us * burst
        self._due_us = 0

    def take(self, now_us: int) -> bool:
        """Whether one more may pass; ``now_us`` is monotonic. One that may not does not count."""
        due_us = max(self._due_us, now_us) + self._interval_us
        if due_us - now_us > self._burst_us:
            return False
        self._due_us = due_us
        return True
