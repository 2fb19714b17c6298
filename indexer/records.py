"""The row of a chunk and how it becomes bytes (FORMAT.md). Values only: no I/O.

It is short on purpose: with two million of them each byte counts, and a sample table here would cost eleven times the
space. It says where the file is and where playing can start; all else stands in the file's footer.
"""

import struct
from dataclasses import dataclass

from indexer import keyframes, keys
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.errors import IntegrityError
from nvr.media import Track
from nvr.timebase import TimeRange, ticks_from_us

VERSION = 1
ROOT_BYTES = 16  # of the Merkle root's 32: enough to tell that a file is another one

# version, flags, volume, run, duration_us, root, bytes, samples, fragments, init_id, preamble_bytes, media_90k less
# the duration in ticks
_FIXED = struct.Struct(">BBHII16sIIHIIi")
_RARE = struct.Struct(">HII")  # sequence >> 16, composition_delay_90k, lost_packets; only where one of them is not 0
_EXTENT = struct.Struct(">xB6xI")  # of _FIXED: flags and duration_us
_RUN = struct.Struct(">4xI")
_INIT = struct.Struct(">38xI")
_ROOM = struct.Struct(">xBH4xI16xI")  # flags, volume, duration_us and bytes
_RECOVERED = 1
_LOST = 2
_BY_NAME = 4
_HAS_RARE = 8
_COARSE = 16
_CLOCK_DOUBTFUL = 32
_U16, _U32 = 0xFFFF, 0xFFFFFFFF

Octets = bytes  # the row has a field of that name


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
    keyframe_table: Octets = b""  # `indexer.keyframes`; at most 32
    is_coarse: bool = False  # times in at least one fragment are those of receipt
    is_clock_doubtful: bool = False  # the server's clock was not believed when the file was made

    @property
    def end_us(self) -> int:
        return self.start_us + self.duration_us

    @property
    def time(self) -> TimeRange:
        return TimeRange(self.start_us, self.end_us)

    @property
    def keyframes(self) -> tuple[keyframes.Pair, ...]:
        """(offset_90k from the chunk's start, file offset of the fragment's stamp), growing, at most 32."""
        return keyframes.unpack(self.keyframe_table)

    def name(self) -> ChunkName:
        """The file's name."""
        return ChunkName(self.track, self.start_us, self.duration_us // 1000, self.run, self.sequence, self.recovered)

    def seek(self, instant_us: int) -> int:
        """File offset of the stamp of the last listed key fragment shown at or before an instant."""
        found = keyframes.seek(self.keyframe_table, (instant_us - self.start_us) * 9 // 100)
        return self.preamble_bytes if found is None else found


def key_of(record: ChunkRecord) -> bytes:
    """Its key in the table `chunk`."""
    return keys.chunk(record.track, record.start_us, record.sequence)


def encode(record: ChunkRecord) -> bytes:
    """The row's value."""
    rare = (record.sequence >> 16, record.composition_delay_90k, min(record.lost_packets, _U32))
    flags = (
        _RECOVERED * record.recovered
        | _LOST * record.lost
        | _BY_NAME * record.by_name
        | _HAS_RARE * any(rare)
        | _COARSE * record.is_coarse
        | _CLOCK_DOUBTFUL * record.is_clock_doubtful
    )
    fixed = _FIXED.pack(
        VERSION,
        flags,
        record.volume,
        record.run,
        record.duration_us,
        record.root,
        record.bytes,
        record.samples,
        min(record.fragments, _U16),
        record.init_id,
        record.preamble_bytes,
        record.media_90k - ticks_from_us(record.duration_us),
    )
    return fixed + (_RARE.pack(*rare) if any(rare) else b"") + record.keyframe_table


def decode(key: bytes, value: bytes) -> ChunkRecord:
    """Read a row.

    Raises:
        IntegrityError: not such a row, or of another version.
    """
    try:
        return _decode(key, value)
    except (struct.error, ValueError, IndexError) as error:
        raise IntegrityError(f"the row {key.hex()} cannot be read: {error}", hint="nvr rebuild") from error


def _decode(key: bytes, value: bytes) -> ChunkRecord:
    version, flags, volume, run, duration_us, root, size, samples, fragments, init_id, preamble, media = (
        _FIXED.unpack_from(value)
    )
    if version != VERSION:
        raise ValueError(f"version {version} is unknown")
    high, delay, lost_packets = _RARE.unpack_from(value, _FIXED.size) if flags & _HAS_RARE else (0, 0, 0)
    table = value[_FIXED.size + _RARE.size * (flags & _HAS_RARE != 0) :]
    keyframes.check(table)
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
        flags & _RECOVERED != 0,
        flags & _LOST != 0,
        flags & _BY_NAME != 0,
        samples,
        fragments,
        init_id,
        preamble,
        delay,
        media + ticks_from_us(duration_us),
        lost_packets,
        table,
        flags & _COARSE != 0,
        flags & _CLOCK_DOUBTFUL != 0,
    )


def extent(value: bytes) -> tuple[int, bool]:
    """A chunk's duration in µs and whether its file is lost, without reading the rest of the row."""
    flags, duration_us = _EXTENT.unpack_from(value)
    return duration_us, bool(flags & _LOST)


def room_of(value: bytes) -> tuple[int, int, int, bool, bool | None]:
    """What retention asks of a row, without reading the rest.

    Returns:
        duration in µs, volume, bytes, whether its file is lost, and whether the server's clock was not believed when
        it was recorded (None: only its name is known yet, which does not tell).
    """
    flags, volume, duration_us, size = _ROOM.unpack_from(value)
    doubtful = None if flags & _BY_NAME else bool(flags & _CLOCK_DOUBTFUL)
    return duration_us, volume, size, bool(flags & _LOST), doubtful


def doubts_of(value: bytes) -> tuple[bool, bool]:
    """Whether a chunk's times are coarse, and whether the server's clock was doubtful, without the rest of the row."""
    flags, _ = _EXTENT.unpack_from(value)
    return bool(flags & _COARSE), bool(flags & _CLOCK_DOUBTFUL)


def run_of(value: bytes) -> int:
    """A chunk's run, without reading the rest of the row."""
    return int(_RUN.unpack_from(value)[0])


def init_of(value: bytes) -> int:
    """The number of a chunk's init segment, without reading the rest of the row."""
    return int(_INIT.unpack_from(value)[0])


def from_sealed(sealed: SealedChunk, volume: int, init_id: int) -> ChunkRecord:
    """The row of a finished chunk."""
    header = sealed.header
    pairs = keyframes.thinned([(keyframe.offset_90k, keyframe.file_offset) for keyframe in sealed.keyframes])
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
        keyframe_table=keyframes.pack(pairs),
        is_coarse=sealed.is_coarse,
        is_clock_doubtful=header.is_clock_doubtful,
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
