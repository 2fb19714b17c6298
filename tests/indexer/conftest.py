"""A real index in a folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.reader import IndexReader
from indexer.writer import IndexWriter
from nvr.chunk.volume import Volume
from tests.manual_clock import ManualClock


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[IndexWriter]:
    with IndexWriter.open(tmp_path / "index") as opened:
        yield opened


@pytest.fixture
def reader(writer: IndexWriter) -> IndexReader:
    return IndexReader(writer.store)


@pytest.fixture
def volume(tmp_path: Path, clock: ManualClock) -> Iterator[Volume]:
    with Volume.open(1, tmp_path / "disk1", create=True, clock=clock) as opened:
        yield opened
