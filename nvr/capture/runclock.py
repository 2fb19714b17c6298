"""When was a picture taken? Media time of a run mapped to wall time (DESIGN section 5).

A camera's media clock is mostly steady but unrelated to ours; our times of receipt are ours but late by a changing
amount. The least delayed access unit of the first chunk says best where the run starts. Later the mapping follows the
server's clock: by at most 500 ppm from chunk to chunk (chosen: faster than a quartz drifts, too slow to see; Moonfire
slews as much), and where it is a tenth of a second off, by up to 2.5 % of the pictures' distances.

Media clocks that no such step can follow exist: cameras that stamp 25 pictures a second and send 15, count in
milliseconds or pictures, stand still, jump, or run backwards. Their pictures get times from their receipt, until the
media clock has kept step with the receipt for a while.
"""

from dataclasses import dataclass, replace

from nvr.capture.pace import Pace
from nvr.timebase import US_PER_S, ticks_from_us, us_from_90k

MAX_SLEW_PPM = 500
# A picture may be received so long after its time: 487 ms until the next sweep, and 200 ms on the network (chosen).
LATE_US = 700_000
# No picture is received before its time; so much is the first picture's own delay (chosen: with `LATE_US` it is 1 s).
EARLY_US = 300_000
STEER_WINDOW_US = 4 * US_PER_S  # chosen: the least delayed of so many pictures is late by a few milliseconds
STEER_PICTURES = 16
STEER_FROM_US = 100_000  # chosen: ten times the error of a good camera (tests/nvr/capture/test_times_of_batches.py)
STEER_SHARE = 40  # of a picture's distance: 1 ms of 40 is not seen
OUTLIER_US = US_PER_S  # chosen: so long single wrong stamps may last; if the old clock is right then, it goes on
OUTLIER_PICTURES = 2  # or so few pictures, of cameras that send less than two a second: one wrong, and the next
PROBATION_US = 2 * US_PER_S  # chosen: four batches must agree before a clock that jumped is believed again
MAX_PROBATION_US = 64 * US_PER_S  # and so long after many relapses: 1 % of that is more than `TRIAL_SPREAD_US` allows
TRIAL_SPREAD_US = LATE_US
TRIAL_PICTURES = 4


@dataclass(slots=True)
class _Trial:
    """What a clock that is not believed has shown since it last contradicted itself: receipt − media time, in µs."""

    since_us: int
    least_us: int
    most_us: int
    pictures: int = 0

    def contradicts(self, offset_us: int) -> bool:
        """Whether an offset shows that the clock is none, or no steady one."""
        self.least_us = min(self.least_us, offset_us)
        self.most_us = max(self.most_us, offset_us)
        self.pictures += 1
        return self.most_us - self.least_us > TRIAL_SPREAD_US

    def is_passed(self, received_us: int, probation_us: int) -> bool:
        return self.pictures >= TRIAL_PICTURES and received_us - self.since_us >= probation_us


