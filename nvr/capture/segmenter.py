"""Where one file ends and the next begins: samples in, fragments and cuts out. Pure (DESIGN section 3)."""

from collections.abc import Callable

from nvr.capture.allowance import Allowance
from nvr.capture.cadence import CHUNK_LIMIT_BYTES, Cadence
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.timeline import Placed, Timeline
from nvr.codec.parameters import describe
from nvr.media import Codec, CutReason, Fragment, ParameterSets, Sample, Track
from nvr.timebase import TICKS_PER_S, US_PER_S, ticks_from_us, us_from_90k

FRAGMENT_LIMIT_BYTES = 4 << 20
FRAGMENT_LIMIT_SAMPLES = 1000  # chosen: half a second of them is twice what may pass for long
CHUNK_LIMIT_SAMPLES = 200_000  # chosen: twice the longest file at 120 pictures a second
CHUNK_LIMIT_FRAGMENTS = 20_000  # chosen: five minutes of a camera whose every picture is a sync sample
STEP_US = US_PER_S  # DESIGN section 5: a longer step of the server's clock ends the run
STEP_WAIT_US = 4 * US_PER_S  # chosen: a usual group of pictures; so long a new run waits for a sync sample
# A stretch without pictures is told from 3 s on (chosen: longer than TCP takes to send again, or than a camera that
# saves pictures of a still scene waits), or four times the track's usual distance: some send a picture a minute.
SILENCE_90K = 3 * TICKS_PER_S
SILENCE_FRAMES = 4
LONGEST_SILENCE_90K = 600 * TICKS_PER_S
FIRST_SILENCE_90K = 10 * TICKS_PER_S  # before the usual distance is known
COUNTED_AT_ONCE = 250
SAMPLES_US, SAMPLES_BURST = 250_000, 20  # chosen: no camera sends 1000 a second; what waited for 40 s may come
# A camera may change its parameter sets with each key frame.
FILE_US, FILE_BURST = US_PER_S, 60
_COUNTED = (CutReason.PARAMETER_SETS, CutReason.SIZE, CutReason.SILENCE)  # the cuts that a camera causes


class _OpenChunk:
    """What must be remembered of the chunk that is being filled."""

    __slots__ = ("bytes", "decode_90k", "fragments", "presentation_90k", "samples", "slot")

    def __init__(self, first: Placed, slot: int) -> None:
        self.decode_90k = first.decode_90k
        self.presentation_90k = first.presentation_90k
        self.slot = slot
        self.bytes = self.samples = self.fragments = 0

    def is_full(self, waiting_bytes: int, waiting: int) -> bool:
        return (
            self.bytes + waiting_bytes >= CHUNK_LIMIT_BYTES
            or self.samples + waiting >= CHUNK_LIMIT_SAMPLES
            or self.fragments >= CHUNK_LIMIT_FRAGMENTS
        )


