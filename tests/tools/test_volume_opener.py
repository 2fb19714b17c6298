"""A volume is opened as the index knows it; a copy of a disk and a second recorder are told as what they are."""

import shutil
from pathlib import Path

import pytest

from indexer.writer import IndexWriter
from nvr.chunk.volume import Volume
from nvr.config import VolumeSettings
from nvr.errors import StorageError
from tests.manual_clock import ManualClock
from tools.alone import alone
from tools.volume_watch import VolumeOpener


def wanted(number: int, path: Path) -> VolumeSettings:
    return VolumeSettings(number=number, path=path, weight=1)


def test_copy_of_a_disk_beside_the_disk_is_refused_with_both_paths(tmp_path: Path, clock: ManualClock) -> None:
    first, second = tmp_path / "disk1", tmp_path / "disk2"
    Volume.open(1, first, create=True, clock=clock).close()
    shutil.copytree(first, second)
    with IndexWriter.open(tmp_path / "index") as writer:
        opener = VolumeOpener(writer, clock)
        volume = opener.open(wanted(1, first))
        assert volume is not None
        with volume:
            assert opener.open(wanted(2, second)) is None
            assert f"a copy of volume 1, which lies at {first}" in opener.trouble[2]
            assert str(second) in opener.trouble[2]
            assert not opener.in_use


def test_volume_that_another_process_writes_is_told_as_in_use(tmp_path: Path, clock: ManualClock) -> None:
    with (
        Volume.open(1, tmp_path / "disk", create=True, clock=clock),
        IndexWriter.open(tmp_path / "index") as writer,
    ):
        opener = VolumeOpener(writer, clock)
        assert opener.open(wanted(1, tmp_path / "disk")) is None
        assert opener.in_use


def test_empty_disk_in_the_place_of_a_known_one_is_told_with_a_way_out(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "disk").mkdir()
    with IndexWriter.open(tmp_path / "index") as writer:
        writer.remember_volume(1, bytes(16))
        opener = VolumeOpener(writer, clock)
        assert opener.open(wanted(1, tmp_path / "disk")) is None
        assert "nvr volumes replace" in opener.trouble[1]
        Volume.open(1, tmp_path / "disk", create=True, clock=clock).close()
        assert opener.open(wanted(1, tmp_path / "disk")) is None
        assert "nvr volumes replace 1" in opener.trouble[1]


def test_second_process_on_the_same_data_is_refused(tmp_path: Path) -> None:
    refused = pytest.raises(StorageError, match="a recorder uses this data")
    with alone(tmp_path / "data"), refused, alone(tmp_path / "data"):
        pass
    with alone(tmp_path / "data"):
        pass
