"""The catastrophe of a disk that changes what it holds: damage is named, spreads to nothing, and stops no start."""

import random
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from indexer import keys
from indexer.reader import IndexReader
from indexer.rebuild import rebuild
from indexer.repair import Mended, renew, repair
from indexer.verify import verify
from indexer.writer import IndexWriter
from nvr.chunk.reader import ChunkReader
from nvr.chunk.scan import read_fragment
from nvr.chunk.source import ByteSource
from nvr.chunk.stamp import STAMP_UUID
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.media import GapReason
from nvr.timebase import US_PER_DAY, TimeRange
from tests.crash.amounts import times
from tests.crash.house import RESTART_US, TRACKS, House
from tests.crash.judge import judge
from tests.crash.ledger import Account, Ledger, Picture
from tests.indexer.sealed import contents
from tests.manual_clock import ManualClock
from tests.test_kill import recorded_times

ROUNDS = 14  # nothing is too old yet
DRAWS = times(8)

Damage = Callable[[Path, Path, random.Random], set[Path]]  # a file, another one; gives those that are damaged now


def flip(path: Path, _other: Path, draw: random.Random) -> set[Path]:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
    path.write_bytes(content)
    return {path}


def truncate(path: Path, _other: Path, draw: random.Random) -> set[Path]:
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])
    return {path}


def zero(path: Path, _other: Path, draw: random.Random) -> set[Path]:
    content = bytearray(path.read_bytes())
    start = draw.randrange(len(content) - 64)
    end = draw.randrange(start + 64, len(content) + 1)
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    return {path}


def swap(path: Path, other: Path, draw: random.Random) -> set[Path]:
    mine, its = path.read_bytes(), other.read_bytes()
    path.write_bytes(its)
    other.write_bytes(mine)
    return {path, other}


def delete(path: Path, _other: Path, draw: random.Random) -> set[Path]:
    path.unlink()
    return {path}


DAMAGES = (flip, truncate, zero, swap, delete)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def stored(memory: Path, ledger: Ledger) -> Path:
    """A house that was stopped properly."""
    with House(memory / "stored", ledger) as house:
        house.recover()
        house.rounds(ROUNDS)
        house.finish()
    return memory / "stored"


@pytest.fixture
def left(memory: Path, ledger: Ledger) -> Path:
    """A house after a kill: open parts, and sealed files without rows."""
    with House(memory / "left", ledger) as house:
        house.recover()
        house.rounds(3)
        for _ in range(7):
            house.record()
    return memory / "left"


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / "volume").glob(f"v1/**/*{suffix}"))


def findings(folder: Path, now_us: int) -> set[str]:
    """The places that ``nvr check --deep`` names."""
    with (
        IndexReader.open(folder / "index") as reader,
        Volume.open(1, folder / "volume", create=False, clock=ManualClock(now_us), read_only=True) as volume,
    ):
        found = verify(reader, {1: volume}, now_us=now_us + US_PER_DAY, deep=True, report=lambda _: None)
    return {finding.where for finding in found}


def made_anew(folder: Path) -> None:
    with Volume.open(1, folder / "volume", create=False, clock=ManualClock()) as volume:
        rebuild(folder / "index", {1: volume}, lambda _: None)


def shown(folder: Path, without: set[Path]) -> set[Picture]:
    """The pictures in a house, apart from some files, which go."""
    for path in without:
        path.unlink(missing_ok=True)
    with Volume.open(1, folder / "volume", create=False, clock=ManualClock(), read_only=True) as volume:
        return {(track, at_us) for track in TRACKS for at_us in recorded_times(volume, track)}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_named_alone_and_stops_no_start(
    stored: Path, ledger: Ledger, memory: Path, damage: Damage
) -> None:
    end_us = Account.of(ledger.lines).end_us
    for seed in range(DRAWS):
        draw, folder = random.Random(seed), memory / f"damaged{seed}"
        shutil.copytree(stored, folder)
        path, other = draw.sample(files(folder, ".mp4"), 2)
        damaged = damage(path, other, draw)
        assert findings(folder, end_us) == {str(path) for path in damaged}
        with House(folder, Ledger(), at_us=end_us + RESTART_US) as house:
            house.recover()
            house.rounds(1)
            house.finish()
            assert house.engine.failures == []
        assert findings(folder, end_us) == {str(path) for path in damaged}
        made_anew(folder)
        assert findings(folder, end_us) <= {str(path) for path in damaged if path.exists()}
        kept = shown(folder, damaged)
        assert shown(stored, set()) - shown_in(stored, folder, damaged) <= kept


def shown_in(stored: Path, folder: Path, damaged: set[Path]) -> set[Picture]:
    """The pictures that the damaged files held before."""
    whole = {stored / path.relative_to(folder) for path in damaged}
    with Volume.open(1, stored / "volume", create=False, clock=ManualClock(), read_only=True) as volume:
        chunks = [(name, name.start_us + name.duration_ms * 1000) for name, _ in volume.chunks()]
        spans = [(name.track, name.start_us, end_us) for name, end_us in chunks if volume.resolve(name) in whole]
    return {
        (track, at_us)
        for track, at_us in shown(stored, set())
        for of, start_us, end_us in spans
        if of == track and start_us <= at_us < end_us
    }


