import struct
import time
from dataclasses import replace
from fractions import Fraction

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.codec.h264 import NalType, avcc, codec_string, parse_sps
from nvr.codec.nal import split
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from tests.nvr.codec.bits import H264Sps, Vui
from tests.nvr.codec.streams import encode

SIZES = [(16, 16), (162, 98), (176, 144), (352, 288), (640, 360), (704, 576), (854, 480), (1366, 768), (1920, 1080)]
PPS = b"\x68\xee\x3c\x80"

PATIENT = settings(deadline=None)  # machines under load are slow now and then


def decoder(record: bytes, data: bytes) -> av.VideoFrame:
    """The first picture as libavcodec decodes it when it is opened with our record."""
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = record
    frames = context.decode(av.Packet(data)) + context.decode(None)
    return frames[0]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_parse_sps_of_x264_says_the_size_libavcodec_decodes(width: int, height: int) -> None:
    stream = encode(Codec.H264, width, height, frames=1)
    info = parse_sps(stream.sets.sps[0])
    frame = decoder(avcc(stream.sets), stream.data[0])
    assert (info.width, info.height) == (frame.width, frame.height) == (width, height)


@pytest.mark.parametrize("pixels", ["yuv422p", "yuv444p", "gray", "yuv420p10le", "yuv422p10le"])
def test_parse_sps_other_sample_formats_says_the_size_libavcodec_decodes(pixels: str) -> None:
    width, height = (161, 99) if pixels in ("yuv444p", "gray") else (162, 98)
    stream = encode(Codec.H264, width, height, frames=1, pixels=pixels)
    info = parse_sps(stream.sets.sps[0])
    frame = decoder(avcc(stream.sets), stream.data[0])
    assert (info.width, info.height) == (frame.width, frame.height) == (width, height)
    assert info.luma_depth_minus8 == (2 if "10" in pixels else 0)
    assert info.chroma_format == {"gray": 0, "yuv444p": 3}.get(pixels, 2 if "422" in pixels else 1)


@pytest.mark.parametrize(
    "fps", [Fraction(25), Fraction(15), Fraction(12), Fraction(30), Fraction(30000, 1001), Fraction(1)]
)
def test_parse_sps_of_x264_says_the_duration_of_a_frame(fps: Fraction) -> None:
    stream = encode(Codec.H264, frames=1, fps=fps)
    assert parse_sps(stream.sets.sps[0]).frame_90k == round(90_000 / fps)


@pytest.mark.parametrize(
    ("options", "reorder"), [("bframes=0", 0), ("bframes=2:b-pyramid=none", 1), ("bframes=3:b-pyramid=normal", 2)]
)
def test_parse_sps_of_x264_says_how_far_pictures_are_reordered(options: str, reorder: int) -> None:
    stream = encode(Codec.H264, options=options)
    assert parse_sps(stream.sets.sps[0]).reorder_frames == reorder


def test_parse_sps_interlaced_counts_both_fields() -> None:
    stream = encode(Codec.H264, 704, 572, frames=2, options="interlaced=1:tff=1")
    info = parse_sps(stream.sets.sps[0])
    assert (info.width, info.height, info.frame_90k) == (704, 572, 3600)


def test_codec_string_baseline_has_profile_66() -> None:
    stream = encode(Codec.H264, options="baseline")
    assert codec_string(stream.sets) == "avc1.42c00b"
    assert parse_sps(stream.sets.sps[0]).reorder_frames == 0


def test_codec_string_main_has_six_digits_from_the_sps() -> None:
    sets = ParameterSets(Codec.H264, (), (H264Sps(profile=0x4D, constraints=0x40, level=0x28).nal(),), (PPS,))
    assert codec_string(sets) == "avc1.4d4028"


def test_avcc_main_profile_has_the_bytes_of_the_standard() -> None:
    sps = H264Sps().nal()
    record = avcc(ParameterSets(Codec.H264, (), (sps,), (PPS, PPS + b"\0\0")))
    assert record == b"\x01\x4d\x40\x1f\xff\xe1" + struct.pack(">H", len(sps)) + sps + b"\x02" + 2 * (b"\0\x04" + PPS)


