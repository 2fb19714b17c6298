import time
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest

from nvr.codec.bmff import find, walk
from nvr.codec.movie import MovieTables, progressive_head, progressive_moov
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from tests.nvr.codec.streams import Stream, decode_errors, encode

STREAMS = [(Codec.H264, "bframes=0"), (Codec.H264, "bframes=3"), (Codec.H265, "bframes=0"), (Codec.H265, "bframes=3")]
JUNK = b"\0\0\0\x10moofnot media"  # what stands between the runs where a chunk file is served as it is


def movie(streams: list[Stream], runs: list[int], edits: tuple[tuple[int, int], ...] = ()) -> tuple[MovieTables, bytes]:
    """One movie of all samples of the streams, its payload in runs of so many samples with junk between."""
    data = [sample for stream in streams for sample in stream.data]
    payload, offsets = bytearray(), []
    for count, end in zip(runs, accumulate(runs), strict=True):
        payload += JUNK
        offsets.append(len(payload))
        payload += b"".join(data[end - count : end])
    tables = MovieTables(
        entries=tuple(stream.sets for stream in streams),
        sizes=np.array([len(sample) for sample in data], np.uint32),
        durations_90k=np.array([d for stream in streams for d in stream.duration_90k], np.uint32),
        compositions_90k=np.array([c for stream in streams for c in stream.composition_90k], np.int32),
        sync=np.array([s for stream in streams for s in stream.sync]),
        entry=np.repeat(np.arange(len(streams)), [len(stream.data) for stream in streams]),
        run_offsets=np.array(offsets, np.int64),
        run_samples=np.array(runs, np.uint32),
        edits=edits,
    )
    return tables, bytes(payload)


def written(path: Path, tables: MovieTables, payload: bytes) -> Path:
    path.write_bytes(progressive_head(tables, len(payload)) + payload)
    return path


@pytest.mark.parametrize(("codec", "options"), STREAMS)
@pytest.mark.parametrize("runs", [[30], [7, 13, 10], [1] * 30, [10, 10, 10], [5, 5, 10, 10]])
def test_progressive_movie_gives_libavformat_every_sample_and_time(
    tmp_path: Path, codec: Codec, options: str, runs: list[int]
) -> None:
    stream = encode(codec, options=options)
    path = written(tmp_path / "clip.mp4", *movie([stream], runs, ((stream.delay_90k, 30 * 3600),)))
    assert decode_errors(path) == ""
    assert decode_errors(path, "-xerror", "-err_detect", "explode") == ""
    with av.open(path) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        assert [bytes(p) for p in packets] == stream.data
        assert [p.pts for p in packets] == stream.presentation_90k
        assert [p.is_keyframe for p in packets] == stream.sync
        assert container.duration == 1_200_000


@pytest.mark.parametrize(("codec", "options"), STREAMS)
def test_progressive_movie_edit_list_hides_the_lead_in(tmp_path: Path, codec: Codec, options: str) -> None:
    stream = encode(codec, options=options)
    hidden_90k, shown_90k = 13 * 3600 + 1000, 12 * 3600
    path = written(tmp_path / "clip.mp4", *movie([stream], [30], ((stream.delay_90k + hidden_90k, shown_90k),)))
    assert decode_errors(path) == ""
    with av.open(path) as container:
        assert container.duration == 480_000
        frames = list(container.decode(video=0))
    with av.open(written(tmp_path / "all.mp4", *movie([stream], [30]))) as container:
        everything = list(container.decode(video=0))
    # the picture in force at the start, number 13, or the first that begins within, and none past the end
    first = {frame.to_ndarray().tobytes(): number for number, frame in enumerate(everything)}[
        frames[0].to_ndarray().tobytes()
    ]
    assert first in (13, 14)
    assert first + len(frames) in (25, 26)


@pytest.mark.parametrize("codec", list(Codec))
def test_progressive_movie_two_sample_entries_decode_as_two_sizes(tmp_path: Path, codec: Codec) -> None:
    streams = [encode(codec, 160, 96, options="bframes=0"), encode(codec, 320, 180, options="bframes=0")]
    tables, payload = movie(streams, [10, 20, 15, 15], ((0, 60 * 3600),))
    path = written(tmp_path / "clip.mp4", tables, payload)
    assert decode_errors(path) == ""
    with av.open(path) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(160, 96)] * 30 + [(320, 180)] * 30


