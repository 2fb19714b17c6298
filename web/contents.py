"""``contents.txt`` of an archive of clips: of each camera what is there, and what is missing and why. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nvr.timebase import TimeRange
from web.archive import JOINED_US
from web.wire import Gap

UNKNOWN = "không rõ lý do / nobody knows why"
NOT_YET = "chưa đến / later than this archive"
BEFORE_ALL = "trước hình đầu tiên / before the first footage of this camera"
UNREADABLE = "không đọc được / cannot be read"
NOTHING = "không có hình / nothing recorded"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a camera in the window of an archive."""

    spans: Sequence[tuple[int, int]]  # what its clip shows, by start, apart from each other
    gaps: Sequence[Gap]  # by start
    first_us: int | None  # where all its footage begins
    now_us: int


def missing(known: Known, window: TimeRange) -> Iterator[tuple[int, int, str]]:
    """Each stretch of the window without pictures, its ends among them, and why: start, end, words."""
    at_us = window.start_us
    for start_us, end_us in (*known.spans, (window.end_us, window.end_us)):
        if start_us - at_us > JOINED_US:
            yield from _explained(known, TimeRange(at_us, start_us))
        at_us = max(at_us, end_us)


def _explained(known: Known, hole: TimeRange) -> Iterator[tuple[int, int, str]]:
    at_us = hole.start_us
    for gap in known.gaps:
        start_us, end_us = max(gap.start_us, at_us), min(gap.end_us, hole.end_us)
        if end_us <= start_us:
            continue
        if start_us - at_us > JOINED_US:
            yield from _unexplained(known, at_us, start_us)
        yield start_us, end_us, gap.reason + (f" ({gap.detail})" if gap.detail else "")
        at_us = end_us
    if hole.end_us - at_us > JOINED_US:
        yield from _unexplained(known, at_us, hole.end_us)


def _unexplained(known: Known, start_us: int, end_us: int) -> Iterator[tuple[int, int, str]]:
    first_us = end_us if known.first_us is None else min(max(known.first_us, start_us), end_us)
    now_us = min(max(known.now_us, first_us), end_us)
    for begin_us, until_us, why in (
        (start_us, first_us, NOTHING if known.first_us is None else BEFORE_ALL),
        (first_us, now_us, UNKNOWN),
        (now_us, end_us, NOT_YET),
    ):
        if until_us > begin_us:
            yield begin_us, until_us, why


def chapter(
    title: str,
    file: str,
    names: Sequence[tuple[int, int, str]],
    holes: Sequence[tuple[int, int, str]],
    damaged: Sequence[tuple[int, int]],
    time: Callable[[int], str],
) -> str:
    """The lines about one camera.

    Args:
        title: number and name of the camera.
        file: the name of its clip, or the words that say why there is none.
        names: from when to when it was called otherwise.
        holes: as `missing` gives them.
        damaged: what is known to be damaged of the clip, from when to when.
        time: writes an instant.
    """
    lines = [f"{' '.join(title.split())}: {file}"]
    for start_us, end_us, name in names:
        lines.append(f"  tên khi ghi / called when recorded: {name}, {time(start_us)} – {time(end_us)}")
    lines += [f"  hỏng / damaged on the disk: {time(start_us)} – {time(end_us)}" for start_us, end_us in damaged]
    lines += [f"  thiếu / missing: {time(start_us)} – {time(end_us)} {why}" for start_us, end_us, why in holes]
    return "\n".join(lines) + "\n"