@pytest.mark.parametrize("suffix", [".part", ".mp4"])
@pytest.mark.parametrize("damage", [flip, truncate, zero, delete])
def test_damage_to_what_a_crash_left_costs_no_more_than_that_file(
    left: Path, ledger: Ledger, memory: Path, damage: Damage, suffix: str
) -> None:
    everything = Account.of(ledger.lines)
    for seed in range(DRAWS):
        draw, folder = random.Random(seed), memory / f"damaged{seed}"
        shutil.copytree(left, folder)
        path = draw.choice(files(folder, suffix))
        damage(path, path, draw)
        with House(folder, Ledger(), at_us=everything.end_us + RESTART_US) as house:
            house.recover()
            house.finish()
            assert house.engine.failures == []
        assert findings(folder, everything.end_us) == set()
        missing = everything.written - shown(folder, set())
        assert len({track for track, _ in missing}) <= 1
        assert len(missing) <= 5  # what one file holds


def cut_index(data: Path, size_bytes: int) -> None:
    data.write_bytes(data.read_bytes()[:size_bytes])


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda index: shutil.rmtree(index), id="folder-deleted"),
        pytest.param(lambda index: (index / "data.mdb").unlink(), id="file-deleted"),
        pytest.param(lambda index: cut_index(index / "data.mdb", 0), id="cut-to-nothing"),
        pytest.param(lambda index: cut_index(index / "data.mdb", 4096), id="cut-to-a-page"),
        pytest.param(lambda index: cut_index(index / "data.mdb", 40_000), id="cut-in-the-middle"),
        pytest.param(lambda index: (index / "data.mdb").write_bytes(bytes(50_000)), id="zeros"),
    ],
)
def test_index_that_is_lost_or_cut_is_made_anew_from_the_files(
    stored: Path, ledger: Ledger, harm: Callable[[Path], object]
) -> None:
    with IndexReader.open(stored / "index") as reader:
        before = contents(reader, (keys.CHUNK, keys.USAGE, keys.DAY, keys.RUN))
    harm(stored / "index")
    made_anew(stored)
    with IndexReader.open(stored / "index") as reader:
        assert contents(reader, tuple(before)) == before
    assert judge(stored, ledger.lines, power_cut=False).wrong == ()


@pytest.mark.parametrize("size_bytes", [4096, 40_000])
def test_recorder_does_not_start_with_a_cut_index_and_says_what_helps(stored: Path, size_bytes: int) -> None:
    cut_index(stored / "index" / "data.mdb", size_bytes)
    with pytest.raises(StorageError) as refused:
        House(stored, Ledger())
    assert "rebuild" in refused.value.hint or "rebuild" in str(refused.value)


def test_recorder_that_starts_without_its_index_finds_the_footage_of_the_last_hours(
    stored: Path, ledger: Ledger
) -> None:
    shutil.rmtree(stored / "index")
    assert judge(stored, ledger.lines, power_cut=False).wrong == ()


# -- nvr check --repair --------------------------------------------------------------------------------------------


def mended(folder: Path, now_us: int) -> list[Mended]:
    """What ``nvr check --repair`` does to index and files."""
    with Volume.open(1, folder / "volume", create=False, clock=ManualClock(now_us)) as volume:
        done = list(renew(folder / "index", {1: volume}, now_us=now_us, report=lambda _: None))
        with IndexWriter.open(folder / "index") as writer:
            return done + list(repair(writer, {1: volume}))


def media(folder: Path) -> set[bytes]:
    """The hash of each whole fragment, wherever it stands in whatever file: what no repair may make less."""
    found: set[bytes] = set()
    for path in files(folder, ".mp4") + files(folder, ".part"):
        content, mark = path.read_bytes(), b"uuid" + STAMP_UUID
        with closing(ByteSource.open(path)) as source:
            at = content.find(mark)
            while at >= 0:
                with suppress(IntegrityError):
                    found.add(read_fragment(source, at - 4, len(content), verify=True).span.stamp.media_sha256)
                at = content.find(mark, at + 1)
    return found


def left_alone(done: list[Mended]) -> set[str]:
    return {one.where for one in done if one.left}


@pytest.mark.parametrize("damage", DAMAGES)
def test_repair_of_a_damaged_file_leaves_only_what_a_person_must_decide(
    stored: Path, ledger: Ledger, memory: Path, damage: Damage
) -> None:
    end_us = Account.of(ledger.lines).end_us
    for seed in range(DRAWS):
        draw, folder = random.Random(seed), memory / f"damaged{seed}"
        shutil.copytree(stored, folder)
        path, other = draw.sample(files(folder, ".mp4"), 2)
        damaged = {str(one) for one in damage(path, other, draw)}
        before = media(folder)
        done = mended(folder, end_us)
        assert media(folder) >= before
        assert findings(folder, end_us) <= damaged
        assert left_alone(done) <= damaged
        again = mended(folder, end_us)
        assert [one for one in again if not one.left] == []
        assert left_alone(again) == left_alone(done)


