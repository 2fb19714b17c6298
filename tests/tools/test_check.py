"""`nvr check` says what is wrong and ends with 4; `nvr rebuild` mends what can be mended."""

import shutil
from pathlib import Path

import pytest

from indexer.registry import Registry
from indexer.writer import Commit, IndexWriter
from nvr.chunk.volume import Volume
from nvr.config import Settings, load
from nvr.timebase import TimeRange
from tests.manual_clock import ManualClock
from tests.nvr.chunk.footage import footage, record_sealed
from tests.tools.command_line import Ended, nvr
from tools.main import ExitCode


@pytest.fixture
def config(tmp_path: Path) -> Path:
    nvr("init", tmp_path)
    return tmp_path / "nvr.toml"


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config)


@pytest.fixture
def chunk(settings: Settings, clock: ManualClock) -> Path:
    """One chunk on the volume, and its row."""
    [wanted] = settings.volumes
    with (
        Volume.open(1, wanted.path, create=False, clock=clock) as volume,
        IndexWriter.open(settings.index_path) as writer,
    ):
        name, sealed = record_sealed(volume, footage())
        writer.commit(Commit(chunks=((sealed, 1),)))
        writer.remember_volume(1, volume.uuid)
        return volume.resolve(name)


def check(config: Path, *options: str) -> Ended:
    return nvr("check", *options, "--config", config)


def rebuild(config: Path) -> Ended:
    return nvr("rebuild", "--config", config)


def test_check_of_what_was_recorded_finds_nothing(config: Path, chunk: Path) -> None:
    for options in ([], ["--deep"]):
        ended = check(config, *options)
        assert (ended.code, ended.out) == (0, "1 chunks on 1 volumes: nothing is wrong\n")


def test_check_of_a_missing_file_names_it_and_ends_with_4(config: Path, chunk: Path) -> None:
    chunk.unlink()
    ended = check(config)
    assert ended.code == ExitCode.INTEGRITY
    assert "I1 is broken" in ended.out
    assert str(chunk) in ended.out
    assert "1 findings" in ended.err


def test_check_of_a_flipped_bit_needs_deep(config: Path, chunk: Path) -> None:
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    assert check(config).code == 0
    ended = check(config, "--deep")
    assert ended.code == ExitCode.INTEGRITY
    assert str(chunk) in ended.out


@pytest.mark.parametrize("damage", [b"", b"\0" * 30_000])
def test_check_of_a_ruined_file_never_fails_itself(config: Path, chunk: Path, damage: bytes) -> None:
    chunk.write_bytes(damage)
    ended = check(config, "--deep")
    assert ended.code == ExitCode.INTEGRITY
    assert "Traceback" not in ended.err


def test_check_of_a_volume_that_is_not_there_says_so(config: Path, settings: Settings, chunk: Path) -> None:
    settings.volumes[0].path.rename(config.parent / "elsewhere")
    ended = check(config)
    assert ended.code == ExitCode.INTEGRITY
    assert str(settings.volumes[0].path) in ended.out


def test_check_without_an_index_is_a_storage_error(config: Path) -> None:
    assert check(config).code == ExitCode.STORAGE


def test_rebuild_of_a_lost_index_finds_every_chunk_again(config: Path, settings: Settings, chunk: Path) -> None:
    shutil.rmtree(settings.index_path)
    ended = rebuild(config)
    assert (ended.code, ended.out) == (0, "1 chunks indexed, 0 of them by their names only\n")
    assert check(config, "--deep").code == 0


def test_rebuild_with_a_damaged_file_keeps_its_name_and_says_so(config: Path, chunk: Path) -> None:
    chunk.write_bytes(chunk.read_bytes()[:-100])
    ended = rebuild(config)
    assert ended.code == 0
    assert f"{chunk}: only its name could be indexed" in ended.out


