"""Cameras whose RTP time is wrong, read as the recorder reads, and where a segmenter files their pictures."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from nvr.capture.cadence import Cadence
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.link import PROMPT_US, SWEEP_US
from nvr.capture.segmenter import Segmenter
from nvr.media import Codec, CutReason, Fragment, ParameterSets, Sample, Track, TrackKind
from nvr.timebase import US_PER_S, ticks_from_us, us_from_90k

TRACK = Track(3, TrackKind.MAIN)
WALL_US = 1_763_900_000 * US_PER_S
FRAME = 3600
PLAIN = ParameterSets(
    Codec.H264,
    (),
    (bytes.fromhex("6742c01eda0280bfe584000003000400000300c83c58ba80"),),  # 640×360, no reordering
    (bytes.fromhex("68ce0fc8"),),
)

# How a camera's RTP time goes on from one picture to the next: the time before, the picture's number, chance.
Step = Callable[[int, int, random.Random], int]

FAULTS: dict[str, Step] = {
    "good": lambda last, _, __: last + FRAME,
    "night: 25 for 15": lambda last, _, __: last + FRAME * 10 // 6,
    "night: 15 for 25": lambda last, _, __: last + FRAME * 6 // 10,
    "180 kHz": lambda last, _, __: last + 2 * FRAME,
    "a million hertz": lambda last, _, __: last + 40_000,
    "2 % fast": lambda last, _, __: last + 3672,
    "2 % slow": lambda last, _, __: last + 3528,
    "4 % slow": lambda last, _, __: last + 3456,
    "1000 ppm fast": lambda last, n, _: last + FRAME + (4 if n % 10 else 0),
    "stuck": lambda last, _, __: last,
    "pictures": lambda last, _, __: last + 1,
    "milliseconds": lambda last, _, __: last + 40,
    "backwards": lambda last, _, __: last - 9 * 90_000,
    "backwards in its own step": lambda last, _, __: last - FRAME,
    "almost jumping": lambda last, _, __: last + 891_000,
    "random": lambda _, __, draw: (1 << 32) + draw.randrange(1 << 32),
    "now and then 3 s on": lambda last, n, _: last + FRAME + (270_000 if n % 200 == 60 else 0),
    "now and then 3 s back": lambda last, n, _: last + FRAME - (270_000 if n % 200 == 60 else 0),
    "pairs": lambda last, n, _: last + 2 * FRAME * (n % 2),
    "jitter": lambda last, _, draw: last + draw.randrange(1800, 5400),
}


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a picture stands in the end."""

    index: int
    filed_us: int
    received_us: int  # wall time
    is_coarse: bool


def cadence(chunk_s: int = 60) -> Cadence:
    return Cadence(500_000, chunk_s * US_PER_S, 0)


def pictures(
    stretches: Iterable[tuple[str, int]], *, seed: int = 1, fps: int = 25, delay_us: int = 100_000, one_of: int = 0
) -> list[Sample]:
    """Stretches of a fault and a number of pictures, so many a second, read at once and later in batches.

    One of ``one_of`` stamps is wrong by chance; 0: none.
    """
    draw, last_90k, index, arrived_us = random.Random(seed), 1 << 40, 0, 0
    samples: list[Sample] = []
    for name, length in stretches:
        for _ in range(length):
            last_90k = FAULTS[name](last_90k, index, draw)
            is_wrong = one_of and draw.randrange(one_of) == 0
            stamp_90k = (1 << 40) + draw.randrange(1 << 32) if is_wrong else last_90k
            arrived_us = max(arrived_us, index * US_PER_S // fps + draw.randrange(delay_us + 1))  # none overtakes
            samples.append(sample(index, stamp_90k, received_us(arrived_us)))
            index += 1
    return samples


def sample(index: int, presentation_90k: int, at_us: int) -> Sample:
    data = index.to_bytes(4, "big") + bytes(60)
    return Sample(data, presentation_90k, index % 50 == 0, at_us, PLAIN if index == 0 else None)


def received_us(arrived_us: int) -> int:
    """Monotonic: a new session is read at once, later each picture waits for the next sweep."""
    return arrived_us if arrived_us < PROMPT_US else -(-arrived_us // SWEEP_US) * SWEEP_US


def stalled(samples: Sequence[Sample], stalls: Iterable[tuple[int, int]]) -> None:
    """Let a busy machine read nothing for a while: pairs of an index and a time in µs."""
    for index, duration_us in stalls:
        begin_us = samples[index % len(samples)].received_us
        for one in samples:
            if begin_us <= one.received_us < begin_us + duration_us:
                one.received_us = begin_us + duration_us


def rated(stretches: Iterable[tuple[int, int]], period_us: int) -> list[Sample]:
    """Stretches of a rate of the camera's clock in percent and a number of pictures, which arrive when taken."""
    samples: list[Sample] = []
    media_us = 0
    for percent, length in stretches:
        for _ in range(length):
            taken_us = len(samples) * period_us
            samples.append(sample(len(samples), (1 << 40) + ticks_from_us(media_us), received_us(taken_us)))
            media_us += period_us * percent // 100
    return samples


def held_up(samples: Sequence[Sample], begin_us: int, duration_us: int, each_us: int) -> None:
    """Let the network stand still; what it held up comes at its speed: a picture in so many µs."""
    free_us = begin_us + duration_us
    for one in samples:
        if begin_us <= one.received_us < free_us:
            one.received_us = received_us(free_us)
            free_us += each_us


def recorded(samples: Sequence[Sample], chunk_s: int = 60) -> list[Event]:
    runs = count(1)
    target = Segmenter(TRACK, cadence(chunk_s), lambda: next(runs))
    events = [event for one in samples for event in target.push(one, WALL_US)]
    return events + target.end(CutReason.STOP)


def fragments(events: Iterable[Event]) -> list[Fragment]:
    return [event.fragment for event in events if isinstance(event, FragmentClosed)]


def filed(events: Iterable[Event], samples: Sequence[Sample]) -> Iterator[Filed]:
    """By the rule of FORMAT.md, from what a chunk says finally."""
    opened: ChunkOpened | None = None
    waiting: list[Fragment] = []
    for event in events:
        match event:
            case ChunkOpened():
                opened, waiting = event, []
            case FragmentClosed(fragment):
                waiting.append(fragment)
            case ChunkEnded():
                assert opened is not None
                for fragment in waiting:
                    at_90k = fragment.decode_90k - opened.composition_delay_90k
                    for number, data in enumerate(fragment.data):
                        shown_us = event.start_us + us_from_90k(at_90k + fragment.composition_90k[number])
                        index = int.from_bytes(data[:4], "big")
                        got_us = samples[index].received_us + WALL_US
                        yield Filed(index, shown_us, got_us, fragment.is_coarse)
                        at_90k += fragment.durations_90k[number]
            case _:
                raise AssertionError(event)
