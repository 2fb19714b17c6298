"""Counts what a track brings: totals, and rates over the last seconds."""

from nvr.media import Sample
from nvr.timebase import US_PER_S

WINDOW_US = 5 * US_PER_S
SHORTEST_US = US_PER_S  # chosen: two batches; a key frame alone says nothing of the seconds to come
STALE_US = 3 * US_PER_S  # after so long without a picture the rates are 0
Mark = tuple[int, int, int]  # time of receipt, samples and bytes until then


class Meter:
    """Totals since the start and rates over the last 5 to 10 seconds, by our clock. Pure.

    The camera's own time is not to be trusted here: rates decide how much room is reserved and deleted. We read in
    batches, so only whole ones are reckoned with: what was received from the end of one to the end of another.
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
        if sample.received_us != self._received_us:
            if self.samples:
                self._end_batch()
            self._received_us = sample.received_us
        self.samples += 1
        self.bytes += len(sample.data)
        self.lost_packets += sample.lost_packets

    def _end_batch(self) -> None:
        now: Mark = (self._received_us, self.samples, self.bytes)
        if self._marks is None or now[0] - self._last[0] >= WINDOW_US:
            self._marks = (now, now)  # the first one, or the camera was away
        elif now[0] - self._marks[1][0] >= WINDOW_US:
            self._marks = (self._marks[1], now)
        self._last = now

    def rates(self, now_us: int) -> tuple[int, int]:
        """Bits a second and thousandths of pictures a second; ``now_us`` is monotonic. 0 before a second is over."""
        if self._marks is None or now_us - self._received_us > STALE_US:
            return 0, 0
        (then_us, samples, size_bytes), _ = self._marks
        elapsed_us = self._last[0] - then_us
        if elapsed_us < SHORTEST_US:
            return 0, 0
        bitrate_bps = (self._last[2] - size_bytes) * 8 * US_PER_S // elapsed_us
        return bitrate_bps, (self._last[1] - samples) * 1000 * US_PER_S // elapsed_us
