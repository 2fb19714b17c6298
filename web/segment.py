"""Segments for HLS: fragments of a chunk with their decode times moved, so that a playlist's time runs on over chunks.

Only the eight bytes of each `tfdt` differ from what lies on disk; the media goes out by sendfile.
"""

import asyncio
import struct
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from nvr.chunk.source import ByteSource
from nvr.chunk.stamp import STAMP_BYTES
from nvr.codec.box import find
from nvr.errors import NotRecorded
from web.archive import Archive, StoredChunk
from web.auth import Action
from web.footage import FootageReader, FragmentRow
from web.media import GROWING, MP4, SEALED, ChunkFinder, chunk_path, etag_of
from web.query import SegmentQuery
from web.route import Media, Route, route
from web.sending import Content, FilePart, Piece, send

_HEAD_BYTES = 4096  # stamp and moof of some 300 samples; a longer one is read again
_TFDT = struct.Struct(">Q")


def segment_url(chunk: StoredChunk, offset: int, end: int, shift_90k: int) -> str:
    """Where the fragments in bytes ``[offset, end)`` of a chunk are served with their times moved."""
    return f"{chunk_path(chunk)}{offset}-{end}-{shift_90k}.m4s"


class SegmentRoom:
    """Serves segments.

    Args:
        archive: opens chunks.
        footage: knows where fragments begin.
        finder: finds chunks by their numbers.
    """

    def __init__(self, archive: Archive, footage: FootageReader, finder: ChunkFinder) -> None:
        self._archive = archive
        self._footage = footage
        self._finder = finder

    def routes(self) -> list[Route]:
        """The segment."""
        return [
            route(
                "/media/{channel}/{track}/{start_us}-{run}-{sequence}/{offset}-{end}-{shift_90k}.m4s",
                self._send,
                asks=SegmentQuery,
                answers=Media(MP4, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="Fragments of a chunk with their decode times moved, for HLS",
            )
        ]

    async def _send(self, asked: SegmentQuery, request: web.Request) -> web.StreamResponse:
        chunk = await self._finder.find(asked, request)
        pieces = await asyncio.to_thread(self._pieces, chunk, asked)
        etag = etag_of(chunk)
        tag = f"{etag}-{asked.offset:x}-{asked.end:x}-{asked.shift_90k:x}" if etag else ""
        return await send(request, Content(MP4, pieces, tag, SEALED if chunk.sealed else GROWING))

    def _pieces(self, chunk: StoredChunk, asked: SegmentQuery) -> list[Piece]:
        fragments = self._footage.read(chunk).fragments
        rows = [row for row in fragments if asked.offset <= row.offset and row.end <= asked.end]
        if not rows or rows[0].offset != asked.offset or rows[-1].end != asked.end:
            raise NotRecorded("there is no such segment", where=str(chunk.track), hint="ask for the playlist again")
        with self._archive.opened(chunk) as file:
            return file.call(partial(self._fragments, chunk, rows, asked.shift_90k))

    def _fragments(self, chunk: StoredChunk, rows: Sequence[FragmentRow], shift_90k: int, fd: int) -> list[Piece]:
        source = ByteSource(fd, chunk.path)
        return [piece for row in rows for piece in self._fragment(chunk, source, row, shift_90k)]

    def _fragment(self, chunk: StoredChunk, source: ByteSource, row: FragmentRow, shift_90k: int) -> list[Piece]:
        """The moof with its decode time moved, from memory; the mdat as it lies in the file. The stamp is left out."""
        start = row.offset + STAMP_BYTES
        moof = source.read(start, min(_HEAD_BYTES, row.end - start))
        moof_bytes = int.from_bytes(moof[:4], "big")
        if moof_bytes > len(moof):
            moof = source.read(start, min(moof_bytes, row.end - start))
        moved = bytearray(moof[:moof_bytes])
        tfdt = find(moved, (b"moof", b"traf", b"tfdt"))
        _TFDT.pack_into(moved, tfdt.end - _TFDT.size, row.decode_90k + shift_90k)
        media = FilePart(partial(self._archive.opened, chunk), start + moof_bytes, row.end - start - moof_bytes)
        return [bytes(moved), media]
