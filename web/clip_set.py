"""Clips of several cameras: what there is of them, and all of them as one ZIP archive, sent as it is read.

An archive has one MP4 a camera, each what ``clip.mp4`` gives, and ``contents.txt``, which says what is missing. Its
length is known before the first byte, because each clip's is; the checksums are counted as the bytes go by.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from nvr import media
from nvr.errors import NotRecorded, NvrError, StorageError
from nvr.log import get_logger
from nvr.timebase import utc
from web.archive import Archive
from web.auth import Action, May, demand, user_of
from web.camera_names import other_names
from web.clip import ClipRoom
from web.contents import NOTHING, UNREADABLE, Known, chapter, missing
from web.narrowing import narrowed
from web.query import ClipQuery, ClipSetQuery
from web.reading import WindowReader
from web.route import Media, Route, route
from web.sending import PIECE_BYTES, Content, FilePart
from web.timeline import gaps, merged
from web.wire import ClipFacts, ClipSet
from web.zipping import Entry, descriptor, directory, header, total_bytes

ZIP = "application/zip"
CONTENTS = "contents.txt"
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Shown:
    """When a clip shows pictures, and what it lacks though it was recorded."""

    spans: tuple[tuple[int, int], ...]
    missing: tuple[media.Gap, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A clip that is in an archive: what to lay out when its turn comes, and what must come of it."""

    asked: ClipQuery
    entry: Entry
    etag: str
    clip: Shown


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive before it is sent."""

    name: str
    contents: bytes
    members: tuple[Member, ...]
    made: datetime

    @property
    def entries(self) -> list[Entry]:
        return [Entry(CONTENTS, len(self.contents), self.made), *(member.entry for member in self.members)]


class ClipSetRoom:
    """Tells of several cameras' clips and sends them.

    Args:
        archive: what exists.
        windows: tells what can be read.
        clips: lays out each clip.
        timezone: in which files tell the time.
        may: asked for every channel.
    """

    def __init__(self, archive: Archive, windows: WindowReader, clips: ClipRoom, timezone: str, may: May) -> None:
        self._archive = archive
        self._windows = windows
        self._clips = clips
        self._zone = ZoneInfo(timezone)
        self._may = may

    def routes(self) -> list[Route]:
        """The plan and the archive."""
        return [
            route(
                "/api/clips",
                self._tell,
                asks=ClipSetQuery,
                answers=ClipSet,
                action=Action.VIEW_RECORDED,
                summary="What clips of several cameras would hold, and about how large they are",
            ),
            route(
                "/api/clips.zip",
                self._send,
                asks=ClipSetQuery,
                answers=Media(ZIP),
                action=Action.VIEW_RECORDED,
                summary="Clips of several cameras as one ZIP archive of MP4 files, with a list of what is missing",
            ),
        ]

    async def _tell(self, asked: ClipSetQuery, request: web.Request) -> ClipSet:
        self._demand(asked, request)
        return await asyncio.to_thread(self._plan, asked)

    async def _send(self, asked: ClipSetQuery, request: web.Request) -> web.StreamResponse:
        self._demand(asked, request)
        archived = await self._archived(asked, request)
        response = web.StreamResponse(status=HTTPStatus.OK, headers={"Cache-Control": "no-store"})
        response.headers["Content-Disposition"] = f'attachment; filename="{archived.name}"'
        response.content_type = ZIP
        response.content_length = total_bytes(archived.entries)
        try:
            await response.prepare(request)
            if request.method != "HEAD":
                async for data in self._bytes(archived):
                    await response.write(data)
                await response.write_eof()
        except ConnectionError:
            pass  # the reader has gone
        except NvrError as error:
            _log.warning("clips could not be sent", error=str(error), path=request.path)
            if request.transport is not None:
                request.transport.abort()  # the length promised cannot be kept, and to say so nothing else is left
        return response

    def _demand(self, asked: ClipSetQuery, request: web.Request) -> None:
        for channel in asked.numbers:
            demand(self._may, user_of(request), Action.VIEW_RECORDED, channel, asked.window)

    def _plan(self, asked: ClipSetQuery) -> ClipSet:
        facts = [self._facts(one) for one in asked.clips()]
        return ClipSet(asked.track, asked.from_us, asked.to_us, sum(fact.about_bytes for fact in facts), facts)

    def _facts(self, asked: ClipQuery) -> ClipFacts:
        track, window = asked.track_asked, asked.window
        self._archive.require(track)
        newest = self._archive.newest(track)
        chunks, unread = self._windows.glance(track, window, newest, asked.take)
        about_bytes = 0
        for chunk in chunks:
            share_us = chunk.time.clipped_to(window).duration_us
            about_bytes += chunk.readable_bytes * share_us // max(1, chunk.time.duration_us)
        there_us = sum(end_us - start_us for start_us, end_us in merged([chunk.time for chunk in chunks], window))
        missing_us = window.duration_us - there_us
        told = gaps(self._archive, track, window, newest, unread)
        return ClipFacts(asked.channel, about_bytes, missing_us, told, other_names(self._archive, track, window))

    async def _archived(self, asked: ClipSetQuery, request: web.Request) -> Archived:
        """Lay every clip out once, for its length; only what says how to do it again is kept."""
        names = {channel.number: channel.name for channel in await asyncio.to_thread(self._archive.channels)}
        members, chapters, failures = [], [], []
        for one in asked.clips():
            title = f"camera {one.channel} {names.get(one.channel, '')}"
            try:
                member = await self._member(await narrowed(self._windows, one, request))
                members.append(member)
                file, clip = member.entry.name, member.clip
            except NotRecorded:
                file, clip = NOTHING, None
            except NvrError as error:  # of this camera; the others' clips are none the worse for it
                file, clip = f"{UNREADABLE} ({error.what})", None
                failures.append(error)
            chapters.append(await asyncio.to_thread(self._chapter, title, file, one, clip))
        if not members:
            where = f"channels {asked.channels}"
            nothing = NotRecorded("nothing was recorded in this range by any of these cameras", where=where)
            raise failures[0] if failures else nothing
        made = self._local(asked.from_us)
        head = f"{self._time(asked.from_us)} – {self._time(asked.to_us)}\n"
        name = f"cameras-{made.strftime('%Y%m%d-%H%M%S%z')}.zip"
        return Archived(name, "\n".join([head, *chapters]).encode(), tuple(members), made)

    async def _member(self, asked: ClipQuery) -> Member:
        clip = await self._clips.lay_out(asked)
        # What is still being written would be longer when its turn comes: it ends where it ends now.
        ended = msgspec.structs.replace(asked, to_us=clip.time.end_us)
        sent = await self._clips.lay_out(ended)
        entry = Entry(sent.name, sent.content.total_bytes(), self._local(sent.time.start_us))
        return Member(ended, entry, sent.content.etag, Shown(clip.spans, clip.missing))

    def _chapter(self, title: str, file: str, asked: ClipQuery, shown: Shown | None) -> str:
        """What the list says of a camera; ``shown``: by its clip, if there is one."""
        track, window = asked.track_asked, asked.window
        newest, now_us = self._archive.newest(track), self._archive.clock.wall_us()
        unread = self._windows.glance(track, window, newest, asked.take)[1] if shown is None else shown.missing
        told = gaps(self._archive, track, window, newest, unread)
        spans = shown.spans if shown is not None else ()
        known = Known(spans, told, self._archive.first_us(track, newest), now_us)
        names = other_names(self._archive, track, window)
        damaged = merged(self._archive.damaged(track, window), window) if shown is not None else []
        return chapter(title, file, names, list(missing(known, window)), damaged, self._time)

    async def _bytes(self, archived: Archived) -> AsyncIterator[bytes]:
        """The archive from its first byte to its last.

        Raises:
            StorageError: a file cannot be read, or footage has gone since the archive was laid out.
        """
        entries = archived.entries
        crcs = [crc32(archived.contents)]
        yield header(entries[0]) + archived.contents + descriptor(entries[0], crcs[0])
        for member in archived.members:
            yield header(member.entry)
            content = (await self._clips.lay_out(member.asked)).content
            if content.etag != member.etag:
                raise StorageError("the footage has changed since the archive was begun", where=member.entry.name)
            crc = 0
            for read in _reads(content):
                data, crc = await asyncio.to_thread(_counted, read, crc)
                yield data
            crcs.append(crc)
            yield descriptor(member.entry, crc)
        yield directory(entries, crcs)

    def _local(self, wall_us: int) -> datetime:
        return utc(wall_us).astimezone(self._zone)

    def _time(self, wall_us: int) -> str:
        return self._local(wall_us).strftime("%Y-%m-%d %H:%M:%S %z")


def _reads(content: Content) -> Iterator[Callable[[], bytes]]:
    """The content in pieces of at most 1 MiB, each read when it is called."""
    for piece in content.pieces:
        if isinstance(piece, bytes):
            yield partial(_itself, piece)
        else:
            for start in range(0, piece.size, PIECE_BYTES):
                yield partial(_read, piece.cut(start, min(PIECE_BYTES, piece.size - start)))


def _itself(piece: bytes) -> bytes:
    return piece


def _read(part: FilePart) -> bytes:
    with part.open_file() as file:
        try:
            data = file.call(lambda fd: os.pread(fd, part.size, part.offset))
        except OSError as error:
            raise StorageError(f"the file cannot be read: {error.strerror}") from error
    if len(data) < part.size:
        raise StorageError("the file is shorter than it was", where=f"byte {part.offset}")
    return data


def _counted(read: Callable[[], bytes], crc: int) -> tuple[bytes, int]:
    data = read()
    return data, crc32(data, crc)
