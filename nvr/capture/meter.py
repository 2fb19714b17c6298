"""Counts what a track brings: totals, and rates over the last seconds."""

from nvr.timebase import US_PER_S

WINDOW_US = 5 * US_PER_S


class Meter:
    """Totals since the start and rates over the last 5 to 10 seconds. Pure."""

    def __init__(self, now_us: int) -> None:
        self.samples = 0
        self.bytes = 0
        self.lost_packets = 0
        self._marks = [(now_us, 0, 0), (now_us, 0, 0)]  # two instants with the totals then

    def count(self, samples: int, size_bytes: int, lost_packets: int) -> None:
        """Add what was just received."""
        self.samples += samples
        self.bytes += size_bytes
        self.lost_packets += lost_packets

    def rates(self, now_us: int) -> tuple[int, int]:
        """Bits a second and thousandths of pictures a second."""
        if now_us - self._marks[1][0] >= WINDOW_US:
            self._marks = [self._marks[1], (now_us, self.samples, self.bytes)]
        then_us, samples, size_bytes = self._marks[0]
        elapsed_us = max(1, now_us - then_us)
        bitrate_bps = (self.bytes - size_bytes) * 8 * US_PER_S // elapsed_us
        return bitrate_bps, (self.samples - samples) * 1000 * US_PER_S // elapsed_us
