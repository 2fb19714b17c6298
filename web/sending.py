"""Sending bytes: from memory and from files, whole or the one range that was asked for (RFC 9110 sections 13, 14).

File bytes go out by sendfile in pieces of at most 1 MiB: a larger one would hold the loop for as long as a fast
reader drains it (measured: 300 ms). Bytes that are not in the page cache are fetched by a thread first, because
sendfile would wait for the disk inside the loop.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from aiohttp import web

from nvr.errors import NvrError, StorageError
from nvr.log import get_logger
from web.reply import encode
from web.volume_threads import VolumeFile
from web.wire import Problem

PIECE_BYTES = 1 << 20
CACHED_BYTES = 64 << 10  # half of the kernel's usual read-ahead
_log = get_logger()
_SINGLE_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 18  # a file of an exabyte; longer numbers are as good as that, and int() refuses 4,301 digits
REVALIDATED = "private, no-cache"  # kept by one browser, shown again only if we say that it still may be
NOT_KEPT = "no-store"


@dataclass(frozen=True, slots=True)
class FilePart:
    """``size`` bytes at ``offset`` of the file that ``open_file`` opens, which may block, when its turn has come."""

    open_file: Callable[[], VolumeFile]
    offset: int
    size: int

    def cut(self, start: int, size: int) -> "FilePart":
        return FilePart(self.open_file, self.offset + start, size)


Piece = bytes | FilePart


def piece_bytes(piece: Piece) -> int:
    """The length of a piece."""
    return len(piece) if isinstance(piece, bytes) else piece.size


@dataclass(frozen=True, slots=True)
class Content:
    """A representation: its pieces in order and what HTTP must know about it.

    ``etag`` is strong and without quotes; empty: none, and then no range can be resumed safely.
    """

    content_type: str
    pieces: Sequence[Piece]
    etag: str = ""
    headers: Mapping[str, str] | None = None

    def total_bytes(self) -> int:
        return sum(map(piece_bytes, self.pieces))


@dataclass(frozen=True, slots=True)
class Selected:
    """The bytes of a representation that answer a request, and the status that says so."""

    status: HTTPStatus
    start: int
    size: int


def select(headers: Mapping[str, str], total_bytes: int, etag: str) -> Selected:
    """Which bytes a request wants. Several ranges, other units and broken Range headers mean the whole (RFC 9110 14.2).

    Args:
        headers: the request's, case-insensitive.
        total_bytes: the length of the representation.
        etag: its strong validator; empty: none.
    """
    whole = Selected(HTTPStatus.OK, 0, total_bytes)
    if etag and names(headers.get("If-None-Match", ""), etag):
        return Selected(HTTPStatus.NOT_MODIFIED, 0, 0)
    wanted = _SINGLE_RANGE.fullmatch(headers.get("Range", ""))
    if wanted is None or wanted.groups() == ("", ""):
        return whole
    if (if_range := headers.get("If-Range")) is not None and (not etag or if_range.strip() != f'"{etag}"'):
        return whole
    first, last = wanted.groups()
    if not first:  # the last so many bytes
        start, end = max(0, total_bytes - _count(last)), total_bytes
    else:
        start, end = _count(first), min(_count(last) + 1, total_bytes) if last else total_bytes
        if last and _count(last) < _count(first):
            return whole
    if start >= total_bytes:
        return Selected(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, 0)
    return Selected(HTTPStatus.PARTIAL_CONTENT, start, end - start)


def cut(pieces: Sequence[Piece], start: int, size: int) -> Iterator[Piece]:
    """The pieces that hold the bytes ``[start, start + size)`` of the whole, cut to them."""
    for piece in pieces:
        if size <= 0:
            return
        length = piece_bytes(piece)
        if start < length:
            taken = min(length - start, size)
            yield piece[start : start + taken] if isinstance(piece, bytes) else piece.cut(start, taken)
            size -= taken
        start = max(0, start - length)


async def send(request: web.Request, content: Content) -> web.StreamResponse:
    """Answer a GET or HEAD with the content or the range of it that was asked for.

    A file that cannot be read after the headers have left cuts the connection: the length promised cannot be kept,
    and to say so nothing else is left. A reader that goes away is nobody's fault and is not logged.
    """
    total = content.total_bytes()
    selected = select(request.headers, total, content.etag)
    response = web.StreamResponse(status=selected.status, headers={"Accept-Ranges": "bytes", **(content.headers or {})})
    if content.etag:
        response.headers["ETag"] = f'"{content.etag}"'
    match selected.status:
        case HTTPStatus.NOT_MODIFIED:
            return response  # the server prepares it, having no body
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _not_satisfiable(total)
        case HTTPStatus.PARTIAL_CONTENT:
            last = selected.start + selected.size - 1
            response.headers["Content-Range"] = f"bytes {selected.start}-{last}/{total}"
    response.content_type = content.content_type
    response.content_length = selected.size
    try:
        await response.prepare(request)
        if request.method != "HEAD":
            await _send_pieces(request, response, cut(content.pieces, selected.start, selected.size))
            await response.write_eof()
    except ConnectionError:
        pass  # who scrubs asks for much and waits for little of it
    except NvrError as error:
        _log.warning("footage could not be sent", error=str(error), path=request.path)
        if request.transport is not None:
            request.transport.abort()
    return response


def names(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names the validator, by weak comparison (RFC 9110 section 8.8.3.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or f'"{etag}"' in tags


def _count(digits: str) -> int:
    """A number of bytes from a Range header, however long it is written."""
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _not_satisfiable(total_bytes: int) -> web.Response:
    problem = Problem("the range lies behind the end", where="Range", hint=f"there are {total_bytes} bytes")
    headers = {"Content-Range": f"bytes */{total_bytes}", "Cache-Control": NOT_KEPT}
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    return web.Response(body=encode(problem), status=status, content_type="application/json", headers=headers)


async def _send_pieces(request: web.Request, response: web.StreamResponse, pieces: Iterator[Piece]) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            for start in range(0, len(piece), PIECE_BYTES):
                await response.write(piece[start : start + PIECE_BYTES])
            continue
        with await asyncio.to_thread(piece.open_file) as file:
            await _send_file(request, file, piece.offset, piece.size)


async def _send_file(request: web.Request, file: VolumeFile, offset: int, size: int) -> None:
    loop = asyncio.get_running_loop()
    end = offset + size
    with open(file.fd, "rb", buffering=0, closefd=False) as source:
        while offset < end:
            count = min(PIECE_BYTES, end - offset)
            if not _is_cached(file.fd, offset, count):
                await file.run(partial(_fetch, offset, count))
            transport = request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the reader has gone")
            if await loop.sendfile(transport, source, offset, count) < count:
                raise StorageError("the file is shorter than it was", where=f"byte {offset}")
            offset += count


def _is_cached(fd: int, offset: int, size: int) -> bool:
    """Whether a piece lies in the page cache: a byte of each stretch that it is read and forgotten in.

    By preadv2 with RWF_NOWAIT (Linux 4.14), which never waits for the disk.
    """
    probe = bytearray(1)
    places = [*range(offset, offset + size, CACHED_BYTES), offset + size - 1]
    try:
        return all(os.preadv(fd, [probe], at, os.RWF_NOWAIT) == 1 for at in places)
    except OSError:  # EAGAIN: not there; EOPNOTSUPP: this file system cannot say
        return False


def _fetch(offset: int, size: int, fd: int) -> None:
    """Bring a piece into the page cache, and ask the kernel for the piece behind it."""
    os.posix_fadvise(fd, offset, 2 * size, os.POSIX_FADV_WILLNEED)
    try:
        os.pread(fd, size, offset)
    except OSError as error:
        raise StorageError(f"the file cannot be read: {error.strerror}", where=f"byte {offset}") from error
