"""What root makes in a folder of somebody else's is that somebody's; private folders are closed to others."""

import os
from pathlib import Path

import pytest

from indexer.registry import Registry
from indexer.store import Store
from nvr.channel import Channel
from nvr.chunk import mirror
from nvr.chunk.volume import Volume
from nvr.ownership import keep_private, make_folder
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, archive

SERVICE = 65534  # nobody
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user's")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    os.chown(folder, SERVICE, SERVICE)
    return folder


def strangers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.lstat().st_uid != SERVICE]


@as_root
def test_environments_that_root_makes_are_the_services(home: Path) -> None:
    Store.open(home / "data" / "index", ("one",), schema="test 1", map_bytes=1 << 20).close()
    with Registry.open(home / "data" / "registry") as registry:
        registry.put(Channel(1, "Gate", "rtsp://192.0.2.1/a", password="x"))
        registry.new_key()
    assert strangers(home) == []


@as_root
def test_environment_that_root_made_before_is_given_to_the_service(home: Path) -> None:
    Store.open(home / "index", ("one",), schema="test 1", map_bytes=1 << 20).close()
    os.chown(home / "index" / "data.mdb", 0, 0)
    Store.open(home / "index", ("one",), schema="test 1", map_bytes=1 << 20).close()
    assert strangers(home) == []


@as_root
def test_files_of_footage_that_root_records_are_the_services(home: Path, clock: ManualClock) -> None:
    with archive(home, clock=clock) as found:
        name = found.record(ONE, 0)
        assert (found.volumes[0].path / name.path()).stat().st_uid == SERVICE
        found.volumes[0].write_mirror(mirror.HOLDS, b"[]")
    assert strangers(home) == []


@as_root
def test_volume_in_a_folder_of_roots_stays_roots(tmp_path: Path, clock: ManualClock) -> None:
    with Volume.open(1, tmp_path / "disk", create=True, clock=clock):
        assert (tmp_path / "disk").stat().st_uid == 0


def test_environments_are_for_their_owner_only_also_those_of_before(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir(mode=0o755)
    Store.open(tmp_path / "index", ("one",), schema="test 1", map_bytes=1 << 20).close()
    for path in (tmp_path / "index", *(tmp_path / "index").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_make_folder_makes_those_above_it_and_leaves_what_is_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "a" / "b", 0o700)
    make_folder(tmp_path / "a" / "b", 0o777)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_keep_private_takes_nothing_from_the_owner(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir(mode=0o755)
    keep_private(tmp_path / "x")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o700
