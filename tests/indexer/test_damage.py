"""The notes of the scrub are kept, and a store that cannot be used never stops the recorder."""

from pathlib import Path

from indexer.damage import Damage, DamageBook, Round
from nvr.media import Track, TrackKind

HARM = Damage(
    volume=1, path="v1/a.mp4", track=Track(7, TrackKind.SUB), found_us=5, what="bad", offset=3, times=((1, 2), (4, 9))
)
MADE = Round(began_us=1, total_bytes=200, verified_bytes=199, cursor=b"\0\1\2")


def test_notes_are_there_after_opening_again(tmp_path: Path) -> None:
    with DamageBook.open(tmp_path / "scrub") as book:
        assert (book.round(), book.damages()) == (None, [])
        book.note(MADE, [HARM])
    with DamageBook.open(tmp_path / "scrub", read_only=True) as book:
        assert (book.round(), book.damages()) == (MADE, [HARM])
        assert MADE.percent == 99


def test_file_that_is_sound_again_is_forgotten(tmp_path: Path) -> None:
    with DamageBook.open(tmp_path / "scrub") as book:
        book.note(MADE, [HARM])
        book.note(MADE, sound=[(1, "v1/other.mp4"), (2, HARM.path)])
        assert book.damages() == [HARM]
        book.note(MADE, sound=[(1, HARM.path)])
        assert book.damages() == []


def test_store_that_cannot_be_used_is_kept_aside_and_renewed(tmp_path: Path) -> None:
    with DamageBook.open(tmp_path / "scrub") as book:
        book.note(MADE, [HARM])
    (tmp_path / "scrub" / "data.mdb").write_bytes(b"no database" * 1000)
    with DamageBook.renewed(tmp_path / "scrub") as book:
        assert book.damages() == []
    assert (tmp_path / "scrub.damaged" / "data.mdb").read_bytes().startswith(b"no database")


def test_progress_is_whole_only_when_the_round_is_over() -> None:
    assert Round(began_us=0, total_bytes=0).percent == 0
    assert Round(began_us=0, total_bytes=100, verified_bytes=43).percent == 43
    assert Round(began_us=0, total_bytes=100, verified_bytes=150).percent == 99
    assert Round(began_us=0, total_bytes=100, verified_bytes=90, ended_us=3).percent == 100
