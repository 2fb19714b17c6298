"""The catastrophe of a disk that is full, or that has become read-only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.chunk.name import ChunkName
from nvr.chunk.reader import ChunkReader
from nvr.chunk.recovery import recover
from nvr.chunk.volume import PartFile, Volume
from nvr.chunk.writer import ChunkWriter
from nvr.errors import StorageError, VolumeFull
from nvr.media import CutReason
from tests.manual_clock import ManualClock
from tests.nvr.chunk.footage import START_US, Footage, footage, header, record
from tests.nvr.chunk.mounts import ext4, remount_read_only, tmpfs


@pytest.fixture(params=["tmpfs", "ext4"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    mounted = tmpfs(tmp_path / "disk", "1m") if request.param == "tmpfs" else ext4(tmp_path, 2)
    with mounted as path:
        yield path


def test_full_volume_refuses_to_reserve_and_leaves_nothing(small: Path, clock: ManualClock) -> None:
    with Volume.open(1, small, create=True, clock=clock) as volume:
        free_bytes = volume.free_bytes()
        with pytest.raises(VolumeFull, match="full"):
            volume.create(header(footage()), 64 << 20)
        assert list(volume.parts()) == []
        assert volume.free_bytes() >= free_bytes - 65_536  # the folders


def fill(part: PartFile, writer: ChunkWriter, shown: Footage) -> None:
    for _ in range(200):
        part.append(writer.append(shown.fragments()[0]))


def test_volume_that_fills_keeps_every_whole_fragment(small: Path, clock: ManualClock) -> None:
    shown = footage()
    with Volume.open(1, small, create=True, clock=clock) as volume:
        filler = small / "filler"
        filler.write_bytes(bytes(volume.free_bytes() - 48_000))
        made = header(shown)
        writer = ChunkWriter(made)
        part = volume.create(made, 0)
        part.append([writer.preamble()])
        with pytest.raises(VolumeFull, match="full"):
            fill(part, writer, shown)
        whole_bytes = part.size_bytes
        assert whole_bytes > 5000
        assert (small / part.path).stat().st_size == whole_bytes
        with pytest.raises(StorageError, match="closed"):
            part.append([b"more"])
        filler.unlink()
        found = recover(volume, part.path)
        assert found is not None
        with ChunkReader(volume.open_read(ChunkName.of(found))) as reader:
            assert list(reader.problems()) == []
            assert reader.fragments()[-1].end == whole_bytes


def test_seal_without_room_leaves_a_part_to_recover(small: Path, clock: ManualClock) -> None:
    shown = footage()
    with Volume.open(1, small, create=True, clock=clock) as volume:
        made = header(shown)
        writer = ChunkWriter(made)
        part = volume.create(made, 0)
        part.append([writer.preamble(), *writer.append(shown.fragments()[0])])
        whole_bytes = part.size_bytes
        tail, sealed = writer.seal(start_us=START_US, duration_us=1, cut=CutReason.DISK)
        with pytest.raises(VolumeFull):
            part.seal(tail + bytes(3 << 20), ChunkName.of(sealed))
        assert (small / part.path).stat().st_size == whole_bytes
        found = recover(volume, part.path)
        assert found is not None
        assert found.fragments == 1


def test_volume_that_becomes_read_only_says_so(small: Path, clock: ManualClock) -> None:
    shown = footage()
    with Volume.open(1, small, create=True, clock=clock) as volume:
        path = record(volume, shown)
    remount_read_only(small)
    with pytest.raises(StorageError, match="read-only") as refused:
        Volume.open(1, small, create=True, clock=clock)
    assert refused.value.hint
    with Volume.open(1, small, create=False, clock=clock, read_only=True) as volume:
        with ChunkReader(volume.open_read_path(path)) as reader:
            assert len(reader.fragments()) == 5
        with pytest.raises(StorageError, match="read-only") as failed:
            volume.create(header(shown, sequence=9), 0)
        assert not isinstance(failed.value, VolumeFull)
        with pytest.raises(StorageError, match="read-only"):
            recover(volume, path)
