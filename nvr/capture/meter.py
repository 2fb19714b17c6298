"""Counts what a track brings: totals, and rates over the last seconds."""

from nvr.media import Sample
from nvr.timebase import TICKS_PER_S, US_PER_S

WINDOW_90K = 5 * TICKS_PER_S
STALE_US = 3 * US_PER_S  # after so long without a picture the rates are 0
Mark = tuple[int, int, int]  # presentation time, samples, bytes


class Meter:
    """Totals since the start and rates over the last 5 to 10 seconds. Pure.

    Rates count pictures against the camera's own time: we read in batches, so by our clock they would seem to stumble.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.bytes = 0
        self.lost_packets = 0
        self._marks: tuple[Mark, Mark] | None = None
        self._last: Mark = (0, 0, 0)
        self._received_us = 0

    def count(self, sample: Sample) -> None:
        """Add a sample that was just received."""
        self.samples += 1
        self.bytes += len(sample.data)
        self.lost_packets += sample.lost_packets
        self._received_us = sample.received_us
        now: Mark = (sample.presentation_90k, self.samples, self.bytes)
        if self._marks is None or not -TICKS_PER_S < now[0] - self._last[0] < WINDOW_90K:
            self._marks = (now, now)  # the first one, or the camera's time has jumped
        elif now[0] - self._marks[1][0] >= WINDOW_90K:
            self._marks = (self._marks[1], now)
        self._last = now

    def rates(self, now_us: int) -> tuple[int, int]:
        """Bits a second and thousandths of pictures a second; ``now_us`` is monotonic."""
        if self._marks is None or now_us - self._received_us > STALE_US:
            return 0, 0
        then_90k, samples, size_bytes = self._marks[0]
        elapsed_90k = self._last[0] - then_90k
        if elapsed_90k <= 0:
            return 0, 0
        bitrate_bps = (self._last[2] - size_bytes) * 8 * TICKS_PER_S // elapsed_90k
        return bitrate_bps, (self._last[1] - samples) * 1000 * TICKS_PER_S // elapsed_90k
