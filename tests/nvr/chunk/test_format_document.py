"""FORMAT.md tells the truth: its worked example is made of real bytes, its widths are the program's."""

from pathlib import Path

import pytest

from nvr.chunk import footer, header, tables
from nvr.chunk.footer import FOOTER_UUID
from nvr.chunk.header import HEADER_UUID
from nvr.chunk.reader import ChunkReader
from nvr.chunk.stamp import STAMP_BYTES, STAMP_UUID
from tests.nvr.chunk import format_example

TEXT = Path(header.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")


def test_worked_example_is_a_real_file_without_problems(tmp_path: Path) -> None:
    data, places = format_example.example()
    (tmp_path / "example.mp4").write_bytes(data)
    with ChunkReader(tmp_path / "example.mp4") as reader:
        assert list(reader.problems()) == []
        assert [span.offset for span in reader.fragments()] == [places["first"], places["second"]]
        assert reader.header == format_example.HEADER


def test_worked_example_in_the_document_is_that_file() -> None:
    expected = "\n".join(format_example.lines())
    assert expected in TEXT, "print it anew: python -m tests.nvr.chunk.format_example"


@pytest.mark.parametrize("usertype", [HEADER_UUID, STAMP_UUID, FOOTER_UUID])
def test_usertypes_in_the_document_are_the_programs(usertype: bytes) -> None:
    assert usertype.hex(" ") in TEXT


def test_widths_and_numbers_in_the_document_are_the_programs() -> None:
    assert f"{STAMP_BYTES} bytes" in TEXT
    assert f"zstd level {tables.LEVEL}" in TEXT
    for reason, code in footer.CUT_CODES.items():
        assert f"{code} {reason.value}" in TEXT
