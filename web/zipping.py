"""The bytes of a ZIP archive around files of known length: stored, not compressed, ZIP64, written in one go.

Everything but the checksums is known beforehand, and they have a fixed size, so the length of the whole is known too.
Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3. The checksum of a file stands behind it (general purpose bit 3).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

_VERSION = 45  # needed to extract: ZIP64
_MADE_BY = 3 << 8 | _VERSION  # Unix: external attributes are a mode
_FLAGS = 1 << 3 | 1 << 11  # sizes and checksum follow the data; the name is UTF-8
_ELSEWHERE = 2**32 - 1  # the ZIP64 extra field says it
_ELSEWHERE_16 = 2**16 - 1
_REGULAR_FILE = 0o100644 << 16
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_LOCAL_EXTRA = struct.Struct("<HHQQ")
_DESCRIPTOR = struct.Struct("<IIQQ")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_CENTRAL_EXTRA = struct.Struct("<HHQQQ")
_END_64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR = struct.Struct("<IIQI")
_END = struct.Struct("<IHHHHIIH")


class _Signature(IntEnum):
    LOCAL = 0x04034B50
    DESCRIPTOR = 0x08074B50
    CENTRAL = 0x02014B50
    END_64 = 0x06064B50
    LOCATOR = 0x07064B50
    END = 0x06054B50


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive. ``changed`` is local time, as ZIP wants it, between 1980 and 2107."""

    name: str
    size: int
    changed: datetime

    @property
    def name_bytes(self) -> bytes:
        return self.name.encode()

    @property
    def span_bytes(self) -> int:
        """Header, file and what follows it."""
        return _LOCAL.size + len(self.name_bytes) + _LOCAL_EXTRA.size + self.size + _DESCRIPTOR.size


def total_bytes(entries: Sequence[Entry]) -> int:
    """The length of the archive."""
    directory = sum(_CENTRAL.size + len(entry.name_bytes) + _CENTRAL_EXTRA.size for entry in entries)
    return sum(entry.span_bytes for entry in entries) + directory + _END_64.size + _LOCATOR.size + _END.size


def header(entry: Entry) -> bytes:
    """What stands before a file's bytes."""
    time, date = _moment(entry.changed)
    fixed = _LOCAL.pack(
        _Signature.LOCAL, _VERSION, _FLAGS, 0, time, date, 0, _ELSEWHERE, _ELSEWHERE, len(entry.name_bytes), 20
    )
    return fixed + entry.name_bytes + _LOCAL_EXTRA.pack(1, 16, 0, 0)


def descriptor(entry: Entry, crc: int) -> bytes:
    """What stands behind a file's bytes."""
    return _DESCRIPTOR.pack(_Signature.DESCRIPTOR, crc, entry.size, entry.size)


def directory(entries: Sequence[Entry], crcs: Sequence[int]) -> bytes:
    """The end of the archive."""
    rows, offset = [], 0
    for entry, crc in zip(entries, crcs, strict=True):
        rows.append(_central(entry, crc, offset))
        offset += entry.span_bytes
    central, count = b"".join(rows), len(entries)
    end_64 = _END_64.pack(
        _Signature.END_64, _END_64.size - 12, _MADE_BY, _VERSION, 0, 0, count, count, len(central), offset
    )
    locator = _LOCATOR.pack(_Signature.LOCATOR, 0, offset + len(central), 1)
    end = _END.pack(_Signature.END, 0, 0, _ELSEWHERE_16, _ELSEWHERE_16, _ELSEWHERE, _ELSEWHERE, 0)
    return central + end_64 + locator + end


def _central(entry: Entry, crc: int, offset: int) -> bytes:
    time, date = _moment(entry.changed)
    name = entry.name_bytes
    numbers = (_Signature.CENTRAL, _MADE_BY, _VERSION, _FLAGS, 0, time, date, crc, _ELSEWHERE, _ELSEWHERE)
    places = (len(name), _CENTRAL_EXTRA.size, 0, 0, 0, _REGULAR_FILE, _ELSEWHERE)
    return _CENTRAL.pack(*numbers, *places) + name + _CENTRAL_EXTRA.pack(1, 24, entry.size, entry.size, offset)


def _moment(at: datetime) -> tuple[int, int]:
    """MS-DOS time and date: two seconds are the smallest step."""
    year = min(max(at.year, 1980), 2107) - 1980
    return at.hour << 11 | at.minute << 5 | at.second // 2, year << 9 | at.month << 5 | at.day
