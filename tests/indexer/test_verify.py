"""A sound recording is clean, and each kind of damage is found and named. No damage ever raises."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import keys, records, rows
from indexer.reader import IndexReader
from indexer.records import key_of
from indexer.registry import Registry
from indexer.rows import Usage
from indexer.verify import ADOPTABLE_US, Finding, Progress, verify
from indexer.writer import Commit, IndexWriter
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, TimeRange
from tests.indexer.sealed import MAIN, START_US, SUB, commit, file_of, write_file, write_part

EVER = TimeRange(0, 2**60)
NOW_US = START_US + 3600 * US_PER_S
LATER_US = NOW_US + ADOPTABLE_US


@pytest.fixture
def chunks(writer: IndexWriter, volume: Volume) -> list[SealedChunk]:
    made = [write_file(volume, START_US + n * 2 * US_PER_S, sequence=n + 1) for n in range(4)]
    commit(writer, *made, write_file(volume, START_US, track=SUB))
    writer.remember_volume(1, volume.uuid)
    return made


def found(reader: IndexReader, volume: Volume, *, deep: bool = False, now_us: int = LATER_US) -> list[Finding]:
    return verify(reader, {volume.number: volume}, now_us=now_us, deep=deep, report=lambda _: None)


def named(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.invariant.name, finding.where) for finding in findings]


def the_one(findings: list[Finding], invariant: str, where: object, words: str) -> None:
    assert named(findings) == [(invariant, str(where))]
    assert words in findings[0].what
    assert findings[0].hint


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.usefixtures("chunks")
def test_sound_recording_is_clean(reader: IndexReader, volume: Volume, deep: bool) -> None:
    write_part(volume, START_US + 100 * US_PER_S)
    told: list[Progress] = []
    assert verify(reader, {1: volume}, now_us=NOW_US, deep=deep, report=told.append) == []
    assert told[-1] == Progress(5, 5, 0)


def test_empty_index_is_clean(reader: IndexReader, volume: Volume) -> None:
    assert found(reader, volume) == []


# -- I1 ------------------------------------------------------------------------------------------------------------


def test_missing_file_is_found(reader: IndexReader, volume: Volume, chunks: list[SealedChunk]) -> None:
    file_of(volume, chunks[1]).unlink()
    the_one(found(reader, volume), "I1", file_of(volume, chunks[1]), "missing")


def test_missing_file_that_is_marked_lost_is_known(
    reader: IndexReader, writer: IndexWriter, volume: Volume, chunks: list[SealedChunk]
) -> None:
    file_of(volume, chunks[1]).unlink()
    writer.mark_lost(reader.chunks(MAIN, EVER)[1:2])
    assert found(reader, volume) == []


def test_lost_file_that_is_there_is_found(
    reader: IndexReader, writer: IndexWriter, volume: Volume, chunks: list[SealedChunk]
) -> None:
    writer.mark_lost(reader.chunks(MAIN, EVER)[1:2])
    the_one(found(reader, volume), "I1", file_of(volume, chunks[1]), "but it is there")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_truncated_file_is_found(
    reader: IndexReader, volume: Volume, chunks: list[SealedChunk], left: float, deep: bool
) -> None:
    file = file_of(volume, chunks[2])
    file.write_bytes(file.read_bytes()[: int(chunks[2].bytes * left)])
    assert named(found(reader, volume, deep=deep)) == [("I1", str(file))]


def test_longer_file_is_found(reader: IndexReader, volume: Volume, chunks: list[SealedChunk]) -> None:
    file = file_of(volume, chunks[2])
    file.write_bytes(file.read_bytes() + b"more")
    assert named(found(reader, volume)) == [("I1", str(file))]


def test_zeroed_file_is_found(reader: IndexReader, volume: Volume, chunks: list[SealedChunk]) -> None:
    file_of(volume, chunks[0]).write_bytes(bytes(chunks[0].bytes))
    assert named(found(reader, volume)) == [("I1", str(file_of(volume, chunks[0])))]


def test_flipped_picture_byte_is_found_by_a_deep_check_only(
    reader: IndexReader, volume: Volume, chunks: list[SealedChunk]
) -> None:
    file = file_of(volume, chunks[0])
    data = bytearray(file.read_bytes())
    data[data.index(b"key")] ^= 1
    file.write_bytes(data)
    assert found(reader, volume) == []
    assert named(found(reader, volume, deep=True)) == [("I1", str(file))]


def test_other_chunk_in_its_place_is_found(reader: IndexReader, volume: Volume, chunks: list[SealedChunk]) -> None:
    file_of(volume, chunks[0]).write_bytes(file_of(volume, chunks[1]).read_bytes())
    the_one(found(reader, volume), "I1", file_of(volume, chunks[0]), "the file says that it is")


@pytest.mark.usefixtures("chunks")
def test_volume_that_is_away_is_one_finding(reader: IndexReader) -> None:
    findings = verify(reader, {}, now_us=NOW_US, report=lambda _: None)
    assert named(findings) == [("I1", "volume 1")]


@pytest.mark.usefixtures("chunks")
def test_other_volume_of_the_same_number_is_found(reader: IndexReader, writer: IndexWriter, volume: Volume) -> None:
    writer.remember_volume(1, bytes(16))
    assert "another volume" in found(reader, volume)[0].what


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_damage_to_a_file_is_found_by_a_deep_check(
    reader: IndexReader, writer: IndexWriter, volume: Volume, data: st.DataObject
) -> None:
    name = ChunkName(MAIN, START_US, 2000, 1, 1)
    if reader.chunk(name) is None:
        commit(writer, write_file(volume, START_US))
    file = volume.resolve(name)
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(
        st.sampled_from(
            [
                whole[:at],
                whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1 :],
                whole[:at] + bytes(len(whole) - at),
            ]
        )
    )
    file.write_bytes(damaged)
    try:
        findings = named(found(reader, volume, deep=True))
    finally:
        file.write_bytes(whole)
    assert findings == ([("I1", str(file))] if damaged != whole else [])


# -- I2 ------------------------------------------------------------------------------------------------------------


def test_young_file_that_is_not_indexed_is_adoptable(reader: IndexReader, volume: Volume) -> None:
    write_file(volume, START_US)
    assert found(reader, volume, now_us=NOW_US) == []


def test_old_file_that_is_not_indexed_is_found(reader: IndexReader, volume: Volume) -> None:
    chunk = write_file(volume, START_US)
    the_one(found(reader, volume), "I2", file_of(volume, chunk), "not indexed")


def test_damaged_file_that_is_not_indexed_is_not_adoptable(reader: IndexReader, volume: Volume) -> None:
    chunk = write_file(volume, START_US)
    file_of(volume, chunk).write_bytes(b"")
    the_one(found(reader, volume, now_us=NOW_US), "I2", file_of(volume, chunk), "cannot be")


def test_garbage_is_no_finding(
    reader: IndexReader, writer: IndexWriter, volume: Volume, chunks: list[SealedChunk]
) -> None:
    writer.commit(Commit(garbage=(reader.chunks(MAIN, EVER)[0],)))
    assert file_of(volume, chunks[0]).exists()
    assert found(reader, volume) == []


def test_garbage_under_an_older_hold_is_found(
    reader: IndexReader, writer: IndexWriter, volume: Volume, chunks: list[SealedChunk], tmp_path: Path
) -> None:
    going = reader.chunk(ChunkName.of(chunks[1]))
    assert going is not None
    writer.commit(Commit(garbage=(going,), now_us=NOW_US))
    with Registry.open(tmp_path / "registry") as registry:
        for laid_us in (NOW_US - 1, NOW_US + 1):  # the second one came too late
            span = TimeRange(chunks[1].start_us, chunks[1].end_us)
            registry.holds.lay(span, channels=[7], reason="theft", author="An", now_us=laid_us)
        holds = registry.holds.all()
    volumes = {1: volume}
    early = verify(reader, volumes, now_us=LATER_US, holds=holds[:1], report=lambda _: None)
    the_one(early, "I3", ChunkName.of(chunks[1]).path(), "it is held")
    assert verify(reader, volumes, now_us=LATER_US, holds=holds[1:], report=lambda _: None) == []


def test_copy_on_another_volume_is_found(
    reader: IndexReader, writer: IndexWriter, volume: Volume, tmp_path: Path, chunks: list[SealedChunk]
) -> None:
    row = reader.chunks(MAIN, EVER)[0]
    with writer.store.write() as txn:
        txn.put(keys.CHUNK, key_of(row), records.encode(replace(row, volume=2)))
    assert ("I2", str(file_of(volume, chunks[0]))) in named(found(reader, volume))


# -- I5 ------------------------------------------------------------------------------------------------------------


def test_overlap_within_a_run_is_found(reader: IndexReader, writer: IndexWriter, volume: Volume) -> None:
    commit(writer, write_file(volume, START_US), write_file(volume, START_US + US_PER_S, sequence=2))
    the_one(found(reader, volume), "I5", MAIN, "chunk 2 of run 1")


def test_overlap_of_two_runs_is_allowed(reader: IndexReader, writer: IndexWriter, volume: Volume) -> None:
    commit(writer, write_file(volume, START_US), write_file(volume, START_US + US_PER_S, sequence=2, run=2))
    assert found(reader, volume) == []


# -- I7 ------------------------------------------------------------------------------------------------------------


def test_row_that_differs_from_its_footer_is_found(
    reader: IndexReader, writer: IndexWriter, volume: Volume, chunks: list[SealedChunk]
) -> None:
    row = reader.chunks(MAIN, EVER)[1]
    with writer.store.write() as txn:
        txn.put(keys.CHUNK, key_of(row), records.encode(replace(row, samples=row.samples + 1, lost_packets=3)))
    the_one(found(reader, volume), "I7", file_of(volume, chunks[1]), "differ in samples, lost_packets")


def test_row_by_name_of_a_whole_file_is_found(reader: IndexReader, writer: IndexWriter, volume: Volume) -> None:
    chunk = write_file(volume, START_US)
    writer.commit_names([(ChunkName.of(chunk), chunk.bytes, 1)])
    the_one(found(reader, volume), "I7", file_of(volume, chunk), "only the file's name")


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize(
    ("table", "key", "value", "words"),
    [
        (keys.USAGE, keys.usage(MAIN, 1), rows.encode_usage(Usage(7, 1)), "7 bytes on volume 1"),
        (keys.DAY, keys.day(MAIN, 20261118), bytes(180), "minutes of day 20261118"),
        (keys.DAY, keys.day(MAIN, 20261119), b"\1" + bytes(179), "minutes of day 20261119"),
        (keys.RUN, keys.run(MAIN, 1), rows.encode_run(rows.RunRecord(MAIN, 1, 0, 5, 4)), "run 1"),
    ],
)
def test_table_that_contradicts_the_rows_is_found(
    reader: IndexReader, writer: IndexWriter, volume: Volume, table: str, key: bytes, value: bytes, words: str
) -> None:
    with writer.store.write() as txn:
        txn.put(table, key, value)
    the_one(found(reader, volume), "I7", MAIN, words)


@pytest.mark.usefixtures("chunks")
def test_missing_init_segment_is_found(reader: IndexReader, writer: IndexWriter, volume: Volume) -> None:
    with writer.store.write() as txn:
        txn.delete(keys.INIT, keys.init(1))
    assert {finding.invariant.name for finding in found(reader, volume)} == {"I7"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    table=st.sampled_from([keys.CHUNK, keys.USAGE, keys.DAY, keys.RUN, keys.HEAD, keys.GARBAGE]),
    value=st.binary(max_size=200),
)
def test_nonsense_in_a_table_never_raises(
    reader: IndexReader, writer: IndexWriter, volume: Volume, table: str, value: bytes
) -> None:
    track = Track(9, TrackKind.MAIN)
    key = {
        keys.CHUNK: keys.chunk(track, START_US, 1),
        keys.USAGE: keys.usage(track, 1),
        keys.DAY: keys.day(track, 20261118),
        keys.RUN: keys.run(track, 1),
        keys.HEAD: keys.track(track),
        keys.GARBAGE: keys.garbage(1, "v1/x.mp4"),
    }[table]
    if reader.tracks() == []:
        commit(writer, write_file(volume, START_US, track=track))
    with writer.store.write() as txn:
        before = txn.get(table, key)
        txn.put(table, key, value)
    try:
        findings = found(reader, volume)
    finally:
        with writer.store.write() as txn:
            if before is None:
                txn.delete(table, key)
            else:
                txn.put(table, key, before)
    assert all(finding.what and finding.hint for finding in findings)
