"""nvr.toml is edited as a person would: the block in question changes, and nothing else."""

import tomllib
from pathlib import Path

import pytest

from tools.config_text import with_volume, without_volume
from tools.init import configuration

TEXT = configuration([Path("/disks/a"), Path("/disks/b")])


def volumes(text: str) -> list[tuple[int, str]]:
    return [(volume["number"], volume["path"]) for volume in tomllib.loads(text)["volumes"]]


def test_added_volume_stands_behind_the_others_and_every_line_stays() -> None:
    text = with_volume(TEXT, 7, Path('/disks/"new" Đĩa'), 3)
    assert volumes(text) == [(1, "/disks/a"), (2, "/disks/b"), (7, '/disks/"new" Đĩa')]
    assert tomllib.loads(text)["volumes"][-1]["weight"] == 3
    assert tomllib.loads(text)["web"] == tomllib.loads(TEXT)["web"]
    rest = iter(text.splitlines())
    assert all(line in rest for line in TEXT.splitlines())


@pytest.mark.parametrize("number", [1, 2])
def test_removed_volume_takes_only_its_own_lines(number: int) -> None:
    text = without_volume(TEXT, number)
    assert volumes(text) == [pair for pair in volumes(TEXT) if pair[0] != number]
    gone = [line for line in TEXT.splitlines() if line.strip()]
    for line in text.splitlines():
        if line.strip():
            gone.remove(line)
    own = {"[[volumes]]", f"number = {number}", f'path = "/disks/{"ab"[number - 1]}"'}
    assert {line for line in gone if not line.startswith("#:")} == own


def test_what_was_added_can_be_removed_again() -> None:
    text = without_volume(with_volume(TEXT, 7, Path("/disks/c"), 1), 7)
    assert tomllib.loads(text) == tomllib.loads(TEXT)


def test_unknown_volume_is_not_removed() -> None:
    with pytest.raises(KeyError):
        without_volume(TEXT, 9)
