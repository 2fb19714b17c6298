"""A full disk of index and registry is told before anything fails, and can still be written down."""

from pathlib import Path

from indexer.troubles import Matter, Trouble, TroubleBook
from tests.nvr.chunk.mounts import ext4
from tools.system_disk import shortage


def test_disk_with_room_is_no_trouble(tmp_path: Path) -> None:
    assert shortage(tmp_path) == ""


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be looked at" in shortage(tmp_path / "away")


def fill(folder: Path) -> None:
    """To the last byte."""
    with (folder / "other").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_full_disk_is_told_and_the_list_of_troubles_can_still_be_written(tmp_path: Path) -> None:
    with ext4(tmp_path, 32) as disk, TroubleBook.renewed(disk / "troubles") as book:
        assert shortage(disk) == ""
        fill(disk)
        assert "0 MiB left" in shortage(disk)
        told = [Trouble(began_us=number, matter=Matter.INDEX, detail=shortage(disk)) for number in range(200)]
        for number, trouble in enumerate(told):
            book.note(number, [trouble])
        assert book.since(0) == told