def test_avcc_high_profile_ends_with_the_sample_format() -> None:
    sps = H264Sps(profile=122, chroma=2, depths=(2, 1)).nal()
    assert avcc(ParameterSets(Codec.H264, (), (sps,), (PPS,)))[-4:] == b"\xfe\xfa\xf9\x00"


@pytest.mark.parametrize(("sps", "pps"), [((), (PPS,)), ((b"\x67",), (PPS,)), ((H264Sps().nal(),), ())])
def test_avcc_without_a_usable_set_raises_camera_error(sps: tuple[bytes, ...], pps: tuple[bytes, ...]) -> None:
    with pytest.raises(CameraError):
        avcc(ParameterSets(Codec.H264, (), sps, pps))


def test_codec_string_without_sps_raises_camera_error() -> None:
    with pytest.raises(CameraError):
        codec_string(ParameterSets(Codec.H264, (), (), ()))


def test_nal_types_of_x264_are_named() -> None:
    stream = encode(Codec.H264, options="slices=4")
    kinds = [[NalType(data[a] & 31) for a, _ in split(data)] for data in stream.data[:2]]
    assert kinds[0][:3] == [NalType.SPS, NalType.PPS, NalType.SEI]
    assert kinds[0][3:] == [NalType.IDR] * 4
    assert kinds[1] == [NalType.SLICE] * 4


SCALES = st.one_of(st.none(), st.just((-8,)))  # −8 ends the list at once: use the default
VUIS = st.builds(
    Vui,
    aspect=st.sampled_from([None, 1, 14, 255]),
    signal=st.booleans(),
    chroma_location=st.booleans(),
    timing=st.one_of(st.none(), st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), st.just((1, 50))),
    hrd_buffers=st.tuples(st.integers(0, 32), st.integers(0, 3)),
    reorder=st.one_of(st.none(), st.integers(0, 16)),
)
SPSES = st.builds(
    H264Sps,
    profile=st.sampled_from([66, 77, 88, 100, 110, 122, 244]),
    constraints=st.integers(0, 15).map(lambda n: n << 4),
    level=st.sampled_from([9, 10, 11, 30, 31, 40, 41, 51, 62, 255]),
    chroma=st.integers(0, 3),
    depths=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    order_type=st.integers(0, 2),
    order_cycle=st.lists(st.integers(-500, 500), max_size=255).map(tuple),
    reference_frames=st.integers(0, 16),
    macroblocks=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    interlaced=st.booleans(),
    crop=st.one_of(st.none(), st.tuples(*[st.integers(0, 1)] * 4)),
    vui=st.one_of(st.none(), VUIS),
)


@st.composite
def spses(draw: st.DrawFn) -> H264Sps:
    sps = draw(SPSES)
    lists = 12 if sps.chroma == 3 else 8
    full = st.lists(st.integers(1, 2), min_size=16, max_size=16).map(tuple)
    scaling = draw(st.one_of(st.just(()), st.tuples(*[st.one_of(SCALES, full)] * 6, *[SCALES] * (lists - 6))))
    return replace(sps, scaling_lists=scaling)


