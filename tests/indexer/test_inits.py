"""Init segments stay as long as a chunk begins with them, and no longer once there are many."""

import pytest

from indexer import inits, keys
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.media import Codec, ParameterSets
from nvr.timebase import TimeRange
from tests.indexer.sealed import MAIN, START_US, commit, sealed
from tests.nvr.chunk.format_example import PPS, SPS

EVER = TimeRange(0, 2 * START_US)


def odd(number: int) -> ParameterSets:
    """Sets that no other number has."""
    return ParameterSets(Codec.H264, (), (SPS,), (PPS, PPS + number.to_bytes(2, "big") + b"\x80"))


def rows(writer: IndexWriter) -> tuple[int, int]:
    with writer.store.read() as txn:
        return txn.count(keys.INIT), txn.count(keys.INIT_HASH)


def test_those_of_chunks_that_are_gone_go_when_there_are_many(
    writer: IndexWriter, reader: IndexReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inits, "LIMIT", 50)
    writer = IndexWriter(writer.store)
    for minute in range(300):
        commit(writer, sealed(minute, parameter_sets=odd(minute)))
        chunks = list(reader.chunks(MAIN, EVER))
        writer.commit(Commit(garbage=tuple(chunks[:-10])))
        assert all(reader.init(row.init_id) is not None for row in chunks[-10:])
    assert rows(writer)[0] == rows(writer)[1] <= 51


def test_those_that_chunks_name_stay_however_many_they_are(
    writer: IndexWriter, reader: IndexReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inits, "LIMIT", 20)
    writer = IndexWriter(writer.store)
    for minute in range(100):
        commit(writer, sealed(minute, parameter_sets=odd(minute)))
    chunks = list(reader.chunks(MAIN, EVER))
    assert len({row.init_id for row in chunks}) == 100
    assert all(reader.init(row.init_id) is not None for row in chunks)


def test_no_number_is_given_twice(writer: IndexWriter, reader: IndexReader) -> None:
    commit(writer, sealed(0, parameter_sets=odd(0)), sealed(1, parameter_sets=odd(1)))
    writer.commit(Commit(garbage=tuple(reader.chunks(MAIN, EVER))))
    with writer.store.write() as txn:
        assert inits.drop_unused(txn) == 1
    again = IndexWriter(writer.store)
    commit(again, sealed(2, parameter_sets=odd(2)))
    assert [row.init_id for row in reader.chunks(MAIN, EVER)] == [3]
