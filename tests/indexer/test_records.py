"""Rows come back as they were, stay short, and a damaged one is an IntegrityError."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import keys, records, rows
from indexer.records import ChunkRecord
from nvr.chunk.name import ChunkName, parse
from nvr.errors import IntegrityError
from nvr.media import CutReason, Gap, GapReason, Track, TrackKind
from tests.indexer.sealed import MAIN, sealed

U32 = st.integers(0, 2**32 - 1)
TRACKS = st.builds(Track, st.integers(1, 99_999), st.sampled_from(TrackKind))
RECORDS = st.builds(
    ChunkRecord,
    track=TRACKS,
    start_us=st.integers(0, 2**53),
    duration_us=st.integers(1, 2**31),
    run=U32,
    sequence=U32,
    volume=st.integers(0, 65535),
    root=st.binary(min_size=16, max_size=16),
    bytes=U32,
    recovered=st.booleans(),
    lost=st.booleans(),
    by_name=st.booleans(),
    samples=U32,
    fragments=st.integers(0, 65535),
    init_id=U32,
    preamble_bytes=st.integers(0, 2**20),
    composition_delay_90k=U32,
    media_90k=st.integers(0, 2**27),
    lost_packets=U32,
    is_coarse=st.booleans(),
    is_clock_doubtful=st.booleans(),
)


@given(RECORDS)
def test_chunk_row_decoded_is_what_was_encoded(record: ChunkRecord) -> None:
    assert records.decode(records.key_of(record), records.encode(record)) == record


def test_typical_main_chunk_takes_less_than_200_bytes() -> None:
    assert len(records.encode(records.from_sealed(sealed(), 1, 1))) == 180


def test_row_of_sealed_chunk_names_its_file() -> None:
    chunk = sealed(recovered=True, duration_us=61_234_567)
    record = records.from_sealed(chunk, 3, 9)
    assert record.name() == ChunkName.of(chunk)
    assert (record.volume, record.init_id, record.root) == (3, 9, chunk.root[:16])
    assert record.end_us == chunk.end_us


def test_row_of_a_name_names_the_same_file() -> None:
    name = ChunkName.of(sealed())
    record = records.from_name(name, 1234, 2)
    assert parse(record.name().path()) == name
    assert record.by_name
    assert record.seek(name.start_us + 1_000_000) == 0


@given(st.integers(0, 59_999_999))
def test_seek_in_a_row_gives_the_fragment_of_the_instant(offset_us: int) -> None:
    record = records.from_sealed(sealed(), 1, 1)
    assert record.seek(record.start_us + offset_us) == 1_100 + offset_us // 2_000_000 * 1_000_000


@given(st.binary(max_size=220), st.binary(max_size=20))
def test_nonsense_row_is_an_integrity_error(value: bytes, key: bytes) -> None:
    with pytest.raises(IntegrityError):
        records.decode(key if len(key) != 14 else key[:13], value)


@given(st.data())
def test_damaged_row_is_read_or_an_integrity_error(data: st.DataObject) -> None:
    record = records.from_sealed(sealed(), 1, 1)
    value = bytearray(records.encode(record))
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(value[: data.draw(st.integers(0, len(value)))])
    try:
        found = records.decode(records.key_of(record), cut)
    except IntegrityError:
        return
    assert isinstance(found.keyframes, tuple)
    found.seek(found.start_us + 30_000_000)


@given(TRACKS, TRACKS, st.integers(0, 2**60), st.integers(0, 2**60))
def test_keys_sort_as_tracks_and_times(first: Track, second: Track, first_us: int, second_us: int) -> None:
    in_order = (first.id, first_us) < (second.id, second_us)
    assert (keys.chunk(first, first_us, 1) < keys.chunk(second, second_us, 1)) == in_order


@given(TRACKS, st.integers(0, 2**60), st.integers(0, 2**60), st.sampled_from(GapReason), st.text(max_size=60))
def test_gap_row_decoded_is_what_was_encoded(
    track: Track, start: int, end: int, reason: GapReason, detail: str
) -> None:
    gap = Gap(track, start, end, reason, detail)
    if len(detail.encode()) <= rows.DETAIL_BYTES:
        assert rows.decode_gap(keys.instant(track, start), rows.encode_gap(gap)) == gap


def test_long_detail_is_cut_between_letters() -> None:
    gap = Gap(MAIN, 1, 2, GapReason.NETWORK, "ồ" * 100)
    assert rows.decode_gap(keys.instant(MAIN, 1), rows.encode_gap(gap)) == replace(gap, detail="ồ" * 66)


@given(st.sampled_from(CutReason), U32, U32)
def test_head_row_decoded_is_what_was_encoded(cut: CutReason, run: int, sequence: int) -> None:
    head = rows.HeadRecord(MAIN, 5, 9, run, sequence, cut, bytes(range(32)))
    assert rows.decode_head(keys.track(MAIN), rows.encode_head(head)) == head


def test_every_reason_and_cut_has_a_number_of_its_own() -> None:
    decoded = {rows.decode_gap(keys.instant(MAIN, 1), rows.encode_gap(Gap(MAIN, 1, 2, r))).reason for r in GapReason}
    assert decoded == set(GapReason)


@pytest.mark.parametrize("decoder", [rows.decode_gap, rows.decode_run, rows.decode_head, rows.decode_usage])
def test_short_row_is_an_integrity_error(decoder: object) -> None:
    key = keys.instant(MAIN, 1) if decoder is rows.decode_gap else keys.run(MAIN, 1)
    with pytest.raises(IntegrityError):
        decoder(key, b"\0")  # type: ignore[operator]
