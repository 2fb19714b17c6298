"""What cannot be brought to another volume, or cannot be written at all, is told as missing: no hole in silence."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nvr.capture.diskpool import DiskPool
from nvr.capture.events import ChunkEnded, ChunkLost, ChunkOpened, ChunkRest, Event, FragmentClosed
from nvr.capture.moving import Move, Mover
from nvr.capture.reactor import Reactor
from nvr.capture.unsynced import Unsynced
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from nvr.media import CutReason, Fragment, Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_S, us_from_90k
from tests.manual_clock import ManualClock
from tests.nvr.capture.a_disk import Heard, a_disk
from tests.nvr.capture.rig import ListBookkeeper
from tests.nvr.chunk.footage import START_US, footage

GOOD, BAD = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)
FRAGMENTS = footage().fragments()
END_US = FRAGMENTS[-1].wall_us + us_from_90k(FRAGMENTS[-1].duration_90k)
FAILED = StorageError("it does not answer")


class House:
    """Two disks whose threads do not run, and the mover between them."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.volumes = [Volume.open(n, folder / str(n), create=True, clock=clock) for n in (1, 2)]
        self.failed, self.other = (a_disk(volume, Heard(), clock) for volume in self.volumes)
        self.pool, self.books, self.reactor = DiskPool(clock), ListBookkeeper(), Reactor(clock)
        self.pool.add(self.failed)
        self.pool.add(self.other)
        self.pool.failed(1, FAILED)
        self.mover = Mover(self.reactor, self.pool, self.books, lambda _: None, lambda _: 900)

    def move(self, *events: tuple[Track, Event]) -> None:
        """The first disk has failed after these events, the last of which still waits in its queue."""
        left = Unsynced()
        for track, event in events[:-1]:
            left.add(track, event)
        self.failed.queue.put(*events[-1])
        move = Move(self.failed, left, None, FAILED)
        self.mover._waiting.append(move)
        self.mover.serve()
        assert move.done.is_set()

    def moved(self) -> list[Track]:
        """The tracks that the other disk was given."""
        return [track for track, event in self.other.queue.take(0) if isinstance(event, ChunkRest)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, ManualClock(START_US + 60 * US_PER_S))
    yield house
    house.reactor.close()
    for volume in house.volumes:
        volume.close()


def opened(track: Track, sequence: int = 1) -> ChunkOpened:
    return ChunkOpened(track, 800, sequence, START_US, footage().sets, footage().delay_90k)


def no_table_of_sync_samples(fragment: Fragment) -> Fragment:
    return replace(fragment, sync=())


def chunk(track: Track, *fragments: Fragment) -> list[tuple[Track, Event]]:
    return [(track, opened(track)), *((track, FragmentClosed(one)) for one in fragments)]


def test_piece_that_cannot_be_moved_is_a_gap_and_the_others_move(house: House) -> None:
    spoilt = [no_table_of_sync_samples(one) for one in FRAGMENTS]
    house.move(*chunk(BAD, *spoilt), *chunk(GOOD, *FRAGMENTS))
    assert house.moved() == [GOOD]
    (gap,) = house.books.gaps
    assert (gap.track, gap.start_us, gap.end_us, gap.reason) == (BAD, START_US, END_US, GapReason.DISK)
    assert FAILED.what in gap.detail


def test_event_that_cannot_be_understood_costs_no_other_piece(house: House) -> None:
    lost = replace(FRAGMENTS[1], sync=(), decode_90k=0)
    ended = ChunkEnded(CutReason.SCHEDULE, START_US, END_US - START_US)
    rest = ChunkRest(opened(BAD), 801, 2, (), ended)  # without a picture there is nothing that it could begin with
    house.move(*chunk(GOOD, *FRAGMENTS), (BAD, FragmentClosed(lost)), (BAD, rest))
    assert house.moved() == [GOOD]


def test_nowhere_to_go_is_a_gap(house: House) -> None:
    house.pool.failed(2, FAILED)
    house.move(*chunk(GOOD, *FRAGMENTS))
    assert [(gap.start_us, gap.end_us, gap.reason) for gap in house.books.gaps] == [(START_US, END_US, GapReason.DISK)]


def told(folder: Path, *events: tuple[Track, Event], fs: FileSystem | None = None) -> list[Gap]:
    """What a disk that is given these events and then stops says to be missing."""
    clock = ManualClock(START_US + 60 * US_PER_S)
    with Volume.open(1, folder, create=True, clock=clock, fs=fs) as volume:
        heard = Heard()
        disk = a_disk(volume, heard, clock)
        for track, event in events:
            assert disk.queue.put(track, event)
        disk.start()
        disk.stop()
        assert heard.ended.wait(20)
        disk.join()
    return [gap for batch in heard.batches for gap in batch.gaps]


def test_chunk_that_cannot_be_written_is_missing_until_what_is_whole_of_it_is_indexed(tmp_path: Path) -> None:
    too_long = replace(FRAGMENTS[1], durations_90k=(1 << 33,) * len(FRAGMENTS[1].data))
    (gap,) = told(tmp_path, *chunk(BAD, FRAGMENTS[0], too_long, *FRAGMENTS[2:]))
    assert (gap.track, gap.start_us, gap.reason) == (BAD, START_US, GapReason.CAMERA)
    assert gap.end_us >= END_US
    assert "unforeseen" in gap.detail


def test_fragment_without_a_sync_table_ends_its_chunk_alone(tmp_path: Path) -> None:
    """It cannot even be kept for another volume."""
    events = chunk(BAD, FRAGMENTS[0], no_table_of_sync_samples(FRAGMENTS[1]))
    gaps = told(tmp_path, *events, *chunk(GOOD, *FRAGMENTS))
    assert [gap.track for gap in gaps] == [BAD]


@pytest.mark.parametrize("end", [ChunkLost(), opened(GOOD, 2)])
def test_chunk_whose_end_never_came_is_missing_until_its_part_is_indexed(tmp_path: Path, end: Event) -> None:
    gaps = told(tmp_path, *chunk(GOOD, *FRAGMENTS), (GOOD, end))
    assert [(gap.track, gap.start_us) for gap in gaps] == [(GOOD, START_US)]
    assert abs(gaps[0].end_us - END_US) <= US_PER_S // 10
