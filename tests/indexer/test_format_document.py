"""FORMAT.md tells the truth: its worked example is what the writer writes, its numbers are the program's."""

from pathlib import Path

from indexer import board, keyfile, keyframes, keys, records, registry, rows
from tests.indexer import format_example
from tests.indexer.sealed import sealed

TEXT = Path(records.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")


def test_worked_example_is_what_the_writer_writes(tmp_path: Path) -> None:
    expected = "\n".join(format_example.lines(tmp_path / "index"))
    assert expected in TEXT, "print it anew: python -m tests.indexer.format_example"


def test_every_table_is_in_the_document() -> None:
    documented = {line.split("`")[1] for line in TEXT.splitlines() if line.startswith("| `")}
    assert documented == set(keys.TABLES)


def test_numbers_in_the_document_are_the_programs() -> None:
    for schema in (keys.SCHEMA, registry.SCHEMA, board.STATUS_SCHEMA, board.WATCH_SCHEMA):
        assert f"`{schema}`" in TEXT
    words = TEXT.replace("\n", " ")
    for reason, code in rows.REASON_CODES.items():
        assert f"{code} {reason.value}" in words
    assert f"at most {rows.DETAIL_BYTES} bytes" in TEXT
    assert f"at most {keyframes.LIMIT};" in TEXT
    assert f"takes {len(records.encode(records.from_sealed(sealed(), 1, 1)))} bytes and a 14-byte key" in TEXT
    assert keyfile.KEY_FILE in TEXT
