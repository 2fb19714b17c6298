"""`nvr show --channel` prints the rows and gaps of a stretch of time."""

from pathlib import Path

import pytest

from indexer.writer import Commit, IndexWriter
from nvr.chunk.sealed import SealedChunk
from nvr.config import load
from nvr.media import Gap, GapReason
from nvr.timebase import US_PER_S, format_utc
from tests.nvr.chunk.footage import chunk_bytes, footage
from tests.tools.command_line import Ended, nvr
from tools.main import ExitCode


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "300")
    nvr("init", tmp_path)
    return tmp_path / "nvr.toml"


@pytest.fixture
def recorded(config: Path) -> SealedChunk:
    """One chunk, and a gap of a minute behind it."""
    _, sealed = chunk_bytes(footage())
    gap = Gap(
        sealed.header.track, sealed.end_us, sealed.end_us + 60 * US_PER_S, GapReason.NETWORK, "no route [to host]"
    )
    with IndexWriter.open(load(config).index_path) as writer:
        writer.commit(Commit(chunks=((sealed, 1),), gaps=(gap,)))
    return sealed


def show(config: Path, from_us: int, to_us: int, *options: object) -> Ended:
    window = ("--from", format_utc(from_us), "--to", format_utc(to_us))
    return nvr("show", "--channel", 7, *window, *options, "--config", config)


def test_show_rows_prints_chunks_and_gaps_in_order(config: Path, recorded: SealedChunk) -> None:
    ended = show(config, recorded.start_us - US_PER_S, recorded.end_us + US_PER_S)
    assert ended.code == 0
    assert "channel 7 main: 1 chunks, 1 gaps" in ended.out
    chunk, gap = ended.out.rstrip().splitlines()[-2:]
    assert format_utc(recorded.start_us) in chunk
    assert recorded.root.hex()[:16] in chunk
    assert "60.000" in gap
    assert "gap, network: no route [to host]" in gap


def test_show_rows_where_nothing_is_known_ends_with_5(config: Path, recorded: SealedChunk) -> None:
    ended = show(config, recorded.start_us - 9 * US_PER_S, recorded.start_us - US_PER_S)
    assert ended.code == ExitCode.NOT_RECORDED
    assert show(config, recorded.start_us, recorded.end_us, "--sub").code == ExitCode.NOT_RECORDED


def test_show_rows_without_an_index_is_a_storage_error(config: Path) -> None:
    assert show(config, 0, 1).code == ExitCode.STORAGE


def test_show_rows_with_wrong_times_says_how_to_write_them(config: Path) -> None:
    ended = nvr("show", "--channel", 7, "--from", "yesterday", "--to", "2026-11-23T20:31:05Z", "--config", config)
    assert ended.code == ExitCode.CONFIG
    assert "+07:00" in ended.err
    assert show(config, 5, 5).code == ExitCode.CONFIG
    assert nvr("show", "--channel", 7, "--config", config).code == ExitCode.CONFIG
