"""When was a picture taken? Media time of a run mapped to wall time (DESIGN section 5).

A camera's media clock is steady but unrelated to ours; our times of receipt are ours but late by a changing amount.
The least delayed access unit of the first chunk says best where the run starts. Later the mapping follows the
server's clock by at most 500 ppm (chosen: faster than a quartz drifts, too slow to see; Moonfire slews as much).
"""

from nvr.timebase import us_from_90k

MAX_SLEW_PPM = 500


class RunClock:
    """Maps the media time of one run to wall time. Pure: the caller brings the times.

    Args:
        origin_90k: a media time at or before the first sample; offsets count from here.
    """

    def __init__(self, origin_90k: int) -> None:
        self._origin_90k = origin_90k
        self._offset_us: int | None = None  # wall time of origin_90k
        self._least_us: int | None = None  # the smallest offset seen since the last chunk began
        self._settled = False

    def observe(self, media_90k: int, received_wall_us: int) -> None:
        """A sample shown at ``media_90k`` was received at ``received_wall_us``."""
        offset_us = received_wall_us - us_from_90k(media_90k - self._origin_90k)
        if self._least_us is None or offset_us < self._least_us:
            self._least_us = offset_us
        if self._offset_us is None or (not self._settled and offset_us < self._offset_us):
            self._offset_us = offset_us

    def wall_us(self, media_90k: int) -> int:
        """The wall time at which the picture at ``media_90k`` was taken, by what is known now."""
        if self._offset_us is None:
            raise ValueError("nothing was observed yet")
        return self._offset_us + us_from_90k(media_90k - self._origin_90k)

    def next_chunk(self, duration_us: int) -> None:
        """A chunk has ended: the first fixes the run's start, later ones slew it towards what was seen."""
        if self._offset_us is None or self._least_us is None:
            return
        if self._settled:
            limit_us = duration_us * MAX_SLEW_PPM // 1_000_000
            self._offset_us += max(-limit_us, min(limit_us, self._least_us - self._offset_us))
        self._settled = True
        self._least_us = None
