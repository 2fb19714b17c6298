"""The timeline of one run: where each sample is decoded and shown on it, and whether by its own time stamp. Pure.

Nearly every sample is placed at once. Where the receipt contradicts the time stamp, the next samples say why: pictures
that waited somewhere come in a burst until they have caught up with the time; a clock that is wrong stays wrong. So
they wait here for up to a second before their times are settled.
"""

from dataclasses import dataclass
from itertools import pairwise

from nvr.capture.decodetime import DecodeTimes
from nvr.capture.runclock import EARLY_US, LATE_US, RunClock
from nvr.codec.parameters import PictureFormat
from nvr.media import Sample
from nvr.timebase import US_PER_S, us_from_90k

# A network or a server may have kept pictures for a new session (mediamtx does, many servers send the last group of
# pictures first): they come at once, and at once after the beginning.
BURST_WITHIN_US = US_PER_S
BURST_TAKES_US = US_PER_S // 2  # chosen: 5 s of 8 Mbit/s at 100 Mbit/s
BURST_MOST_US = 30 * US_PER_S  # chosen: a group of pictures of a usual camera, no group of a "smart" codec
STEADY_US = US_PER_S // 4  # the end of the wait, in which a clock that is right keeps step with the receipt
STEADY_SPREAD_US = 100_000
# Nothing was read for longer than from one sweep (`nvr.capture.link.SWEEP_US`) to the next: the network stalled, or we.
HOLE_US = 600_000
CATCH_UP_US = US_PER_S  # chosen: what waited behind a hole comes at the speed of the network
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
        self._wall_offset_us = wall_offset_us
        self._begun_us = first.received_us
        self._received_us = first.received_us
        self._waiting: list[Sample] = []
        self._waiting_bytes = 0
        self._waits_for_burst = False  # else for what waited behind a hole
        self._hole_us = 0  # which was so long
        self._last_90k = first.presentation_90k  # media time of the last sample that was settled

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
        if not self._waiting:
            run_90k = self.clock.follow(sample.presentation_90k, sample.received_us + self._wall_offset_us)
            if run_90k is None and self._is_doubtful(sample):
                return self._wait(sample)
            self._received_us, self._last_90k = sample.received_us, sample.presentation_90k
            if run_90k is None:
                return [self._settle(sample)]
            self._was_coarse = False
            return [Placed(sample, self._decode.next(run_90k), run_90k, False)]
        return self._wait(sample)

    def flush(self) -> list[Placed]:
        """Nothing more comes: those that wait, by their stamps if they came faster than they were taken."""
        if self._waits_for_burst or not self._came_at_once():
            return [self._settle(sample) for sample in self._take()]
        return [self._settle_waited(sample) for sample in self._take()]

    def _came_at_once(self) -> bool:
        if not self._waiting:
            return False
        first, last = self._waiting[0], self._waiting[-1]
        media_us = us_from_90k(last.presentation_90k - first.presentation_90k)
        return media_us > 2 * (last.received_us - first.received_us)

    def _settle_waited(self, sample: Sample) -> Placed:
        """One that waited behind a hole, with others that have caught up: by its stamp, if that can be right."""
        if self._has_waited(self._late_us(sample)):
            return self._settle(sample, trusted=True)
        presentation_90k = self.clock.squeeze()
        return Placed(sample, self._decode.next(presentation_90k), presentation_90k, True)

    def _settle(self, sample: Sample, *, trusted: bool = False) -> Placed:
        see = self.clock.trust if trusted else self.clock.observe
        presentation_90k = see(sample.presentation_90k, sample.received_us + self._wall_offset_us)
        if self.clock.is_coarse and not self._was_coarse:
            self.change(self._picture)  # what the wrong stamps seemed to reorder is forgotten
        self._was_coarse = self.clock.is_coarse
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
        self._waits_for_burst = late_us < 0 and is_at_beginning
        return self._waits_for_burst or self._hole_us > HOLE_US

    def _has_waited(self, late_us: int) -> bool:
        """Whether a picture can have waited behind the hole: then it is not later than the hole is long."""
        return self.clock.fits(late_us) or 0 < late_us <= self._hole_us + LATE_US

    def _wait(self, sample: Sample) -> list[Placed]:
        self._waiting.append(sample)
        self._waiting_bytes += len(sample.data)
        if not self._waits_for_burst and self.clock.fits(self._late_us(sample)):
            return [self._settle_waited(one) for one in self._take()]
        most_us = BURST_TAKES_US if self._waits_for_burst else CATCH_UP_US
        is_over = sample.received_us - self._waiting[0].received_us >= most_us
        if not is_over and len(self._waiting) < WAITING_SAMPLES and self._waiting_bytes < WAITING_BYTES:
            return []
        trusted = self._waits_for_burst and self._was_burst()
        return [self._settle(one, trusted=trusted) for one in self._take()]

    def _was_burst(self) -> bool:
        """Whether the clock keeps step with the receipt now, and took no leap; then the run began so much earlier."""
        stamps_90k = [self._last_90k, *(one.presentation_90k for one in self._waiting)]
        if any(us_from_90k(abs(after - before)) > EARLY_US for before, after in pairwise(stamps_90k)):
            return False
        end_us = self._waiting[-1].received_us
        offsets_us = [
            one.received_us - us_from_90k(one.presentation_90k)
            for one in self._waiting
            if end_us - one.received_us <= STEADY_US
        ]
        earlier_us = -min(map(self._late_us, self._waiting))
        is_steady = max(offsets_us) - min(offsets_us) <= STEADY_SPREAD_US
        if not is_steady or earlier_us > BURST_MOST_US:
            return False
        self.clock.begin(self.clock.at_us(0) - earlier_us)
        return True

    def _take(self) -> list[Sample]:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if waiting:
            self._received_us, self._last_90k = waiting[-1].received_us, waiting[-1].presentation_90k
        return waiting
