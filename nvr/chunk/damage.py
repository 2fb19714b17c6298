"""How much of a chunk is damaged: each problem becomes the time of the fragments that it touches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nvr.chunk.footer import ChunkFooter
from nvr.chunk.source import ByteSource
from nvr.chunk.verification import ChunkProblem, fragments_end, problems, read_footer
from nvr.errors import IntegrityError, StorageError
from nvr.timebase import TimeRange, us_from_90k


@dataclass(frozen=True, slots=True)
class Harm:
    """What is wrong with a file."""

    what: str  # the first problem, one plain sentence without a full stop
    offset: int  # where it is, in bytes
    times: tuple[TimeRange, ...]  # of the footage that it touches; empty: only tables, and every picture is whole
    unreadable: bool  # the disk did not read it, rather than reading something else


def examine(source: ByteSource, time: TimeRange) -> Harm | None:
    """Read all of a file and test every hash; None: it is as it was written.

    Args:
        source: a sealed chunk.
        time: of its footage, wall microseconds, as it is indexed.
    """
    unreadable = False
    try:
        found = list(problems(source))
    except StorageError as error:
        unreadable, found = True, [ChunkProblem(0, error.what)]
    try:
        footer, _ = read_footer(source)
    except (IntegrityError, StorageError):
        footer = None
    if unreadable and footer is not None:
        found = list(_unreadable(source, footer)) or found
    if not found:
        return None
    return Harm(found[0].what, found[0].offset, tuple(damaged_times(footer, found, time)), unreadable)


def damaged_times(footer: ChunkFooter | None, found: Sequence[ChunkProblem], time: TimeRange) -> list[TimeRange]:
    """The time of the fragments that the problems touch, by start, merged where they meet.

    Without a footer nobody knows where a fragment's time is, and with a damaged beginning no player can start: then it
    is all of the chunk.
    """
    if footer is None or any(problem.offset < footer.preamble_bytes for problem in found):
        return [time]
    offsets = [problem.offset for problem in found if problem.offset < fragments_end(footer)]
    times: list[TimeRange] = []
    for start, end, span in _places(footer, time):
        if any(start <= offset < end for offset in offsets):
            if times and times[-1].end_us == span.start_us:
                times[-1] = TimeRange(times[-1].start_us, span.end_us)
            else:
                times.append(span)
    return times


def _places(footer: ChunkFooter, time: TimeRange) -> Iterator[tuple[int, int, TimeRange]]:
    """Each fragment: where it begins and ends, and when it is shown."""
    starts = [time.start_us + us_from_90k(ticks) for ticks in footer.fragments["decode_90k"].tolist()]
    rows = zip(footer.fragments["offset"].tolist(), footer.fragments["end"].tolist(), strict=True)
    for (offset, end), start_us, end_us in zip(rows, starts, [*starts[1:], time.end_us], strict=True):
        yield offset, end, TimeRange(start_us, max(start_us, end_us))


def _unreadable(source: ByteSource, footer: ChunkFooter) -> Iterator[ChunkProblem]:
    """The fragments that the disk does not read; also those that it reads and that are damaged, where it reads on."""
    places = zip(footer.fragments["offset"].tolist(), footer.fragments["end"].tolist(), strict=True)
    for start, end in [(0, footer.preamble_bytes), *places]:
        try:
            source.read(start, end - start)
        except StorageError as error:
            yield ChunkProblem(start, error.what)
