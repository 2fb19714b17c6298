"""The catastrophe of bad bytes: whatever happens to a file, it is reported, and nothing else is raised."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.chunk.reader import ChunkReader
from nvr.chunk.verification import ChunkProblem
from nvr.errors import IntegrityError
from nvr.media import Codec
from tests.nvr.chunk.footage import chunk_bytes, footage

SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@cache
def whole(b_frames: int = 0) -> bytes:
    return chunk_bytes(footage(Codec.H264, frames=24, gop=8, b_frames=b_frames))[0]


def problems(folder: Path, data: bytes) -> list[ChunkProblem]:
    path = folder / "damaged.mp4"
    path.write_bytes(data)
    with ChunkReader(path) as reader:
        use(reader)
        return list(reader.problems())


def use(reader: ChunkReader) -> None:
    """Whoever opens a damaged file without verifying it first sees IntegrityError at worst."""
    calls: list[Any] = [
        reader.summary,
        reader.samples,
        reader.fragments,
        lambda: reader.header,
        lambda: reader.start_us,
    ]
    for call in calls:
        with suppress(IntegrityError):
            call()


@SHARED_FOLDER
@given(data=st.data())
def test_file_cut_anywhere_is_reported(tmp_path: Path, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(whole()) - 1))
    assert problems(tmp_path, whole()[:size])


@SHARED_FOLDER
@given(data=st.data())
def test_file_with_any_flipped_bits_is_reported(tmp_path: Path, data: st.DataObject) -> None:
    damaged = bytearray(whole())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    assert problems(tmp_path, bytes(damaged))


@SHARED_FOLDER
@given(data=st.data())
def test_file_with_zeros_anywhere_is_reported(tmp_path: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(whole()) - 1))
    length = data.draw(st.integers(1, len(whole()) - start))
    damaged = whole()[:start] + bytes(length) + whole()[start + length :]
    assert bool(problems(tmp_path, damaged)) == (damaged != whole())


@SHARED_FOLDER
@given(data=st.data())
def test_file_with_a_piece_moved_or_doubled_is_reported(tmp_path: Path, data: st.DataObject) -> None:
    start, end, to = (data.draw(st.integers(0, len(whole()))) for _ in range(3))
    damaged = whole()[:to] + whole()[min(start, end) : max(start, end)] + whole()[to:]
    assert bool(problems(tmp_path, damaged)) == (damaged != whole())


@SHARED_FOLDER
@given(noise=st.binary(max_size=400))
def test_noise_instead_of_a_file_is_reported(tmp_path: Path, noise: bytes) -> None:
    assert problems(tmp_path, noise)
    assert problems(tmp_path, whole()[:900] + noise)
    assert problems(tmp_path, noise + whole()[-400:])


@pytest.mark.slow
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_single_byte_outside_the_media_is_covered(tmp_path: Path, b_frames: int) -> None:
    data = whole(b_frames)
    path = tmp_path / "chunk.mp4"
    path.write_bytes(data)
    with ChunkReader(path) as reader:
        media = [range(span.data_offset + 9, span.end) for span in reader.fragments()]
    silent = []
    for at in range(len(data)):
        if any(at in span for span in media):
            continue  # covered by the same hash as the first nine bytes
        damaged = bytearray(data)
        damaged[at] ^= 1
        if not problems(tmp_path, bytes(damaged)):
            silent.append(at)
    assert silent == []


def test_fragments_swapped_are_reported(tmp_path: Path) -> None:
    (tmp_path / "chunk.mp4").write_bytes(whole())
    with ChunkReader(tmp_path / "chunk.mp4") as reader:
        a, b, *_ = reader.fragments()
    swapped = whole()[: a.offset] + whole()[b.offset : b.end] + whole()[a.offset : a.end] + whole()[b.end :]
    assert len(problems(tmp_path, swapped)) >= 1


def test_one_bad_fragment_is_named_and_the_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "chunk.mp4").write_bytes(whole())
    with ChunkReader(tmp_path / "chunk.mp4") as reader:
        bad = reader.fragments()[1]
    damaged = bytearray(whole())
    damaged[bad.end - 1] ^= 1
    assert problems(tmp_path, bytes(damaged)) == [ChunkProblem(bad.offset, "the fragment's hash does not match")]
