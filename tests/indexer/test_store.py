"""Environments open as they should, refuse what they must, and speak plain words."""

import subprocess
import sys
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path

import pytest

from indexer.store import Store, Writing
from nvr.errors import StorageError

TABLES = ("one", "two")
SCHEMA = "test 1"


def opened(path: Path, *, read_only: bool = False, schema: str = SCHEMA) -> Store:
    return Store.open(path, TABLES, schema=schema, read_only=read_only, map_bytes=1 << 24)


def fill(txn: Writing, values: Iterable[object]) -> None:
    for number, value in enumerate(values):
        txn.put("one", number.to_bytes(4, "big"), value)  # type: ignore[arg-type]


def test_write_is_seen_by_another_process(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store, store.write() as txn:
        txn.put("one", b"key", b"value")
    program = (
        "import sys; from pathlib import Path; from indexer.store import Store\n"
        f"store = Store.open(Path(sys.argv[1]), {TABLES}, schema={SCHEMA!r}, read_only=True, map_bytes=1 << 24)\n"
        "with store, store.read() as txn: print(txn.get('one', b'key'))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "env")], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "b'value'\n"


def test_read_only_sees_tables_and_counts(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store, store.write() as txn:
        txn.put("two", b"key", b"value")
    with opened(tmp_path / "env", read_only=True) as store, store.read() as txn:
        assert (txn.count("one"), txn.count("two")) == (0, 1)


def test_exception_inside_write_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store:
        with pytest.raises(TypeError), store.write() as txn:
            fill(txn, [b"value", "no bytes"])
        with store.read() as txn:
            assert txn.count("one") == 0


def test_opening_twice_in_one_process_is_explained(tmp_path: Path) -> None:
    with opened(tmp_path / "env"), pytest.raises(StorageError, match="share the Store"):
        opened(tmp_path / "env")


def test_read_only_of_nothing_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nothing here yet") as caught:
        opened(tmp_path / "none", read_only=True)
    assert "recorder" in caught.value.hint
    assert not (tmp_path / "none").exists()


def test_other_schema_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "env").close()
    for read_only in (False, True):
        with pytest.raises(StorageError, match="'test 1'"):
            opened(tmp_path / "env", schema="test 2", read_only=read_only)


def test_refused_environment_can_be_opened_rightly_afterwards(tmp_path: Path) -> None:
    opened(tmp_path / "env").close()
    with pytest.raises(StorageError):
        opened(tmp_path / "env", schema="test 2")
    opened(tmp_path / "env").close()


def test_file_that_is_no_environment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "data.mdb").write_bytes(b"nonsense" * 4096)
    with pytest.raises(StorageError, match="damaged"):
        opened(tmp_path / "env")


def test_truncated_environment_is_refused_before_it_kills_the_process(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store, store.write() as txn:
        for number in range(4000):
            txn.put("one", number.to_bytes(4, "big"), bytes(1000))
    data = tmp_path / "env" / "data.mdb"
    data.write_bytes(data.read_bytes()[:20_000])
    with pytest.raises(StorageError, match="cut off"):
        opened(tmp_path / "env", read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_last_pages_that_are_cut_off_are_refused_before_they_kill_the_process(tmp_path: Path, read_only: bool) -> None:
    with opened(tmp_path / "env") as store, store.write() as txn:
        for number in range(100):
            txn.put("one", number.to_bytes(4, "big"), bytes(1000))
    data = tmp_path / "env" / "data.mdb"
    whole, refused = data.read_bytes(), 0
    for size in range(8192, len(whole), 4096):
        data.write_bytes(whole[:size])
        try:
            with opened(tmp_path / "env", read_only=read_only) as store, store.read() as txn:
                list(txn.rows("one"))
        except StorageError:
            refused += 1
    assert refused > 10


def test_full_map_is_a_storage_error_and_leaves_the_store_usable(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store:
        with pytest.raises(StorageError, match="no room"), store.write() as txn:
            fill(txn, repeat(bytes(1000)))
        with store.write() as txn:
            txn.put("one", b"key", b"value")


def test_rows_back_are_rows_turned_round(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store:
        with store.write() as txn:
            for number in range(10):
                txn.put("one", bytes([number]), b"")
        with store.read() as txn:
            forwards = [key for key, _ in txn.rows("one", b"\2", b"\7")]
            assert forwards == [bytes([n]) for n in range(2, 7)]
            assert [key for key, _ in txn.rows_back("one", b"\7", b"\2")] == forwards[::-1]
            assert [key for key, _ in txn.rows_back("one", b"\xff", b"\x08")] == [b"\x09", b"\x08"]


def test_before_and_from_key_at_the_edges(tmp_path: Path) -> None:
    with opened(tmp_path / "env") as store:
        with store.write() as txn:
            txn.put("one", b"b", b"1")
        with store.read() as txn:
            assert txn.before("one", b"b") is None
            assert txn.before("one", b"c") == (b"b", b"1")
            assert txn.from_key("one", b"b") == (b"b", b"1")
            assert txn.from_key("one", b"c") is None
            assert txn.before("two", b"z") is None


def test_dead_reader_is_cleared(tmp_path: Path) -> None:
    opened(tmp_path / "env").close()
    program = (
        "import os, sys; from pathlib import Path; from indexer.store import Store\n"
        f"store = Store.open(Path(sys.argv[1]), {TABLES}, schema={SCHEMA!r}, read_only=True, map_bytes=1 << 24)\n"
        "store.read().__enter__(); os._exit(9)\n"
    )
    with opened(tmp_path / "env") as store:
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "env")], check=False)
        assert store.clear_dead_readers() == 1
        assert store.clear_dead_readers() == 0


@pytest.mark.parametrize(
    ("wrote", "expects", "hint"),
    [
        ("index 9", "index 1", "nvr rebuild"),
        ("registry 9", "registry 1", "nvr registry restore"),
        ("troubles 9", "troubles 1", "install that version again"),
        ("something", "registry 1", "data_dir"),
    ],
)
def test_other_version_says_what_helps_for_what_it_is(tmp_path: Path, wrote: str, expects: str, hint: str) -> None:
    opened(tmp_path / "env", schema=wrote).close()
    with pytest.raises(StorageError, match=wrote) as caught:
        opened(tmp_path / "env", schema=expects)
    assert hint in caught.value.hint
    assert ("rebuild" in caught.value.hint) is (expects == "index 1" and wrote != "something")
