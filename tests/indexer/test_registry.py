"""The registry keeps channels, keeps passwords to itself, and tells that something changed."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from indexer.keyfile import KEY_FILE
from indexer.registry import MAP_BYTES, SCHEMA, Registry
from indexer.store import Store
from nvr.channel import Channel, Transport
from nvr.errors import StorageError

CANARY = "s3cret-cánary"
CAMERA = Channel(
    7, "Cổng chợ", "rtsp://192.0.2.7/a", "rtsps://192.0.2.7/b", "nvr", CANARY, transport=Transport.UDP, enabled=False
)
OTHER = Channel(300, "Bridge", "rtsp://192.0.2.8/a")


def test_channels_come_back_by_number(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(OTHER)
        registry.put(CAMERA)
    with Registry.open(tmp_path) as registry:
        assert registry.channels() == [CAMERA, OTHER]


def test_put_again_replaces(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(CAMERA)
        registry.put(Channel(7, "New", "rtsp://192.0.2.9/a"))
        assert [channel.name for channel in registry.channels()] == ["New"]


def test_every_change_moves_the_revision(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        seen = [registry.revision()]
        registry.put(CAMERA)
        seen.append(registry.revision())
        registry.put(CAMERA)
        seen.append(registry.revision())
        assert registry.remove(7)
        seen.append(registry.revision())
        assert not registry.remove(7)
        assert seen == sorted(set(seen))
        assert registry.revision() == seen[-1]
        assert registry.channels() == []


def test_no_file_holds_the_password(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(CAMERA)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 3
    assert not any(CANARY.encode() in file.read_bytes() for file in files)
    assert CANARY not in repr(CAMERA)


def test_key_and_data_are_for_their_owner_only(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "registry") as registry:
        registry.put(CAMERA)
    for path in (tmp_path / "registry", *(tmp_path / "registry").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def with_row(path: Path, number: int, row: bytes) -> None:
    """As a flipped bit or another program would leave a row."""
    with (
        Store.open(path, ("channel",), schema=SCHEMA, map_bytes=MAP_BYTES) as store,
        store.write() as txn,
    ):
        txn.put("channel", number.to_bytes(4, "big"), row)


def test_password_of_another_key_costs_its_own_channel_only(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(CAMERA)
        registry.put(OTHER)
    (tmp_path / KEY_FILE).write_bytes(Fernet.generate_key())
    with Registry.open(tmp_path) as registry:
        assert registry.channels() == [OTHER]
        (broken,) = registry.unusable()
        assert "another key" in broken.why
        assert broken.channel == replace(CAMERA, password="")
        assert [channel.number for channel in registry.known()] == [7, 300]
        registry.put(CAMERA)  # as the hint says
        assert registry.channels() == [CAMERA, OTHER]
        assert registry.unusable() == []


@pytest.mark.parametrize("row", [b"", b"\xff\xfe", b"[]", b'{"name": 7}', b'{"name": "\xff"}', b"{" * 100_000])
def test_row_that_cannot_be_read_costs_its_own_channel_only(tmp_path: Path, row: bytes) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(OTHER)
    with_row(tmp_path, 5, row)
    with Registry.open(tmp_path) as registry:
        assert registry.channels() == [OTHER]
        (broken,) = registry.unusable()
        assert broken.channel.number == 5
        assert "--replace" in broken.why
        assert [channel.number for channel in registry.known()] == [5, 300]


def missing(path: Path) -> None:
    path.unlink()


def damaged(path: Path) -> None:
    path.write_bytes(b"nonsense")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [missing, damaged, a_folder])
def test_lost_key_costs_the_passwords_only_and_is_never_replaced_in_silence(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(CAMERA)
    harm(tmp_path / KEY_FILE)
    with Registry.open(tmp_path) as registry:
        assert "key" in registry.trouble
        with pytest.raises(StorageError, match="key") as caught:
            registry.put(Channel(8, "New", "rtsp://192.0.2.9/a", password="other"))
        assert "new-key" in caught.value.hint
        registry.put(OTHER)
        assert registry.remove(7)
        assert registry.channels() == [OTHER]


def test_new_key_that_a_person_asks_for_keeps_the_old_one_beside_it(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        registry.put(CAMERA)
    old = (tmp_path / KEY_FILE).read_bytes()
    with Registry.open(tmp_path) as registry:
        before = registry.revision()
        aside = registry.new_key()
        assert aside is not None
        assert aside.read_bytes() == old
        assert registry.revision() > before
        registry.put(CAMERA)
        assert registry.channels() == [CAMERA]


def test_key_that_others_could_read_is_closed_and_told(tmp_path: Path) -> None:
    Registry.open(tmp_path).close()
    (tmp_path / KEY_FILE).chmod(0o644)
    with Registry.open(tmp_path) as registry:
        assert "0644" in registry.warning
        assert not registry.trouble
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    with Registry.open(tmp_path) as registry:
        assert registry.warning == ""


PUT = """
import sys
from pathlib import Path
from indexer.registry import MAP_BYTES, SCHEMA, Registry
from indexer.store import Store
from nvr.channel import Channel
with Registry.open(Path(sys.argv[1])) as registry:
    registry.put(Channel(int(sys.argv[2]), "", "", password=sys.argv[3]))
"""


def put_elsewhere(path: Path, number: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PUT, str(path), str(number), CANARY])


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    workers = [put_elsewhere(tmp_path, number) for number in range(1, 5)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    with Registry.open(tmp_path) as registry:
        assert [channel.password for channel in registry.channels()] == [CANARY] * 4
        assert registry.revision() == 4
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.mdb", "lock.mdb", KEY_FILE]


def test_change_by_another_process_is_seen(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        before = registry.revision()
        assert put_elsewhere(tmp_path, 9).wait(60) == 0
        assert registry.revision() > before
        assert [channel.number for channel in registry.channels()] == [9]
