"""The catastrophe of a crash: parts that were left behind keep every whole fragment."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.chunk.filesystem import FileSystem
from nvr.chunk.name import ChunkName
from nvr.chunk.reader import ChunkReader, start_us
from nvr.chunk.recovery import adopt, recover
from nvr.chunk.scan import FragmentSpan
from nvr.chunk.stamp import FragmentStamp, StampFlags
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.errors import StorageError, VolumeFull
from nvr.media import Codec, CutReason
from nvr.timebase import us_from_90k
from tests.manual_clock import ManualClock
from tests.nvr.chunk.footage import START_US, footage, header, open_volume, record, record_sealed

SHOWN = footage(Codec.H264, b_frames=2)


@pytest.fixture
def volume(tmp_path: Path, clock: ManualClock) -> Volume:
    return open_volume(tmp_path / "disk", clock)


def cut(volume: Volume, part: str, size: int) -> None:
    path = volume.resolve(part)
    path.write_bytes(path.read_bytes()[:size])


def verified(volume: Volume, name: ChunkName) -> ChunkReader:
    reader = ChunkReader(volume.open_read(name))
    assert list(reader.problems()) == []
    return reader


def ends(data: bytes, tmp_path: Path) -> list[int]:
    (tmp_path / "whole").write_bytes(data)
    with ChunkReader(tmp_path / "whole") as reader:
        return [span.end for span in reader.fragments()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_part_cut_anywhere_keeps_every_whole_fragment(volume: Volume, tmp_path: Path, data: st.DataObject) -> None:
    part = record(volume, SHOWN)
    content = volume.resolve(part).read_bytes()
    size = data.draw(st.integers(0, len(content)))
    tail = data.draw(st.sampled_from([b"", bytes(4096), b"\xff" * 50]))
    whole = [end for end in ends(content, tmp_path) if end <= size]
    volume.resolve(part).write_bytes(content[:size] + (tail if size < len(content) else b""))
    sealed = recover(volume, part)
    assert not volume.resolve(part).exists()
    if sealed is None:
        assert whole == []
        return
    assert sealed.fragments == len(whole)
    name = ChunkName.of(sealed)
    with verified(volume, name) as reader:
        assert reader.read(0, whole[-1]) == content[: whole[-1]]
        assert reader.summary() == sealed
    volume.unlink(name)


def test_recovered_chunk_says_so_and_starts_by_its_stamps(volume: Volume) -> None:
    sealed = recover(volume, record(volume, SHOWN, fragments=3))
    assert sealed is not None
    assert (sealed.recovered, sealed.cut) == (True, CutReason.RECOVERED)
    assert (sealed.start_us, sealed.duration_us) == (START_US, 30 * 40_000)
    name = ChunkName.of(sealed)
    assert name.path().endswith("-mr.mp4")
    assert list(volume.chunks()) == [(name, sealed.bytes)]


def test_start_of_a_recovered_chunk_is_the_last_stamps_because_it_knows_best(volume: Volume) -> None:
    made = header(SHOWN, start_us=START_US + 300_000)
    writer = ChunkWriter(made)
    part = volume.create(made, 0)
    part.append([writer.preamble()])
    late, better = SHOWN.fragments(START_US + 300_000)[0], SHOWN.fragments(START_US)[1]
    part.append(writer.append(late))
    part.append(writer.append(better))
    sealed = recover(volume, part.path)
    assert sealed is not None
    assert sealed.start_us == START_US


@pytest.mark.parametrize("size", [0, 1, 500, 900])
def test_part_without_a_whole_fragment_is_removed(volume: Volume, size: int) -> None:
    part = record(volume, SHOWN)
    cut(volume, part, size)
    assert recover(volume, part) is None
    assert list(volume.parts()) == []
    assert list(volume.chunks()) == []


def test_part_with_zeros_in_the_middle_keeps_what_stands_before(volume: Volume, tmp_path: Path) -> None:
    part = record(volume, SHOWN)
    content = bytearray(volume.resolve(part).read_bytes())
    _, second, third, *_ = ends(bytes(content), tmp_path)
    content[second + 50 : third - 50] = bytes(third - second - 100)
    volume.resolve(part).write_bytes(content)
    sealed = recover(volume, part)
    assert sealed is not None
    assert sealed.fragments == 2
    verified(volume, ChunkName.of(sealed)).close()


def test_part_whose_beginning_is_lost_but_not_its_footage_stays(volume: Volume) -> None:
    part = record(volume, SHOWN)
    content = volume.resolve(part).read_bytes()
    volume.resolve(part).write_bytes(bytes(100) + content[100:])
    assert recover(volume, part) is None
    assert list(volume.parts()) == [part]


def test_part_that_was_sealed_but_not_renamed_only_gets_its_name(volume: Volume) -> None:
    name, sealed = record_sealed(volume, SHOWN)
    content = volume.resolve(name).read_bytes()
    part = name.part_path()
    volume.resolve(name).rename(volume.resolve(part))
    assert recover(volume, part) == sealed
    assert volume.resolve(name).read_bytes() == content


def test_part_that_was_sealed_with_a_torn_end_is_sealed_again(volume: Volume) -> None:
    name, sealed = record_sealed(volume, SHOWN)
    part = name.part_path()
    volume.resolve(name).rename(volume.resolve(part))
    cut(volume, part, sealed.bytes - 3)
    again = recover(volume, part)
    assert again is not None
    assert (again.fragments, again.recovered) == (sealed.fragments, True)
    verified(volume, ChunkName.of(again)).close()


def test_recover_twice_finds_nothing_the_second_time(volume: Volume) -> None:
    part = record(volume, SHOWN)
    assert recover(volume, part) is not None
    with pytest.raises(StorageError, match="missing"):
        recover(volume, part)


def test_recover_without_room_keeps_the_part_for_later(tmp_path: Path, clock: ManualClock) -> None:
    class Full(FileSystem):
        def write(self, fd: int, buffers: object) -> int:
            raise OSError(28, "No space left on device")

    with open_volume(tmp_path / "disk", clock) as volume:
        part = record(volume, SHOWN)
    with Volume.open(1, tmp_path / "disk", create=False, clock=clock, fs=Full()) as full, pytest.raises(VolumeFull):
        recover(full, part)
    with open_volume(tmp_path / "disk", clock) as volume:
        assert list(volume.parts()) == [part]
        sealed = recover(volume, part)
        assert sealed is not None
        assert sealed.fragments == 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(data=st.data())
def test_sealed_file_that_a_power_cut_has_torn_keeps_every_whole_fragment(
    volume: Volume, tmp_path: Path, data: st.DataObject
) -> None:
    name, sealed = record_sealed(volume, SHOWN)
    content = volume.resolve(name).read_bytes()
    size = data.draw(st.integers(0, sealed.bytes - 1))
    volume.resolve(name).write_bytes(content[:size])
    whole = [end for end in ends(content, tmp_path) if end <= size]
    found = adopt(volume, name)
    assert not volume.resolve(name).exists()
    assert list(volume.parts()) == []
    if found is None:
        assert whole == []
        return
    assert (found.fragments, found.recovered) == (len(whole), True)
    verified(volume, ChunkName.of(found)).close()
    volume.unlink(ChunkName.of(found))


def test_sealed_file_with_a_lost_page_under_a_whole_footer_keeps_what_stands_before(
    volume: Volume, tmp_path: Path
) -> None:
    name, _ = record_sealed(volume, SHOWN)
    content = bytearray(volume.resolve(name).read_bytes())
    _, second, third, *_ = ends(bytes(content), tmp_path)
    content[second + 200 : third] = bytes(third - second - 200)
    volume.resolve(name).write_bytes(content)
    found = adopt(volume, name)
    assert found is not None
    assert (found.fragments, found.recovered) == (2, True)
    verified(volume, ChunkName.of(found)).close()


def test_whole_sealed_file_is_adopted_as_it_is(volume: Volume) -> None:
    name, sealed = record_sealed(volume, SHOWN)
    content = volume.resolve(name).read_bytes()
    assert adopt(volume, name) == adopt(volume, name, synced=True) == sealed
    assert volume.resolve(name).read_bytes() == content


def test_old_file_is_adopted_by_its_footer_and_without_one_by_its_fragments(volume: Volume) -> None:
    name, sealed = record_sealed(volume, SHOWN)
    content = volume.resolve(name).read_bytes()
    volume.resolve(name).write_bytes(content[:900] + b"\xff" * 20 + content[920:])
    assert adopt(volume, name, synced=True) == sealed  # nobody looked there: nvr check will
    volume.resolve(name).write_bytes(content[:-3])
    found = adopt(volume, name, synced=True)
    assert found is not None
    assert (found.fragments, found.recovered) == (sealed.fragments, True)


@pytest.mark.parametrize(("moved_us", "expected_us"), [(0, START_US), (-2_000, START_US - 2_000)])
def test_start_by_a_stamp_is_the_estimate_but_for_rounding(moved_us: int, expected_us: int) -> None:
    chunk_90k, fragment_90k = 5, 5  # on the run's timeline, and from there: 56 and 55 µs
    run_start_us = START_US - us_from_90k(chunk_90k)
    wall_us = run_start_us + us_from_90k(chunk_90k + fragment_90k) + moved_us
    stamp = FragmentStamp(2, StampFlags.NONE, wall_us, 0, 0, 0, 0, 0, bytes(32))
    span = FragmentSpan(0, 0, 0, 0, fragment_90k, 3600, fragment_90k, False, 1, stamp)
    found_us = start_us(header(SHOWN, composition_delay_90k=0), span)
    assert abs(found_us - expected_us) <= (1 if moved_us else 0)
