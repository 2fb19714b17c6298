"""A disk that is let go ends with its last open file, and not before: nothing that was queued for it is forgotten."""

from pathlib import Path

from nvr.errors import StorageError
from nvr.media import TrackKind
from nvr.timebase import TimeRange
from tests.crash.house import TRACKS, House
from tests.crash.ledger import Ledger


def test_disk_that_leaves_with_an_opening_in_its_queue_goes_on(tmp_path: Path) -> None:
    with House(tmp_path, Ledger()) as house:
        house.recover()
        house._open(TRACKS[0])  # no payload
        house.engine._let_go(house.disk.volume.number)
        assert not house.disk._is_over()
        house._put(TRACKS[0])
        house.finish()
        assert house.disk._is_over()
        assert [row.track.kind for row in house.reader.chunks(TRACKS[0], TimeRange(0, 2**62))] == [TrackKind.MAIN]


def test_disk_that_is_let_go_leaves_in_the_thread_that_fills_its_queue(tmp_path: Path) -> None:
    with House(tmp_path, Ledger()) as house:
        house.engine.let_go(house.disk.volume.number)
        assert not house.disk.leaving  # what the reactor is about to queue still has a disk
        house.engine.reactor.call_after(0, house.engine.reactor.stop)
        house.engine.reactor.run()
        assert house.disk.leaving


def test_failed_write_while_leaving_costs_one_sync(tmp_path: Path) -> None:
    with House(tmp_path, Ledger()) as house:
        house.disk.leave()
        house.disk._doubt = StorageError("a write failed")
        house.disk._check()
        assert house.disk._doubt is None
