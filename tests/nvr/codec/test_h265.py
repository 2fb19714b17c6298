from fractions import Fraction

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.codec.h265 import NalType, codec_string, hvcc, parse_sps
from nvr.codec.nal import split
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from tests.nvr.codec.bits import CodedSet, H265Sps, PredictedSet, Vui
from tests.nvr.codec.streams import encode

SIZES = [(160, 96), (162, 98), (352, 288), (640, 360), (854, 480), (1366, 768), (1920, 1080)]
VPS = bytes.fromhex("40010c01ffff01600000030090000003000003003c959809")
PPS = bytes.fromhex("4401c172b46240")

PATIENT = settings(deadline=None)  # machines under load are slow now and then


def opened(record: bytes) -> av.VideoCodecContext:
    """libavcodec, opened with a decoder configuration record or with units behind start codes."""
    context = av.CodecContext.create("hevc", "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = record
    context.open()
    return context


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_parse_sps_of_x265_says_the_size_libavcodec_decodes(width: int, height: int) -> None:
    stream = encode(Codec.H265, width, height, frames=1)
    info = parse_sps(stream.sets.sps[0])
    context = opened(hvcc(stream.sets))
    frame = (context.decode(av.Packet(stream.data[0])) + context.decode(None))[0]
    assert (info.width, info.height) == (frame.width, frame.height) == (width, height)


@pytest.mark.parametrize("pixels", ["yuv422p", "yuv444p", "gray", "yuv420p10le"])
def test_parse_sps_other_sample_formats_says_what_libavcodec_says(pixels: str) -> None:
    stream = encode(Codec.H265, 162, 98, frames=1, pixels=pixels)
    info = parse_sps(stream.sets.sps[0])
    context = opened(hvcc(stream.sets))
    assert (info.width, info.height, pixels) == (context.width, context.height, context.pix_fmt)
    assert info.luma_depth_minus8 == (2 if "10" in pixels else 0)
    assert info.chroma_format == {"gray": 0, "yuv444p": 3, "yuv422p": 2}.get(pixels, 1)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(15), Fraction(30000, 1001), Fraction(1)])
def test_parse_sps_of_x265_says_the_duration_of_a_picture(fps: Fraction) -> None:
    stream = encode(Codec.H265, frames=1, fps=fps)
    assert parse_sps(stream.sets.sps[0]).frame_90k == round(90_000 / fps)


@pytest.mark.parametrize(
    ("options", "reorder"), [("bframes=0", 0), ("bframes=2:b-pyramid=0", 1), ("bframes=3:b-pyramid=1", 2)]
)
def test_parse_sps_of_x265_says_how_far_pictures_are_reordered(options: str, reorder: int) -> None:
    assert parse_sps(encode(Codec.H265, options=options).sets.sps[0]).reorder_frames == reorder


@pytest.mark.parametrize(
    "options", ["scaling-list=default", "temporal-layers=2", "hrd=1:vbv-maxrate=500:vbv-bufsize=500"]
)
def test_parse_sps_of_x265_with_more_tools_reaches_the_timing(options: str) -> None:
    assert parse_sps(encode(Codec.H265, options=options).sets.sps[0]).frame_90k == 3600


def test_codec_string_main_profile_is_as_browsers_know_it() -> None:
    sets = ParameterSets(Codec.H265, (VPS,), (H265Sps().nal(),), (PPS,))
    assert codec_string(sets) == "hvc1.1.6.L120.90"


def test_codec_string_main_10_profile_is_as_browsers_know_it() -> None:
    sets = ParameterSets(Codec.H265, (VPS,), (H265Sps(depths=(2, 2)).nal(),), (PPS,))
    assert codec_string(sets) == "hvc1.2.4.L120.90"


def test_codec_string_high_tier_and_profile_space_are_told() -> None:
    nal = bytearray(H265Sps().nal())
    nal[3] = 1 << 6 | 1 << 5 | 4
    assert codec_string(ParameterSets(Codec.H265, (VPS,), (bytes(nal),), (PPS,))) == "hvc1.A4.6.H120.90"


def test_hvcc_main_profile_has_the_bytes_of_the_standard() -> None:
    sps = H265Sps().nal()
    record = hvcc(ParameterSets(Codec.H265, (VPS,), (sps,), (PPS + b"\0\0",)))
    head = bytes.fromhex("01 01 60000000 900000000000 78 f000 fc fd f8 f8 0000 0f 03")
    arrays = [bytes((0x80 | kind, 0, 1, 0, len(nal))) + nal for kind, nal in ((32, VPS), (33, sps), (34, PPS))]
    assert record == head + b"".join(arrays)


@pytest.mark.parametrize("missing", ["vps", "sps", "pps"])
def test_hvcc_without_a_set_raises_camera_error(missing: str) -> None:
    sets = {"vps": (VPS,), "sps": (H265Sps().nal(),), "pps": (PPS,), missing: ()}
    with pytest.raises(CameraError, match="one of each is needed"):
        hvcc(ParameterSets(Codec.H265, **sets))


def test_codec_string_without_sps_raises_camera_error() -> None:
    with pytest.raises(CameraError):
        codec_string(ParameterSets(Codec.H265, (), (), ()))


def test_nal_types_of_x265_are_named() -> None:
    data = encode(Codec.H265, options="slices=2").data
    kinds = [NalType(data[0][a] >> 1 & 63) for a, _ in split(data[0])]
    assert kinds[:3] == [NalType.VPS, NalType.SPS, NalType.PPS]
    assert kinds[-1] in (NalType.IDR_W_RADL, NalType.IDR_N_LP)
    assert {NalType(data[1][a] >> 1 & 63) for a, _ in split(data[1])} <= {NalType.TRAIL_R, NalType.TRAIL_N}


