"""Chunk files as written: they play anywhere, and read back as what went in."""

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from nvr.chunk import merkle
from nvr.chunk.footer import FOOTER_UUID
from nvr.chunk.reader import ChunkReader, scan
from nvr.chunk.stamp import LEAF_START, STAMP_BYTES, FragmentStamp, StampFlags
from nvr.chunk.writer import ChunkWriter
from nvr.media import Codec, CutReason
from tests.nvr.chunk.footage import FRAME_90K, START_US, Footage, chunk_bytes, footage, header

KINDS = [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 0), (Codec.H265, 2)]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0].value}-{kind[1]}-b-frames")
def shown(request: pytest.FixtureRequest) -> Footage:
    codec, b_frames = request.param
    return footage(codec, b_frames=b_frames)


@pytest.fixture
def path(shown: Footage, tmp_path: Path) -> Path:
    path = tmp_path / "chunk.mp4"
    path.write_bytes(chunk_bytes(shown)[0])
    return path


def test_chunk_plays_in_pyav_with_every_picture_in_its_place(shown: Footage, path: Path) -> None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = list(container.decode(stream))
        times = [picture.pts for picture in pictures]
    assert times == [number * FRAME_90K for number in range(len(shown.units))]
    leftmost = [int(picture.to_ndarray(format="gray")[4, 40]) for picture in pictures]
    assert np.all(np.diff(leftmost[:5]) > 0)  # the scene grows brighter at this place with each picture


