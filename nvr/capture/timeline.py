"""The timeline of one run: where each sample is decoded and shown on it, and whether by its own time stamp. Pure.

Nearly every sample is placed at once. Where the receipt contradicts the time stamp, the next samples say why: pictures
that waited somewhere come in a burst until they have caught up with the time; a clock that is wrong stays wrong. So
they wait here for up to a second before their times are settled. A wrong clock can catch up by chance: stamps of what
waited are believed without a word only if the clock was right before, and lost no time by the number of pictures.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import pairwise

from nvr.capture.decodetime import DecodeTimes
from nvr.capture.runclock import EARLY_US, LATE_US, OUTLIER_PICTURES, RunClock
from nvr.codec.parameters import PictureFormat
from nvr.media import Sample
from nvr.timebase import TICKS_PER_S, US_PER_S, us_from_90k

# A network or a server may have kept pictures for a new session (mediamtx does, many servers send the last group of
# pictures first): they come at once, and at once after the beginning.
BURST_WITHIN_US = US_PER_S
BURST_TAKES_US = 3 * US_PER_S // 4  # chosen: 3 s of 8 Mbit/s at 100 Mbit/s, and the two windows behind it
BURST_SPEED = 4  # chosen: so much faster than they were taken come pictures that were kept
BURST_MOST_US = 30 * US_PER_S  # chosen: a group of pictures of a usual camera, no group of a "smart" codec
# A clock that is right keeps step with the receipt in each of the last two windows of the wait. Two, for one stall can
# hide in one of them that a clock runs away.
STEADY_US = US_PER_S // 4
STEADY_SPREAD_US = 100_000
# Nothing was read for longer than from one sweep (`nvr.capture.link.SWEEP_US`) to the next: the network stalled, or we.
HOLE_US = 600_000
CATCH_UP_US = US_PER_S  # chosen: what waited behind a hole comes at the speed of the network
CAUGHT_UP_SAMPLES = 2  # one alone may be there by a wrong stamp
ROW_90K = 2 * TICKS_PER_S  # chosen: as long as a clock that jumped is on trial
SLOW_90K = TICKS_PER_S * 3 // 10  # chosen: jitter and B-frames make a stamp less earlier than the pictures' number
REORDER_90K = TICKS_PER_S * 3 // 10  # chosen: B-frames are not so far out of order
CATCH_UP_MOST_US = 3 * US_PER_S  # chosen: twice the distance of pictures, of cameras that send less than two a second
WAITING_SAMPLES = 1000
WAITING_BYTES = 16 << 20


@dataclass(slots=True)
class Placed:
    """A sample with its times on the run's timeline. Not frozen, as `nvr.media.Sample`."""

    sample: Sample
    decode_90k: int
    presentation_90k: int
    is_coarse: bool


