"""The list of troubles survives its writer, forgets what is old, and is begun anew when it cannot be read."""

from pathlib import Path

from indexer.board import VolumeTrouble
from indexer.troubles import Matter, Trouble, TroubleBook
from nvr.capture.ladder import Rung
from nvr.timebase import US_PER_DAY

NOW_US = 1_795_000_000_000_000
GONE = Trouble(began_us=NOW_US, matter=Matter.AWAY, volume=2, detail="there is no such folder")


def test_every_trouble_of_a_volume_and_every_rung_has_a_matter() -> None:
    words = {kind.value for kind in VolumeTrouble} | {rung.word for rung in Rung if rung is not Rung.ALL}
    assert words <= {matter.value for matter in Matter}


def test_trouble_lasts_until_it_is_noted_with_an_end(tmp_path: Path) -> None:
    with TroubleBook.open(tmp_path / "troubles") as book:
        book.note(NOW_US, [GONE])
    with TroubleBook.open(tmp_path / "troubles") as book:
        assert book.lasting() == [GONE]
        assert book.seen_us() == NOW_US
        book.note(NOW_US + 5, [GONE.until(NOW_US + 5)])
        assert book.lasting() == []
        assert book.since(0) == [GONE.until(NOW_US + 5)]


def test_what_ended_long_ago_is_forgotten_and_what_lasts_is_not(tmp_path: Path) -> None:
    short = Trouble(began_us=NOW_US, matter=Matter.SHORT, volume=1)
    with TroubleBook.open(tmp_path / "troubles") as book:
        book.note(NOW_US, [GONE.until(NOW_US + 1), short])
        book.note(NOW_US + US_PER_DAY, [], forget_before_us=NOW_US + 2)
        assert book.since(0) == [short]


def test_end_is_never_before_the_start_when_the_clock_was_set_back() -> None:
    assert GONE.until(NOW_US - 10).ended_us == NOW_US


def test_list_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "troubles"
    with TroubleBook.open(path) as book:
        book.note(NOW_US, [GONE])
    (path / "data.mdb").write_bytes(b"nothing of ours" * 1000)
    with TroubleBook.renewed(path) as book:
        assert book.since(0) == []
    assert (tmp_path / "troubles.damaged").is_dir()
