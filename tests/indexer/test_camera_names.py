"""Footage keeps the name under which its camera was recorded, through rebuilds, and no longer than it lives."""

from pathlib import Path

from indexer import camera_names, keys
from indexer.camera_names import Called
from indexer.reader import IndexReader
from indexer.writer import Commit, IndexWriter
from nvr.channel import Channel
from nvr.timebase import TimeRange
from tests.indexer.sealed import MAIN, MINUTE_US, START_US, commit, sealed

EVER = TimeRange(0, 2**60)


def recorded(writer: IndexWriter) -> None:
    for minute, run, name in ((0, 1, "Market gate"), (1, 1, "Market gate"), (2, 2, "Market gate"), (3, 3, "School")):
        commit(writer, sealed(minute, run=run, name=name))
    commit(writer, sealed(4, run=4, name=""))  # by a program of before


def test_runs_under_one_name_are_one_stretch(writer: IndexWriter, reader: IndexReader) -> None:
    recorded(writer)
    assert camera_names.between(reader.store, MAIN, EVER) == [
        Called("Market gate", START_US, START_US + 3 * MINUTE_US),
        Called("School", START_US + 3 * MINUTE_US, START_US + 4 * MINUTE_US),
    ]
    window = TimeRange(START_US + 3 * MINUTE_US, START_US + 9 * MINUTE_US)
    assert [called.name for called in camera_names.between(reader.store, MAIN, window)] == ["School"]
    assert camera_names.last(reader.store, MAIN) == "School"


def test_name_goes_with_the_last_chunk_of_its_run(writer: IndexWriter, reader: IndexReader) -> None:
    recorded(writer)
    writer.commit(Commit(garbage=tuple(reader.chunks(MAIN, TimeRange(START_US, START_US + MINUTE_US)))))
    assert camera_names.between(reader.store, MAIN, EVER)[0].name == "Market gate"
    writer.commit(Commit(garbage=tuple(reader.chunks(MAIN, EVER))))
    with reader.store.read() as txn:
        assert txn.count(keys.NAME) == 0
    assert camera_names.last(reader.store, MAIN) == ""


def test_renamed_names_cameras_with_footage_under_another_name(writer: IndexWriter, reader: IndexReader) -> None:
    recorded(writer)
    now = [Channel(7, "School", "rtsp://192.0.2.7/a"), Channel(8, "Bridge", "rtsp://192.0.2.8/a")]
    assert list(camera_names.renamed(reader.store, now)) == [(now[0], "Market gate")]
    swapped = [Channel(7, "Market gate", "rtsp://192.0.2.7/a")]
    assert list(camera_names.renamed(reader.store, swapped)) == [(swapped[0], "School")]


def test_index_without_names_says_that_none_is_known(tmp_path: Path) -> None:
    with IndexWriter.open(tmp_path / "index") as writer:
        commit(writer, sealed(name=""))
        assert camera_names.between(writer.store, MAIN, EVER) == []
        assert list(camera_names.renamed(writer.store, [Channel(7, "Gate", "rtsp://192.0.2.7/a")])) == []
