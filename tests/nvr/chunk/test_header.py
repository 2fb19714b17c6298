"""The header box."""

import zlib

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
    name=st.text(max_size=30),
    is_clock_doubtful=st.booleans(),
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


# The header of the worked example as format version 1 had it, made by the program of then; its CRC counts from zero.
VERSION_1 = bytes.fromhex(
    "0000009c 75756964 6e7672a0486153788001c10e5d9b7a31 01 00 0000 00000007 0000002a 00000003 0006608b01630090 00000000"
    "000102030405060708090a0b0c0d0e0f" + "00" * 32 + "0008 48e1bb932058c3a1 0007 6578616d706c65 01 000101"
    "0015 6742c00dda0a36840000030004000afc803c50aa80 0004 68ce3c80"
)


def test_header_of_version_1_is_read_without_name_and_marks() -> None:
    whole = BEFORE + VERSION_1
    header = ChunkHeader.decode(whole + zlib.crc32(whole).to_bytes(4, "big"), len(BEFORE))
    assert (header.site, header.engine, header.track.channel, header.run) == ("Hồ Xá", "example", 7, 42)
    assert header.parameter_sets.pps == (bytes.fromhex("68ce3c80"),)
    assert (header.name, header.is_clock_doubtful) == ("", False)
