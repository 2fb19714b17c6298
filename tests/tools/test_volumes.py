"""`nvr volumes` shows the disks and keeps one from being written to before it is taken out."""

import shutil
from pathlib import Path

import pytest

from indexer.damage import Damage, DamageBook, Round
from indexer.registry import Registry
from nvr.config import load
from nvr.timebase import US_PER_MINUTE, format_utc
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, archive
from tests.tools.command_line import Ended, nvr
from tools.main import ExitCode


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two volumes; ten minutes of footage on the first."""
    file = tmp_path / "nvr.toml"
    file.write_text('data_dir = "."\n' + "".join(f'[[volumes]]\nnumber = {n}\npath = "disk{n}"\n' for n in (1, 2)))
    clock = ManualClock(START_US + 10 * US_PER_MINUTE)
    with archive(tmp_path, disks=(tmp_path / "disk1", tmp_path / "disk2"), clock=clock) as made:
        made.record_minutes(ONE, 10)
        for volume in made.volumes:
            made.writer.remember_volume(volume.number, volume.uuid)
    return file


def volumes(config: Path, *arguments: object) -> Ended:
    return nvr("volumes", *arguments, "--config", config)


def row(config: Path, number: int) -> str:
    ended = volumes(config, "list")
    assert ended.code == 0
    return next(line for line in ended.out.splitlines() if line.strip().startswith(f"{number} "))


def draining(config: Path) -> frozenset[int]:
    with Registry.open(load(config).registry_path) as registry:
        return registry.draining()


def test_list_tells_footage_room_and_state(config: Path) -> None:
    first, second = row(config, 1), row(config, 2)
    assert "takes footage" in first
    assert " 10 " in first
    assert format_utc(START_US)[:16] in first
    assert "takes footage" in second
    assert " 0 " in second


def test_list_says_what_is_wrong_with_a_disk_that_is_away(config: Path) -> None:
    (config.parent / "disk2").rename(config.parent / "elsewhere")
    assert "trouble" in row(config, 2)
    assert "takes footage" in row(config, 1)
    assert "there is no such folder" in volumes(config, "list").out


def test_drained_volume_is_emptying_then_can_be_taken_out_and_can_be_used_again(config: Path) -> None:
    assert volumes(config, "drain", 1).code == 0
    assert " emptying " in row(config, 1)
    assert volumes(config, "use", 1).code == 0
    assert volumes(config, "drain", 2).code == 0
    assert draining(config) == frozenset({2})
    assert " empty " in row(config, 2)


def test_last_volume_that_takes_footage_cannot_be_drained(config: Path) -> None:
    assert volumes(config, "drain", 1).code == 0
    ended = volumes(config, "drain", 2)
    assert ended.code == ExitCode.CONFIG
    assert "no volume would be left" in ended.err
    assert draining(config) == frozenset({1})


def test_unknown_volume_is_named(config: Path) -> None:
    ended = volumes(config, "drain", 7)
    assert ended.code == ExitCode.CONFIG
    assert "there is no volume 7" in ended.err


def test_list_tells_how_far_the_files_are_verified_and_which_are_damaged(config: Path) -> None:
    assert "No file has been verified yet." in volumes(config, "list").out
    with DamageBook.open(load(config).scrub_path) as book:
        made = Round(began_us=START_US, total_bytes=100, verified_bytes=43)
        harm = Damage(
            volume=1,
            path="v1/a.mp4",
            track=ONE,
            found_us=START_US,
            what="the fragment's hash does not match",
            offset=7,
            times=((START_US, START_US + US_PER_MINUTE),),
        )
        book.note(made, [harm])
    told = volumes(config, "list").out
    assert f"Verified: 43 % of this round, which began {format_utc(START_US)[:16]}; damaged files: 1" in told
    assert "v1/a.mp4: the fragment's hash does not match" in told
    assert format_utc(START_US + US_PER_MINUTE)[:19] in told


def test_new_disk_in_the_place_of_a_dead_one_gets_a_number_of_its_own(config: Path) -> None:
    dead = config.parent / "disk1"
    dead.rename(config.parent / "dead")
    dead.mkdir()
    refused = nvr("init", config.parent)
    assert refused.code == ExitCode.STORAGE
    assert "nvr volumes replace 1" in refused.err
    assert volumes(config, "replace", 1).code == 0
    assert {volume.number: volume.path for volume in load(config).volumes} == {
        2: config.parent / "disk2",
        3: dead,
    }
    assert "takes footage" in row(config, 3)


def test_disk_that_was_made_ready_under_a_number_in_use_can_be_added(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    nvr("init", other, "--volume", other / "disk")
    assert volumes(config, "add", other / "disk").code == 0
    assert [volume.number for volume in load(config).volumes] == [1, 2, 3]
    assert "takes footage" in row(config, 3)


def test_disk_that_comes_back_gets_its_own_number_again(config: Path) -> None:
    assert volumes(config, "remove", 1, "--with-footage").code == 0
    assert volumes(config, "add", config.parent / "disk1").code == 0
    assert sorted(volume.number for volume in load(config).volumes) == [1, 2]


def test_copy_of_a_disk_is_refused_with_both_paths(config: Path) -> None:
    clone = config.parent / "clone"
    shutil.copytree(config.parent / "disk1", clone)
    for words in (("add", clone), ("replace", 2)):
        if words[0] == "replace":
            shutil.rmtree(config.parent / "disk2")
            clone.rename(config.parent / "disk2")
        refused = volumes(config, *words)
        assert refused.code == ExitCode.STORAGE
        assert f"a copy of volume 1, which lies at {config.parent / 'disk1'}" in refused.err
    assert [volume.number for volume in load(config).volumes] == [1, 2]


def test_disk_that_is_there_is_not_replaced(config: Path) -> None:
    refused = volumes(config, "replace", 1)
    assert refused.code == ExitCode.CONFIG
    assert "itself is mounted" in refused.err
