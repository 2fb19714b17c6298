from pathlib import Path

from tests.second_try import note, told


def test_names_of_all_stages_are_told_once(tmp_path: Path) -> None:
    failed, notes = tmp_path / "lastfailed", tmp_path / "cache" / "notes"
    failed.write_text('{"tests/a.py::test_b": true, "tests/a.py::test_c[x y]": true}')
    note(failed, notes)
    failed.write_text('{"tests/d.py::test_e": true}')
    note(failed, notes)
    said = told(notes)
    assert "3 TEST(S)" in said
    for name in ("tests/a.py::test_b", "tests/a.py::test_c[x y]", "tests/d.py::test_e"):
        assert f"    {name}\n" in said
    assert told(notes) == ""


def test_nothing_is_told_where_nothing_failed(tmp_path: Path) -> None:
    note(tmp_path / "there is none", tmp_path / "notes")
    assert told(tmp_path / "notes") == ""
