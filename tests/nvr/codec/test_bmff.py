import json
import subprocess
import timeit
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.codec.bmff import find, init_segment, mdat_header, mfra, movie_fragment, parse_moof, walk
from nvr.codec.parameters import describe
from nvr.errors import CameraError, IntegrityError
from nvr.media import Codec, ParameterSets
from tests.nvr.codec.streams import Stream, decode_errors, encode, fragmented

PATIENT = settings(deadline=None)  # machines under load are slow now and then
STREAMS = [
    (Codec.H264, "baseline"),
    (Codec.H264, "bframes=0"),
    (Codec.H264, "bframes=3:b-pyramid=normal"),
    (Codec.H264, "bframes=2:slices=4"),
    (Codec.H265, "bframes=0"),
    (Codec.H265, "bframes=3"),
    (Codec.H265, "bframes=0:slices=3"),
]


@pytest.mark.parametrize(("codec", "options"), STREAMS)
@pytest.mark.parametrize("samples_each", [1, 7, 100])
def test_fragmented_movie_is_played_by_ffmpeg_without_a_word(
    tmp_path: Path, codec: Codec, options: str, samples_each: int
) -> None:
    path = tmp_path / "movie.mp4"
    path.write_bytes(fragmented(encode(codec, options=options), samples_each))
    assert decode_errors(path) == ""
    assert decode_errors(path, "-xerror", "-err_detect", "explode") == ""


@pytest.mark.parametrize(("codec", "options"), STREAMS)
def test_fragmented_movie_gives_libavformat_every_sample_and_time(tmp_path: Path, codec: Codec, options: str) -> None:
    stream = encode(codec, options=options)
    path = tmp_path / "movie.mp4"
    path.write_bytes(fragmented(stream))
    with av.open(path) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        assert [bytes(p) for p in packets] == stream.data
        assert [p.pts for p in packets] == stream.presentation_90k
        assert [p.dts for p in packets] == [d - stream.delay_90k for d in stream.decode_90k]
        assert [p.duration for p in packets] == stream.duration_90k
        assert [p.is_keyframe for p in packets] == stream.sync
    with av.open(path) as container:
        shown = [frame.pts for frame in container.decode(video=0)]
    assert shown == sorted(stream.presentation_90k)
    assert shown[0] == 0


@pytest.mark.parametrize(("codec", "tag", "profile"), [(Codec.H264, "avc1", "High"), (Codec.H265, "hvc1", "Main")])
def test_init_segment_says_to_ffprobe_what_the_stream_is(tmp_path: Path, codec: Codec, tag: str, profile: str) -> None:
    path = tmp_path / "movie.mp4"
    path.write_bytes(fragmented(encode(codec, 162, 98)))
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    (stream,) = answer["streams"]
    assert (stream["codec_name"], stream["codec_tag_string"]) == (codec.value.replace("h265", "hevc"), tag)
    assert (stream["width"], stream["height"], stream["profile"]) == (162, 98, profile)
    assert (stream["time_base"], stream["avg_frame_rate"], stream["start_pts"]) == ("1/90000", "25/1", 0)
    assert answer["format"]["tags"]["major_brand"] == "iso6"
    assert answer["format"]["duration"] == "1.200000"


def test_init_segment_has_an_edit_list_only_against_a_delay() -> None:
    stream = encode(Codec.H264, options="bframes=0")
    fmt = describe(stream.sets)
    plain, delayed = (init_segment(stream.sets, fmt, composition_delay_90k=delay) for delay in (0, 7200))
    with pytest.raises(IntegrityError):
        find(plain, (b"moov", b"trak", b"edts"))
    elst = find(delayed, (b"moov", b"trak", b"edts", b"elst"))
    assert delayed[elst.payload : elst.end] == bytes.fromhex(
        "01000000 00000001 0000000000000000 0000000000001c20 00010000"
    )


def test_init_segment_without_pps_raises_camera_error() -> None:
    stream = encode(Codec.H264)
    sets = ParameterSets(Codec.H264, (), stream.sets.sps, ())
    with pytest.raises(CameraError):
        init_segment(sets, describe(sets))


def test_movie_fragment_of_two_samples_has_the_bytes_of_the_standard() -> None:
    moof = movie_fragment(3, 90_000, [10, 20], [3600, 3601], [0, 0], [True, False])
    assert moof == bytes.fromhex(
        "00000070 6d6f6f66  00000010 6d666864 00000000 00000003"
        "00000058 74726166  00000010 74666864 00020000 00000001"
        "00000014 74666474 01000000 0000000000015f90"
        "0000002c 7472756e 00000701 00000002 00000078"
        "00000e10 0000000a 02000000  00000e11 00000014 01010000"
    )