class RunClock:
    """Maps the media time of one run to wall time. Pure: the caller brings the times.

    Between the two stands the run's own timeline in ticks of 90 kHz, on which nothing jumps back: media time less what
    its faults have added up to.

    Args:
        origin_90k: a media time at or before the first sample; the run's timeline begins there with 0.
    """

    def __init__(self, origin_90k: int) -> None:
        self.is_coarse = False  # the last picture has its time from its receipt
        self.lost_pictures = 0  # while media time is not believed: for how many pictures
        self._shift_90k = origin_90k  # media time where the run's timeline has 0
        self._start_us: int | None = None  # wall time of the run's 0
        self._earliest_us = 0  # while the run's start is not fixed: it cannot be before
        self._settled = False
        self._least_us: int | None = None  # the smallest offset seen since the last chunk began
        self._media_90k = origin_90k  # of the last picture
        self._run_90k = -1  # the same on the run's timeline
        self._floor_90k = -(1 << 62)  # nothing that follows may be shown there or before
        self._pace = Pace()
        self._window_us = 0  # for steering: since when,
        self._window_pictures = 0  # how many pictures,
        self._window_least_us = 0  # and their smallest offset
        self._owed_90k = 0  # so much the run's timeline still has to gain
        self._trial: _Trial | None = None  # None: media time is believed
        self._lost_us = 0  # since when it is not
        self._believed_us: int | None = None  # since when it was
        self._probation_us = PROBATION_US // 2
        self._old_shift_90k = origin_90k  # as long as it was believed

    def observe(self, media_90k: int, received_us: int) -> int:
        """A sample shown at ``media_90k`` was received at ``received_us``, wall time; gives its place in the run."""
        run_90k = self.follow(media_90k, received_us)
        if run_90k is not None:
            return run_90k
        if self._trial is None:
            self._distrust(media_90k, received_us)
        self._pace.count(received_us)
        return self._judge(media_90k, received_us)

    def follow(self, media_90k: int, received_us: int) -> int | None:
        """The same, if media time is believed and its receipt does not contradict it; else None: nothing changes."""
        if self._trial is not None:
            return None
        run_90k = media_90k - self._shift_90k
        offset_us = received_us - us_from_90k(run_90k)
        if self._start_us is None:
            self.begin(offset_us)
        late_us = offset_us - (self._start_us or 0)
        if not (0 <= late_us <= LATE_US or self.fits(late_us)):
            return None
        if self._owed_90k or run_90k <= self._floor_90k:
            return self.trust(media_90k, received_us)
        self._learn(offset_us, received_us)
        self._media_90k, self._run_90k = media_90k, run_90k
        return run_90k

    def between(self, media_90k: int, parts: int) -> int:
        """A place for a sample with a wrong stamp: a part of the way to ``media_90k``, a right one that follows."""
        shift_90k = self._shift_90k if self._trial is None else self._old_shift_90k
        self._run_90k += max(1, (media_90k - shift_90k - self._run_90k) // parts)
        return self._run_90k

    @property
    def is_on_trial(self) -> bool:
        """Whether media time does not count at present."""
        return self._trial is not None

    def begin(self, start_us: int) -> None:
        """The run begins at this wall time, or a little before."""
        self._start_us = start_us
        self._earliest_us = start_us - EARLY_US

    def was_believed(self, at_us: int) -> bool:
        """Whether media time counted at this time, single wrong stamps apart; wall time."""
        return self._trial is None or at_us - self._lost_us <= OUTLIER_US or self.lost_pictures <= OUTLIER_PICTURES

    def move(self, by_us: int) -> None:
        """The server's clock was set by so much: all offsets are by the new one. A new chunk begins here."""
        if self._start_us is not None:
            self._start_us += by_us
        self._earliest_us += by_us
        self._least_us = None
        self._lost_us += by_us
        if self._believed_us is not None:
            self._believed_us += by_us
        if self._trial is not None:
            self._trial = replace(
                self._trial,
                since_us=self._trial.since_us + by_us,
                least_us=self._trial.least_us + by_us,
                most_us=self._trial.most_us + by_us,
            )
        self._pace.move(by_us)
        self._begin_window(self._window_us + by_us)

    def late_us(self, media_90k: int, received_us: int) -> int:
        """How much later a sample was received than by its media time, as that counts or counted last."""
        shift_90k = self._shift_90k if self._trial is None else self._old_shift_90k
        return received_us - self.at_us(media_90k - shift_90k)

    def fits(self, late_us: int) -> bool:
        """Whether media time can be right if a sample was received so late."""
        if self._settled or late_us >= 0:
            return -EARLY_US <= late_us <= LATE_US
        return self._start_us is not None and self._start_us + late_us >= self._earliest_us

    def wall_us(self, media_90k: int) -> int:
        """The wall time at which the picture at ``media_90k`` was taken, by what is known now."""
        return self.at_us(media_90k - self._shift_90k)

    def at_us(self, run_90k: int) -> int:
        """The wall time of an instant on the run's timeline, by what is known now."""
        if self._start_us is None:
            raise ValueError("nothing was observed yet")
        return self._start_us + us_from_90k(run_90k)

    def next_chunk(self, duration_us: int) -> None:
        """A chunk has ended: the first fixes the run's start, later ones slew it towards what was seen."""
        if self._start_us is None or self._least_us is None:
            return
        if self._settled and self._trial is None:
            limit_us = duration_us * MAX_SLEW_PPM // 1_000_000
            self._start_us += max(-limit_us, min(limit_us, self._least_us - self._start_us))
        self._settled = True
        self._least_us = None

    # -- while media time is believed ----------------------------------------------------------------------------

    def trust(self, media_90k: int, received_us: int) -> int:
        """The same for a sample whose media time is known to be right, though it was received late."""
        if self._trial is not None:  # it was a single wrong stamp
            self._trial, self._shift_90k = None, self._old_shift_90k
            self._probation_us = max(PROBATION_US // 2, self._probation_us // 2)
        if self._owed_90k:
            self._steer(media_90k - self._media_90k)
        run_90k = media_90k - self._shift_90k
        if run_90k <= self._floor_90k:  # the pictures before it, which got their times from their receipt, come first
            run_90k = self._floor_90k = self._floor_90k + 1
        self._learn(received_us - us_from_90k(run_90k), received_us)
        self._media_90k, self._run_90k = media_90k, run_90k
        return run_90k

    def _learn(self, offset_us: int, received_us: int) -> None:
        """What the offset of a picture whose media time is right says of the run's start, and of later corrections."""
        assert self._start_us is not None
        self.is_coarse = False
        if offset_us < self._start_us and not self._settled:
            self._start_us = max(offset_us, self._earliest_us)
        if self._least_us is None or offset_us < self._least_us:
            self._least_us = offset_us
        if offset_us < self._window_least_us or not self._window_pictures:
            self._window_least_us = offset_us
        self._window_pictures += 1
        if received_us - self._window_us >= STEER_WINDOW_US:
            self._look(received_us)

    def _look(self, received_us: int) -> None:
        """Notice in time where the run's timeline goes astray."""
        passed_us = received_us - self._window_us
        if self._window_us and self._window_pictures < STEER_PICTURES:
            return
        assert self._start_us is not None
        off_us = self._window_least_us - self._start_us if self._window_us else 0
        most_us = passed_us // STEER_SHARE
        is_off = abs(off_us) > STEER_FROM_US
        self._owed_90k = ticks_from_us(max(-most_us, min(most_us, off_us))) if is_off else 0
        self._begin_window(received_us)

    def _begin_window(self, received_us: int) -> None:
        self._window_us, self._window_pictures = received_us, 0

    def _steer(self, step_90k: int) -> None:
        """Gain or lose a little of what is owed with each picture."""
        most_90k = max(0, step_90k) // STEER_SHARE
        part_90k = max(-most_90k, min(most_90k, self._owed_90k))
        self._shift_90k -= part_90k
        self._owed_90k -= part_90k

    # -- while it is not ------------------------------------------------------------------------------------------

    def _distrust(self, media_90k: int, received_us: int) -> None:
        """Each relapse makes it harder to be believed again, and a long good time makes it easy."""
        since_us = self._believed_us if self._believed_us is not None else received_us
        is_relapse = received_us - since_us < 10 * self._probation_us
        self._probation_us = min(2 * self._probation_us, MAX_PROBATION_US) if is_relapse else PROBATION_US
        self._old_shift_90k, self._lost_us, self.lost_pictures = self._shift_90k, received_us, 0
        self._trial = _new_trial(media_90k, received_us)
        self._pace.begin(self.at_us(self._run_90k))

    def _judge(self, media_90k: int, received_us: int) -> int:
        assert self._trial is not None
        self.lost_pictures += 1
        if self.was_believed(received_us) and self.fits(self.late_us(media_90k, received_us)):
            return self.trust(media_90k, received_us)
        offset_us = received_us - us_from_90k(media_90k)
        if self._trial.contradicts(offset_us):
            self._trial = _new_trial(media_90k, received_us)
        elif self._trial.is_passed(received_us, self._probation_us):
            return self._believe(media_90k, received_us, self._trial.least_us)
        return self._by_receipt(media_90k, received_us)

    def _believe(self, media_90k: int, received_us: int, offset_us: int) -> int:
        """The clock has passed its trial: from here on it counts, as the least delayed picture of the trial had it."""
        assert self._start_us is not None
        run_90k = ticks_from_us(offset_us + us_from_90k(media_90k) - self._start_us)
        self._shift_90k = media_90k - max(run_90k, self._run_90k + 1)
        self._trial, self._believed_us, self._media_90k = None, received_us, media_90k
        self._owed_90k = 0
        self._begin_window(received_us)
        return self.trust(media_90k, received_us)

    def _by_receipt(self, media_90k: int, received_us: int) -> int:
        assert self._start_us is not None
        run_90k = max(self._run_90k + 1, ticks_from_us(self._pace.next(received_us) - self._start_us))
        self._run_90k = self._floor_90k = run_90k
        self._pace.last_us = self._start_us + us_from_90k(run_90k)
        self._media_90k, self._shift_90k = media_90k, media_90k - self._run_90k
        self.is_coarse = True
        return self._run_90k


def _new_trial(media_90k: int, received_us: int) -> _Trial:
    offset_us = received_us - us_from_90k(media_90k)
    return _Trial(received_us, offset_us, offset_us)
