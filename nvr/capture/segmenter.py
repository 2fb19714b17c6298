"""Where one file ends and the next begins: samples in, fragments and cuts out. Pure (DESIGN section 3)."""

from collections.abc import Callable
from dataclasses import dataclass

from nvr.capture.decodetime import DecodeTimes
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.runclock import RunClock
from nvr.codec.parameters import describe
from nvr.media import CutReason, Fragment, ParameterSets, Sample, Track, TrackKind
from nvr.timebase import TICKS_PER_S, US_PER_S, ticks_from_us, us_from_90k

FRAGMENT_LIMIT_BYTES = 4 << 20
CHUNK_LIMIT_BYTES = 256 << 20
JUMP_90K = 10 * TICKS_PER_S  # DESIGN section 5: a longer step of RTP time is not a pause, it is another clock
STEP_US = US_PER_S  # DESIGN section 5: a longer step of the server's clock ends the run
FIRST_BPS = {TrackKind.MAIN: 4_096_000, TrackKind.SUB: 512_000}  # DESIGN section 1
GOLDEN_PPM = 618_034  # the golden ratio spreads any number of channels evenly over the chunk's length


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long the pieces are."""

    fragment_us: int
    chunk_us: int
    phase_us: int

    @classmethod
    def of(cls, track: Track, *, fragment_ms: int, main_chunk_s: int, sub_chunk_s: int) -> "Cadence":
        """Cuts fall on ``k × length + phase``, staggered so that no two channels cut at the same instant."""
        chunk_us = (main_chunk_s if track.kind is TrackKind.MAIN else sub_chunk_s) * US_PER_S
        phase_us = track.channel * GOLDEN_PPM % 1_000_000 * chunk_us // 1_000_000
        return cls(fragment_ms * 1000, chunk_us, phase_us)

    def slot(self, wall_us: int) -> int:
        """Which of the track's slots an instant falls in; a change of slot is due for a cut."""
        return (wall_us - self.phase_us) // self.chunk_us


