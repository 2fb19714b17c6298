"""Volumes on real file systems: who they are, what they hold, what they refuse."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nvr.chunk.filesystem import FileSystem
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName, PartName
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from nvr.media import Codec, ParameterSets, Track, TrackKind
from nvr.timebase import parse_utc
from tests.manual_clock import ManualClock
from tests.nvr.chunk.mounts import tmpfs

START_US = 1_795_000_000_250_000
HOUR_US = 3_600_000_000
SETS = ParameterSets(Codec.H264, (), (b"\x67sps",), (b"\x68pps",))


def header(volume: Volume, *, channel: int = 7, start_us: int = START_US, sequence: int = 1) -> ChunkHeader:
    track = Track(channel, TrackKind.MAIN)
    return ChunkHeader("Hồ Xá", volume.uuid, track, 1, sequence, start_us, SETS, 0, "test")


def write(volume: Volume, *, channel: int = 7, start_us: int = START_US, sequence: int = 1) -> ChunkName:
    made = header(volume, channel=channel, start_us=start_us, sequence=sequence)
    part = volume.create(made, 0)
    part.append([b"media", b"more"])
    name = ChunkName(made.track, start_us, 1000, made.run, sequence)
    part.seal(b"tail", name)
    return name


@pytest.fixture
def volume(tmp_path: Path, clock: ManualClock) -> Volume:
    return Volume.open(1, tmp_path / "disk", create=True, clock=clock)


def test_open_of_a_new_folder_makes_an_identity_that_stays(tmp_path: Path, clock: ManualClock) -> None:
    with Volume.open(1, tmp_path / "a" / "b", create=True, clock=clock) as first:
        uuid = first.uuid
    assert len(uuid) == 16
    with Volume.open(1, tmp_path / "a" / "b", create=False, clock=clock, expected_uuid=uuid) as again:
        assert again.uuid == uuid
    assert json.loads((tmp_path / "a" / "b" / "volume.json").read_bytes())["created"] == "2026-11-18T11:06:40.000000Z"


def test_open_without_create_refuses_an_empty_folder(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(StorageError, match=r"not a volume.*mounted"):
        Volume.open(1, tmp_path, create=False, clock=clock)
    assert list(tmp_path.iterdir()) == []


def test_open_of_a_known_volume_refuses_an_empty_folder_even_with_create(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(StorageError, match="not a volume"):
        Volume.open(1, tmp_path, create=True, clock=clock, expected_uuid=bytes(16))


def test_open_refuses_footage_without_identity(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "v1").mkdir()
    with pytest.raises(StorageError, match="not a volume"):
        Volume.open(1, tmp_path, create=True, clock=clock)


def test_open_of_a_missing_folder_says_so(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(StorageError, match="no such folder"):
        Volume.open(1, tmp_path / "gone", create=False, clock=clock)


def test_open_refuses_another_uuid_and_another_number(volume: Volume, clock: ManualClock) -> None:
    volume.close()
    with pytest.raises(StorageError, match="another disk"):
        Volume.open(1, volume.path, create=False, clock=clock, expected_uuid=bytes(16))
    with pytest.raises(StorageError, match="volume 1, not 2"):
        Volume.open(2, volume.path, create=False, clock=clock)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"format": 1, "uuid": "x"}', b"[1]"])
def test_open_of_a_damaged_identity_says_so(volume: Volume, clock: ManualClock, content: bytes) -> None:
    volume.close()
    (volume.path / "volume.json").write_bytes(content)
    with pytest.raises(StorageError, match="identity is damaged"):
        Volume.open(1, volume.path, create=True, clock=clock)


def test_open_by_a_second_writer_is_refused_and_readers_are_not(volume: Volume, clock: ManualClock) -> None:
    with pytest.raises(StorageError, match="another process"):
        Volume.open(1, volume.path, create=False, clock=clock)
    with Volume.open(1, volume.path, create=False, clock=clock, read_only=True) as reader:
        assert reader.uuid == volume.uuid
    volume.close()
    Volume.open(1, volume.path, create=False, clock=clock).close()


def test_open_where_fstab_wants_a_disk_refuses_the_bare_folder(tmp_path: Path, clock: ManualClock) -> None:
    class Planned(FileSystem):
        def missing_mount(self, path: Path) -> Path | None:
            return path

    with pytest.raises(StorageError, match="not mounted"):
        Volume.open(1, tmp_path / "disk", create=True, clock=clock, fs=Planned())
    assert not (tmp_path / "disk").exists()


def test_missing_mount_of_a_folder_that_fstab_does_not_name_is_none(tmp_path: Path) -> None:
    assert FileSystem().missing_mount(tmp_path) is None


def test_open_of_a_copy_where_the_mount_should_be_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    with tmpfs(tmp_path / "disk", "1m") as path:
        Volume.open(1, path, create=True, clock=clock).close()
        identity = (path / "volume.json").read_bytes()
    (tmp_path / "disk" / "volume.json").write_bytes(identity)
    with pytest.raises(StorageError, match="a disk of its own"):
        Volume.open(1, tmp_path / "disk", create=True, clock=clock)


def test_lock_ends_with_the_process_that_held_it(tmp_path: Path, clock: ManualClock) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from nvr.chunk.volume import Volume; from nvr.timebase import SystemClock;"
        f"Volume.open(1, Path({str(tmp_path)!r}), create=True, clock=SystemClock()); print('open', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match="another process"):
            Volume.open(1, tmp_path, create=False, clock=clock)
        holder.kill()
    Volume.open(1, tmp_path, create=False, clock=clock).close()


def test_seal_gives_the_name_and_the_bytes(volume: Volume) -> None:
    name = write(volume)
    assert (volume.path / name.path()).read_bytes() == b"mediamoretail"
    assert list(volume.chunks()) == [(name, 13)]
    assert list(volume.parts()) == []


def test_seal_into_another_hour_makes_its_folder(volume: Volume) -> None:
    made = header(volume)
    part = volume.create(made, 0)
    name = ChunkName(made.track, START_US - HOUR_US, 1000, 1, 1)
    part.seal(b"tail", name)
    assert [found for found, _ in volume.chunks()] == [name]


def test_seal_never_replaces_a_chunk(volume: Volume) -> None:
    name = write(volume)
    part = volume.create(header(volume, start_us=START_US + 1), 0)
    part.append([b"other"])
    with pytest.raises(StorageError, match="not replaced"):
        part.seal(b"tail", name)
    assert volume.resolve(name).read_bytes() == b"mediamoretail"
    assert volume.resolve(part.path).read_bytes() == b"other"


def test_volume_that_is_closed_never_shows_another_that_has_its_descriptor(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    closed = Volume.open(1, tmp_path / "a", create=True, clock=clock)
    copies, chunks = closed.root_files(), closed.chunks()
    closed.close()
    with Volume.open(2, tmp_path / "b", create=True, clock=clock) as other:
        write(other)
        with pytest.raises(StorageError):
            list(chunks)
        with pytest.raises(StorageError):
            copies.names("", "")
        with pytest.raises(StorageError):
            closed.newest_us()


def test_create_twice_is_refused(volume: Volume) -> None:
    volume.create(header(volume), 0)
    with pytest.raises(StorageError, match="File exists"):
        volume.create(header(volume), 0)


def test_reserved_room_is_given_back_at_the_seal(volume: Volume) -> None:
    made = header(volume)
    part = volume.create(made, 8 << 20)
    part.append([b"x" * 10_000])
    reserved = (volume.path / part.path).stat()
    assert reserved.st_size == 10_000
    assert reserved.st_blocks * 512 >= 8 << 20
    name = ChunkName(made.track, START_US, 1000, 1, 1)
    part.seal(b"tail", name)
    assert (volume.path / name.path()).stat().st_blocks * 512 <= 16_384


def test_reserved_room_is_given_back_when_a_part_is_abandoned(volume: Volume) -> None:
    part = volume.create(header(volume), 8 << 20)
    part.append([b"x" * 10_000])
    part.abandon()
    part.abandon()
    left = (volume.path / part.path).stat()
    assert (left.st_size, left.st_blocks * 512 <= 16_384) == (10_000, True)


def test_append_of_more_buffers_than_one_call_takes_writes_all(volume: Volume) -> None:
    part = volume.create(header(volume), 0)
    buffers = [number.to_bytes(3, "big") for number in range(5000)]
    part.append([*buffers, b""])
    assert (volume.path / part.path).read_bytes() == b"".join(buffers)
    assert part.size_bytes == 15_000


def test_append_after_short_writes_writes_all(tmp_path: Path, clock: ManualClock) -> None:
    class Stingy(FileSystem):
        def write(self, fd: int, buffers: object) -> int:
            whole = b"".join(bytes(buffer) for buffer in buffers)  # type: ignore[attr-defined]
            return os.write(fd, whole[:7])

    volume = Volume.open(1, tmp_path, create=True, clock=clock)
    volume.close()
    with Volume.open(1, tmp_path, create=False, clock=clock, fs=Stingy()) as slow:
        part = slow.create(header(slow), 0)
        part.append([b"abc", b"", b"defghij", b"k" * 20, b"l"])
        assert (tmp_path / part.path).read_bytes() == b"abcdefghij" + b"k" * 20 + b"l"


def test_chunks_by_channel_and_hour_are_only_those(volume: Volume) -> None:
    early, late = write(volume), write(volume, start_us=START_US + 2 * HOUR_US, sequence=2)
    next_day = write(volume, start_us=START_US + 24 * HOUR_US, sequence=3)
    other = write(volume, channel=8)
    assert [name for name, _ in volume.chunks()] == [early, late, next_day, other]
    assert [name for name, _ in volume.chunks(channel=7)] == [early, late, next_day]
    assert [name for name, _ in volume.chunks(since_us=START_US + HOUR_US)] == [late, next_day]
    assert [name for name, _ in volume.chunks(channel=7, since_us=START_US + 3 * HOUR_US)] == [next_day]
    assert list(volume.chunks(channel=9)) == []


def test_chunks_leaves_out_what_is_not_ours(volume: Volume) -> None:
    name = write(volume)
    folder = (volume.path / name.path()).parent
    (folder / "holiday.mp4").write_bytes(b"x")
    (folder / "1-1-00000000-00000-m.mp4").write_bytes(b"x")
    (folder / name.path().rpartition("/")[2].replace("-m", "-mr")).symlink_to("/etc/passwd")
    (volume.path / "v1" / "notes").mkdir()
    part = volume.create(header(volume, sequence=2), 0)
    assert [found for found, _ in volume.chunks()] == [name]
    assert list(volume.parts()) == [part.path]
    assert part.path == PartName.of(header(volume, sequence=2)).path()


def test_unlink_removes_the_file_and_the_folders_it_leaves_empty(volume: Volume) -> None:
    first, second = write(volume), write(volume, start_us=START_US + HOUR_US, sequence=2)
    volume.unlink(first)
    volume.unlink(first)
    assert [name for name, _ in volume.chunks()] == [second]
    volume.unlink(second)
    assert [path.name for path in (volume.path / "v1").rglob("*")] == ["00007"]
    assert [name for name, _ in volume.chunks()] == []
    write(volume)


def test_create_while_retention_clears_the_folder_up_wins(tmp_path: Path, clock: ManualClock) -> None:
    class Racing(FileSystem):
        turns = 0

        def create(self, path: str, folder_fd: int) -> int:
            self.turns += 1
            if 1 < self.turns < 4:
                raise FileNotFoundError(2, "No such file or directory")
            return super().create(path, folder_fd)

    Volume.open(1, tmp_path, create=True, clock=clock).close()
    with Volume.open(1, tmp_path, create=False, clock=clock, fs=Racing()) as volume:
        name = write(volume)
        assert list(volume.chunks()) == [(name, 13)]


def test_open_read_of_a_missing_chunk_or_a_link_is_a_storage_error(volume: Volume) -> None:
    name = write(volume)
    fd = volume.open_read(name)
    assert os.pread(fd, 5, 0) == b"media"
    os.close(fd)
    missing = ChunkName(name.track, START_US + 1, 1, 1, 1)
    with pytest.raises(StorageError, match="missing"):
        volume.open_read(missing)
    (volume.path / missing.path()).symlink_to("/etc/passwd")
    with pytest.raises(StorageError):
        volume.open_read(missing)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "volume.json", "v1/00007", ""])
def test_resolve_of_anything_else_is_refused(volume: Volume, path: str) -> None:
    with pytest.raises(StorageError, match="not the name of a chunk"):
        volume.resolve(path)
    with pytest.raises(StorageError, match="not the name of a chunk"):
        volume.open_read_path(path)


def test_sync_and_space_of_a_real_disk(volume: Volume) -> None:
    write(volume)
    volume.sync()
    assert 0 < volume.free_bytes() < volume.total_bytes()


def test_sync_apart_leaves_the_writers_descriptor_alone(tmp_path: Path, clock: ManualClock) -> None:
    class Watched(FileSystem):
        def __init__(self) -> None:
            self.synced: list[int] = []

        def sync(self, fd: int) -> None:
            assert os.path.samestat(os.fstat(fd), tmp_path.stat())
            self.synced.append(fd)
            if len(self.synced) > 1:
                raise OSError(errno.EIO, "the disk reports an error")

    fs = Watched()
    with Volume.open(1, tmp_path, create=True, clock=clock, fs=fs) as volume:
        volume.sync()
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(StorageError):
            volume.sync_apart()
        assert fs.synced[1] != fs.synced[0]  # errseq_t: an error is told once for each open file
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_newest_and_oldest_hour_are_those_of_chunks(volume: Volume) -> None:
    assert volume.newest_us() is None
    for folder in ("v1/00001/20261123/09", "v1/00001/20261123/13", "v1/00002/20261122/23", "v1/00003/99999999/99"):
        (volume.path / folder).mkdir(parents=True)
    assert volume.newest_us() == parse_utc("2026-11-23T13:00:00Z")
    assert volume.oldest_us(1) == parse_utc("2026-11-23T09:00:00Z")
    assert volume.oldest_us(3) is None
    assert volume.oldest_us(4) is None


def test_unmounted_volume_is_not_in_its_place(tmp_path: Path, clock: ManualClock) -> None:
    with tmpfs(tmp_path / "disk", "1m") as disk:
        volume = Volume.open(1, disk, create=True, clock=clock)
        assert volume.is_in_place()
        subprocess.run(["umount", "-l", str(disk)], check=True)
        assert not volume.is_in_place()
        volume.close()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)
