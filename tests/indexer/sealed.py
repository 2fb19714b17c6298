"""Sealed chunks as values, and as real files of a volume."""

from dataclasses import replace
from pathlib import Path

from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import Keyframe, SealedChunk
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.media import CutReason, Fragment, Track, TrackKind
from nvr.timebase import US_PER_MINUTE, US_PER_S, us_from_90k
from tests.nvr.chunk.format_example import SETS

MAIN = Track(7, TrackKind.MAIN)
SUB = Track(7, TrackKind.SUB)
START_US = 1_795_000_020 * US_PER_S  # 2026-11-18T11:07:00Z, a whole minute
MINUTE_US = US_PER_MINUTE
GOP_90K = 180_000


def sealed(minute: int = 0, track: Track = MAIN, **changes: object) -> SealedChunk:
    """The chunk of a minute after `START_US`; changes may name fields of the chunk or of its header."""
    start_us = START_US + minute * MINUTE_US
    header = ChunkHeader("Hồ Xá", bytes(16), track, 1, minute + 1, start_us, SETS, 0, "test")
    chunk = SealedChunk(
        header=header,
        start_us=start_us,
        duration_us=MINUTE_US,
        samples=1500,
        fragments=120,
        root=bytes([minute % 256]) * 32,
        cut=CutReason.SCHEDULE,
        lost_packets=0,
        keyframes=tuple(Keyframe(n * GOP_90K, 1_100 + n * 1_000_000, 4 * n + 1) for n in range(30)),
        preamble_bytes=1_100,
        media_90k=30 * GOP_90K,
        bytes=30_001_100,
    )
    in_header = {name: value for name, value in changes.items() if name in ChunkHeader.__slots__ and name != "start_us"}
    in_chunk = {name: value for name, value in changes.items() if name in SealedChunk.__slots__}
    assert in_header.keys() | in_chunk.keys() == changes.keys()
    return replace(chunk, header=replace(header, **in_header), **in_chunk)  # type: ignore[arg-type]


def commit(writer: IndexWriter, *chunks: SealedChunk, volume: int = 1) -> None:
    writer.commit(Commit(chunks=tuple((chunk, volume) for chunk in chunks)))


def contents(reader: IndexReader, tables: tuple[str, ...]) -> dict[str, list[tuple[bytes, bytes]]]:
    """Every byte of some tables."""
    with reader.store.read() as txn:
        return {table: list(txn.rows(table)) for table in tables}


def write_file(
    volume: Volume,
    start_us: int,
    *,
    track: Track = MAIN,
    run: int = 1,
    sequence: int = 1,
    seconds: int = 2,
    cut: CutReason = CutReason.SCHEDULE,
) -> SealedChunk:
    """A small real chunk file: a key frame a second and one picture after it."""
    header = ChunkHeader("Hồ Xá", volume.uuid, track, run, sequence, start_us, SETS, 0, "test")
    writer = ChunkWriter(header)
    part = volume.create(header, 0)
    part.append([writer.preamble()])
    for second in range(seconds):
        part.append(writer.append(_fragment(start_us, second)))
    tail, chunk = writer.seal(start_us=start_us, duration_us=seconds * US_PER_S, cut=cut)
    part.seal(tail, ChunkName.of(chunk))
    return chunk


def write_part(volume: Volume, start_us: int, *, seconds: int = 3, run: int = 1, sequence: int = 1) -> tuple[str, int]:
    """A growing file, left open by its writer; its path and length."""
    header = ChunkHeader("Hồ Xá", volume.uuid, MAIN, run, sequence, start_us, SETS, 0, "test")
    writer = ChunkWriter(header)
    part = volume.create(header, 0)
    part.append([writer.preamble()])
    for second in range(seconds):
        part.append(writer.append(_fragment(start_us, second)))
    part.abandon()
    return part.path, writer.written_bytes


def _fragment(start_us: int, second: int) -> Fragment:
    decode_90k = second * 90_000
    return Fragment(
        data=(b"\0\0\0\x05\x65key" + bytes([second % 256]), b"\0\0\0\x05\x41next"),
        durations_90k=(45_000, 45_000),
        composition_90k=(0, 0),
        sync=(True, False),
        decode_90k=decode_90k,
        presentation_rtp_90k=decode_90k,
        wall_us=start_us + us_from_90k(decode_90k),
        monotonic_us=1_000_000,
        ntp=0,
        lost_packets=0,
    )


def file_of(volume: Volume, chunk: SealedChunk) -> Path:
    return volume.resolve(ChunkName.of(chunk))
