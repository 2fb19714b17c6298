"""Pictures on disk: whole or not there, within their bound, and gone with their footage."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nvr.media import Track, TrackKind
from tests.web.archive import MAIN, START_US
from web.still_cache import DIGEST_BYTES, StillCache, StillName

NAME = StillName(MAIN, START_US, 3, 7, 25, 320)
JPEG = b"\xff\xd8" + bytes(range(98))
SIZE = DIGEST_BYTES + len(JPEG)


def cache(folder: Path, limit_bytes: int = 1 << 20, reserve_bytes: int = 0) -> StillCache:
    return StillCache(folder / "stills", limit_bytes, reserve_bytes)


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "stills").iterdir()}


def numbered(number: int) -> StillName:
    return replace(NAME, sample=number)


@pytest.mark.parametrize(
    "name",
    [
        NAME,
        replace(NAME, track=Track(2**28 - 1, TrackKind.SUB), width=0),
        StillName(MAIN, 0, 2**32 - 1, 2**32 - 1, 0, 16),
    ],
)
def test_name_of_integers_comes_back_from_its_file_name(name: StillName) -> None:
    assert StillName.parse(name.file) == name


@pytest.mark.parametrize(
    "file",
    [
        "",
        "new",
        "1-0-5-3-7-25-320.jpg",
        "01-0-5-3-7-25-320.still",
        "1-9-5-3-7-25-320.still",
        "1-0-5-3-7-25-320.still\n",
        "../1-0-5-3-7-25-320.still",
        "1-0-5-3-7-25--320.still",
        "1-0-5-3-7-25-٣٢٠.still",
        "1-0-5-3-7-25.still",
    ],
)
def test_any_other_file_name_is_none_of_ours(file: str) -> None:
    assert StillName.parse(file) is None


def test_picture_outlives_a_restart_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    cache(tmp_path).put(NAME, JPEG)
    assert cache(tmp_path).get(NAME) == JPEG
    assert cache(tmp_path).get(numbered(26)) is None
    assert (tmp_path / "stills").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", [0, DIGEST_BYTES, SIZE - 1])
def test_damaged_picture_is_dropped(tmp_path: Path, place: int) -> None:
    cache(tmp_path).put(NAME, JPEG)
    path = tmp_path / "stills" / NAME.file
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    opened = cache(tmp_path)
    assert opened.get(NAME) is None
    assert files(tmp_path) == set()
    opened.put(NAME, JPEG)
    assert opened.get(NAME) == JPEG


@pytest.mark.parametrize("left_bytes", [0, DIGEST_BYTES - 1, DIGEST_BYTES, SIZE - 1])
def test_picture_cut_short_by_a_power_cut_is_dropped(tmp_path: Path, left_bytes: int) -> None:
    cache(tmp_path).put(NAME, JPEG)
    os.truncate(tmp_path / "stills" / NAME.file, left_bytes)
    assert cache(tmp_path).get(NAME) is None
    assert files(tmp_path) == set()


def test_picture_under_another_pictures_name_is_dropped(tmp_path: Path) -> None:
    opened = cache(tmp_path)
    opened.put(NAME, JPEG)
    (tmp_path / "stills" / NAME.file).rename(tmp_path / "stills" / numbered(26).file)
    assert cache(tmp_path).get(numbered(26)) is None


def test_foreign_files_and_what_a_crash_left_are_removed_but_what_a_link_points_at_stays(tmp_path: Path) -> None:
    cache(tmp_path).put(NAME, JPEG)
    outside = tmp_path / "outside"
    outside.write_bytes(b"stays")
    (tmp_path / "stills" / "new").write_bytes(b"half a pic")
    (tmp_path / "stills" / "notes.txt").write_text("foreign")
    (tmp_path / "stills" / numbered(1).file).symlink_to(outside)
    opened = cache(tmp_path)
    assert opened.get(numbered(1)) is None
    assert files(tmp_path) == {NAME.file}
    assert outside.read_bytes() == b"stays"


def test_bound_holds_and_the_picture_not_asked_for_longest_goes_first(tmp_path: Path) -> None:
    opened = cache(tmp_path, limit_bytes=10 * SIZE)
    for number in range(10):
        opened.put(numbered(number), JPEG)
    assert opened.get(numbered(0)) == JPEG
    opened.put(numbered(10), JPEG)
    assert opened.get(numbered(1)) is None
    assert opened.get(numbered(0)) == JPEG
    assert len(files(tmp_path)) == len(opened) == 10


def test_order_of_use_and_a_smaller_bound_hold_after_a_restart(tmp_path: Path) -> None:
    opened = cache(tmp_path)
    for number in range(10):
        opened.put(numbered(number), JPEG)
        os.utime(tmp_path / "stills" / numbered(number).file, ns=(number, number))
    opened.get(numbered(0))  # now
    again = cache(tmp_path, limit_bytes=8 * SIZE)
    assert [number for number in range(10) if again.get(numbered(number))] == [0, 3, 4, 5, 6, 7, 8, 9]
    assert len(files(tmp_path)) == 8


def test_putting_the_same_picture_again_counts_it_once(tmp_path: Path) -> None:
    opened = cache(tmp_path, limit_bytes=10 * SIZE)
    for _ in range(30):
        opened.put(NAME, JPEG)
    for number in range(9):
        opened.put(numbered(number), JPEG)
    assert opened.get(NAME) == JPEG


def test_with_little_room_on_the_disk_nothing_is_written(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    opened = cache(tmp_path, reserve_bytes=free.f_blocks * free.f_frsize)
    opened.put(NAME, JPEG)
    assert opened.get(NAME) is None
    assert files(tmp_path) == set()


@pytest.mark.parametrize("limit_bytes", [0, 8 * SIZE - 1])
def test_picture_too_large_for_the_bound_is_not_kept(tmp_path: Path, limit_bytes: int) -> None:
    opened = cache(tmp_path, limit_bytes)
    opened.put(NAME, JPEG)
    assert opened.get(NAME) is None


def test_where_no_folder_can_be_made_the_cache_is_empty(tmp_path: Path) -> None:
    (tmp_path / "stills").write_text("a file where the folder should be")
    opened = cache(tmp_path)
    opened.put(NAME, JPEG)
    assert opened.get(NAME) is None
    assert opened.sweep(lambda _: False) == 0


def test_folder_that_vanishes_while_it_is_used_is_made_again(tmp_path: Path) -> None:
    opened = cache(tmp_path)
    opened.put(NAME, JPEG)
    (tmp_path / "stills" / NAME.file).unlink()
    (tmp_path / "stills").rmdir()
    assert opened.get(NAME) is None
    opened.put(NAME, JPEG)
    assert opened.get(NAME) == JPEG


def test_sweep_asks_once_for_each_chunk_and_removes_all_pictures_of_one_that_is_gone(tmp_path: Path) -> None:
    opened = cache(tmp_path)
    other = replace(NAME, sequence=8, start_us=START_US + 60)
    for number in range(5):
        opened.put(numbered(number), JPEG)
        opened.put(replace(other, sample=number), JPEG)
    asked: list[StillName] = []

    def exists(name: StillName) -> bool:
        asked.append(name)
        return name.sequence == 8

    assert opened.sweep(exists) == 5
    assert sorted(name.sequence for name in asked) == [7, 8]
    assert files(tmp_path) == {replace(other, sample=number).file for number in range(5)}
    assert opened.sweep(exists) == 0