SAMPLES = st.lists(
    st.tuples(st.integers(0, 2**20), st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1), st.booleans()),
    max_size=40,
)


@PATIENT
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), SAMPLES, st.binary(max_size=9), st.booleans())
def test_parse_moof_written_fragment_comes_back(
    sequence: int, decode_90k: int, samples: list[tuple[int, int, int, bool]], before: bytes, in_order: bool
) -> None:
    sizes, durations, compositions, sync = ([sample[i] for sample in samples] for i in range(4))
    if in_order:
        compositions = [0] * len(samples)
    moof = movie_fragment(sequence, decode_90k, sizes, durations, compositions, [bool(s) for s in sync])
    read = parse_moof(memoryview(before + moof + b"mdat"), len(before), len(before) + len(moof))
    assert (read.sequence, read.decode_90k) == (sequence, decode_90k)
    assert read.data_offset == len(moof) + len(mdat_header(sum(sizes)))
    assert (read.sizes.dtype.name, read.durations_90k.dtype.name) == ("uint32", "uint32")
    assert (read.compositions_90k.dtype.name, read.sync.dtype.name) == ("int32", "bool")
    assert read.sizes.tolist() == sizes
    assert read.durations_90k.tolist() == durations
    assert read.compositions_90k.tolist() == compositions
    assert read.sync.tolist() == sync


@PATIENT
@given(st.lists(st.tuples(st.integers(0, 260), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 260))
def test_parse_moof_mutated_raises_only_integrity_error(changes: list[tuple[int, int]], length: int) -> None:
    moof = bytearray(movie_fragment(1, 0, [5] * 10, [3600] * 10, [1] * 10, [True] * 10))
    for position, byte in changes:
        moof[position % len(moof)] = byte
    try:
        read = parse_moof(bytes(moof[:length]))
    except IntegrityError:
        return
    assert len(read.sizes) == len(read.sync) == 10


@PATIENT
@given(st.binary(max_size=100))
def test_parse_moof_any_bytes_raises_integrity_error(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_moof(data)


def test_movie_fragment_larger_than_4_gib_points_behind_the_long_header() -> None:
    moof = movie_fragment(1, 0, [2**31, 2**31], [1, 1], [0, 0], [True, True])
    assert parse_moof(moof).data_offset == len(moof) + 16


def with_index(stream: Stream) -> tuple[bytes, list[tuple[int, int]]]:
    movie = fragmented(stream)
    moofs = [span.start for span in walk(movie) if span.kind == b"moof"]
    times = [stream.presentation_90k[i] for i in range(0, len(stream.data), 10)]
    entries = list(zip(times, moofs, strict=True))
    return movie + mfra(entries), entries


def test_mfra_lets_ffmpeg_play_and_seek(tmp_path: Path) -> None:
    path = tmp_path / "movie.mp4"
    data, _ = with_index(encode(Codec.H264, options="bframes=0"))
    path.write_bytes(data)
    assert decode_errors(path) == ""
    with av.open(path, options={"use_mfra_for": "pts"}) as container:
        container.seek(75_000, stream=container.streams.video[0])
        assert next(container.decode(video=0)).pts == 72_000


def test_mfra_is_found_from_the_end_of_the_file() -> None:
    data, entries = with_index(encode(Codec.H264, options="bframes=0"))
    length_bytes = int.from_bytes(data[-4:], "big")
    tfra = find(data, (b"mfra", b"tfra"), len(data) - length_bytes)
    assert data[tfra.payload : tfra.payload + 16] == bytes.fromhex("01000000 00000001 00000000 00000003")
    rows = np.frombuffer(data[tfra.payload + 16 : tfra.end], np.dtype([("t", ">u8"), ("o", ">u8"), ("n", "u1", 3)]))
    assert [(int(row["t"]), int(row["o"])) for row in rows] == entries
    assert (rows["n"] == 1).all()


def test_mfra_without_entries_is_whole() -> None:
    data = mfra([])
    assert int.from_bytes(data[-4:], "big") == len(data)
    assert [span.kind for span in walk(data, 8)] == [b"tfra", b"mfro"]


def test_movie_fragment_of_13_samples_takes_microseconds() -> None:
    sizes, sync = [20_000] * 13, [True] + [False] * 12
    calls = 2000
    best_s = min(
        timeit.repeat(lambda: movie_fragment(7, 1 << 33, sizes, [3600] * 13, [0] * 13, sync), number=calls, repeat=5)
    )
    assert best_s / calls < 60e-6  # 8 µs on a free machine; this only catches a change of kind
