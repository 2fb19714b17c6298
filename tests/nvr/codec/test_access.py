import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.codec.access import is_intra, is_recovery_point, is_slice, nal_kind, picture_parameter_set
from nvr.codec.nal import split
from nvr.media import Codec
from tests.nvr.codec.bits import BitWriter
from tests.nvr.codec.streams import encode

USER_DATA = b"\x05\xff\x02" + bytes(range(1, 129)) * 2 + b"x"  # payloadType 5 of 257 bytes


def slice_264(kind: int, slice_type: int, pps: int, first_macroblock: int = 0) -> bytes:
    bits = BitWriter()
    bits.ue(first_macroblock, slice_type, pps)
    bits.u(16, 0xABCD)
    return bits.nal(bytes((0x60 | kind,)))


def slice_265(kind: int, pps: int) -> bytes:
    bits = BitWriter()
    bits.u(2 if 16 <= kind < 24 else 1, 2 if 16 <= kind < 24 else 1)
    bits.ue(pps)
    bits.u(16, 0xABCD)
    return bits.nal(bytes((kind << 1, 1)))


@pytest.mark.parametrize("pps", [0, 1, 7, 255])
@pytest.mark.parametrize("first_macroblock", [0, 3600])
def test_picture_parameter_set_of_h264_slices(pps: int, first_macroblock: int) -> None:
    for kind, slice_type in ((5, 7), (1, 0), (1, 5)):
        assert picture_parameter_set(Codec.H264, slice_264(kind, slice_type, pps, first_macroblock)) == pps


@pytest.mark.parametrize("pps", [0, 1, 63])
@pytest.mark.parametrize("kind", [0, 1, 19, 20, 21])
def test_picture_parameter_set_of_h265_slices(kind: int, pps: int) -> None:
    assert picture_parameter_set(Codec.H265, slice_265(kind, pps)) == pps


@pytest.mark.parametrize("slice_type", range(10))
def test_is_intra_by_slice_type(slice_type: int) -> None:
    assert is_intra(slice_264(1, slice_type, 0)) is (slice_type in (2, 4, 7, 9))


@pytest.mark.parametrize(
    ("codec", "nal", "expected"),
    [
        (Codec.H264, b"\x06\x06\x01\xc4\x80", True),
        (Codec.H264, b"\x06" + USER_DATA + b"\x06\x01\xc4\x80", True),
        (Codec.H264, b"\x06" + USER_DATA + b"\x80", False),
        (Codec.H264, b"\x06\x01\x01\x06\x80", False),  # a picture timing message that holds a 6
        (Codec.H264, b"\x41\x06\x01\xc4\x80", False),
        (Codec.H265, b"\x4e\x01\x06\x01\xd0\x80", True),
        (Codec.H265, b"\x50\x01\x06\x01\xd0\x80", False),  # a suffix SEI
        (Codec.H264, b"\x06" + b"\xff" * 2000, False),
    ],
)
def test_is_recovery_point_reads_the_messages(codec: Codec, nal: bytes, expected: bool) -> None:
    assert is_recovery_point(codec, nal) is expected


def test_x264_with_intra_refresh_marks_its_recovery_points() -> None:
    stream = encode(Codec.H264, frames=40, options="intra-refresh=1")
    units = [[sample[start:end] for start, end in split(sample)] for sample in stream.data]
    marked = [any(is_recovery_point(Codec.H264, unit) for unit in sample) for sample in units]
    assert not any(nal_kind(Codec.H264, unit) == 5 for sample in units[1:] for unit in sample)
    assert sum(marked[1:]) >= 2


@given(st.sampled_from(list(Codec)), st.binary(min_size=1, max_size=80))
def test_any_bytes_raise_nothing(codec: Codec, nal: bytes) -> None:
    picture_parameter_set(codec, nal)
    is_recovery_point(codec, nal)
    is_recovery_point(codec, (b"\x06" if codec is Codec.H264 else b"\x4e\x01") + nal)
    is_slice(codec, nal)
    is_intra(nal)
