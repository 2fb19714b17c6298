"""How far a camera's own clock is from ours, from its RTCP sender reports (RFC 3550 section 6.4.1)."""

from collections import deque

from nvr.rtsp.rtcp import SenderReport
from nvr.timebase import us_from_ntp

REPORTS = 24  # chosen: one to two minutes of reports; reading in batches delays some by half a second


class CameraClock:
    """Camera − server, from the report that was least delayed among the last ones. Pure."""

    def __init__(self) -> None:
        self._offsets_us: deque[int] = deque(maxlen=REPORTS)
        self._last: SenderReport | None = None

    @property
    def offset_us(self) -> int | None:
        """None: the camera sends no reports, or has no clock."""
        return max(self._offsets_us, default=None)

    def observe(self, report: SenderReport | None, wall_offset_us: int) -> None:
        """Look at the latest report; one seen before counts once.

        Args:
            report: with its monotonic time of receipt.
            wall_offset_us: wall − monotonic time, now.
        """
        if report is None or report is self._last:
            return
        self._last = report
        if not report.has_clock:
            self._offsets_us.clear()
            return
        self._offsets_us.append(us_from_ntp(report.ntp) - report.received_us - wall_offset_us)
