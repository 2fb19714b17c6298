"""The sample tables of a window: what a page needs that decodes single pictures itself, by WebCodecs.

Two forms: whole groups of pictures, to step and to play backwards frame by frame; and sync samples alone, each of which
decodes by itself, to scrub and to play fast.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
from aiohttp import web

from nvr.codec.parameters import decoder_configuration
from nvr.timebase import TimeRange
from web.archive import Archive
from web.auth import Action, Rights, rights_of
from web.footage import Footage
from web.fragments import next_us, previous_us
from web.media import media_url
from web.narrowing import narrowed
from web.query import LATEST_US, KeySamplesQuery, SamplesQuery, TakeQuery
from web.reading import Part, Share, WindowReader
from web.route import Route, route
from web.run_media import run_url
from web.timeline import gaps
from web.wire import Samples, SampleTable

MOST_KEY_SAMPLES = 4_000  # chosen: 160 kB of JSON, two for each pixel of a wide screen

Chosen = npt.NDArray[np.intp]
Row = tuple[int, int, int, int]
Choose = Callable[[Sequence[Share], TimeRange], list[SampleTable]]


class SamplesRoom:
    """Tells a decoder where single pictures lie.

    Args:
        archive: what exists.
        windows: reads what there is of a window.
    """

    def __init__(self, archive: Archive, windows: WindowReader) -> None:
        self._archive = archive
        self._windows = windows

    def routes(self) -> list[Route]:
        """Whole groups of pictures, and sync samples alone."""
        return [
            route(
                "/api/channels/{channel}/samples",
                self._tell_all,
                asks=SamplesQuery,
                answers=Samples,
                action=Action.VIEW_RECORDED,
                summary="The samples of a window in whole groups of pictures, for WebCodecs",
            ),
            route(
                "/api/channels/{channel}/key-samples",
                self._tell_keys,
                asks=KeySamplesQuery,
                answers=Samples,
                action=Action.VIEW_RECORDED,
                summary="The sync samples of a window, each of which decodes alone",
            ),
        ]

    async def _tell_all(self, asked: SamplesQuery, request: web.Request) -> Samples:
        part = await narrowed(self._windows, asked, request, whole_groups=True)
        rights = rights_of(request, Action.VIEW_RECORDED, asked.channel)
        return await asyncio.to_thread(self._samples, part, whole_groups, rights)

    async def _tell_keys(self, asked: KeySamplesQuery, request: web.Request) -> Samples:
        rights = rights_of(request, Action.VIEW_RECORDED, asked.channel)
        return thinned(await asyncio.to_thread(self._samples, asked, sync_samples, rights), MOST_KEY_SAMPLES)

    def _samples(self, asked: TakeQuery, choose: Choose, rights: Rights) -> Samples:
        self._archive.require(asked.track_asked)
        track, window = asked.track_asked, asked.window
        newest = self._archive.newest(track)
        reading = self._windows.read(track, window, newest, take=asked.take, whole=choose is whole_groups)
        return Samples(
            track=asked.track,
            from_us=asked.from_us,
            to_us=asked.to_us,
            now_us=self._archive.clock.wall_us(),
            previous_us=rights.end(previous_us(self._archive, asked, newest)),
            next_us=rights.start(next_us(self._archive, asked, newest)),
            chunks=choose(reading.shares, window),
            gaps=gaps(self._archive, track, window, newest, reading.missing),
        )


def whole_groups(shares: Sequence[Share], window: TimeRange) -> list[SampleTable]:
    """The samples of every group of pictures that shows something of the window."""
    found = groups(shares)
    ends = [*(group.begin_us for group in found[1:]), LATEST_US]
    wanted = [
        group
        for group, end_us in zip(found, ends, strict=False)  # of no groups there is one end all the same
        if group.begin_us < window.end_us and end_us > window.start_us
    ]
    return [_table(parts) for parts in joined(wanted)]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of pictures, over as many chunks as it takes."""

    parts: tuple[Part, ...]

    @property
    def begin_us(self) -> int:
        """When its sync sample is shown."""
        first = self.parts[0]
        return int(first.footage.shown_us[first.first])


def groups(shares: Sequence[Share]) -> list[Group]:
    """All groups of pictures of some shares, by start."""
    found: list[Group] = []
    for share in shares:
        (syncs,) = share.footage.samples["sync"][share.first :].nonzero()
        starts = [share.first + int(at) for at in syncs]
        ends = [*starts, len(share.footage.samples)]
        if share.continues and ends[0] > share.first and found:
            found[-1] = Group((*found[-1].parts, Part(share.footage, share.first, ends[0])))
        found += [Group((Part(share.footage, at, end),)) for at, end in zip(starts, ends[1:], strict=True)]
    return found


def joined(found: Sequence[Group]) -> Iterator[tuple[Part, ...]]:
    """Groups that lie one behind the other in the same chunk as one part; those of several chunks by themselves."""
    open_part: Part | None = None
    for group in found:
        first = group.parts[0]
        if open_part is not None and len(group.parts) == 1 and first.footage is open_part.footage:
            open_part = Part(first.footage, open_part.first, first.end)
            continue
        if open_part is not None:
            yield (open_part,)
        open_part = first if len(group.parts) == 1 else None
        if open_part is None:
            yield group.parts
    if open_part is not None:
        yield (open_part,)


def sync_samples(shares: Sequence[Share], window: TimeRange) -> list[SampleTable]:
    """The sync samples that are shown first in the window."""
    tables = []
    for share in shares:
        shown_us = share.footage.shown_us
        inside = share.footage.samples["sync"] & (shown_us >= window.start_us) & (shown_us < window.end_us)
        inside[: share.first] = False
        if inside.any():
            tables.append(_tell((share.footage,), _rows(share.footage, np.flatnonzero(inside), 0)))
    return tables


def thinned(answer: Samples, most: int) -> Samples:
    """The same with at most so many samples, evenly left out."""
    count = sum(len(table.samples) for table in answer.chunks)
    if count <= most:
        return answer
    step, tables, place = -(-count // most), [], 0
    for table in answer.chunks:
        rows = table.samples[-place % step :: step]
        place += len(table.samples)
        if rows:
            tables.append(msgspec.structs.replace(table, samples=rows))
    return msgspec.structs.replace(answer, chunks=tables)


def _table(parts: Sequence[Part]) -> SampleTable:
    rows: list[Row] = []
    before_bytes = 0
    for part in parts:
        rows += _rows(part.footage, np.arange(part.first, part.end), before_bytes)
        before_bytes += part.footage.chunk.readable_bytes
    return _tell([part.footage for part in parts], rows)


def _rows(footage: Footage, chosen: Chosen, before_bytes: int) -> list[Row]:
    """Samples as the answer has them; ``before_bytes``: of the files before this one at the same address."""
    rows = footage.samples[chosen]
    columns = (rows["offset"] + before_bytes, rows["size"], footage.shown_us[chosen], rows["sync"].astype(np.int64))
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _tell(footages: Sequence[Footage], rows: list[Row]) -> SampleTable:
    first, last = footages[0], footages[-1]
    return SampleTable(
        start_us=first.chunk.start_us,
        end_us=last.chunk.end_us,
        media_url=media_url(first.chunk) if first is last else run_url(first.chunk),
        codec=first.picture.codec_string,
        description=base64.b64encode(decoder_configuration(first.parameter_sets)).decode("ascii"),
        width=first.picture.width,
        height=first.picture.height,
        sealed=last.chunk.sealed,
        coarse=any(footage.is_coarse for footage in footages),
        samples=rows,
    )
