"""Boxes, the building blocks of ISO base media files: writing one, walking over many (ISO/IEC 14496-12 section 4.2)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from nvr.errors import IntegrityError

Bytes = bytes | bytearray | memoryview

_HEADER = struct.Struct(">I4s")
_LARGE_HEADER = struct.Struct(">I4sQ")
MAX_SMALL_BYTES = 0xFFFFFFFF  # a longer box needs a 64-bit size


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of ``kind`` (four bytes) around ``parts``, joined in order."""
    return b"".join(box_pieces(kind, *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box whose payload starts with a version and 24 flags."""
    return b"".join(full_box_pieces(kind, version, flags, *parts))


def box_pieces(kind: bytes, *parts: bytes) -> list[bytes]:
    """The same, not joined: boxes of many megabytes nest without being copied at each level."""
    size_bytes = 8 + sum(map(len, parts))
    if size_bytes > MAX_SMALL_BYTES:
        raise ValueError(f"a {kind!r} box of {size_bytes} bytes is larger than any table here can be")
    return [_HEADER.pack(size_bytes, kind), *parts]


def full_box_pieces(kind: bytes, version: int, flags: int, *parts: bytes) -> list[bytes]:
    """A full box, not joined."""
    return box_pieces(kind, (version << 24 | flags).to_bytes(4, "big"), *parts)


def mdat_header(payload_bytes: int) -> bytes:
    """What stands before ``payload_bytes`` of media: 8 bytes, or 16 where 32 bits cannot hold the size."""
    if payload_bytes + 8 <= MAX_SMALL_BYTES:
        return _HEADER.pack(payload_bytes + 8, b"mdat")
    return _LARGE_HEADER.pack(1, b"mdat", payload_bytes + 16)


@dataclass(frozen=True, slots=True)
class BoxSpan:
    """Where a box lies: offsets into the bytes that were walked."""

    kind: bytes
    start: int
    header: int  # length of the header in bytes: 8, or 16 with a 64-bit size
    end: int

    @property
    def payload(self) -> int:
        """Offset of the first byte after the header."""
        return self.start + self.header


def walk(view: Bytes, start: int = 0, end: int | None = None) -> Iterator[BoxSpan]:
    """The boxes that fill ``view[start:end]``, one after the other, children not entered.

    Raises:
        IntegrityError: a box does not fit into what is left of the range; the boxes before it have been given.
    """
    end = len(view) if end is None else end
    while start < end:
        span = read_span(view, start, end)
        yield span
        start = span.end


def read_span(view: Bytes, start: int, end: int) -> BoxSpan:
    """The box at ``start``, which must be complete before ``end``.

    Raises:
        IntegrityError: there is no whole box.
    """
    left = min(end, len(view)) - start
    if start < 0 or left < 8:
        raise IntegrityError(f"{max(0, left)} bytes are too few for a box", where=f"byte {start}")
    size_bytes, kind = _HEADER.unpack_from(view, start)
    header = 8
    if size_bytes == 1 and left >= 16:
        header = 16
        size_bytes = int.from_bytes(view[start + 8 : start + 16], "big")
    elif size_bytes == 0:  # reaches to the end of the file
        size_bytes = left
    if not header <= size_bytes <= left:
        raise IntegrityError(f"a {kind!r} box claims {size_bytes} bytes, there are {left}", where=f"byte {start}")
    return BoxSpan(kind, start, header, start + size_bytes)


def find(view: Bytes, path: tuple[bytes, ...], start: int = 0, end: int | None = None) -> BoxSpan:
    """The first box at ``path``, each name a child of the one before.

    Only for boxes that hold nothing but boxes (moov, trak, mdia, minf, stbl, moof, traf, mvex).

    Raises:
        IntegrityError: there is no such box, or what stands before it is broken.
    """
    kind, *rest = path
    for span in walk(view, start, end):
        if span.kind == kind:
            return find(view, tuple(rest), span.payload, span.end) if rest else span
    raise IntegrityError(f"there is no box of kind {kind!r}", where=f"byte {start}")