def test_repair_of_a_file_that_lost_its_end_seals_it_anew_and_notes_the_gap(stored: Path, ledger: Ledger) -> None:
    end_us = Account.of(ledger.lines).end_us
    path = files(stored, ".mp4")[1]
    with ChunkReader(path) as chunk:
        second = chunk.fragments()[1]
    cut_index(path, second.end - 1)
    before = media(stored)
    [one] = mended(stored, end_us)
    assert "sealed anew" in one.what
    assert media(stored) >= before
    assert findings(stored, end_us) == set()
    assert not path.exists()
    with IndexReader.open(stored / "index") as reader:
        gaps = [gap for track in TRACKS for gap in reader.gaps(track, TimeRange(0, 2**60))]
    assert [gap.reason for gap in gaps if "lost its end" in gap.detail] == [GapReason.DISK]


def test_repair_of_a_missing_file_marks_its_row_as_lost(stored: Path, ledger: Ledger) -> None:
    end_us = Account.of(ledger.lines).end_us
    files(stored, ".mp4")[2].unlink()
    [one] = mended(stored, end_us)
    assert "lost" in one.what
    with IndexReader.open(stored / "index") as reader:
        assert sum(record.lost for track in TRACKS for page in reader.pages(track) for record in page) == 1


@pytest.mark.parametrize("suffix", [".part", ".mp4"])
@pytest.mark.parametrize("damage", [flip, truncate, zero, delete])
def test_repair_of_what_a_crash_left_loses_no_fragment(
    left: Path, ledger: Ledger, memory: Path, damage: Damage, suffix: str
) -> None:
    end_us = Account.of(ledger.lines).end_us
    for seed in range(DRAWS):
        draw, folder = random.Random(seed), memory / f"damaged{seed}"
        shutil.copytree(left, folder)
        path = draw.choice(files(folder, suffix))
        damage(path, path, draw)
        before = media(folder)
        mended(folder, end_us)
        assert media(folder) >= before
        assert findings(folder, end_us) <= {str(path)}
        assert [one for one in mended(folder, end_us) if not one.left] == []


@pytest.mark.parametrize("size_bytes", [0, 4096, 40_000, None])
def test_repair_keeps_a_cut_index_aside_and_makes_it_anew(stored: Path, ledger: Ledger, size_bytes: int | None) -> None:
    with IndexReader.open(stored / "index") as reader:
        before = contents(reader, (keys.CHUNK, keys.USAGE, keys.DAY, keys.RUN))
    if size_bytes is None:
        (stored / "index" / "data.mdb").write_bytes(bytes(50_000))
    else:
        cut_index(stored / "index" / "data.mdb", size_bytes)
    cut = (stored / "index" / "data.mdb").read_bytes()
    [one] = mended(stored, Account.of(ledger.lines).end_us)
    assert "made anew" in one.what
    [aside] = stored.glob("index.damaged-*")
    assert (aside / "data.mdb").read_bytes()[: len(cut)] == cut
    with IndexReader.open(stored / "index") as reader:
        assert contents(reader, tuple(before)) == before
    assert mended(stored, Account.of(ledger.lines).end_us) == []


def test_repair_counts_wrong_sums_anew_and_makes_damaged_rows_anew(stored: Path, ledger: Ledger) -> None:
    end_us = Account.of(ledger.lines).end_us
    with IndexReader.open(stored / "index") as reader:
        before = contents(reader, (keys.CHUNK, keys.USAGE, keys.DAY, keys.RUN))
    with IndexWriter.open(stored / "index") as writer, writer.store.write() as txn:
        for table in (keys.USAGE, keys.DAY, keys.RUN):
            for key, _ in list(txn.rows(table)):
                txn.delete(table, key)
    assert {one.where for one in mended(stored, end_us)} == {str(track) for track in TRACKS}
    with IndexWriter.open(stored / "index") as writer, writer.store.write() as txn:
        key, _ = next(txn.rows(keys.CHUNK))
        txn.put(keys.CHUNK, key, b"no row")
    [one] = mended(stored, end_us)
    assert "made anew" in one.what
    with IndexReader.open(stored / "index") as reader:
        assert contents(reader, tuple(before)) == before


def test_repair_names_a_strange_file_and_leaves_it(stored: Path, ledger: Ledger) -> None:
    strange = files(stored, ".mp4")[0].with_name("notes.txt")
    strange.write_text("mine")
    [one] = mended(stored, Account.of(ledger.lines).end_us)
    assert (one.where, one.left) == (str(strange), True)
    assert strange.read_text() == "mine"
