"""What of each track is accounted for: footage up to where, and since when and why it is missing."""

import threading
from dataclasses import dataclass, field

from nvr.capture.events import Absence
from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_S

TOLERANCE_US = 100_000  # chosen: less than a reconnect can take, more than the error of two runs' clocks
STEP_US = US_PER_S  # as for a run (`nvr.capture.segmenter`): by less no clock is set, it is led
AHEAD_US = (
    60 * US_PER_S
)  # chosen: nothing waits so long between its receipt and this ledger; what is dated later, is wrong
SETTLE_US = 10 * US_PER_S  # footage may still wait in the disk queue this long after its session ended
DOUBT_US = 600 * US_PER_S  # chosen: so long an absence waits for a clock that is doubted to be put right


@dataclass(slots=True)
class _Account:
    """One track's state."""

    accounted_us: int | None = None  # footage or an explained gap reaches to here; None: nothing was ever recorded
    absence: Absence = field(default_factory=lambda: Absence(GapReason.RESTART))
    missing_since_us: int | None = None  # None: footage flows
    resumed_us: int | None = None  # footage flowed again before recovery told how far the old footage reaches
    written_us: int = 0  # and has been written up to here since

    def move(self, by_us: int) -> None:
        """The clock was set: the same instants have other names now."""
        for name in ("accounted_us", "missing_since_us", "resumed_us"):
            at_us = getattr(self, name)
            setattr(self, name, None if at_us is None else at_us + by_us)
        self.written_us += by_us


class GapLedger:
    """Says which stretches are missing. Disk threads tell what was written, sessions tell what they lack.

    Until `settle` is called the ends of old footage are not final, for files of a crashed recorder are still being
    recovered; gaps that begin there come out of `settle`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[Track, _Account] = {}
        self._settled = False
        self._offset_us: int | None = None  # wall − monotonic
        self._now_us = 0
        self._is_doubtful = False
        self._step_us = 0  # by how much the clock was set back last; never more than 0

    def follow(self, now_us: int, monotonic_us: int, *, is_doubtful: bool = False) -> None:
        """See whether the server's clock was set back: then time is recorded twice, and what is missing counts anew.

        Set forwards it leaves a stretch that nobody recorded, a gap like others. To be called before a run begins.
        While the clock is doubted an absence is not told yet: it would stand where nobody looks for it.
        """
        with self._lock:
            self._is_doubtful = is_doubtful
            offset_us, self._now_us = now_us - monotonic_us, now_us
            step_us = 0 if self._offset_us is None else offset_us - self._offset_us
            self._offset_us = offset_us
            is_undone = (
                self._step_us < 0 and abs(step_us + self._step_us) <= AHEAD_US
            )  # it was wrong, and is right again
            if step_us < -STEP_US or is_undone:
                self._step_us = 0 if is_undone else step_us
                for account in self._accounts.values():
                    account.move(step_us)

    def remember(self, track: Track, end_us: int, reason: GapReason, detail: str) -> None:
        """Old footage of a track ends at ``end_us`` or later; why it ended there. For the start."""
        with self._lock:
            account = self._account(track)
            account.accounted_us = max(end_us, account.accounted_us or end_us)
            account.absence = Absence(reason, detail)

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

    def resumes(self, track: Track) -> None:
        """Footage is on its way to a disk: nothing is missing from now on."""
        with self._lock:
            self._account(track).missing_since_us = None

    def recorded(self, track: Track, start_us: int, end_us: int, absence: Absence | None = None) -> Gap | None:
        """Footage was written; gives the gap that ends where it starts, if there is one.

        Args:
            track: whose.
            start_us: where it starts, wall time.
            end_us: where it ends.
            absence: why there is none before it, as it was known when its chunk began; None: as it is known now. Much
                may have been told since: what is written has waited for its disk.
        """
        with self._lock:
            account = self._account(track)
            start_us, end_us = self._since_step(start_us), self._since_step(end_us)
            if self._is_ahead(end_us):
                return None
            if account.missing_since_us is not None and start_us >= account.missing_since_us:
                account.missing_since_us = None  # else it had waited for its disk
            if not self._settled:
                account.resumed_us = start_us if account.resumed_us is None else account.resumed_us
                account.written_us = end_us
                return None
            gap = self._close(track, account, start_us, absence)
            account.accounted_us = max(end_us, account.accounted_us or end_us)
            return gap

    def sealed(self, track: Track, end_us: int) -> None:
        """A chunk has its final end, which may lie a little behind that of its last fragment."""
        with self._lock:
            account = self._account(track)
            end_us = self._since_step(end_us)
            if self._is_ahead(end_us):
                return
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
            elif account.absence.reason is not reason and self._settled and not self._is_doubtful:
                gap = self._close(track, account, now_us)
            account.absence = Absence(reason, detail)
            return gap

    def flush(self, now_us: int) -> list[Gap]:
        """The gaps so far of all tracks that are missing for a while, so that a long absence stands in the index."""
        with self._lock:
            if not self._settled:
                return []
            least_us = DOUBT_US if self._is_doubtful else SETTLE_US
            gaps = [
                self._close(track, account, now_us)
                for track, account in self._accounts.items()
                if account.missing_since_us is not None and now_us - account.missing_since_us > least_us
            ]
            return [gap for gap in gaps if gap is not None]

    def _since_step(self, at_us: int) -> int:
        """What waited for its disk while the clock was set back is dated ahead still."""
        is_ahead = 2 * (at_us - self._now_us) > -self._step_us  # nearer to now by the clock as it was
        return at_us + self._step_us if self._step_us and is_ahead else at_us

    def _is_ahead(self, at_us: int) -> bool:
        """Whether a clock dated this that has been set back more than once since: it tells nothing of now."""
        return self._offset_us is not None and at_us > self._now_us + AHEAD_US

    def _account(self, track: Track) -> _Account:
        return self._accounts.setdefault(track, _Account())

    def _close(self, track: Track, account: _Account, until_us: int, absence: Absence | None = None) -> Gap | None:
        start_us = account.accounted_us
        account.accounted_us = max(until_us, start_us or until_us)
        if start_us is None or until_us - start_us <= TOLERANCE_US:
            return None
        why = absence or account.absence
        return Gap(track, start_us, until_us, why.reason, why.detail)