def test_rebuild_while_a_recorder_runs_is_refused(
    config: Path, settings: Settings, chunk: Path, clock: ManualClock
) -> None:
    with Volume.open(1, settings.volumes[0].path, create=False, clock=clock):
        ended = rebuild(config)
    assert ended.code == ExitCode.STORAGE
    assert "another process writes this volume" in ended.err


def test_repair_of_a_lost_index_makes_it_anew_and_then_finds_nothing(
    config: Path, settings: Settings, chunk: Path
) -> None:
    shutil.rmtree(settings.index_path)
    ended = check(config, "--deep", "--repair")
    assert ended.code == 0
    assert "made anew from the files, 1 chunks" in ended.out
    assert "nothing is wrong" in ended.out
    again = check(config, "--deep", "--repair")
    assert (again.code, again.out) == (0, "1 chunks on 1 volumes: nothing is wrong\n")


def test_repair_of_a_missing_file_marks_the_row_and_check_is_clean(config: Path, chunk: Path) -> None:
    chunk.unlink()
    ended = check(config, "--repair")
    assert ended.code == 0
    assert f"mended {chunk}: the file is missing: its row is marked as lost" in ended.out


def test_repair_leaves_a_flipped_bit_to_a_person(config: Path, chunk: Path) -> None:
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    ended = check(config, "--deep", "--repair")
    assert ended.code == ExitCode.INTEGRITY
    assert "no repair can bring them back" in ended.out
    assert chunk.read_bytes() == bytes(data)


def test_repair_while_a_recorder_runs_is_refused_and_says_so(
    config: Path, settings: Settings, chunk: Path, clock: ManualClock
) -> None:
    chunk.unlink()
    with Volume.open(1, settings.volumes[0].path, create=False, clock=clock):
        ended = check(config, "--repair")
    assert ended.code == ExitCode.STORAGE
    assert "stop the recorder first" in ended.err
    assert check(config).code == ExitCode.INTEGRITY  # nothing was done


def test_repair_without_index_and_with_a_volume_missing_does_not_forget_that_volume(
    config: Path, settings: Settings, chunk: Path
) -> None:
    (settings.index_path / "data.mdb").write_bytes(b"")
    settings.volumes[0].path.rename(config.parent / "elsewhere")
    ended = check(config, "--repair")
    assert ended.code == ExitCode.STORAGE
    assert "connect it first" in ended.err


def test_repair_writes_a_mirror_of_the_holds_that_is_out_of_date(config: Path, settings: Settings, chunk: Path) -> None:
    with Registry.open(settings.registry_path) as registry:
        registry.holds.lay(TimeRange(1, 2), channels=(), reason="case", author="me", now_us=1)
    ended = check(config)
    assert ended.code == ExitCode.INTEGRITY
    assert "mirror of the holds" in ended.out
    assert check(config, "--repair").code == 0
    assert check(config).code == 0


def test_repair_takes_back_holds_that_only_a_mirror_knows(config: Path, settings: Settings, chunk: Path) -> None:
    with Registry.open(settings.registry_path) as registry:
        registry.holds.lay(TimeRange(1, 2), channels=(), reason="case", author="me", now_us=1)
    check(config, "--repair")
    shutil.rmtree(settings.registry_path)
    ended = check(config, "--repair")
    assert ended.code == 0
    assert "1 holds were taken back" in ended.out
    with Registry.open(settings.registry_path) as registry:
        assert [hold.reason for hold in registry.holds.all()] == ["case"]


def test_damaged_registry_is_explained_and_never_written(config: Path, settings: Settings, chunk: Path) -> None:
    with Registry.open(settings.registry_path):
        pass
    data = settings.registry_path / "data.mdb"
    data.write_bytes(b"no database" * 1000)
    ended = check(config, "--repair")
    assert ended.code == ExitCode.INTEGRITY
    assert "the registry cannot be read" in ended.out
    assert "nvr registry restore" in ended.out
    assert data.read_bytes() == b"no database" * 1000
