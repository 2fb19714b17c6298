"""The command about the server's clock."""

from dataclasses import replace
from pathlib import Path

import pytest

from indexer.clockbook import ClockBook
from nvr.believedclock import begin, observe
from nvr.machineclock import MachineClock
from nvr.timebase import US_PER_DAY, SystemClock
from tests.tools.command_line import nvr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "nvr.toml"
    file.write_text('data_dir = "data"\n[[volumes]]\nnumber = 1\npath = "footage"\n')
    return file


def test_clock_that_follows_is_believed(config: Path) -> None:
    with ClockBook.open(config.parent / "data" / "clock") as book:
        book.note(replace(begin(MachineClock(SystemClock()).reading()), is_sure=True))
    told = nvr("clock", "--config", config)
    assert told.code == 0
    assert "It is believed." in told.out


def test_doubt_is_told_and_ended_by_a_persons_word(config: Path) -> None:
    machine = MachineClock(SystemClock())
    now = machine.reading()
    with ClockBook.open(config.parent / "data" / "clock") as book:
        book.note(begin(replace(now, wall_us=now.wall_us - 60 * US_PER_DAY)))
    told = nvr("clock", "--config", config)
    assert "60.0 days ahead of what can be believed" in told.out
    assert nvr("clock", "confirm", "--config", config).code == 0
    with ClockBook.open(config.parent / "data" / "clock") as book:
        belief, confirmed = book.belief(), book.confirmation()
    assert belief is not None
    assert observe(belief, machine.reading(), confirmed).is_believed


def test_nothing_is_known_before_the_first_start(config: Path) -> None:
    with ClockBook.open(config.parent / "data" / "clock"):
        pass
    assert "once the recorder has run" in nvr("clock", "--config", config).err