class Segmenter:
    """Turns the samples of one RTSP session into chunks and fragments.

    Args:
        track: what is recorded.
        cadence: how long the pieces are; `fragment_us` may be changed while it runs, for a live viewer.
        next_run: gives the number of each new run.
    """

    def __init__(self, track: Track, cadence: Cadence, next_run: Callable[[], int]) -> None:
        self.track = track
        self.cadence = cadence
        self.fragment_us = cadence.fragment_us
        self._longest_chunk_90k = 2 * ticks_from_us(cadence.chunk_us)
        self.skipped = 0  # samples before the first sync sample of a run: nothing can show them
        self.fault = ""  # why the session must end: more comes than any camera sends. `end` clears it
        self.has_lost = False  # whether packets are known to be missing in the latest silence
        self._next_run = next_run
        self._run = 0
        self._sequence = 0
        self._timeline: Timeline | None = None
        self._wall_offset_us = 0  # wall − monotonic, at the start of the run
        self._stepped_us: int | None = None  # monotonic: since when the server's clock is another one
        self._sets: ParameterSets | None = None  # of the open chunk
        self._announced: ParameterSets | None = None  # the latest from the camera; in force from the next sync sample
        self._chunk: _OpenChunk | None = None
        self._placed: list[Placed] = []  # of the open fragment
        self._bytes = 0
        self._decode_90k = 0  # of the last sample
        self._usual_90k = 0  # from sample to sample
        self._fragments = 0  # of this run, or as if there were some: then the usual distance is known
        self._left_out = False  # a sample was skipped since the last one: what looks like silence is none
        self._is_leaving = False  # the next sync sample begins another chunk
        self._samples_allowed = Allowance(SAMPLES_US, SAMPLES_BURST)
        self._uncounted = 0
        self._files_allowed = Allowance(FILE_US, FILE_BURST)

    @property
    def recording(self) -> bool:
        """Whether a chunk is open."""
        return self._chunk is not None

    @property
    def is_coarse(self) -> bool:
        """Whether pictures get their times from their receipt at present."""
        return self._timeline is not None and self._timeline.clock.is_coarse

    def push(self, sample: Sample, wall_offset_us: int) -> list[Event]:
        """Take the next sample in decoding order. Where `fault` says why, it and all that follow are dropped.

        Args:
            sample: with `Sample.parameter_sets` set on the first one and at each change.
            wall_offset_us: wall − monotonic time, now; a step of it is a step of the server's clock.
        """
        self._uncounted += 1
        if self._uncounted == COUNTED_AT_ONCE:
            self._count(sample.received_us)
        if self.fault:
            return []
        self._announced = sample.parameter_sets or self._announced
        if self._timeline is None:
            return self._begin(sample, wall_offset_us)
        if self._clock_stepped(sample, wall_offset_us):
            return self._begin_again(sample, wall_offset_us)
        return self._take_all(self._timeline.place(sample))

    def _count(self, received_us: int) -> None:
        self._uncounted = 0
        if not self._samples_allowed.take(received_us):
            self.fault = self.fault or "the camera sends more than 1000 pictures a second"

    def _clock_stepped(self, sample: Sample, wall_offset_us: int) -> bool:
        """Whether the server's clock was set and a run by the new time begins here.

        Until then the run goes on by the old one. A clock that is set to and fro meanwhile was never set.
        """
        if abs(wall_offset_us - self._wall_offset_us) <= STEP_US:
            self._stepped_us = None
            return False
        if self._stepped_us is None:
            self._stepped_us = sample.received_us
        return sample.is_sync or sample.received_us - self._stepped_us >= STEP_WAIT_US

    def leave(self) -> None:
        """End the open chunk before the next sync sample, without a gap: its disk does not answer."""
        self._is_leaving = self._chunk is not None

    def skip(self, sample: Sample) -> None:
        """Leave a sample out on purpose; parameter sets that came with it are in force all the same."""
        self._announced = sample.parameter_sets or self._announced
        self._left_out = True

    def end(self, cut: CutReason) -> list[Event]:
        """The session, or the run, is over: whatever is buffered comes out. The next sample begins a new run."""
        events: list[Event] = []
        if self._timeline is not None:
            events += self._take_all(self._timeline.flush())
        if self._chunk is not None:
            events += self._end_chunk(cut, self._decode_90k + max(1, self._usual_90k))
        self._chunk = self._timeline = None
        self.fault = ""
        return events

    def _begin(self, sample: Sample, wall_offset_us: int) -> list[Event]:
        """Start a run, if decoding can start at this sample."""
        if not sample.is_sync or self._announced is None:
            self.skipped += 1
            return []
        self._sets = self._announced
        picture = describe(self._sets)
        self._number(wall_offset_us)
        self._timeline = Timeline(sample, picture, wall_offset_us)
        self._usual_90k = self._timeline.frame_90k
        self._fragments = SILENCE_FRAMES if picture.frame_90k else 0
        return self._take_all(self._timeline.place(sample))

    def _begin_again(self, sample: Sample, wall_offset_us: int) -> list[Event]:
        """A run by the new time of day, which goes on where the one before it ends, sync sample or not."""
        assert self._timeline is not None
        end_90k = self._decode_90k + max(1, self._usual_90k)
        events = self._end_chunk(CutReason.CLOCK, end_90k) if self._chunk is not None else []
        self._chunk = None
        self._number(wall_offset_us)
        self._timeline.move(wall_offset_us)
        return events + self._take_all(self._timeline.place(sample))

    def _number(self, wall_offset_us: int) -> None:
        self._run = self._next_run()
        self._sequence = 0
        self._wall_offset_us, self._stepped_us = wall_offset_us, None

    def _take_all(self, settled: list[Placed]) -> list[Event]:
        if len(settled) == 1:
            return self._take(settled[0])
        return [event for placed in settled for event in self._take(placed)]

    def _take(self, placed: Placed) -> list[Event]:
        if self._chunk is None:
            if placed.sample.is_sync and self._announced is not self._sets and self._timeline is not None:
                self._parameters_changed(self._timeline, placed.sample)
            opened = self._open_chunk(placed)
            self._keep(placed)
            return [opened]
        events: list[Event] = []
        step_90k = placed.decode_90k - self._decode_90k
        cut = self._cut_before(placed, placed.presentation_90k - self._placed[-1].presentation_90k)
        if cut in _COUNTED and not self._files_allowed.take(placed.sample.received_us):
            self.fault = "the camera's stream begins more than 60 files a minute"
        if self.fault:
            return []
        if cut is not None:
            last_90k = self._usual_90k if cut is CutReason.SILENCE else step_90k
            events += self._end_chunk(cut, self._decode_90k + last_90k, placed)
            self._learn(step_90k)
            events.append(self._open_chunk(placed))
        elif self._fragment_is_over(placed):
            events.append(self._close_fragment(placed.decode_90k))
        self._keep(placed)
        return events

    def _cut_before(self, placed: Placed, step_90k: int) -> CutReason | None:
        chunk, timeline, is_sync = self._chunk, self._timeline, placed.sample.is_sync
        assert chunk is not None
        assert timeline is not None
        if is_sync and self._announced is not self._sets and self._parameters_changed(timeline, placed.sample):
            return CutReason.PARAMETER_SETS
        if step_90k > SILENCE_90K and step_90k > self._longest_90k() and not self._left_out:
            self.has_lost = placed.sample.lost_packets > 0
            return CutReason.SILENCE
        if is_sync and self._is_leaving:
            return CutReason.DISK
        if is_sync and self.cadence.slot(timeline.clock.at_us(placed.presentation_90k)) > chunk.slot:
            return CutReason.SCHEDULE
        too_long = placed.presentation_90k - chunk.presentation_90k >= self._longest_chunk_90k
        return CutReason.SIZE if too_long or chunk.is_full(self._bytes, len(self._placed)) else None

    def _longest_90k(self) -> int:
        """How far pictures may be apart."""
        if self._fragments < SILENCE_FRAMES:
            return FIRST_SILENCE_90K
        return min(SILENCE_FRAMES * self._usual_90k, LONGEST_SILENCE_90K)

    def _learn(self, step_90k: int) -> None:
        """What is usual follows what comes, in a few fragments."""
        self._usual_90k += (min(step_90k, LONGEST_SILENCE_90K) - self._usual_90k) // 4

    def _parameters_changed(self, timeline: Timeline, sample: Sample) -> bool:
        """Whether the announced sets, which are in force from here on, are others than the open chunk's.

        Cameras that steer their bit rate by the PPS bring another one with each sync sample. That alone begins no file.
        """
        before, self._sets = self._sets, self._announced
        if self._sets is None or before is None or self._sets == before or _brings_pps(sample, before, self._sets):
            return False
        timeline.change(describe(self._sets))
        return True

    def _fragment_is_over(self, placed: Placed) -> bool:
        if not self._placed:
            return False
        too_long = us_from_90k(placed.decode_90k - self._placed[0].decode_90k) >= self.fragment_us
        too_much = self._bytes >= FRAGMENT_LIMIT_BYTES or len(self._placed) >= FRAGMENT_LIMIT_SAMPLES
        return placed.sample.is_sync or too_long or too_much

    def _keep(self, placed: Placed) -> None:
        self._placed.append(placed)
        self._decode_90k = placed.decode_90k
        self._left_out = False
        self._bytes += len(placed.sample.data)

    def _open_chunk(self, placed: Placed) -> ChunkOpened:
        assert self._timeline is not None
        assert self._sets is not None
        start_us = self._timeline.clock.at_us(placed.presentation_90k)
        self._is_leaving = False
        self._chunk = _OpenChunk(placed, self.cadence.slot(start_us))
        self._sequence += 1
        delay_90k = max(0, placed.presentation_90k - placed.decode_90k)
        return ChunkOpened(self.track, self._run, self._sequence, start_us, self._sets, delay_90k)

    def _end_chunk(self, cut: CutReason, end_90k: int, follows: Placed | None = None) -> list[Event]:
        """``end_90k`` is the decode time at which the last sample ends; a sample that follows is not shown before."""
        chunk, timeline = self._chunk, self._timeline
        assert chunk is not None
        assert timeline is not None
        events: list[Event] = [self._close_fragment(end_90k)] if self._placed else []
        clock = timeline.clock
        start_us = clock.at_us(chunk.presentation_90k)
        clock.next_chunk(us_from_90k(end_90k - chunk.decode_90k))
        shown_90k = chunk.presentation_90k + end_90k - chunk.decode_90k
        next_start_us = clock.at_us(shown_90k if follows is None else min(shown_90k, follows.presentation_90k))
        events.append(ChunkEnded(cut, start_us, max(1, next_start_us - start_us)))
        return events

    def _close_fragment(self, end_90k: int) -> FragmentClosed:
        """Everything kept so far as one fragment; ``end_90k`` is the decode time of what follows."""
        chunk, timeline, placed = self._chunk, self._timeline, self._placed
        assert chunk is not None
        assert timeline is not None
        first = placed[0]
        samples = [p.sample for p in placed]
        times_90k = [p.decode_90k for p in placed]
        fragment = Fragment(
            data=tuple([s.data for s in samples]),
            durations_90k=tuple([b - a for a, b in zip(times_90k, [*times_90k[1:], end_90k], strict=True)]),
            composition_90k=tuple([p.presentation_90k - p.decode_90k for p in placed]),
            sync=tuple([s.is_sync for s in samples]),
            decode_90k=first.decode_90k - chunk.decode_90k,
            presentation_rtp_90k=first.sample.presentation_90k,
            wall_us=timeline.clock.at_us(first.presentation_90k),
            monotonic_us=first.sample.received_us,
            ntp=first.sample.ntp,
            lost_packets=sum([s.lost_packets for s in samples]),
            is_coarse=any(p.is_coarse for p in placed),
        )
        self._learn((end_90k - first.decode_90k) // len(placed))
        self._fragments += 1
        chunk.bytes += self._bytes
        chunk.samples += len(placed)
        chunk.fragments += 1
        self._placed, self._bytes = [], 0
        return FragmentClosed(fragment)


def _brings_pps(sample: Sample, before: ParameterSets, sets: ParameterSets) -> bool:
    """Whether only the PPS of H.264 differ, and a decoder that starts at this sample finds them in it."""
    only_pps = sets.codec is Codec.H264 and before.codec is Codec.H264 and sets.sps == before.sps
    return only_pps and all(len(pps).to_bytes(4, "big") + pps in sample.data for pps in sets.pps)
