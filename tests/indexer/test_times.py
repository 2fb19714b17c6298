"""Times of day are tested from the footer: what drifts from its receipt is found, what was only read late is not."""

from collections.abc import Callable, Sequence

import pytest

from indexer import times
from nvr.capture.events import ChunkEnded, ChunkOpened, FragmentClosed
from nvr.chunk.footer import ChunkFooter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.writer import ChunkWriter
from nvr.codec.box import read_span
from nvr.media import CutReason, Fragment
from nvr.timebase import US_PER_S, us_from_90k
from tests.nvr.capture.clock_faults import FAULTS, PLAIN, TRACK, WALL_US, pictures, recorded

SWEEP_US = 487_000


def footer_of(
    fragments: Sequence[Fragment], *, start_us: int, duration_us: int | None = None, delay_90k: int = 0
) -> ChunkFooter:
    writer = ChunkWriter(ChunkHeader("", bytes(16), TRACK, 1, 1, start_us, PLAIN, delay_90k, ""))
    for fragment in fragments:
        writer.append(fragment)
    media_us = us_from_90k(sum(fragment.duration_90k for fragment in fragments))
    duration_us = media_us if duration_us is None else duration_us
    tail, _ = writer.seal(start_us=start_us, duration_us=duration_us, cut=CutReason.SCHEDULE)
    return ChunkFooter.decode(tail[: read_span(tail, 0, len(tail)).end])


def minute(received_us: Callable[[int], int], seconds: int = 60) -> list[Fragment]:
    """A fragment each second; the n-th one is received then, monotonic."""
    return [
        Fragment((bytes(9),), (90_000,), (0,), (True,), at_90k, at_90k, WALL_US, received_us(us_from_90k(at_90k)), 0, 0)
        for at_90k in range(0, seconds * 90_000, 90_000)
    ]


def words(received_us: Callable[[int], int]) -> str:
    return times.trouble(footer_of(minute(received_us), start_us=WALL_US), None)[0]


SOUND: dict[str, Callable[[int], int]] = {
    "at once": lambda us: us,
    "in batches": lambda us: -(-us // SWEEP_US) * SWEEP_US,
    "a stall of 8 s": lambda us: 38 * US_PER_S if 30 * US_PER_S <= us < 38 * US_PER_S else us,
    "old pictures at the beginning": lambda us: max(us, 5 * US_PER_S),
    "a stall up to the end": lambda us: us if us < 52 * US_PER_S else 60 * US_PER_S,
    "a quartz": lambda us: us * 10_001 // 10_000,
}
WRONG: dict[str, Callable[[int], int]] = {
    "25 for 15": lambda us: us * 25 // 15,
    "15 for 25": lambda us: us * 15 // 25,
    "3 % off": lambda us: us * 103 // 100,
    "a jump of 3 s": lambda us: us + 3 * US_PER_S * (us > 30 * US_PER_S),
    "a jump back of 3 s": lambda us: us - 3 * US_PER_S * (us > 30 * US_PER_S),
}


@pytest.mark.parametrize("received", SOUND.values(), ids=SOUND)
def test_times_that_keep_step_with_the_receipt_are_right(received: Callable[[int], int]) -> None:
    assert words(received) == ""


@pytest.mark.parametrize("received", WRONG.values(), ids=WRONG)
def test_times_that_drift_from_the_receipt_are_found(received: Callable[[int], int]) -> None:
    assert words(received).startswith("within the file its pictures' times drift from those of their receipt by")


def test_chunk_that_is_off_by_the_runs_first_one_is_found() -> None:
    _, run_us = times.trouble(footer_of(minute(lambda us: us), start_us=WALL_US), None)
    right = footer_of(minute(lambda us: us + 60 * US_PER_S), start_us=WALL_US + 60 * US_PER_S)
    wrong = footer_of(minute(lambda us: us + 60 * US_PER_S), start_us=WALL_US + 72 * US_PER_S)
    assert times.trouble(right, run_us)[0] == ""
    assert times.trouble(wrong, run_us)[0].startswith("its pictures' times are 12.0 s off those of their receipt")


def test_duration_that_the_pictures_do_not_last_is_found() -> None:
    footer = footer_of(minute(lambda us: us), start_us=WALL_US, duration_us=36 * US_PER_S)
    assert times.trouble(footer, None)[0] == "it is filed as 36.0 s, but its pictures last 60.0 s"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_recorder_makes_of_a_faulty_clock_is_clean(fault: str) -> None:
    run_us: int | None = None
    opened: ChunkOpened | None = None
    fragments: list[Fragment] = []
    for event in recorded(pictures([("good", 400), (fault, 1500), ("good", 400)]), 10):
        match event:
            case ChunkOpened():
                opened, fragments = event, []
            case FragmentClosed(fragment):
                fragments.append(fragment)
            case ChunkEnded(_, start_us, duration_us):
                assert opened is not None
                delay_90k = opened.composition_delay_90k
                footer = footer_of(fragments, start_us=start_us, duration_us=duration_us, delay_90k=delay_90k)
                found, run_us = times.trouble(footer, run_us)
                assert found == ""
            case _:
                raise AssertionError(event)