class Timeline:
    """Places the samples of one run.

    Args:
        first: the run's first sample.
        picture: what its parameter sets say.
        wall_offset_us: wall − monotonic time.
    """

    def __init__(self, first: Sample, picture: PictureFormat, wall_offset_us: int) -> None:
        self.clock = RunClock(first.presentation_90k)
        self._picture = picture
        self._decode = DecodeTimes(picture.reorder_frames, picture.frame_90k)
        self._was_coarse = False
        self._was_ever_coarse = False
        self._wall_offset_us = wall_offset_us
        self._begun_us = first.received_us
        self._received_us = first.received_us
        self._waiting: list[Sample] = []
        self._waiting_bytes = 0
        self._fitting = 0  # of them, at the end: they keep step with the receipt again
        self._waits_for_burst = False  # else for what waited behind a hole
        self._hole_us = 0  # which was so long
        self._wait_us = 0  # so long at most
        self._last_90k = first.presentation_90k  # media time of the last sample that was believed
        self._since_90k = first.presentation_90k  # the same of the first of an unbroken row of such samples
        self._steps = 0  # in that row

    @property
    def frame_90k(self) -> int:
        """How long a picture usually lasts, as the parameter sets say."""
        return self._decode.frame_90k

    def move(self, wall_offset_us: int) -> None:
        """The server's clock was set: what follows is at the same place in the run, by the new time of day."""
        self.clock.move(wall_offset_us - self._wall_offset_us)
        self._wall_offset_us = wall_offset_us

    def change(self, picture: PictureFormat) -> None:
        """New parameter sets are in force."""
        self._picture = picture
        self._decode.change(picture.reorder_frames, picture.frame_90k)

    def place(self, sample: Sample) -> list[Placed]:
        """The samples whose times are settled by this one, in order; most often itself."""
        if self._waiting:
            return self._wait(sample)
        run_90k = self.clock.follow(sample.presentation_90k, sample.received_us + self._wall_offset_us)
        if run_90k is None and self._is_doubtful(sample):
            return self._wait(sample)
        self._received_us = sample.received_us
        if run_90k is None:
            return [self._settle(sample)]
        self._last_90k = sample.presentation_90k
        self._steps += 1
        self._was_coarse = False
        return [Placed(sample, self._decode.next(run_90k), run_90k, False)]

    def flush(self) -> list[Placed]:
        """Nothing more comes: those that wait, by their stamps if much speaks for these; it is told as coarse."""
        if not self._waiting:
            return []
        waiting = self._take()
        right = self._find_right(waiting)
        is_likely = _came_at_once(waiting) and self._keep_pace(waiting, right) and not self.clock.is_on_trial
        if self._waits_for_burst or not is_likely:
            return [self._settle(sample) for sample in waiting]
        return _coarse(self._settle_waited(waiting, right))

    def _settle_caught_up(self) -> list[Placed]:
        """Those that waited behind a hole and have caught up with the time: by their stamps, if the clock was right.

        Other clocks catch up as well, by chance: then the last picture alone is believed.
        """
        waiting = self._take()
        right = self._find_right(waiting)
        if self._keep_pace(waiting, right):
            placed = self._settle_waited(waiting, right)
        else:
            placed = _coarse(self._settle_waited(waiting, [len(waiting) - 1]))
        self._begin_row()
        return placed

    def _settle_waited(self, waiting: list[Sample], right: list[int]) -> list[Placed]:
        """Those with the right stamps by these, each other one at an even distance from those beside it."""
        return [self._settle_one_waited(waiting, number, right) for number in range(len(waiting))]

    def _settle_one_waited(self, waiting: list[Sample], number: int, right: list[int]) -> Placed:
        sample, position = waiting[number], bisect_left(right, number)
        if position == len(right):
            return self._settle(sample)
        follows = right[position]
        if follows == number:
            return self._settle(sample, trusted=True)
        run_90k = self.clock.between(waiting[follows].presentation_90k, follows - number + 1)
        return Placed(sample, self._decode.next(run_90k), run_90k, True)

    def _settle(self, sample: Sample, *, trusted: bool = False) -> Placed:
        see = self.clock.trust if trusted else self.clock.observe
        presentation_90k = see(sample.presentation_90k, sample.received_us + self._wall_offset_us)
        if self.clock.is_coarse and not self._was_coarse:
            self.change(self._picture)  # what the wrong stamps seemed to reorder is forgotten
        self._was_coarse = self.clock.is_coarse
        self._was_ever_coarse |= self._was_coarse
        self._steps += 1
        if not self._was_coarse:
            self._last_90k = sample.presentation_90k
        elif self.clock.lost_pictures > OUTLIER_PICTURES:
            self._begin_row()
        return Placed(sample, self._decode.next(presentation_90k), presentation_90k, self._was_coarse)

    # -- doubts --------------------------------------------------------------------------------------------------

    def _late_us(self, sample: Sample) -> int:
        return self.clock.late_us(sample.presentation_90k, sample.received_us + self._wall_offset_us)

    def _is_doubtful(self, sample: Sample) -> bool:
        if not self.clock.was_believed(self._received_us + self._wall_offset_us):
            return False
        late_us = self._late_us(sample)
        if self.clock.fits(late_us):
            return False
        self._hole_us = sample.received_us - self._received_us
        is_at_beginning = sample.received_us - self._begun_us < BURST_WITHIN_US
        # A run whose pictures have times from their receipt cannot begin earlier: they would be moved along.
        self._waits_for_burst = late_us < 0 and is_at_beginning and not self._was_ever_coarse
        usual_us = us_from_90k(self._usual_90k())
        catch_up_us = min(max(CATCH_UP_US, 2 * usual_us), CATCH_UP_MOST_US)
        self._wait_us = BURST_TAKES_US if self._waits_for_burst else catch_up_us
        return self._waits_for_burst or self._hole_us > max(HOLE_US, 2 * usual_us)

    def _begin_row(self) -> None:
        self._since_90k, self._steps = self._last_90k, 0

    def _usual_90k(self) -> int:
        """From picture to picture, of those that were believed last; 0: not known."""
        return max(0, self._last_90k - self._since_90k) // self._steps if self._steps else 0

    def _has_waited(self, late_us: int) -> bool:
        """Whether a picture can have waited behind the hole: then it is not later than the hole is long."""
        return self.clock.fits(late_us) or 0 < late_us <= self._hole_us + LATE_US

    def _find_right(self, waiting: list[Sample]) -> list[int]:
        """Which of those that waited have stamps that can be right: by the hole's length, and by those beside them."""
        stamps_90k = [one.presentation_90k for one in waiting]
        beside = zip([self._last_90k, *stamps_90k], stamps_90k, [*stamps_90k[1:], stamps_90k[-1]], strict=False)
        in_order = [min(a, c) - REORDER_90K <= b <= max(a, c) + REORDER_90K for a, b, c in beside]
        return [n for n, one in enumerate(waiting) if in_order[n] and self._has_waited(self._late_us(one))]

    def _keep_pace(self, waiting: list[Sample], right: list[int]) -> bool:
        """Whether a clock that was right for long neither stood still nor ran slowly since, by the pictures' number."""
        if self._last_90k - self._since_90k < ROW_90K:
            return False
        usual_90k, begin_90k = self._usual_90k(), self._last_90k - SLOW_90K
        return all(waiting[n].presentation_90k >= begin_90k + (n + 1) * usual_90k for n in right)

    def _wait(self, sample: Sample) -> list[Placed]:
        self._waiting.append(sample)
        self._waiting_bytes += len(sample.data)
        is_over = sample.received_us - self._waiting[0].received_us >= self._wait_us
        self._fitting = self._fitting + 1 if self.clock.fits(self._late_us(sample)) else 0
        if not self._waits_for_burst and not is_over and self._fitting == CAUGHT_UP_SAMPLES:
            return self._settle_caught_up()
        if not is_over and len(self._waiting) < WAITING_SAMPLES and self._waiting_bytes < WAITING_BYTES:
            return []
        trusted = self._waits_for_burst and self._was_burst()
        return [self._settle(one, trusted=trusted) for one in self._take()]

    def _was_burst(self) -> bool:
        """Whether the clock keeps step with the receipt now, and took no leap; then the run began so much earlier."""
        stamps_90k = [self._last_90k, *(one.presentation_90k for one in self._waiting)]
        if any(us_from_90k(abs(after - before)) > EARLY_US for before, after in pairwise(stamps_90k)):
            return False
        least_us = self._least_late_us()
        earlier_us = -min(late_us for late_us in least_us if late_us is not None)
        if earlier_us > BURST_MOST_US or not self._came_fast(earlier_us):
            return False
        if any(late_us is None or late_us + earlier_us > STEADY_SPREAD_US for late_us in least_us):
            return False
        self.clock.begin(self.clock.at_us(0) - earlier_us)
        return True

    def _came_fast(self, earlier_us: int) -> bool:
        """Whether so much was caught up with at a network's speed: what takes longer may be a clock that is fast.

        Where it is little, that is within the bound: the clock may pull the run's start by `EARLY_US` before and after.
        """
        if earlier_us <= US_PER_S - 2 * EARLY_US:
            return True
        most_us = STEADY_SPREAD_US - earlier_us
        caught_up = next(one for one in self._waiting if self._late_us(one) <= most_us)
        return earlier_us >= BURST_SPEED * (caught_up.received_us - self._begun_us)

    def _least_late_us(self) -> list[int | None]:
        """How late the least delayed was of each of the last two windows, the later first, and of all before them."""
        end_us = self._waiting[-1].received_us
        least_us: list[int | None] = [None, None, None]
        for one in self._waiting:
            window = min(2, (end_us - one.received_us) // STEADY_US)
            late_us, least = self._late_us(one), least_us[window]
            least_us[window] = late_us if least is None else min(least, late_us)
        return least_us

    def _take(self) -> list[Sample]:
        waiting, self._waiting, self._waiting_bytes, self._fitting = self._waiting, [], 0, 0
        if waiting:
            self._received_us = waiting[-1].received_us
        return waiting


def _coarse(placed: list[Placed]) -> list[Placed]:
    return [replace(one, is_coarse=True) for one in placed]


def _came_at_once(waiting: list[Sample]) -> bool:
    """Whether samples came faster than they were taken, by their stamps."""
    media_us = us_from_90k(waiting[-1].presentation_90k - waiting[0].presentation_90k)
    return media_us > 2 * (waiting[-1].received_us - waiting[0].received_us)