def test_chunk_plays_in_ffmpeg_without_a_word(path: Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_chunk_seen_by_ffprobe_starts_at_zero_and_lasts_as_long_as_it_should(path: Path) -> None:
    entries = "stream=start_time,duration,nb_read_packets"
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", entries, "-of", "csv=p=0", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    start, duration, packets = done.stdout.strip().split(",")
    assert (float(start), packets) == (0.0, "50")
    assert float(duration) == pytest.approx(2.0, abs=0.081)


def test_chunk_cut_before_its_footer_still_plays(shown: Footage, path: Path) -> None:
    with ChunkReader(path) as reader:
        end = reader.fragments()[-1].end
    with av.open(io.BytesIO(path.read_bytes()[:end]), "r") as container:
        assert len(list(container.decode(video=0))) == len(shown.units)


def test_sealed_chunk_has_no_problems(path: Path) -> None:
    with ChunkReader(path) as reader:
        assert list(reader.problems()) == []
        assert reader.sealed


def test_header_and_summary_read_back_as_written(shown: Footage, path: Path) -> None:
    data, sealed = chunk_bytes(shown)
    with ChunkReader(path) as reader:
        assert reader.header == header(shown)
        assert reader.summary() == sealed
        assert reader.start_us == START_US
        assert reader.preamble_bytes == sealed.preamble_bytes
    assert sealed.bytes == len(data)
    assert (sealed.samples, sealed.media_90k, sealed.end_us) == (50, 50 * FRAME_90K, START_US + 2_000_000)
    assert sealed.cut is CutReason.SCHEDULE
    assert not sealed.recovered


def test_sample_table_points_at_every_sample_byte_for_byte(shown: Footage, path: Path) -> None:
    with ChunkReader(path) as reader:
        rows = reader.samples()
        stored = [reader.read(int(row["offset"]), int(row["size"])) for row in rows]
    assert stored == [unit.data for unit in shown.units]
    assert rows["decode_90k"].tolist() == [unit.decode_90k for unit in shown.units]
    assert rows["composition_90k"].tolist() == [unit.composition_90k for unit in shown.units]
    assert rows["sync"].tolist() == [unit.sync for unit in shown.units]


def test_samples_scanned_without_a_footer_equal_the_footers(path: Path, tmp_path: Path) -> None:
    with ChunkReader(path) as reader:
        expected, fragments = reader.samples(), reader.fragments()
    part = tmp_path / "part"
    part.write_bytes(path.read_bytes()[: fragments[-1].end])
    with ChunkReader(part) as reader:
        assert not reader.sealed
        assert reader.fragments() == fragments
        assert np.array_equal(reader.samples(), expected)
        assert reader.start_us == START_US


def test_keyframes_say_when_and_where_playing_can_start(shown: Footage, path: Path) -> None:
    _, sealed = chunk_bytes(shown)
    with ChunkReader(path) as reader:
        spans = reader.fragments()
        sync = [span for span in spans if span.sync_start]
        assert [key.file_offset for key in sealed.keyframes] == [span.offset for span in sync]
        assert [key.sequence for key in sealed.keyframes] == [span.stamp.sequence for span in sync]
    assert [key.offset_90k for key in sealed.keyframes] == [number * 10 * FRAME_90K for number in range(5)]


def test_stamps_carry_the_times_that_came_with_the_fragments(shown: Footage, path: Path) -> None:
    with ChunkReader(path) as reader:
        for span, fragment in zip(reader.fragments(), shown.fragments(), strict=True):
            stamp = span.stamp
            assert (stamp.wall_us, stamp.monotonic_us, stamp.ntp) == (
                fragment.wall_us,
                fragment.monotonic_us,
                fragment.ntp,
            )
            assert stamp.presentation_rtp_90k == fragment.presentation_rtp_90k
            assert span.duration_90k == fragment.duration_90k
            assert span.presentation_90k == fragment.decode_90k + fragment.composition_90k[0]
            assert span.moof_offset == span.offset + STAMP_BYTES


def test_root_is_the_tree_over_preamble_stamps_and_facts(shown: Footage, path: Path) -> None:
    data, sealed = chunk_bytes(shown)
    with ChunkReader(path) as reader:
        assert reader.footer is not None
        stamps = [data[span.offset + LEAF_START : span.moof_offset] for span in reader.fragments()]
        leaves = [data[: sealed.preamble_bytes], *stamps, FOOTER_UUID + reader.footer.facts()]
    assert merkle.root([merkle.leaf(leaf) for leaf in leaves]) == sealed.root


def test_lost_packets_are_counted_and_flagged() -> None:
    shown = footage()
    writer = ChunkWriter(header(shown))
    first, second, *_ = shown.fragments()
    second = replace(second, lost_packets=2**33)
    writer.append(first)
    mark = FragmentStamp.decode(writer.append(second)[0])
    _, sealed = writer.seal(start_us=START_US, duration_us=1, cut=CutReason.SESSION)
    assert sealed.lost_packets == mark.lost_packets == 2**32 - 1
    assert mark.flags == StampFlags.LOSS | StampFlags.SYNC_START


def test_chunk_without_a_fragment_can_be_sealed_and_verified(tmp_path: Path) -> None:
    writer = ChunkWriter(header(footage()))
    tail, sealed = writer.seal(start_us=START_US, duration_us=0, cut=CutReason.STOP)
    (tmp_path / "empty.mp4").write_bytes(writer.preamble() + tail)
    with ChunkReader(tmp_path / "empty.mp4") as reader:
        assert list(reader.problems()) == []
        assert reader.summary() == sealed
        assert reader.fragments() == []
        assert len(reader.samples()) == 0


@pytest.mark.parametrize("cut", list(CutReason))
def test_every_cut_reason_reads_back(cut: CutReason, tmp_path: Path) -> None:
    (tmp_path / "chunk.mp4").write_bytes(chunk_bytes(footage(), cut)[0])
    with ChunkReader(tmp_path / "chunk.mp4") as reader:
        assert reader.summary().cut is cut


def test_scan_of_a_growing_file_goes_on_where_it_stopped(tmp_path: Path) -> None:
    shown = footage()
    writer = ChunkWriter(header(shown))
    path = tmp_path / "grows.part"
    with path.open("wb", buffering=0) as part:
        part.write(writer.preamble())
        with path.open("rb") as reading:
            fd, position, seen = reading.fileno(), 0, []
            for fragment in shown.fragments():
                data = b"".join(writer.append(fragment))
                part.write(data[:-1])
                assert list(scan(fd, position)) == []
                part.write(data[-1:])
                (span,) = scan(fd, position)
                assert list(scan(fd, position, end=span.end - 1)) == []
                position = span.end
                seen.append(span.stamp.sequence)
                assert position == writer.written_bytes
    assert seen == [1, 2, 3, 4, 5]


def test_overhead_of_a_camera_at_4_mbit_is_below_two_per_mille() -> None:
    """60 s of 25 pictures a second, half a second a fragment; the media is as big as a camera's, but not coded."""
    shown = footage()
    writer = ChunkWriter(header(shown))
    first = shown.fragments()[0]
    media_bytes = 0
    for number in range(120):
        sync = (number % 4 == 0, *([False] * (12 - number % 2)))
        fragment = replace(
            first,
            data=tuple(bytes(130_000 if is_sync else 17_500 + number * at % 911) for at, is_sync in enumerate(sync)),
            durations_90k=(3600,) * len(sync),
            composition_90k=(0,) * len(sync),
            sync=sync,
        )
        writer.append(fragment)
        media_bytes += fragment.payload_bytes
    _, sealed = writer.seal(start_us=START_US, duration_us=60_000_000, cut=CutReason.SCHEDULE)
    assert sealed.bytes / media_bytes - 1 <= 0.002
    assert 29_000_000 < media_bytes < 33_000_000