def test_progressive_movie_held_sample_stretches_over_a_gap(tmp_path: Path) -> None:
    stream = encode(Codec.H264, options="bframes=0")
    tables, payload = movie([stream, stream], [30, 30], ((0, 60 * 3600 + 5 * 90_000),))
    tables.durations_90k[29] += 5 * 90_000
    path = written(tmp_path / "clip.mp4", tables, payload)
    assert decode_errors(path) == ""
    with av.open(path) as container:
        times = [frame.pts for frame in container.decode(video=0)]
    assert times == [i * 3600 for i in range(30)] + [5 * 90_000 + i * 3600 for i in range(30, 60)]


def test_progressive_head_of_more_than_4_gib_of_media_points_into_it() -> None:
    stream = encode(Codec.H264, options="bframes=0")
    tables, _ = movie([stream], [15, 15])
    far = replace(tables, run_offsets=np.array([0, 9 << 32], np.int64))
    head = progressive_head(far, 10 << 32)
    co64 = find(head, (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"co64"))
    assert np.frombuffer(head[co64.payload + 8 : co64.end], ">u8").tolist() == [len(head), len(head) + (9 << 32)]
    assert head[-16:] == b"\0\0\0\1mdat" + ((10 << 32) + 16).to_bytes(8, "big")


def test_progressive_moov_is_the_one_in_the_head() -> None:
    tables, payload = movie([encode(Codec.H264)], [30])
    head = progressive_head(tables, len(payload))
    (moov,) = [span for span in walk(head[:-8]) if span.kind == b"moov"]
    assert progressive_moov(tables, len(head)) == head[moov.start : moov.end]


def test_progressive_moov_all_sync_in_order_has_no_needless_tables() -> None:
    stream = encode(Codec.H264, options="bframes=0")
    tables, _ = movie([stream], [30])
    tables.sync[:] = True
    moov = progressive_moov(tables, 0)
    stbl = find(moov, (b"moov", b"trak", b"mdia", b"minf", b"stbl"))
    assert [s.kind for s in walk(moov, stbl.payload, stbl.end)] == [b"stsd", b"stts", b"stsc", b"stsz", b"co64"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sync": np.ones(29, np.bool_)},
        {"run_samples": np.array([30, 1], np.uint32)},
        {"run_samples": np.array([20, 9], np.uint32)},
        {"run_samples": np.array([30, 0], np.uint32)},
        {"run_samples": np.array([30], np.uint32)},
        {"entry": np.repeat([0, 1], [5, 25])},
    ],
)
def test_progressive_moov_tables_that_do_not_fit_raise_value_error(wrong: dict[str, np.ndarray]) -> None:
    tables, _ = movie([encode(Codec.H264)], [20, 10])
    with pytest.raises(ValueError):
        progressive_moov(replace(tables, **wrong), 0)  # type: ignore[arg-type]


def test_progressive_moov_unusable_parameter_sets_raise_camera_error() -> None:
    tables, _ = movie([encode(Codec.H264)], [30])
    with pytest.raises(CameraError):
        progressive_moov(replace(tables, entries=(ParameterSets(Codec.H264, (), (), ()),)), 0)


def test_progressive_head_of_24_hours_takes_a_moment() -> None:
    count = 24 * 3600 * 25
    random = np.random.default_rng(1)
    tables = MovieTables(
        entries=(encode(Codec.H264).sets,),
        sizes=random.integers(500, 90_000, count, np.uint32),
        durations_90k=random.integers(3500, 3700, count, np.uint32),
        compositions_90k=np.zeros(count, np.int32),
        sync=np.arange(count) % 50 == 0,
        entry=np.zeros(count, np.int64),
        run_offsets=np.arange(count // 12) * 500_000,
        run_samples=np.full(count // 12, 12, np.uint32),
        edits=((0, 24 * 3600 * 90_000),),
    )
    spent = []
    for _ in range(3):
        started = time.process_time()
        head = progressive_head(tables, 1 << 40)
        spent.append(time.process_time() - started)
    assert len(head) > 20 * count // 2
    assert min(spent) < 0.5  # 0.05 s on a free machine; this only catches a change of kind
