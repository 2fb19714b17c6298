"""The header box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.chunk.header import NO_ROOT, ChunkHeader
from nvr.codec.box import box
from nvr.errors import IntegrityError
from nvr.media import Codec, ParameterSets, Track, TrackKind

UNITS = st.lists(st.binary(min_size=1, max_size=60), max_size=3).map(tuple)
SETS = st.builds(ParameterSets, st.sampled_from(Codec), UNITS, UNITS, UNITS)
U32 = st.integers(0, 2**32 - 1)
HEADERS = st.builds(
    ChunkHeader,
    site=st.text(max_size=30),
    volume_uuid=st.binary(min_size=16, max_size=16),
    track=st.builds(Track, st.integers(1, 2**28 - 1), st.sampled_from(TrackKind)),
    run=U32,
    sequence=U32,
    start_us=st.integers(-(2**63), 2**63 - 1),
    parameter_sets=SETS,
    composition_delay_90k=U32,
    engine=st.text(max_size=30),
    previous_root=st.binary(min_size=32, max_size=32),
)
BEFORE = box(b"ftyp", b"iso6") + box(b"moov", b"some boxes")
SAMPLE = ChunkHeader(
    "Hồ Xá", bytes(range(16)), Track(55, TrackKind.SUB), 42, 7, 1_795_000_000_000_000,
    ParameterSets(Codec.H264, (), (b"\x67\x42",), (b"\x68\xce", b"\x68\xcf")), 7200, "hoxa-nvr 0.1.0", NO_ROOT,
)  # fmt: skip


@given(HEADERS)
def test_header_of_any_values_decodes_back(header: ChunkHeader) -> None:
    assert ChunkHeader.decode(BEFORE + header.encode(BEFORE), len(BEFORE)) == header


@given(st.data())
def test_header_with_any_changed_byte_is_refused(data: st.DataObject) -> None:
    whole = bytearray(BEFORE + SAMPLE.encode(BEFORE))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError):
        ChunkHeader.decode(bytes(whole), len(BEFORE))


@given(st.data())
def test_header_cut_anywhere_is_refused(data: st.DataObject) -> None:
    whole = BEFORE + SAMPLE.encode(BEFORE)
    with pytest.raises(IntegrityError):
        ChunkHeader.decode(whole[: data.draw(st.integers(0, len(whole) - 1))], len(BEFORE))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_decode_of_noise_raises_integrity_error_only(noise: bytes, start: int) -> None:
    with pytest.raises(IntegrityError):
        ChunkHeader.decode(noise, start)
