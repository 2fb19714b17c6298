from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.codec.nal import BitReader, counted, length_prefixed, rbsp, split, split_annex_b
from nvr.errors import CameraError
from tests.nvr.codec.bits import BitWriter, escaped

UNIT = st.binary(min_size=1, max_size=40).map(lambda raw: b"\x65" + escaped(raw) + b"\x80")

PATIENT = settings(deadline=None)  # machines under load are slow now and then


@PATIENT
@given(st.lists(UNIT, max_size=8))
def test_split_length_prefixed_units_gives_each_unit_back(units: list[bytes]) -> None:
    data = length_prefixed(*units)
    assert [data[a:b] for a, b in split(data)] == units
    assert [bytes(memoryview(data)[a:b]) for a, b in split(memoryview(data))] == units


@PATIENT
@given(st.lists(UNIT, min_size=1, max_size=8), st.data())
def test_split_truncated_sample_raises_after_the_whole_units(units: list[bytes], draw: st.DataObject) -> None:
    data = length_prefixed(*units)
    whole = [0]
    for unit in units:
        whole.append(whole[-1] + 4 + len(unit))
    cut = draw.draw(st.integers(1, len(data) - 1).filter(lambda n: n not in whole))
    ranges = split(data[:cut])
    seen = sum(end <= cut for end in whole[1:])
    assert [data[a:b] for a, b in islice(ranges, seen)] == units[:seen]
    with pytest.raises(CameraError):
        next(ranges)


@PATIENT
@given(st.binary(max_size=200))
def test_split_any_bytes_raises_only_camera_error(data: bytes) -> None:
    try:
        ranges = list(split(data))
    except CameraError:
        return
    assert sum(4 + b - a for a, b in ranges) == len(data)


@PATIENT
@given(
    st.lists(UNIT, max_size=6),
    st.lists(st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\1"]), min_size=6, max_size=6),
)
def test_split_annex_b_any_start_codes_gives_each_unit_back(units: list[bytes], codes: list[bytes]) -> None:
    data = b"".join(code + unit for code, unit in zip(codes, units, strict=False)) + b"\0\0"
    assert [data[a:b] for a, b in split_annex_b(data)] == units


def test_split_annex_b_without_start_code_gives_nothing() -> None:
    assert list(split_annex_b(b"\x67\x42\0\0")) == []
    assert list(split_annex_b(b"")) == []
    assert list(split_annex_b(b"\0\0\1\0\0\1")) == []


@PATIENT
@given(st.binary(max_size=300))
def test_rbsp_escaped_bytes_come_back(raw: bytes) -> None:
    assert rbsp(b"\x67" + escaped(raw), 1) == raw


@PATIENT
@given(st.lists(st.integers(0, 8).map(lambda n: b"\0" * n + b"\3"), max_size=10).map(b"".join))
def test_rbsp_runs_of_zeros_and_threes_come_back(raw: bytes) -> None:
    assert rbsp(b"\x42\x01" + escaped(raw), 2) == raw


FIELD = st.one_of(
    st.tuples(st.just("u"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("ue"), st.integers(0, 2**32 - 2)),
    st.tuples(st.just("se"), st.integers(-(2**31) + 1, 2**31 - 1)),
)


@PATIENT
@given(st.lists(FIELD, max_size=30))
def test_bit_reader_written_fields_come_back(fields: list[tuple[str, int]]) -> None:
    writer = BitWriter()
    for kind, number in fields:
        if kind == "u":
            writer.u(32, number)
        else:
            getattr(writer, kind)(number)
    reader = BitReader(rbsp(writer.nal(b""), 0))
    for kind, number in fields:
        assert (reader.u(32) if kind == "u" else getattr(reader, kind)()) == number


def test_bit_reader_at_the_end_raises_camera_error() -> None:
    reader = BitReader(b"\x80")
    assert reader.u(0) == 0
    assert reader.flag()
    assert reader.left == 7
    with pytest.raises(CameraError, match="8 bits wanted, 7 there"):
        reader.u(8)
    with pytest.raises(CameraError):
        reader.ue()


def test_bit_reader_number_of_more_than_32_bits_raises_camera_error() -> None:
    with pytest.raises(CameraError, match="longer than 32 bits"):
        BitReader(bytes(40)).ue()


class Counted(bytes):
    """Bytes that know how many of them were looked at."""

    seen = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        piece = super().__getitem__(key)
        Counted.seen += len(piece) if isinstance(key, slice) else 1
        return piece


@pytest.mark.parametrize("size", [100, 1000, 10_000])
def test_bit_reader_looks_at_as_many_bytes_for_each_code_however_long_the_data(size: int) -> None:
    reader = BitReader(Counted(b"\xa6" * size))  # 010 and 1 1 … : codes of one and three bits
    Counted.seen = 0
    for _ in range(200):
        reader.ue()
    assert Counted.seen <= 200 * 8


def test_counted_trailing_zeros_are_left_out() -> None:
    assert counted(b"\x68\xee\x3c\x80\0\0\0") == b"\0\4\x68\xee\x3c\x80"


def test_counted_too_long_raises_camera_error() -> None:
    with pytest.raises(CameraError):
        counted(b"\x68" * 65_536)
