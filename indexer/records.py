"""Rows of the index and how they become bytes (FORMAT.md). Values only: no I/O.

A chunk's row is short on purpose: with two million of them each byte counts, and a sample table here would cost eleven
times the space. It says where the file is and where playing can start; all else stands in the file's footer.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from indexer import keys
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.errors import IntegrityError
from nvr.media import Track
from nvr.timebase import TimeRange, ticks_from_us

VERSION = 1
KEYFRAME_LIMIT = 32  # chosen: a row stays under 200 bytes; the footer has them all
ROOT_BYTES = 16  # of the Merkle root's 32: enough to tell that a file is another one

_FIXED = struct.Struct(">BBHII16s")  # version, flags, volume, run, duration_us, root
_EXTENT = struct.Struct(">xB6xI")  # of the same: flags and duration alone
_RUN = struct.Struct(">4xI")
_RECOVERED = 1
_LOST = 2
_BY_NAME = 4
_SCALARS = 10

KeyframePair = tuple[int, int]  # offset_90k from the chunk's start, file offset of the fragment's stamp


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """One chunk file's row. Rows ``by_name`` are known from the file's name and length only: what follows is 0."""

    track: Track
    start_us: int
    duration_us: int
    run: int
    sequence: int
    volume: int  # number
    root: bytes  # the first 16 bytes of the Merkle root
    bytes: int  # of the whole file
    recovered: bool = False
    lost: bool = False  # the file is missing
    by_name: bool = False
    samples: int = 0
    fragments: int = 0
    init_id: int = 0
    preamble_bytes: int = 0  # ftyp, moov, header: the first fragment's stamp stands here
    composition_delay_90k: int = 0
    media_90k: int = 0
    lost_packets: int = 0
    keyframes: tuple[KeyframePair, ...] = ()  # thinned to `KEYFRAME_LIMIT`; growing

    @property
    def end_us(self) -> int:
        return self.start_us + self.duration_us

    @property
    def time(self) -> TimeRange:
        return TimeRange(self.start_us, self.end_us)

    def name(self) -> ChunkName:
        """The file's name."""
        return ChunkName(self.track, self.start_us, self.duration_us // 1000, self.run, self.sequence, self.recovered)

    def seek(self, instant_us: int) -> int:
        """File offset of the stamp of the last listed key fragment shown at or before an instant."""
        wanted_90k = (instant_us - self.start_us) * 9 // 100
        found = self.preamble_bytes
        for offset_90k, file_offset in self.keyframes:
            if offset_90k > wanted_90k:
                break
            found = file_offset
        return found


def key_of(record: ChunkRecord) -> bytes:
    """Its key in the table `chunk`."""
    return keys.chunk(record.track, record.start_us, record.sequence)


def encode(record: ChunkRecord) -> bytes:
    """The row's value."""
    flags = _RECOVERED * record.recovered | _LOST * record.lost | _BY_NAME * record.by_name
    fixed = _FIXED.pack(VERSION, flags, record.volume, record.run, record.duration_us, record.root)
    numbers = [
        record.sequence >> 16,
        record.bytes,
        record.samples,
        record.fragments,
        record.init_id,
        record.preamble_bytes,
        record.composition_delay_90k,
        _zigzag(record.media_90k - ticks_from_us(record.duration_us)),
        record.lost_packets,
        len(record.keyframes),
    ]
    numbers += map(_zigzag, _differences(_differences([offset_90k for offset_90k, _ in record.keyframes])))
    numbers += _differences([offset for _, offset in record.keyframes], record.preamble_bytes)
    return fixed + _varints(numbers)


def decode(key: bytes, value: bytes) -> ChunkRecord:
    """Read a row.

    Raises:
        IntegrityError: not such a row, or of another version.
    """
    try:
        return _decode(key, value)
    except (struct.error, ValueError) as error:
        raise IntegrityError(f"the row {key.hex()} cannot be read: {error}", hint="nvr rebuild") from error


def _decode(key: bytes, value: bytes) -> ChunkRecord:
    version, flags, volume, run, duration_us, root = _FIXED.unpack_from(value)
    if version != VERSION:
        raise ValueError(f"version {version} is unknown")
    numbers = _read_varints(value[_FIXED.size :])
    high, size, samples, fragments, init_id, preamble, delay, media, lost_packets, count = numbers[:_SCALARS]
    if len(numbers) != _SCALARS + 2 * count:
        raise ValueError("the key-frame table has another length than it says")
    signed = [n >> 1 ^ -(n & 1) for n in numbers[_SCALARS : _SCALARS + count]]
    offsets = list(accumulate(numbers[_SCALARS + count :], initial=preamble))[1:]
    track, start_us, low = keys.read_chunk(key)
    return ChunkRecord(
        track,
        start_us,
        duration_us,
        run,
        high << 16 | low,
        volume,
        root,
        size,
        bool(flags & _RECOVERED),
        bool(flags & _LOST),
        bool(flags & _BY_NAME),
        samples,
        fragments,
        init_id,
        preamble,
        delay,
        (media >> 1 ^ -(media & 1)) + ticks_from_us(duration_us),
        lost_packets,
        tuple(zip(accumulate(accumulate(signed)), offsets, strict=True)),
    )


def extent(value: bytes) -> tuple[int, bool]:
    """A chunk's duration in µs and whether its file is lost, without reading the rest of the row."""
    flags, duration_us = _EXTENT.unpack_from(value)
    return duration_us, bool(flags & _LOST)


def run_of(value: bytes) -> int:
    """A chunk's run, without reading the rest of the row."""
    return int(_RUN.unpack_from(value)[0])


def from_sealed(sealed: SealedChunk, volume: int, init_id: int) -> ChunkRecord:
    """The row of a finished chunk."""
    header = sealed.header
    return ChunkRecord(
        track=header.track,
        start_us=sealed.start_us,
        duration_us=sealed.duration_us,
        run=header.run,
        sequence=header.sequence,
        volume=volume,
        root=sealed.root[:ROOT_BYTES],
        bytes=sealed.bytes,
        recovered=sealed.recovered,
        samples=sealed.samples,
        fragments=sealed.fragments,
        init_id=init_id,
        preamble_bytes=sealed.preamble_bytes,
        composition_delay_90k=header.composition_delay_90k,
        media_90k=sealed.media_90k,
        lost_packets=sealed.lost_packets,
        keyframes=thinned([(keyframe.offset_90k, keyframe.file_offset) for keyframe in sealed.keyframes]),
    )


def from_name(name: ChunkName, size_bytes: int, volume: int) -> ChunkRecord:
    """The row of a file of which only the name and the length are known yet."""
    return ChunkRecord(
        track=name.track,
        start_us=name.start_us,
        duration_us=name.duration_ms * 1000,
        run=name.run,
        sequence=name.sequence,
        volume=volume,
        root=bytes(ROOT_BYTES),
        bytes=size_bytes,
        recovered=name.recovered,
        by_name=True,
        media_90k=ticks_from_us(name.duration_ms * 1000),
    )


def thinned(keyframes: Sequence[KeyframePair]) -> tuple[KeyframePair, ...]:
    """Every n-th key frame, the first among them, so that at most `KEYFRAME_LIMIT` are left."""
    step = -(-len(keyframes) // KEYFRAME_LIMIT) or 1
    return tuple(keyframes[::step])


def _zigzag(number: int) -> int:
    """Small numbers of either sign as small numbers: 0, −1, 1, −2 as 0, 1, 2, 3."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def _differences(values: Sequence[int], first: int = 0) -> list[int]:
    return [after - before for before, after in zip([first, *values], values, strict=False)]


def _varints(numbers: Sequence[int]) -> bytes:
    """Each number in groups of seven bits, the lowest first; a set top bit says that more follow (LEB128)."""
    out = bytearray()
    for number in numbers:
        rest = number
        if rest < 0:
            raise ValueError(f"{number} is negative")
        while rest > 127:
            out.append(rest & 127 | 128)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def _read_varints(data: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        if byte < 128:
            numbers.append(byte << shift | number)
            number = shift = 0
        else:
            number |= (byte & 127) << shift
            shift += 7
    if shift:
        raise ValueError("the row ends inside a number")
    return numbers
