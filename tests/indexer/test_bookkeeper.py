"""One row that cannot be written costs no other row, and is told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.board import Board
from indexer.bookkeeper import IndexBookkeeper
from indexer.reader import IndexReader
from indexer.writer import IndexWriter
from nvr.capture.bookkeeper import Batch
from nvr.capture.report import TrackReport, TrackState
from nvr.chunk.sealed import SealedChunk
from nvr.media import Gap, GapReason, Track, TrackKind
from nvr.timebase import SystemClock, TimeRange
from tests.indexer.sealed import MAIN, MINUTE_US, START_US, sealed

EVER = TimeRange(0, 2**60)
OTHER = Track(8, TrackKind.MAIN)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexWriter]:
    with IndexWriter.open(tmp_path / "index") as writer:
        yield writer


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.open(tmp_path / "board") as board:
        yield board


def has_less_than_no_samples(chunk: SealedChunk) -> SealedChunk:
    return replace(chunk, samples=-1)


def lasts_for_ages(chunk: SealedChunk) -> SealedChunk:
    return replace(chunk, duration_us=1 << 70)


def has_no_parameter_sets(chunk: SealedChunk) -> SealedChunk:
    sets = replace(chunk.header.parameter_sets, sps=())
    return replace(chunk, header=replace(chunk.header, parameter_sets=sets))


@pytest.mark.parametrize("spoil", [has_less_than_no_samples, lasts_for_ages, has_no_parameter_sets])
def test_row_that_cannot_be_written_costs_no_other(index: IndexWriter, board: Board, spoil: object) -> None:
    assert callable(spoil)
    books = IndexBookkeeper(index, board, SystemClock())
    books.start()
    gap = Gap(OTHER, START_US - MINUTE_US, START_US, GapReason.NETWORK, "away")
    bad = spoil(sealed(0, track=OTHER))
    books.commit(Batch(1, (sealed(0), bad, sealed(1)), (gap,)))
    books.commit(Batch(1, (sealed(2),), ()))
    books.finish()
    reader = IndexReader(index.store)
    assert [row.start_us for row in reader.chunks(MAIN, EVER)] == [START_US + n * MINUTE_US for n in range(3)]
    away, *missing = reader.gaps(OTHER, EVER)
    assert away == gap
    known = [one for one in (bad,) if one.duration_us < 1 << 63]  # what lasts for ages cannot be told either
    assert [(one.start_us, one.end_us, one.reason) for one in missing] == [
        (one.start_us, one.end_us, GapReason.DISK) for one in known
    ]
    assert reader.chunks(OTHER, EVER) == []
    assert "nvr check" in books.trouble


def test_report_that_cannot_be_shown_is_told_and_the_next_one_is_shown(index: IndexWriter, board: Board) -> None:
    books = IndexBookkeeper(index, board, SystemClock())
    report = TrackReport(MAIN, TrackState.RECORDING, None, "", 0, None, "", 0, 0, 0, 0, 0, 0, 0, 0, None)
    books.publish([replace(report, bytes=1 << 80)])
    assert "unforeseen" in books.trouble
    books.publish([report])
    assert books.trouble == ""
    status = board.track(MAIN)
    assert status is not None
    assert status.state is TrackState.RECORDING
