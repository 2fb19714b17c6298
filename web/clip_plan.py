"""The plan of a clip: which samples of which chunks, when each is decoded and shown. Pure; `web.clip` sends it.

Clip time is wall time: the clip's time 0 is the picture of ``from_us``, an edit list hides what must be decoded before
it, and over a gap the last picture is held. Presentation times are exact, or of clips of many hours nearly so
(`web.steady`); where decode times of two chunks would cross, they give way and composition offsets make up for it
(`ctts` version 1 may be negative).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nvr.codec.movie import MovieTables
from nvr.errors import NotRecorded
from nvr.timebase import TimeRange, ticks_from_us, us_from_90k
from web.archive import StoredChunk
from web.footage import Footage
from web.reading import Share
from web.reply import BadParameters
from web.steady import Column, Times, smaller

LONGEST_HOLD_90K = 2**32 - 1  # stts and ctts have 32 bits: 13 hours


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``[offset, end)`` of a chunk file that go into the clip's mdat as they are, moofs and stamps between."""

    chunk: StoredChunk
    offset: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class ClipPlan:
    """A clip: its tables, and the spans that are its payload, one behind the other."""

    start_us: int  # wall time of clip time 0
    end_us: int
    spans: tuple[Span, ...]
    movie: MovieTables

    @property
    def payload_bytes(self) -> int:
        return sum(span.end - span.offset for span in self.spans)


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """The samples ``[first, end)`` of a chunk that the clip takes."""

    footage: Footage
    first: int
    end: int

    @property
    def samples(self) -> slice:
        return slice(self.first, self.end)


def plan(shares: Sequence[Share], window: TimeRange) -> ClipPlan:
    """Lay out a clip.

    Args:
        shares: what can be read of the window, by start (`web.reading`).
        window: what is asked for.

    Raises:
        NotRecorded: none of them has a picture in the window.
        BadParameters: a gap inside is longer than an MP4 sample can last.
    """
    cuts = list(_cuts(shares, window))
    if not cuts:
        raise NotRecorded("nothing was recorded in this range")
    times, last_duration_90k = _times(cuts)
    times = smaller(times)
    opening, opening_us = _opening(cuts, window.start_us)
    end_us = max(opening_us, min(window.end_us, max(cut.footage.chunk.end_us for cut in cuts)))
    entries = tuple(dict.fromkeys(cut.footage.parameter_sets for cut in cuts))
    offsets, sizes = _offsets(cuts), _joined(cuts, "size").astype(np.uint32)
    runs = _runs(offsets, sizes, [cut.end - cut.first for cut in cuts])
    movie = MovieTables(
        entries=entries,
        sizes=sizes,
        durations_90k=_durations(times.decode_90k, last_duration_90k),
        compositions_90k=(times.shown_90k - times.decode_90k).astype(np.int32),
        sync=_joined(cuts, "sync").astype(np.bool_),
        entry=np.repeat(
            [entries.index(cut.footage.parameter_sets) for cut in cuts], [cut.end - cut.first for cut in cuts]
        ),
        run_offsets=offsets[runs],
        run_samples=np.diff(runs, append=len(sizes)).astype(np.uint32),
        edits=((int(times.shown_90k[opening]), ticks_from_us(end_us - opening_us)),),
    )
    return ClipPlan(opening_us, end_us, tuple(_span(cut) for cut in cuts), movie)


def _cuts(shares: Sequence[Share], window: TimeRange) -> Iterator[_Cut]:
    """The samples of each share that are shown in the window, with those they need.

    Where two runs' clocks overlap the later one counts, as it does for stills.
    """
    for share, after in zip(shares, [*shares[1:], None], strict=True):
        if share.lead:
            yield _Cut(share.footage, share.first, len(share.footage.samples))
            continue
        # One that goes on is needed to its last sample: with B-frames that may be shown behind the next one's first.
        ends = after is not None and not after.continues
        until_us = min(window.end_us, after.footage.chunk.start_us) if after and ends else window.end_us
        if until_us > window.start_us and (cut := _cut(share, window, until_us)) is not None:
            yield cut


