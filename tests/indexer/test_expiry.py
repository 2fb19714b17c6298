"""Reading the oldest rows and the garbage, a little at a time."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from indexer import keys
from indexer.expiry import FIRST_ROWS, Expiry
from indexer.writer import Commit
from nvr.timebase import US_PER_MINUTE
from tests.retention.store import ONE, START_US, TWO, Archive, archive


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    with archive(tmp_path, disks=(tmp_path / "1", tmp_path / "2")) as made:
        made.record_minutes(ONE, 5 * FIRST_ROWS)
        made.record_minutes(TWO, 3)
        made.record(TWO, 3, volume=2)
        yield made


def test_oldest_gives_every_chunk_of_the_track_as_its_row_says(stored: Archive) -> None:
    rows = [row for page in stored.reader.pages(ONE) for row in page]
    found = list(Expiry(stored.writer.store).oldest(ONE))
    assert len(found) == 5 * FIRST_ROWS
    assert [(a.track, a.start_us, a.end_us, a.sequence, a.volume, a.bytes, a.lost) for a in found] == [
        (row.track, row.start_us, row.end_us, row.sequence, row.volume, row.bytes, row.lost) for row in rows
    ]


def test_oldest_reads_no_further_than_it_is_asked(stored: Archive) -> None:
    chunks = Expiry(stored.writer.store).oldest(ONE)
    assert len(list(islice(chunks, FIRST_ROWS))) == FIRST_ROWS
    stored.writer.commit(Commit(garbage=tuple(row for page in stored.reader.pages(ONE) for row in page)))
    assert list(chunks) == []  # the next page was not read before


def test_oldest_of_a_volume_leaves_out_others_and_lost_files(stored: Archive) -> None:
    expiry = Expiry(stored.writer.store)
    assert [chunk.start_us for chunk in expiry.oldest(TWO, volume=2)] == [START_US + 3 * US_PER_MINUTE]
    stored.writer.mark_lost(next(stored.reader.pages(TWO)))
    assert list(expiry.oldest(TWO, volume=2)) == []
    assert [chunk.lost for chunk in expiry.oldest(TWO)] == [True] * 4


def test_oldest_begins_where_it_is_told(stored: Archive) -> None:
    chunks = Expiry(stored.writer.store).oldest(TWO, START_US + 1)
    assert [(chunk.start_us - START_US) // US_PER_MINUTE for chunk in chunks] == [1, 2, 3]


def test_row_too_short_to_be_one_is_passed_over(stored: Archive) -> None:
    with stored.writer.store.write() as txn:
        txn.put(keys.CHUNK, keys.chunk(TWO, START_US + 1, 9), b"\x01\x00")
    assert len(list(Expiry(stored.writer.store).oldest(TWO))) == 4


def test_row_that_has_gone_is_none(stored: Archive) -> None:
    expiry = Expiry(stored.writer.store)
    record = expiry.row(TWO, START_US, 1)
    assert record == next(stored.reader.pages(TWO))[0]
    stored.writer.commit(Commit(garbage=(record,)))
    assert expiry.row(TWO, START_US, 1) is None


def test_garbage_comes_by_volume_and_in_turns(stored: Archive) -> None:
    rows = [row for track in (ONE, TWO) for page in stored.reader.pages(track) for row in page]
    stored.writer.commit(Commit(garbage=tuple(rows), now_us=5))
    expiry = Expiry(stored.writer.store)
    assert [(waste.volume, waste.since_us) for waste in expiry.garbage(2, 10)] == [(2, 5)]
    assert len(expiry.garbage(1, 10)) == 10
    assert len(expiry.garbage(1, 1000)) == 5 * FIRST_ROWS + 3
