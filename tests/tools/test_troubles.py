"""The watch turns what is the matter now into a list of what was when, across restarts; `nvr troubles` shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.troubles import Matter, Trouble, TroubleBook
from nvr.timebase import US_PER_MINUTE, US_PER_S
from tests.manual_clock import ManualClock
from tests.tools.command_line import nvr
from tools.trouble_watch import TroubleWatch

NOW_US = 1_795_000_000_000_000
AWAY = (Matter.AWAY, 2)


class Rig:
    """A watch that looks when told, over a real book."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW_US)
        self.now: dict[tuple[Matter, int], str] = {}
        self.book = TroubleBook.open(folder / "troubles")
        self.watch = self.again()

    def again(self) -> TroubleWatch:
        """As after a restart."""
        self.watch = TroubleWatch(self.book, lambda: self.now, self.clock)
        self.watch.begin()
        return self.watch

    def look(self, after_s: float = 1.0) -> list[Trouble]:
        self.clock.advance(int(after_s * US_PER_S))
        self.watch.look()
        return self.book.since(0)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.book.close()


def test_trouble_is_noted_when_it_begins_and_when_it_ends(rig: Rig) -> None:
    rig.now = {AWAY: "there is no such folder"}
    (lasts,) = rig.look()
    assert (lasts.matter, lasts.volume, lasts.detail) == (Matter.AWAY, 2, "there is no such folder")
    assert lasts.ended_us is None
    rig.now = {}
    (over,) = rig.look(30)
    assert over.ended_us == over.began_us + 30 * US_PER_S


def test_trouble_that_comes_back_at_once_is_one_trouble_and_later_another(rig: Rig) -> None:
    for seconds in (1, 20):
        rig.now = {AWAY: "gone"}
        rig.look(seconds)
        rig.now = {}
        assert len(rig.look(1)) == 1
    rig.now = {AWAY: "gone"}
    assert len(rig.look(90)) == 2


def test_restart_ends_what_lasted_when_the_recorder_was_last_seen_and_is_noted_itself(rig: Rig) -> None:
    rig.now = {AWAY: "gone"}
    rig.look()
    rig.look(20)
    seen_us = rig.clock.wall_us()
    rig.now = {}
    rig.clock.advance(10 * US_PER_MINUTE)
    rig.again()
    away, stopped = rig.look()
    assert away.ended_us == seen_us
    assert (stopped.matter, stopped.began_us) == (Matter.STOPPED, seen_us)
    assert stopped.ended_us == seen_us + 10 * US_PER_MINUTE


def test_restart_within_seconds_goes_on_with_what_still_is_the_matter(rig: Rig) -> None:
    rig.now = {AWAY: "gone"}
    (before,) = rig.look()
    rig.clock.advance(5 * US_PER_S)
    rig.again()
    assert rig.look() == [before]


def test_command_shows_what_lasts_and_what_is_over(tmp_path: Path) -> None:
    config = tmp_path / "nvr.toml"
    config.write_text('data_dir = "."\n[[volumes]]\nnumber = 1\npath = "disk1"\n')
    with TroubleBook.open(tmp_path / "troubles") as book:
        over = Trouble(began_us=NOW_US, matter=Matter.SUB_ONLY, ended_us=NOW_US + 90 * US_PER_S)
        book.note(NOW_US, [over, Trouble(began_us=NOW_US + 1, matter=Matter.WORN, volume=2, detail="[8] sectors")])
    shown = nvr("troubles", "--days", "400", "--config", config)
    assert shown.code == 0
    first, second = shown.out.splitlines()
    assert first.endswith("90 s  sub_only")
    assert second.endswith("LASTS  volume 2: worn  [8] sectors")
