"""The smaller rows of the index: gaps, runs, heads, init segments, usage, garbage (FORMAT.md). Values only: no I/O."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from indexer import keys
from nvr.chunk.footer import CUT_CODES
from nvr.errors import IntegrityError
from nvr.media import CutReason, Gap, GapReason, Track

Row = TypeVar("Row")

SHA256_BYTES = 32
DETAIL_BYTES = 200  # chosen: a sentence; a camera's own words may be longer and are cut

_GAP = struct.Struct(">QB")
_RUN = struct.Struct(">QQI")
_HEAD = struct.Struct(">QQIIB")  # then the root
_INIT = struct.Struct(">HHB")  # then SHA-256, codec string, init segment
_USAGE = struct.Struct(">QI")
_GARBAGE = struct.Struct(">QQ")

# The numbers are part of the format: never change one, never use one again.
REASON_CODES = {
    GapReason.CAMERA: 1,
    GapReason.NETWORK: 2,
    GapReason.AUTHENTICATION: 3,
    GapReason.RESTART: 4,
    GapReason.DISK: 5,
    GapReason.OVERLOAD: 6,
    GapReason.OPERATOR: 7,
    GapReason.CLOCK: 8,
    GapReason.RETENTION: 9,
    GapReason.SETTINGS: 10,
}
_REASON_OF = {code: reason for reason, code in REASON_CODES.items()}
_CUT_OF = {code: cut for cut, code in CUT_CODES.items()}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is left of one run: where its first chunk starts, where its last one ends, how many there are."""

    track: Track
    run: int
    start_us: int
    end_us: int
    chunks: int


@dataclass(frozen=True, slots=True)
class HeadRecord:
    """The newest chunk of a track: the next one's header names its root."""

    track: Track
    start_us: int
    end_us: int
    run: int
    sequence: int
    cut: CutReason  # why it ended
    root: bytes  # Merkle root, 32 bytes

    @property
    def chunk_key(self) -> bytes:
        return keys.chunk(self.track, self.start_us, self.sequence)


@dataclass(frozen=True, slots=True)
class InitRecord:
    """An init segment (ftyp and moov), kept once however many chunks begin with it."""

    id: int
    sha256: bytes  # 32 bytes, of the init segment
    codec_string: str  # RFC 6381
    width: int
    height: int
    init_segment: bytes


@dataclass(frozen=True, slots=True)
class Usage:
    """What a track occupies on a volume."""

    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """A file that has left the index and is to be unlinked."""

    volume: int
    path: str  # relative to the volume
    since_us: int
    bytes: int


def _checked(decode: Callable[[bytes, bytes], Row]) -> Callable[[bytes, bytes], Row]:
    """Whatever a key or a value is, one that cannot be read is an IntegrityError."""

    @wraps(decode)
    def checked(key: bytes, value: bytes) -> Row:
        try:
            return decode(key, value)
        except (struct.error, ValueError) as error:
            raise IntegrityError(f"the row {key.hex()} cannot be read: {error}", hint="nvr rebuild") from error

    return checked


def encode_gap(gap: Gap) -> bytes:
    """A gap's value: where it ends, why, and the sentence."""
    detail = gap.detail.encode()[:DETAIL_BYTES].decode(errors="ignore")
    return _GAP.pack(gap.end_us, REASON_CODES[gap.reason]) + detail.encode()


@_checked
def decode_gap(key: bytes, value: bytes) -> Gap:
    """Read a gap."""
    track, start_us = keys.read_instant(key)
    end_us, code = _GAP.unpack_from(value)
    if code not in _REASON_OF:
        raise IntegrityError(f"a gap has the unknown reason {code}", where=str(track), hint="use a newer program")
    return Gap(track, start_us, end_us, _REASON_OF[code], value[_GAP.size :].decode(errors="replace"))


def bounds_of_gap(value: bytes) -> tuple[int, int]:
    """Of a gap's value only where it ends and the code of its reason."""
    try:
        end_us, code = _GAP.unpack_from(value)
    except struct.error as error:
        raise IntegrityError(f"a gap cannot be read: {error}", hint="nvr rebuild") from error
    return end_us, code


def encode_run(run: RunRecord) -> bytes:
    """A run's value."""
    return _RUN.pack(run.start_us, run.end_us, run.chunks)


@_checked
def decode_run(key: bytes, value: bytes) -> RunRecord:
    """Read a run."""
    return RunRecord(*keys.read_run(key), *_RUN.unpack_from(value))


def encode_head(head: HeadRecord) -> bytes:
    """A head's value."""
    return _HEAD.pack(head.start_us, head.end_us, head.run, head.sequence, CUT_CODES[head.cut]) + head.root


@_checked
def decode_head(key: bytes, value: bytes) -> HeadRecord:
    """Read a head."""
    start_us, end_us, run, sequence, code = _HEAD.unpack_from(value)
    track, root = keys.track_of(key), value[_HEAD.size :]
    if code not in _CUT_OF:
        raise IntegrityError(f"a chunk ended for the unknown reason {code}", where=str(track))
    return HeadRecord(track, start_us, end_us, run, sequence, _CUT_OF[code], root)


def encode_init(init: InitRecord) -> bytes:
    """The value of an init segment."""
    codec = init.codec_string.encode()
    return _INIT.pack(init.width, init.height, len(codec)) + init.sha256 + codec + init.init_segment


@_checked
def decode_init(key: bytes, value: bytes) -> InitRecord:
    """Read an init segment."""
    width, height, length = _INIT.unpack_from(value)
    start = _INIT.size + SHA256_BYTES
    end = start + length
    codec = value[start:end].decode(errors="replace")
    return InitRecord(keys.read_init(key), value[_INIT.size : start], codec, width, height, value[end:])


def encode_usage(usage: Usage) -> bytes:
    """The value of a usage row."""
    return _USAGE.pack(usage.bytes, usage.chunks)


@_checked
def decode_usage(_key: bytes, value: bytes) -> Usage:
    """Read a usage row."""
    return Usage(*_USAGE.unpack_from(value))


def encode_garbage(garbage: Garbage) -> bytes:
    """The value of a garbage row."""
    return _GARBAGE.pack(garbage.since_us, garbage.bytes)


@_checked
def decode_garbage(key: bytes, value: bytes) -> Garbage:
    """Read a garbage row."""
    return Garbage(*keys.read_garbage(key), *_GARBAGE.unpack_from(value))
