"""What of each track is accounted for: footage up to where, and since when and why it is missing."""

import threading
from dataclasses import dataclass

from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_S

TOLERANCE_US = 100_000  # chosen: less than a reconnect can take, more than the error of two runs' clocks
SETTLE_US = 10 * US_PER_S  # footage may still wait in the disk queue this long after its session ended


@dataclass(slots=True)
class _Account:
    """One track's state."""

    accounted_us: int | None = None  # footage or an explained gap reaches to here; None: nothing was ever recorded
    reason: GapReason = GapReason.RESTART
    detail: str = ""
    missing_since_us: int | None = None  # None: footage flows
    resumed_us: int | None = None  # footage flowed again before recovery told how far the old footage reaches
    written_us: int = 0  # and has been written up to here since


class GapLedger:
    """Says which stretches are missing. Disk threads tell what was written, sessions tell what they lack.

    Until `settle` is called the ends of old footage are not final, for files of a crashed recorder are still being
    recovered; gaps that begin there come out of `settle`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[Track, _Account] = {}
        self._settled = False

    def remember(self, track: Track, end_us: int, reason: GapReason, detail: str) -> None:
        """Old footage of a track ends at ``end_us`` or later; why it ended there. For the start."""
        with self._lock:
            account = self._account(track)
            account.accounted_us = max(end_us, account.accounted_us or end_us)
            account.reason, account.detail = reason, detail

    def recovered(self, track: Track, start_us: int, end_us: int) -> Gap | None:
        """Old footage was found, in the order of time; gives the gap before it, which the crash kept untold."""
        with self._lock:
            account = self._account(track)
            known_us = account.accounted_us
            gap = self._close(track, account, start_us)
            account.accounted_us = max(end_us, known_us or end_us)
            return gap

    def settle(self) -> list[Gap]:
        """All old footage is known. Gives the gaps of the tracks that were recording before this was clear."""
        with self._lock:
            self._settled = True
            gaps = []
            for track, account in self._accounts.items():
                if account.resumed_us is not None:
                    gaps.append(self._close(track, account, account.resumed_us))
                    account.accounted_us = max(account.accounted_us or 0, account.written_us)
                    account.resumed_us = None
            return [gap for gap in gaps if gap is not None]

    def recorded(self, track: Track, start_us: int, end_us: int) -> Gap | None:
        """Footage was written; gives the gap that ends where it starts, if there is one."""
        with self._lock:
            account = self._account(track)
            account.missing_since_us = None
            if not self._settled:
                account.resumed_us = start_us if account.resumed_us is None else account.resumed_us
                account.written_us = end_us
                return None
            gap = self._close(track, account, start_us)
            account.accounted_us = max(end_us, account.accounted_us or end_us)
            return gap

    def sealed(self, track: Track, end_us: int) -> None:
        """A chunk has its final end, which may lie a little behind that of its last fragment."""
        with self._lock:
            account = self._account(track)
            if self._settled:
                account.accounted_us = max(end_us, account.accounted_us or end_us)
            else:
                account.written_us = max(end_us, account.written_us)

    def missing(self, track: Track, reason: GapReason, detail: str, now_us: int) -> Gap | None:
        """Footage is missing from now on; gives the gap up to now if it was missing for another reason."""
        with self._lock:
            account = self._account(track)
            gap = None
            if account.missing_since_us is None:
                account.missing_since_us = now_us
            elif account.reason is not reason and self._settled:
                gap = self._close(track, account, now_us)
            account.reason, account.detail = reason, detail
            return gap

    def flush(self, now_us: int) -> list[Gap]:
        """The gaps so far of all tracks that are missing for a while, so that a long absence stands in the index."""
        with self._lock:
            if not self._settled:
                return []
            gaps = [
                self._close(track, account, now_us)
                for track, account in self._accounts.items()
                if account.missing_since_us is not None and now_us - account.missing_since_us > SETTLE_US
            ]
            return [gap for gap in gaps if gap is not None]

    def _account(self, track: Track) -> _Account:
        return self._accounts.setdefault(track, _Account())

    def _close(self, track: Track, account: _Account, until_us: int) -> Gap | None:
        start_us = account.accounted_us
        account.accounted_us = max(until_us, start_us or until_us)
        if start_us is None or until_us - start_us <= TOLERANCE_US:
            return None
        return Gap(track, start_us, until_us, account.reason, account.detail)
