"""`nvr holds` lays, lists and releases, and refuses what makes no sense."""

from pathlib import Path

import pytest

from indexer.holds import Hold
from indexer.registry import Registry
from nvr.channel import Channel
from nvr.config import load
from nvr.timebase import US_PER_MINUTE, format_utc
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, archive
from tests.tools.command_line import Ended, nvr
from tools.main import ExitCode

RANGE = ("--from", format_utc(START_US), "--to", format_utc(START_US + 5 * US_PER_MINUTE))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Ten minutes of camera 1."""
    file = tmp_path / "nvr.toml"
    file.write_text('data_dir = "."\n[[volumes]]\nnumber = 1\npath = "volume"\n')
    with archive(tmp_path, clock=ManualClock(START_US + 10 * US_PER_MINUTE)) as made:
        made.record_minutes(ONE, 10, size=1_000_000)
        made.registry.put(Channel(1, "Gate", "rtsp://192.0.2.1/a"))
    return file


def holds(config: Path, *arguments: object) -> Ended:
    return nvr("holds", *arguments, "--config", config)


def stored(config: Path) -> list[Hold]:
    with Registry.open(load(config).registry_path) as registry:
        return registry.holds.all()


def test_hold_is_laid_listed_with_what_it_keeps_and_released(config: Path) -> None:
    ended = holds(config, "add", *RANGE, "--channel", 1, "--reason", "case 17/2026", "--by", "An")
    assert (ended.code, ended.out.startswith("Hold 1: channel 1 from ")) == (0, True)
    listed = holds(config, "list").out
    assert "case 17/2026" in listed
    assert "by An" in listed
    assert "keeps 0.01 GB" in listed
    assert "everything else on volume 1 goes" in listed
    assert holds(config, "release", 1, "--by", "Bình").code == 0
    assert holds(config, "list").out == "Nothing is held.\n"
    assert "by Bình" in holds(config, "list", "--all").out


def test_camera_that_was_removed_and_has_footage_can_be_held(config: Path) -> None:
    with Registry.open(load(config).registry_path) as registry:
        registry.remove(1)
    assert holds(config, "add", *RANGE, "--channel", 1, "--reason", "case 17/2026").code == 0
    assert [hold.channels for hold in stored(config)] == [(1,)]
    assert holds(config, "add", *RANGE, "--channel", 2, "--reason", "x").code == ExitCode.CONFIG


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*RANGE, "--channel", 9, "--reason", "x"), "there is no channel 9"),
        ((*RANGE, "--reason", "  "), "a hold needs a reason"),
        ((RANGE[2], RANGE[1], RANGE[0], RANGE[3], "--reason", "x"), "ends before it begins"),
        (("--from", "yesterday", "--to", RANGE[3], "--reason", "x"), "is not a time with a zone"),
        ((*RANGE, "--reason", "x", "--expires", "2020-01-01T00:00:00Z"), "would have expired already"),
    ],
)
def test_hold_that_makes_no_sense_is_refused(config: Path, arguments: tuple[object, ...], words: str) -> None:
    ended = holds(config, "add", *arguments)
    assert ended.code == ExitCode.CONFIG
    assert words in ended.err
    assert stored(config) == []


def test_release_of_an_unknown_or_released_hold_is_refused(config: Path) -> None:
    assert "there is no hold 3" in holds(config, "release", 3).err
    holds(config, "add", *RANGE, "--reason", "x")
    holds(config, "release", 1)
    assert "released already" in holds(config, "release", 1).err