@st.composite
def reference_sets(draw: st.DrawFn) -> tuple[CodedSet | PredictedSet, ...]:
    """Sets that follow the standard: no picture refers to itself, at most 15 others."""
    sets: list[CodedSet | PredictedSet] = []
    offsets: list[int] = []
    for index in range(draw(st.integers(0, 8))):
        if index and draw(st.booleans()):
            step = draw(st.sampled_from([-3, -2, -1, 1, 2]))
            targets = [offset + step for offset in (*offsets, 0)]
            flags = tuple(draw(st.tuples(st.booleans(), st.booleans())) if t else (False, False) for t in targets)
            sets.append(PredictedSet(step, flags))
            kept = [t for t, pair in zip(targets, flags, strict=True) if any(pair)]
            offsets = sorted([o for o in kept if o < 0], reverse=True) + sorted([o for o in kept if o > 0])
        else:
            negative, positive = (draw(st.lists(st.integers(0, 5), max_size=3).map(tuple)) for _ in range(2))
            sets.append(CodedSet(negative, positive))
            offsets = [-sum(n + 1 for n in negative[: i + 1]) for i in range(len(negative))]
            offsets += [sum(n + 1 for n in positive[: i + 1]) for i in range(len(positive))]
    return tuple(sets)


@st.composite
def spses(draw: st.DrawFn) -> H265Sps:
    sub_layers = draw(st.integers(0, 6))
    told = draw(st.sampled_from([1, sub_layers + 1]))
    return H265Sps(
        sub_layers=sub_layers,
        size=draw(st.tuples(st.integers(8, 500), st.integers(8, 300)).map(lambda s: (8 * s[0], 8 * s[1]))),
        window=draw(st.one_of(st.none(), st.tuples(*[st.integers(0, 7)] * 4))),
        depths=draw(st.sampled_from([(0, 0), (2, 2)])),
        reorder=tuple(sorted(draw(st.lists(st.integers(0, 14), min_size=told, max_size=told)))),
        scaling=draw(st.sampled_from([None, False, True])),
        pcm=draw(st.booleans()),
        sets=draw(reference_sets()),
        long_term=draw(st.one_of(st.none(), st.integers(0, 31))),
        vui=draw(
            st.one_of(
                st.none(),
                st.builds(
                    Vui,
                    aspect=st.sampled_from([None, 1, 14, 255]),
                    signal=st.booleans(),
                    chroma_location=st.booleans(),
                    timing=st.one_of(st.none(), st.tuples(st.integers(100, 2000), st.integers(1000, 60_000))),
                ),
            )
        ),
    )


@PATIENT
@given(spses(), st.sampled_from([b"", b"\0", b"\0\0\0"]))
def test_parse_sps_written_by_the_standard_says_what_libavcodec_says(sps: H265Sps, trailing: bytes) -> None:
    nal = sps.nal() + trailing
    info = parse_sps(nal)
    context = opened(b"".join(b"\0\0\0\1" + unit for unit in (sps.vps(), nal)))
    assert (info.width, info.height) == (context.width, context.height)
    assert info.reorder_frames == sps.reorder[-1]
    assert info.temporal_layers == sps.sub_layers + 1
    timing = sps.vui.timing if sps.vui else None
    if timing is None:
        assert info.frame_90k is None
    else:
        assert context.framerate == Fraction(timing[1], timing[0])
        assert info.frame_90k is not None
        assert abs(info.frame_90k - Fraction(90_000 * timing[0], timing[1])) <= Fraction(1, 2)


@pytest.mark.parametrize(
    "nal",
    [
        b"",
        b"\x42",
        PPS,
        H265Sps().nal()[:18],
        H265Sps(size=(16392, 8)).nal(),
        H265Sps(window=(480, 480, 0, 0)).nal(),
        H265Sps(depths=(7, 0)).nal(),
        H265Sps(reorder=(17,)).nal(),
    ],
)
def test_parse_sps_impossible_raises_camera_error(nal: bytes) -> None:
    with pytest.raises(CameraError):
        parse_sps(nal)


@pytest.mark.parametrize("sets", [(CodedSet((0,) * 17),), (CodedSet((0,)),) * 65])
def test_parse_sps_broken_reference_sets_cost_only_the_timing(sets: tuple[CodedSet, ...]) -> None:
    info = parse_sps(H265Sps(sets=sets, vui=Vui(timing=(1, 25))).nal())
    assert (info.width, info.height, info.frame_90k) == (1920, 1080, None)


@PATIENT
@given(st.binary(max_size=120))
def test_parse_sps_any_bytes_raises_only_camera_error(data: bytes) -> None:
    try:
        info = parse_sps(b"\x42\x01" + data)
    except CameraError:
        return
    assert info.width > 0
    assert info.height > 0


@PATIENT
@given(spses(), st.lists(st.tuples(st.integers(2, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_hvcc_mutated_sps_raises_only_camera_error(sps: H265Sps, changes: list[tuple[int, int]]) -> None:
    nal = bytearray(sps.nal())
    for position, byte in changes:
        nal[position % (len(nal) - 2) + 2] = byte
    sets = ParameterSets(Codec.H265, (VPS,), (bytes(nal),), (PPS,))
    try:
        record = hvcc(sets)
    except CameraError:
        return
    assert record[0] == 1
    assert codec_string(sets).startswith("hvc1.")