class _OpenChunk:
    """What must be remembered of the chunk that is being filled."""

    __slots__ = ("bytes", "decode_90k", "presentation_90k", "slot", "start_us")

    def __init__(self, decode_90k: int, presentation_90k: int, start_us: int, slot: int) -> None:
        self.decode_90k = decode_90k
        self.presentation_90k = presentation_90k
        self.start_us = start_us
        self.slot = slot
        self.bytes = 0


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
        self.skipped = 0  # samples before the first sync sample of a run: nothing can show them
        self._next_run = next_run
        self._run = 0
        self._sequence = 0
        self._clock: RunClock | None = None
        self._decode = DecodeTimes(0, None)
        self._wall_offset_us = 0  # wall − monotonic, at the start of the run
        self._sets: ParameterSets | None = None  # of the open chunk
        self._announced: ParameterSets | None = None  # the latest from the camera; in force from the next sync sample
        self._chunk: _OpenChunk | None = None
        self._samples: list[Sample] = []  # of the open fragment
        self._times_90k: list[int] = []  # their decode times
        self._bytes = 0
        self._is_leaving = False  # the next sync sample begins another chunk

    @property
    def recording(self) -> bool:
        """Whether a chunk is open."""
        return self._chunk is not None

    def push(self, sample: Sample, wall_offset_us: int) -> list[Event]:
        """Take the next sample in decoding order.

        Args:
            sample: with `Sample.parameter_sets` set on the first one and at each change.
            wall_offset_us: wall − monotonic time, now; a step of it is a step of the server's clock.
        """
        events: list[Event] = []
        self._announced = sample.parameter_sets or self._announced
        if self._chunk is not None and self._clock_broke(sample, wall_offset_us):
            events += self.end(CutReason.CLOCK)
        if self._chunk is None:
            return events + self._begin(sample, wall_offset_us)
        decode_90k = self._decode.next(sample.presentation_90k)
        assert self._clock is not None
        self._clock.observe(sample.presentation_90k, sample.received_us + self._wall_offset_us)
        cut = self._cut_before(sample)
        if cut is not None:
            events += self._end_chunk(cut, decode_90k)
            events.append(self._open_chunk(sample, decode_90k))
        elif self._fragment_is_over(sample, decode_90k):
            events.append(self._close_fragment(decode_90k))
        self._keep(sample, decode_90k)
        return events

    def leave(self) -> None:
        """End the open chunk before the next sync sample, without a gap: its disk does not answer."""
        self._is_leaving = self._chunk is not None

    def skip(self, sample: Sample) -> None:
        """Leave a sample out on purpose; parameter sets that came with it are in force all the same."""
        self._announced = sample.parameter_sets or self._announced

    def end(self, cut: CutReason) -> list[Event]:
        """The session, or the run, is over: whatever is buffered comes out. The next sample begins a new run."""
        if self._chunk is None:
            return []
        last_90k = self._times_90k[-1] - self._times_90k[-2] if len(self._times_90k) > 1 else self._decode.frame_90k
        events = self._end_chunk(cut, self._times_90k[-1] + last_90k)
        self._chunk = None
        return events

    def _clock_broke(self, sample: Sample, wall_offset_us: int) -> bool:
        stepped = abs(wall_offset_us - self._wall_offset_us) > STEP_US
        jumped = abs(sample.presentation_90k - self._samples[-1].presentation_90k) > JUMP_90K
        return stepped or jumped

    def _begin(self, sample: Sample, wall_offset_us: int) -> list[Event]:
        """Start a run, if decoding can start at this sample."""
        if not sample.is_sync or self._announced is None:
            self.skipped += 1
            return []
        picture = describe(self._announced)
        self._run = self._next_run()
        self._sequence = 0
        self._wall_offset_us = wall_offset_us
        self._decode = DecodeTimes(picture.reorder_frames, picture.frame_90k)
        decode_90k = self._decode.next(sample.presentation_90k)
        self._clock = RunClock(sample.presentation_90k)
        self._clock.observe(sample.presentation_90k, sample.received_us + wall_offset_us)
        self._sets = self._announced
        opened = self._open_chunk(sample, decode_90k)
        self._keep(sample, decode_90k)
        return [opened]

    def _cut_before(self, sample: Sample) -> CutReason | None:
        assert self._chunk is not None
        assert self._clock is not None
        if sample.is_sync and self._announced is not self._sets and self._parameters_changed():
            return CutReason.PARAMETER_SETS
        if sample.is_sync and self._is_leaving:
            return CutReason.DISK
        wall_us = self._clock.wall_us(sample.presentation_90k)
        if sample.is_sync and self.cadence.slot(wall_us) > self._chunk.slot:
            return CutReason.SCHEDULE
        too_long = wall_us - self._chunk.start_us >= 2 * self.cadence.chunk_us
        too_big = self._chunk.bytes + self._bytes >= CHUNK_LIMIT_BYTES
        return CutReason.SIZE if too_long or too_big else None

    def _parameters_changed(self) -> bool:
        """Whether the announced sets differ from those in force; if so they are in force from here on."""
        before, self._sets = self._sets, self._announced
        if self._sets is None or self._sets == before:
            return False
        picture = describe(self._sets)
        self._decode.change(picture.reorder_frames, picture.frame_90k)
        return True

    def _fragment_is_over(self, sample: Sample, decode_90k: int) -> bool:
        if not self._samples:
            return False
        too_long = us_from_90k(decode_90k - self._times_90k[0]) >= self.fragment_us
        return sample.is_sync or too_long or self._bytes >= FRAGMENT_LIMIT_BYTES

    def _keep(self, sample: Sample, decode_90k: int) -> None:
        self._samples.append(sample)
        self._times_90k.append(decode_90k)
        self._bytes += len(sample.data)

    def _open_chunk(self, sample: Sample, decode_90k: int) -> ChunkOpened:
        assert self._clock is not None
        assert self._sets is not None
        start_us = self._clock.wall_us(sample.presentation_90k)
        self._is_leaving = False
        self._chunk = _OpenChunk(decode_90k, sample.presentation_90k, start_us, self.cadence.slot(start_us))
        self._sequence += 1
        delay_90k = max(0, sample.presentation_90k - decode_90k)
        return ChunkOpened(self.track, self._run, self._sequence, start_us, self._sets, delay_90k)

    def _end_chunk(self, cut: CutReason, end_90k: int) -> list[Event]:
        chunk, clock = self._chunk, self._clock
        assert chunk is not None
        assert clock is not None
        events: list[Event] = [self._close_fragment(end_90k)] if self._samples else []
        start_us = clock.wall_us(chunk.presentation_90k)
        media_us = us_from_90k(end_90k - chunk.decode_90k)
        clock.next_chunk(media_us)
        next_start_us = clock.wall_us(chunk.presentation_90k + end_90k - chunk.decode_90k)
        events.append(ChunkEnded(cut, start_us, max(1, next_start_us - start_us)))
        return events

    def _close_fragment(self, end_90k: int) -> FragmentClosed:
        """Everything kept so far as one fragment; ``end_90k`` is the decode time of what follows."""
        chunk, clock, samples, times_90k = self._chunk, self._clock, self._samples, self._times_90k
        assert chunk is not None
        assert clock is not None
        first = samples[0]
        fragment = Fragment(
            data=tuple([s.data for s in samples]),
            durations_90k=tuple([b - a for a, b in zip(times_90k, [*times_90k[1:], end_90k], strict=True)]),
            composition_90k=tuple([s.presentation_90k - t for s, t in zip(samples, times_90k, strict=True)]),
            sync=tuple([s.is_sync for s in samples]),
            decode_90k=times_90k[0] - chunk.decode_90k,
            presentation_rtp_90k=first.presentation_90k,
            wall_us=clock.wall_us(first.presentation_90k),
            monotonic_us=first.received_us,
            ntp=first.ntp,
            lost_packets=sum([s.lost_packets for s in samples]),
        )
        chunk.bytes += self._bytes
        self._samples, self._times_90k, self._bytes = [], [], 0
        return FragmentClosed(fragment)


def expected_chunk_bytes(kind: TrackKind, cadence: Cadence, bitrate_bps: int) -> int:
    """Room to reserve for a chunk: its length at the bit rate seen so far, and a tenth more; 0: none was seen yet."""
    bitrate_bps = bitrate_bps or FIRST_BPS[kind]
    return ticks_from_us(cadence.chunk_us) * bitrate_bps // (8 * TICKS_PER_S) * 11 // 10