@PATIENT
@given(spses(), st.sampled_from([b"", b"\0", b"\0\0\0", b"\xff\x17\0"]))
def test_parse_sps_written_by_the_standard_reads_every_field(sps: H264Sps, trailing: bytes) -> None:
    info = parse_sps(sps.nal() + trailing)
    chroma, depths = (sps.chroma, sps.depths) if sps.profile >= 100 else (1, (0, 0))
    fields = 2 if sps.interlaced else 1
    left, right, top, bottom = sps.crop or (0, 0, 0, 0)
    across = 2 if chroma in (1, 2) else 1
    down = (2 if chroma == 1 else 1) * fields
    assert info.width == 16 * sps.macroblocks[0] - across * (left + right)
    assert info.height == 16 * sps.macroblocks[1] * fields - down * (top + bottom)
    assert (info.profile_idc, info.constraint_flags, info.level_idc) == (sps.profile, sps.constraints, sps.level)
    assert (info.chroma_format, info.luma_depth_minus8, info.chroma_depth_minus8) == (chroma, *depths)
    if sps.vui is not None and sps.vui.reorder is not None:
        assert info.reorder_frames == sps.vui.reorder
    if sps.vui is None or sps.vui.timing is None:
        assert info.frame_90k is None
    elif info.frame_90k is not None:
        units, scale = sps.vui.timing
        assert abs(info.frame_90k - Fraction(180_000 * units, scale)) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("sps", "reorder"),
    [
        (H264Sps(profile=66, reference_frames=4), 0),
        (H264Sps(order_type=2, reference_frames=4), 0),
        (H264Sps(profile=100, constraints=0x10, reference_frames=4), 0),
        (H264Sps(reference_frames=1), 0),
        (H264Sps(reference_frames=0), 0),
        (H264Sps(reference_frames=3), 2),
        (H264Sps(reference_frames=16, level=31), 5),  # table A-1: 18 000 macroblocks hold five pictures of 80 × 45
        (H264Sps(reference_frames=3, vui=Vui(timing=(1, 50))), 2),
    ],
)
def test_parse_sps_without_bitstream_restriction_bounds_the_reordering(sps: H264Sps, reorder: int) -> None:
    assert parse_sps(sps.nal()).reorder_frames == reorder


@pytest.mark.parametrize("timing", [(0, 50), (1, 0), (2**32 - 1, 1), (1, 2**32 - 1)])
def test_parse_sps_absurd_timing_counts_as_none(timing: tuple[int, int]) -> None:
    assert parse_sps(H264Sps(vui=Vui(timing=timing)).nal()).frame_90k is None


def test_parse_sps_broken_vui_keeps_the_size_and_the_timing() -> None:
    whole = H264Sps(vui=Vui(timing=(1, 50), hrd_buffers=(32, 32), reorder=3)).nal()
    info = parse_sps(whole[:40])
    assert (info.width, info.height, info.frame_90k, info.reorder_frames) == (1280, 720, 3600, 0)


@pytest.mark.parametrize(
    "nal",
    [
        b"",
        b"\x68\xee\x3c\x80",
        H264Sps().nal()[:6],
        H264Sps(crop=(0, 640, 0, 0)).nal(),
        H264Sps(macroblocks=(1025, 1)).nal(),
        H264Sps(order_type=3).nal(),
        H264Sps(profile=100, chroma=4).nal(),
        H264Sps(profile=100, depths=(7, 0)).nal(),
    ],
)
def test_parse_sps_impossible_raises_camera_error(nal: bytes) -> None:
    with pytest.raises(CameraError):
        parse_sps(nal)


@PATIENT
@given(st.binary(max_size=120))
def test_parse_sps_any_bytes_raises_only_camera_error(data: bytes) -> None:
    try:
        info = parse_sps(b"\x67" + data)
    except CameraError:
        return
    assert info.width > 0
    assert info.height > 0


@PATIENT
@given(spses(), st.lists(st.tuples(st.integers(1, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_avcc_mutated_sps_raises_only_camera_error(sps: H264Sps, changes: list[tuple[int, int]]) -> None:
    nal = bytearray(sps.nal())
    for position, byte in changes:
        nal[position % (len(nal) - 1) + 1] = byte
    sets = ParameterSets(Codec.H264, (), (bytes(nal),), (PPS,))
    try:
        record = avcc(sets)
    except CameraError:
        return
    assert record[1:4] == bytes(nal[1:4])
    assert len(codec_string(sets)) == 11


def test_parse_sps_huge_hostile_set_is_refused_in_little_time() -> None:
    started = time.process_time()
    with pytest.raises(CameraError):
        parse_sps(b"\x67\x64\0\x28" + b"\xff" * 2 + bytes(1 << 20))
    parse_sps(H264Sps(order_type=1, order_cycle=(0,) * 255).nal() + b"\xff" * (1 << 20))
    assert time.process_time() - started < 0.5
