"""A clip is what the range needs: indexed, just sealed or still growing, from a sync sample on."""

from pathlib import Path

import pytest

from indexer.board import TrackStatus
from indexer.clip import Clip, clip
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.capture.report import TrackState
from nvr.chunk.reader import ChunkReader
from nvr.chunk.volume import Volume
from nvr.media import Gap, GapReason
from nvr.timebase import US_PER_S, TimeRange
from tests.indexer.sealed import MAIN, START_US, commit, file_of, write_file, write_part

# Files of two seconds, a key frame a second: 0–2 indexed, 4–6 indexed, 6–8 sealed but not indexed, 8–11 growing.


@pytest.fixture
def status(writer: IndexWriter, volume: Volume) -> TrackStatus:
    first, second = (write_file(volume, at(n), sequence=n + 1) for n in (0, 4))
    writer.commit(
        Commit(chunks=((first, 1), (second, 1)), gaps=(Gap(MAIN, at(2), at(4), GapReason.NETWORK, "refused"),))
    )
    write_file(volume, at(6), sequence=7)
    path, size = write_part(volume, at(8), sequence=9)
    return TrackStatus(
        track=MAIN,
        state=TrackState.RECORDING,
        run=1,
        volume=1,
        part_path=path,
        committed_bytes=size,
        start_us=at(8),
        end_us=at(11),
    )


def at(seconds: float) -> int:
    return START_US + int(seconds * US_PER_S)


def asked(reader: IndexReader, volume: Volume, status: TrackStatus | None, start: float, end: float) -> Clip:
    return clip(reader, {1: volume}, MAIN, TimeRange(at(start), at(end)), status)


def test_clip_over_everything_has_each_file_once_in_order(
    reader: IndexReader, volume: Volume, status: TrackStatus
) -> None:
    found = asked(reader, volume, status, -5, 60)
    assert [(piece.sequence, piece.sealed) for piece in found.pieces] == [(1, True), (5, True), (7, True), (9, False)]
    assert [gap.reason for gap in found.gaps] == [GapReason.NETWORK]
    assert all(volume.resolve(piece.path).stat().st_size >= piece.end for piece in found.pieces)


@pytest.mark.parametrize(("start", "fragment"), [(0, 0), (0.999, 0), (1, 1), (1.9, 1)])
def test_indexed_piece_starts_at_the_sync_sample_before(
    reader: IndexReader, volume: Volume, status: TrackStatus, start: float, fragment: int
) -> None:
    [piece] = asked(reader, volume, status, start, 2).pieces
    with ChunkReader(volume.resolve(piece.path)) as chunk:
        assert piece.offset == chunk.fragments()[fragment].offset
        assert piece.preamble_bytes == chunk.preamble_bytes


def test_indexed_piece_ends_where_the_next_key_fragment_starts(
    reader: IndexReader, volume: Volume, status: TrackStatus
) -> None:
    [piece] = asked(reader, volume, status, 0, 0.5).pieces
    with ChunkReader(volume.resolve(piece.path)) as chunk:
        assert piece.end == chunk.fragments()[1].offset


@pytest.mark.parametrize(
    ("start", "end", "fragments"), [(8, 9, (0, 1)), (9.5, 10, (1, 2)), (10.2, 30, (2, 3)), (8.1, 30, (0, 3))]
)
def test_growing_piece_holds_the_fragments_of_the_range(
    reader: IndexReader, volume: Volume, status: TrackStatus, start: float, end: float, fragments: tuple[int, int]
) -> None:
    [piece] = asked(reader, volume, status, start, end).pieces
    with ChunkReader(volume.resolve(piece.path)) as chunk:
        spans = chunk.fragments()
    assert (piece.offset, piece.end) == (spans[fragments[0]].offset, spans[fragments[1] - 1].end)


def test_growing_piece_ends_at_what_is_committed(reader: IndexReader, volume: Volume, status: TrackStatus) -> None:
    with ChunkReader(volume.resolve(status.part_path)) as chunk:
        second = chunk.fragments()[1].offset
    shorter = TrackStatus(**{name: getattr(status, name) for name in status.__slots__} | {"committed_bytes": second})
    assert asked(reader, volume, shorter, 8, 30).pieces[-1].end == second


def test_clip_without_the_board_leaves_out_the_growing_chunk(
    reader: IndexReader, volume: Volume, status: TrackStatus
) -> None:
    assert status.part_path
    assert [piece.sequence for piece in asked(reader, volume, None, -5, 60).pieces] == [1, 5, 7]


def test_clip_of_a_gap_has_its_reason_and_no_piece(reader: IndexReader, volume: Volume, status: TrackStatus) -> None:
    found = asked(reader, volume, status, 2.5, 3)
    assert found.pieces == ()
    assert [gap.detail for gap in found.gaps] == ["refused"]


def test_clip_leaves_out_lost_and_unreadable_files(reader: IndexReader, volume: Volume, status: TrackStatus) -> None:
    IndexWriter(reader.store).mark_lost(reader.chunks(MAIN, TimeRange(at(0), at(1))))
    volume.resolve(status.part_path).write_bytes(b"nonsense")
    assert [piece.sequence for piece in asked(reader, volume, status, -5, 60).pieces] == [5, 7]


def test_clip_before_the_first_commit_finds_sealed_files(reader: IndexReader, volume: Volume) -> None:
    chunk = write_file(volume, START_US)
    [piece] = asked(reader, volume, None, 0, 10).pieces
    assert Path(volume.resolve(piece.path)) == file_of(volume, chunk)
    commit(IndexWriter(reader.store), chunk)
    [piece] = asked(reader, volume, None, 0, 10).pieces
    assert piece.preamble_bytes == chunk.preamble_bytes
