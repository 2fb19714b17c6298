"""The catastrophe of a disk that changes what it holds: damage is named, spreads to nothing, and stops no start."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import keys
from indexer.reader import IndexReader
from indexer.rebuild import rebuild
from indexer.verify import verify
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from nvr.timebase import US_PER_DAY
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
