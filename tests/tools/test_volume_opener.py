"""One volume that cannot be opened, however odd what lies there, is told and costs no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.writer import IndexWriter
from nvr.chunk.volume import Volume
from nvr.config import VolumeSettings
from nvr.timebase import SystemClock
from tools.volume_watch import VolumeOpener

IDENTITY = "volume.json"


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[VolumeOpener]:
    with IndexWriter.open(tmp_path / "index") as writer:
        yield VolumeOpener(writer, SystemClock())


def made(folder: Path, number: int) -> VolumeSettings:
    Volume.open(number, folder, create=True, clock=SystemClock()).close()
    return VolumeSettings(number=number, path=folder, weight=1)


ODD = [
    b"",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"{" * 100_000,
    b'{"uuid": 5}',
    b'{"uuid": "' + b"0" * 1_000_000 + b'"}',
    b'{"number": 99999999999999999999}',
]


@pytest.mark.parametrize("content", ODD)
def test_odd_identity_costs_its_own_volume_only(opener: VolumeOpener, tmp_path: Path, content: bytes) -> None:
    good, bad = made(tmp_path / "good", 1), made(tmp_path / "bad", 2)
    (tmp_path / "bad" / IDENTITY).write_bytes(content)
    assert opener.open(bad) is None
    assert list(opener.trouble) == [2]
    volume = opener.open(good)
    assert volume is not None
    volume.close()


def test_identity_that_is_a_folder_costs_its_own_volume_only(opener: VolumeOpener, tmp_path: Path) -> None:
    bad = made(tmp_path / "bad", 2)
    (tmp_path / "bad" / IDENTITY).unlink()
    (tmp_path / "bad" / IDENTITY).mkdir()
    assert opener.open(bad) is None
    assert list(opener.trouble) == [2]
