"""The worked example of indexer/FORMAT.md, made by the real writer; run as a program, it prints itself."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from indexer import keys
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.sealed import Keyframe, SealedChunk
from nvr.media import CutReason, Gap, GapReason, Track, TrackKind
from tests.nvr.chunk.format_example import SETS

TRACK = Track(7, TrackKind.MAIN)
START_US = 1_795_000_000_250_000
CHUNK = SealedChunk(
    header=ChunkHeader("Hồ Xá", bytes(16), TRACK, 42, 3, START_US, SETS, 0, "example"),
    start_us=START_US,
    duration_us=60_000_000,
    samples=1500,
    fragments=120,
    root=bytes(range(32)),
    cut=CutReason.SESSION,
    lost_packets=2,
    keyframes=(Keyframe(0, 1_100, 1), Keyframe(180_000, 1_025_100, 5), Keyframe(360_000, 2_049_100, 9)),
    preamble_bytes=1_100,
    media_90k=5_400_090,
    bytes=30_721_100,
)
GAP = Gap(TRACK, CHUNK.end_us, CHUNK.end_us + 5_000_000, GapReason.NETWORK, "refused")

Field = tuple[int, str]  # width in bytes, meaning

_TRACK: tuple[Field, ...] = ((4, "track id: 7 × 16 + 0"),)
_KEYS: dict[str, tuple[Field, ...]] = {
    keys.CHUNK: (*_TRACK, (8, "start_us 1795000000250000"), (2, "sequence & 0xffff")),
    keys.GAP: (*_TRACK, (8, "start_us")),
    keys.RUN: (*_TRACK, (4, "run 42")),
    keys.HEAD: _TRACK,
    keys.DAY: (*_TRACK, (4, "20261118")),
    keys.USAGE: (*_TRACK, (2, "volume 1")),
}
_VALUES: dict[str, tuple[Field, ...]] = {
    keys.CHUNK: (
        (1, "version 1"),
        (1, "flags: rare facts follow"),
        (2, "volume 1"),
        (4, "run 42"),
        (4, "duration_us 60000000"),
        (16, "root, its first half"),
        (4, "bytes 30721100"),
        (4, "samples 1500"),
        (2, "fragments 120"),
        (4, "init segment 1"),
        (4, "preamble_bytes 1100"),
        (4, "media_90k: 90 more than 60 s"),
        (2, "rare: sequence >> 16"),
        (4, "rare: composition_delay_90k"),
        (4, "rare: lost_packets 2"),
        (1, "3 key frames"),
        (1, "on the beat: residuals of 0 bytes"),
        (4, "the first at 0"),
        (4, "then every 180000 ticks"),
        (4, "file offset 1100"),
        (4, "1025100"),
        (4, "2049100"),
    ),
    keys.GAP: ((8, "end_us"), (1, "reason 2: network"), (7, "detail: refused")),
    keys.RUN: ((8, "start_us"), (8, "end_us"), (4, "1 chunk")),
    keys.HEAD: (
        (8, "start_us"),
        (8, "end_us"),
        (4, "run 42"),
        (4, "sequence 3"),
        (1, "cut 5: session"),
        (32, "root, whole"),
    ),
    keys.DAY: ((83, "minutes 0 to 663"), (1, "minutes 664 to 671: 666 and 667"), (96, "the rest of the day")),
    keys.USAGE: ((8, "bytes 30721100"), (4, "1 chunk")),
}


def example(path: Path) -> dict[str, tuple[bytes, bytes]]:
    """The only row of each table, as the writer wrote it."""
    with IndexWriter.open(path) as writer:
        writer.commit(Commit(chunks=((CHUNK, 1),), gaps=(GAP,)))
        with IndexReader(writer.store).store.read() as txn:
            return {table: next(txn.rows(table)) for table in _KEYS}


def lines(path: Path) -> Iterator[str]:
    """The whole example, a line a field."""
    for table, (key, value) in example(path).items():
        yield f"{table}: key {len(key)} bytes, value {len(value)} bytes"
        yield from _fields(key, _KEYS[table], "key  ")
        yield from _fields(value, _VALUES[table], "value")


def _fields(data: bytes, fields: tuple[Field, ...], name: str) -> Iterator[str]:
    at = 0
    for width, meaning in fields:
        piece = data[at : at + width]
        shown = piece.hex(" ") if width <= 16 or any(piece) else f"{width} × 00"
        yield f"  {name} {at:3d}  {shown[:95]:47}  {meaning}"
        at += width
    if at != len(data):
        raise ValueError(f"the fields of a {name} have {at} bytes, but it has {len(data)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(lines(Path(folder) / "index")))
