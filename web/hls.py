"""HTTP Live Streaming of a window, for VLC, Safari and phones: a playlist of fMP4 segments (RFC 8216).

Media time counts from the first chunk's start, in all chunks: players cope badly with time that starts anew in every
minute (ffmpeg drops pictures). A new run, or new parameter sets, are a discontinuity all the same.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiohttp import web

from nvr.errors import NotRecorded
from nvr.media import Codec
from nvr.timebase import TimeRange, format_utc, ticks_from_us, us_from_90k
from web.archive import Archive
from web.auth import Action
from web.footage import Footage, FootageReader, FragmentRow
from web.fragments import choose
from web.media import init_url
from web.query import ClipQuery
from web.route import Media, Route, route
from web.segment import segment_url
from web.sending import Content, send
from web.timeline import JOINED_US

PLAYLIST = "application/vnd.apple.mpegurl"
VERSION = 7  # EXT-X-MAP in a list of fMP4 segments, RFC 8216 section 7


@dataclass(frozen=True, slots=True)
class Segment:
    """Fragments from one sync sample to the next: what a player can start with."""

    offset: int
    end: int
    start_us: int
    duration_us: int
    sync: bool


class HlsRoom:
    """Writes playlists.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
    """

    def __init__(self, archive: Archive, footage: FootageReader) -> None:
        self._archive = archive
        self._footage = footage

    def routes(self) -> list[Route]:
        """The playlist."""
        return [
            route(
                "/api/channels/{channel}/hls.m3u8",
                self._send,
                asks=ClipQuery,
                answers=Media(PLAYLIST, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="A window as an HLS playlist of fMP4 segments",
            )
        ]

    async def _send(self, asked: ClipQuery, request: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(self._playlist, asked)
        return await send(request, Content(PLAYLIST, (text.encode(),), headers={"Cache-Control": "no-store"}))

    def _playlist(self, asked: ClipQuery) -> str:
        self._archive.require(asked.track_asked)
        chunks = self._archive.chunks(asked.track_asked, asked.window)
        parts = [
            (footage, [row for row in segments(choose(footage.fragments, asked.window)) if row.start_us < until_us])
            for footage, until_us in before_next([self._footage.read(chunk) for chunk in chunks], asked.window)
        ]
        parts = [(footage, rows) for footage, rows in parts if rows]
        if not parts:
            raise NotRecorded("nothing was recorded in this range", where=str(asked.track_asked))
        return playlist(parts, asked.window)


def before_next(footages: Sequence[Footage], window: TimeRange) -> Iterator[tuple[Footage, int]]:
    """Each footage that has a share in the window, and where the next one begins, from which on that one counts."""
    with_pictures = [footage for footage in footages if footage.fragments]
    for number, footage in enumerate(with_pictures, 1):
        next_us = with_pictures[number].chunk.start_us if number < len(with_pictures) else window.end_us
        if next_us > window.start_us:
            yield footage, next_us


def segments(rows: Sequence[FragmentRow]) -> list[Segment]:
    """Fragments joined into segments, a new one at each sync sample."""
    found: list[list[FragmentRow]] = []
    for row in rows:
        if row.sync or not found:
            found.append([])
        found[-1].append(row)
    return [
        Segment(
            offset=group[0].offset,
            end=group[-1].end,
            start_us=group[0].presentation_us,
            duration_us=us_from_90k(sum(row.duration_90k for row in group)),
            sync=group[0].sync,
        )
        for group in found
    ]


def playlist(parts: Sequence[tuple[Footage, Sequence[Segment]]], window: TimeRange) -> str:
    """The list as text. Playing starts at the window's start, which lies behind the first sync sample."""
    return "\n".join([*_head(parts, window), *_body(parts), "#EXT-X-ENDLIST", ""])


def _head(parts: Sequence[tuple[Footage, Sequence[Segment]]], window: TimeRange) -> Iterator[str]:
    lead_us = max(0, window.start_us - parts[0][1][0].start_us)
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{VERSION}"
    yield "#EXT-X-PLAYLIST-TYPE:VOD"
    yield f"#EXT-X-TARGETDURATION:{target_s(segment for _, rows in parts for segment in rows)}"
    if all(footage.parameter_sets.codec is Codec.H264 and row.sync for footage, rows in parts for row in rows):
        yield "#EXT-X-INDEPENDENT-SEGMENTS"  # not H.265: what leads a CRA picture needs what stands before it
    yield f"#EXT-X-START:TIME-OFFSET={seconds(lead_us)},PRECISE=YES"


def _body(parts: Sequence[tuple[Footage, Sequence[Segment]]]) -> Iterator[str]:
    origin_us = parts[0][0].chunk.start_us
    before: Footage | None = None
    for footage, rows in parts:
        chunk = footage.chunk
        if before is not None and not continues(before, footage):
            yield "#EXT-X-DISCONTINUITY"
        if before is None or before.init_segment != footage.init_segment:
            yield f'#EXT-X-MAP:URI="{init_url(chunk)}"'
        yield f"#EXT-X-PROGRAM-DATE-TIME:{milliseconds(rows[0].start_us)}"
        shift_90k = max(0, ticks_from_us(chunk.start_us - origin_us))
        for segment in rows:
            yield f"#EXTINF:{seconds(segment.duration_us)},"
            yield segment_url(chunk, segment.offset, segment.end, shift_90k)
        before = footage


def target_s(rows: Iterable[Segment]) -> int:
    """The longest duration in whole seconds, halves up: so a player rounds them (RFC 8216 section 4.3.3.1)."""
    return max(1, *((row.duration_us + 500_000) // 1_000_000 for row in rows))


def continues(before: Footage, after: Footage) -> bool:
    """Whether a player's decoder and clock go on as if nothing was: else it must be told (section 4.3.2.3)."""
    apart_us = after.chunk.start_us - before.chunk.end_us
    same = before.chunk.run == after.chunk.run and before.init_segment == after.init_segment
    return same and abs(apart_us) <= JOINED_US


def seconds(duration_us: int) -> str:
    """As EXTINF has it."""
    return f"{duration_us // 1_000_000}.{duration_us % 1_000_000:06d}"


def milliseconds(wall_us: int) -> str:
    """RFC 3339 with milliseconds: more digits confuse some players."""
    return format_utc(wall_us)[:-4] + "Z"
