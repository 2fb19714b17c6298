"""The scrub finds what a disk has lost, says where, goes on after any end, and never takes anything away."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.damage import DamageBook
from indexer.writer import Commit
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.name import ChunkName
from nvr.chunk.reader import ChunkReader
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from retention.pace import ScrubPace
from retention.scrub import Scrub
from tests.manual_clock import ManualClock
from tests.nvr.chunk.footage import footage, record_sealed
from tests.retention.store import ONE, START_US, TWO, Archive, archive
from tests.retention.test_sweeper import manual, until

COUNT = 6


class FailingDisk(FileSystem):
    """Reports a read error for what stands at some bytes of one file."""

    def __init__(self) -> None:
        self.inode, self.bad = 0, range(0)
        self.forgotten = 0

    def read(self, fd: int, offset: int, size_bytes: int) -> bytes:
        is_bad = offset < self.bad.stop and self.bad.start < offset + size_bytes
        if is_bad and os.fstat(fd).st_ino == self.inode:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(fd, offset, size_bytes)

    def drop_cache(self, fd: int) -> None:
        self.forgotten += 1
        super().drop_cache(fd)


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def stored(tmp_path: Path, disk: FailingDisk) -> Iterator[Archive]:
    with archive(tmp_path, clock=ManualClock(START_US + 10 * US_PER_MINUTE), fs=disk) as made:
        made.record_minutes(ONE, COUNT // 2)
        made.record_minutes(TWO, COUNT // 2)
        yield made


@pytest.fixture
def book(tmp_path: Path) -> Iterator[DamageBook]:
    with DamageBook.open(tmp_path / "scrub") as opened:
        yield opened


def scrub(of: Archive, book: DamageBook) -> Scrub:
    return Scrub(
        of.writer, lambda: {v.number: v for v in of.volumes}, book, ready=lambda: True, clock=of.clock, pace=ScrubPace()
    )


def whole_round(of: Archive, book: DamageBook) -> Scrub:
    """One more round, from its beginning or from where it is."""
    made = scrub(of, book)
    before = book.round()
    if before is not None and before.ended_us is not None:
        manual(of).advance(US_PER_DAY)
    for _ in range(COUNT + 5):
        made.step()
        if made.round is not None and made.round.ended_us is not None:
            return made
    raise AssertionError("the round does not end")


def names(of: Archive) -> list[ChunkName]:
    return [record.name() for track in of.reader.tracks() for page in of.reader.pages(track) for record in page]


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def of_many_fragments(of: Archive, frames: int = 50) -> ChunkName:
    """A chunk in which damage can be told apart from the rest."""
    name, sealed = record_sealed(of.volumes[0], footage(frames=frames))
    of.writer.commit(Commit(((sealed, 1),)))
    return name


def test_sound_archive_is_verified_once_and_then_again_after_a_day(
    stored: Archive, book: DamageBook, disk: FailingDisk
) -> None:
    made = whole_round(stored, book)
    assert made.round is not None
    assert (made.round.percent, made.damaged, made.trouble) == (100, 0, {})
    assert made.round.verified_bytes == sum(size for _, _, size in stored.rows())
    assert disk.forgotten == COUNT
    made.step()
    assert disk.forgotten == COUNT
    manual(stored).advance(US_PER_DAY)
    made.step()
    assert disk.forgotten == COUNT + 1


@pytest.mark.parametrize("which", [0, 1, -1])
def test_flipped_byte_is_found_in_its_fragment_and_nothing_is_taken_away(
    stored: Archive, book: DamageBook, which: int
) -> None:
    name = of_many_fragments(stored)
    path = stored.volumes[0].resolve(name)
    with ChunkReader(path) as chunk:
        spans, start_us = chunk.fragments(), chunk.start_us
    assert len(spans) > 2
    flip(path, spans[which].end - 1)
    rows, files = stored.rows(), stored.files()
    made = whole_round(stored, book)
    [damage] = book.damages()
    record = stored.reader.chunk(name)
    assert record is not None
    assert (damage.volume, damage.path, damage.track) == (1, name.path(), name.track)
    [(from_us, to_us)] = damage.times
    ticks = [span.decode_90k for span in spans]
    assert from_us == start_us + ticks[which] * 100 // 9
    assert to_us == (record.end_us if which == -1 else start_us + ticks[which + 1] * 100 // 9)
    assert (stored.rows(), stored.files()) == (rows, files)
    assert "1 file is damaged" in made.trouble[1]
    with ChunkReader(path) as chunk:  # a player finds all fragments by the same table
        assert len(chunk.fragments()) == len(spans)


def test_flipped_byte_behind_the_footer_harms_no_picture(stored: Archive, book: DamageBook) -> None:
    path = stored.volumes[0].resolve(names(stored)[1])
    at = path.read_bytes().rindex(b"mfra")
    flip(path, at + 10)
    whole_round(stored, book)
    [damage] = book.damages()
    assert (damage.times, damage.unreadable) == ((), False)


def test_ruined_footer_makes_the_whole_chunk_doubtful(stored: Archive, book: DamageBook) -> None:
    name = names(stored)[1]
    path = stored.volumes[0].resolve(name)
    flip(path, path.stat().st_size - 2)
    whole_round(stored, book)
    [damage] = book.damages()
    record = stored.reader.chunk(name)
    assert record is not None
    assert damage.times == ((record.start_us, record.end_us),)


def test_whole_file_in_place_of_another_is_damage(stored: Archive, book: DamageBook) -> None:
    name, sealed = stored.write(ONE, 100)
    stored.writer.commit(Commit(((sealed, 1),)))
    path = stored.volumes[0].resolve(name)
    path.unlink()
    stored.write(ONE, 100, size=900)  # sealed anew with other pictures
    whole_round(stored, book)
    assert [damage.what for damage in book.damages()] == ["it is not the file that was recorded"]


def test_read_error_is_damage_of_its_fragment_and_no_end_of_the_scrub(
    stored: Archive, book: DamageBook, disk: FailingDisk
) -> None:
    name = of_many_fragments(stored, frames=1000)
    path = stored.volumes[0].resolve(name)
    with ChunkReader(path) as chunk:
        spans, start_us = chunk.fragments(), chunk.start_us
    middle = len(spans) // 2
    assert 20_000 < spans[middle].offset < path.stat().st_size - 100_000  # neither what a start nor an end needs
    disk.inode, disk.bad = path.stat().st_ino, range(spans[middle].end - 10, spans[middle].end)
    made = whole_round(stored, book)
    [damage] = book.damages()
    assert damage.unreadable
    [(from_us, to_us)] = damage.times
    assert from_us == start_us + spans[middle].decode_90k * 100 // 9
    assert to_us == start_us + spans[middle + 1].decode_90k * 100 // 9
    assert "replace it" in made.trouble[1]
    assert made.round is not None
    assert made.round.verified_bytes == sum(size for _, _, size in stored.rows())


def test_scrub_that_was_killed_goes_on_at_its_cursor(stored: Archive, book: DamageBook, disk: FailingDisk) -> None:
    first = scrub(stored, book)
    flip(stored.volumes[0].resolve(names(stored)[0]), 2000)
    for _ in range(2):
        first.step()
    known = book.round()
    assert known is not None
    assert 0 < known.percent < 100
    second = scrub(stored, book)  # another process would see the same notes
    second.step()
    assert disk.forgotten == 3
    assert (second.damaged, len(second.trouble)) == (1, 1)
    whole_round(stored, book)
    assert disk.forgotten == COUNT


def test_chunk_that_retention_deletes_meanwhile_is_no_damage(stored: Archive, book: DamageBook) -> None:
    made = scrub(stored, book)
    made.step()
    going = stored.reader.chunks(ONE, TimeRange(0, 2**62))[1]
    stored.writer.commit(Commit(garbage=(going,), now_us=1))
    stored.volumes[0].unlink(going.name())
    for _ in range(COUNT):
        made.step()
    assert book.damages() == []
    assert not any(record.lost for record in stored.reader.chunks(ONE, TimeRange(0, 2**62)))


def test_missing_file_is_marked_lost_and_its_row_stays(stored: Archive, book: DamageBook) -> None:
    name = names(stored)[2]
    stored.volumes[0].resolve(name).unlink()
    rows = stored.rows()
    whole_round(stored, book)
    record = stored.reader.chunk(name)
    assert record is not None
    assert record.lost
    assert stored.rows() == rows


def test_damage_is_forgotten_when_its_file_is_deleted_as_planned(stored: Archive, book: DamageBook) -> None:
    name = names(stored)[0]
    flip(stored.volumes[0].resolve(name), 2000)
    assert whole_round(stored, book).damaged == 1
    record = stored.reader.chunk(name)
    assert record is not None
    stored.writer.commit(Commit(garbage=(record,), now_us=1))
    stored.volumes[0].unlink(name)
    made = whole_round(stored, book)
    assert (made.damaged, made.trouble, book.damages()) == (0, {}, [])


def test_thread_runs_beside_others_and_stops(stored: Archive, book: DamageBook) -> None:
    flip(stored.volumes[0].resolve(names(stored)[0]), 2000)
    pace = ScrubPace(floor_bps=1 << 40, share=1.0)
    volumes = {volume.number: volume for volume in stored.volumes}
    with Scrub(stored.writer, lambda: volumes, book, ready=lambda: True, clock=stored.clock, pace=pace) as made:
        until(lambda: made.round is not None and made.round.ended_us is not None)
    assert made.damaged == 1


def test_volume_that_is_away_is_passed_over_and_costs_no_alarm(stored: Archive, book: DamageBook) -> None:
    made = Scrub(stored.writer, dict, book, ready=lambda: True, clock=stored.clock, pace=ScrubPace())
    made.step()
    assert made.round is not None
    assert (made.round.ended_us is None, book.damages(), made.trouble) == (False, [], {})
