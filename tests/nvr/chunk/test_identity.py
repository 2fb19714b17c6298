"""A volume of another version says so, a copy of a disk is told from the disk, and a number can be given anew."""

import json
from pathlib import Path

import pytest

from nvr.chunk import identity
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from tests.manual_clock import ManualClock


def test_volume_of_a_newer_version_is_not_called_damaged(tmp_path: Path, clock: ManualClock) -> None:
    Volume.open(1, tmp_path, create=True, clock=clock).close()
    file = tmp_path / identity.FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 2, "more": 1}))
    with pytest.raises(StorageError, match="format 2") as caught:
        Volume.open(1, tmp_path, create=False, clock=clock)
    assert "newer" in caught.value.hint
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "2"}', "[2]", '{"format": 1}'])
def test_identity_that_says_nothing_is_damaged(tmp_path: Path, clock: ManualClock, text: str) -> None:
    Volume.open(1, tmp_path, create=True, clock=clock).close()
    (tmp_path / identity.FILE).write_text(text)
    with pytest.raises(StorageError, match="damaged"):
        Volume.open(1, tmp_path, create=False, clock=clock)
    assert identity.of_folder(tmp_path) is None


def test_renumbered_volume_is_the_same_under_another_number(tmp_path: Path, clock: ManualClock) -> None:
    with Volume.open(1, tmp_path, create=True, clock=clock) as volume:
        uuid = volume.uuid
        who = identity.of_folder(tmp_path)
        assert who is not None
        with pytest.raises(StorageError, match="another process"):
            identity.renumber(tmp_path, who, 5)
    identity.renumber(tmp_path, who, 5)
    with Volume.open(5, tmp_path, create=False, clock=clock, expected_uuid=uuid) as volume:
        assert volume.uuid == uuid