def _cut(share: Share, window: TimeRange, until_us: int) -> _Cut | None:
    footage = share.footage
    (inside,) = (footage.shown_us[share.first :] < until_us).nonzero()
    if not len(inside) or footage.chunk.end_us <= window.start_us:
        return None
    start = None if share.continues else footage.start_for(max(share.first, footage.shown_at(window.start_us)))
    return _Cut(footage, share.first if start is None else start, share.first + int(inside[-1]) + 1)


def _opening(cuts: Sequence[_Cut], from_us: int) -> tuple[int, int]:
    """The first sample that is shown: the one on the screen at an instant, else the first behind it.

    Returns:
        its number in the clip and its wall time.
    """
    shown_us = np.concatenate([cut.footage.shown_us[cut.samples] for cut in cuts])
    before = shown_us <= from_us
    number = int(np.where(before, shown_us, -1).argmax() if before.any() else shown_us.argmin())
    return number, int(shown_us[number])


def _times(cuts: Sequence[_Cut]) -> tuple[Times, int]:
    """Decode and presentation times of all samples in clip ticks, and how long the last one lasts."""
    origin_us = cuts[0].footage.chunk.start_us
    delay_90k = max(cut.footage.delay_90k for cut in cuts)
    wanted, shown = [], []
    for cut in cuts:
        footage, samples = cut.footage, cut.footage.samples[cut.samples]
        base_90k = ticks_from_us(footage.chunk.start_us) - ticks_from_us(origin_us)
        wanted.append(base_90k + samples["decode_90k"])
        shown.append(wanted[-1] + samples["composition_90k"] + (delay_90k - footage.delay_90k))
    target = np.concatenate(wanted)
    first_90k = int(target[0])
    order = np.arange(len(target))
    decode: Column = np.maximum.accumulate(target - order) + order - first_90k  # grows by 1 at least
    last = cuts[-1].footage.samples[cuts[-1].end - 1]
    return Times(decode, np.concatenate(shown) - first_90k), int(last["duration_90k"])


def _durations(decode_90k: Column, last_90k: int) -> npt.NDArray[np.uint32]:
    durations = np.diff(decode_90k, append=decode_90k[-1] + max(1, last_90k))
    if int(durations.max()) > LONGEST_HOLD_90K:
        hours = us_from_90k(LONGEST_HOLD_90K) // 3_600_000_000
        hint = "ask for the time before the gap and the time after it"
        raise BadParameters(f"to_us: there is a gap of more than {hours} hours in the range", hint=hint)
    return durations.astype(np.uint32)


def _span(cut: _Cut) -> Span:
    samples = cut.footage.samples
    last = samples[cut.end - 1]
    return Span(cut.footage.chunk, int(samples[cut.first]["offset"]), int(last["offset"]) + int(last["size"]))


def _offsets(cuts: Sequence[_Cut]) -> Column:
    rows, before = [], 0
    for cut in cuts:
        span = _span(cut)
        rows.append(cut.footage.samples["offset"][cut.samples] - span.offset + before)
        before += span.end - span.offset
    return np.concatenate(rows)


def _runs(offsets: Column, sizes: npt.NDArray[np.uint32], counts: Sequence[int]) -> Column:
    """The indices of the samples that do not follow their predecessor at once in the same chunk."""
    apart = np.ones(len(offsets), np.bool_)
    apart[1:] = offsets[1:] != offsets[:-1] + sizes[:-1]
    apart[np.cumsum(counts)[:-1]] = True
    return np.flatnonzero(apart).astype(np.int64)


def _joined(cuts: Sequence[_Cut], column: str) -> npt.NDArray[np.generic]:
    return np.concatenate([cut.footage.samples[column][cut.samples] for cut in cuts])
