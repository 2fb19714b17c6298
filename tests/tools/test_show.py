"""`nvr show FILE` tells all of a chunk, of a growing one and of a damaged one."""

from pathlib import Path

import pytest

from nvr.chunk.reader import ChunkReader
from tests.nvr.chunk.footage import chunk_bytes, footage
from tests.tools.command_line import nvr
from tools.main import ExitCode
from tools.show_chunk import EMPTY_FILE, boxes, gathered


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "chunk.mp4"
    path.write_bytes(chunk_bytes(footage(frames=300))[0])
    return path


@pytest.fixture
def growing(sealed: Path) -> Path:
    with ChunkReader(sealed) as chunk:
        middle = chunk.fragments()[20].end - 100
    part = sealed.with_suffix(".part")
    part.write_bytes(sealed.read_bytes()[:middle])
    return part


def test_show_sealed_chunk_prints_header_fragments_and_footer(sealed: Path) -> None:
    ended = nvr("show", sealed)
    with ChunkReader(sealed) as chunk:
        assert chunk.footer is not None
        words = ["channel 7 main", "30 × (stamp, moof, mdat)", "30 fragments", chunk.footer.root.hex(), "schedule"]
    assert ended.code == 0
    assert [word for word in words if word not in ended.out] == []


def test_show_long_chunk_leaves_out_its_middle_unless_all_is_asked(sealed: Path) -> None:
    with ChunkReader(sealed) as chunk:
        offsets = [str(span.offset) for span in chunk.fragments()]
    few, every = nvr("show", sealed).out, nvr("show", sealed, "--all").out
    assert "10 more" in few
    assert f" {offsets[15]} " not in few
    assert [offset for offset in offsets if f" {offset} " not in every] == []


def test_show_growing_chunk_says_where_its_whole_boxes_end(growing: Path) -> None:
    ended = nvr("show", growing)
    assert ended.code == 0
    assert "20 fragments" in ended.out
    assert "then: " in ended.out
    assert "not sealed" in ended.out


@pytest.mark.parametrize("data", [b"", b"this is no chunk at all", bytes(100)])
def test_show_file_that_is_no_chunk_is_an_integrity_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    ended = nvr("show", path)
    assert ended.code == ExitCode.INTEGRITY
    assert str(path) in ended.err
    assert "Traceback" not in ended.err


def test_show_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    assert nvr("show", tmp_path / "x.mp4").code == ExitCode.STORAGE


def test_show_file_and_channel_together_is_refused(sealed: Path) -> None:
    assert nvr("show", sealed, "--channel", 7).code == ExitCode.CONFIG
    assert nvr("show").code == ExitCode.CONFIG


def test_boxes_of_a_chunk_cover_the_file_without_a_hole(sealed: Path) -> None:
    found, damage = boxes(sealed)
    assert damage == ""
    assert [box.start for box in found[1:]] == [box.end for box in found[:-1]]
    assert (found[0].start, found[-1].end) == (0, sealed.stat().st_size)
    assert [box.name for box in gathered(found)] == [
        "ftyp",
        "moov",
        "header",
        "30 × (stamp, moof, mdat)",
        "footer",
        "mfra",
    ]


def test_boxes_of_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"")
    assert boxes(path) == ([], EMPTY_FILE)
