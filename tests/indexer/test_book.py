"""A book that is open only while it is used costs no descriptor, and is otherwise a book."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from indexer.clockbook import ClockBook
from indexer.troubles import Matter, Trouble, TroubleBook


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_brief_book_holds_no_descriptor_between_its_uses(tmp_path: Path) -> None:
    before = open_files()
    with TroubleBook.brief(tmp_path / "troubles") as book:
        assert open_files() == before
        book.note(5, [Trouble(began_us=3, matter=Matter.INDEX, volume=0, detail="full")])
        assert book.seen_us() == 5
        assert open_files() == before
    with TroubleBook.open(tmp_path / "troubles", read_only=True) as kept:
        assert [one.detail for one in kept.lasting()] == ["full"]


def test_brief_book_is_begun_anew_when_it_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "data.mdb").write_bytes(b"no database" * 1000)
    with ClockBook.brief(tmp_path / "clock") as book:
        assert book.belief() is None
    assert (tmp_path / "clock.damaged").is_dir()


def test_threads_share_a_brief_book(tmp_path: Path) -> None:
    with TroubleBook.brief(tmp_path / "troubles") as book, ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda n: book.note(n, [Trouble(began_us=n, matter=Matter.INDEX, volume=n, detail="")]), range(40))
        )
        assert len(book.lasting()) == 40
