"""The book of what moved counts each chunk once, keeps minutes and days apart, and can be made again."""

from pathlib import Path

import numpy as np

from indexer.activity import MINUTES, UNIT_BYTES, ActivityBook, minute_of
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange

ONE, SUB, TWO = Track(1, TrackKind.MAIN), Track(1, TrackKind.SUB), Track(2, TrackKind.MAIN)
DAY = 20_000
DAY_US = DAY * US_PER_DAY
MIDNIGHT = minute_of(DAY_US + US_PER_DAY)


def test_minutes_of_two_days_are_told_for_the_whole_days_of_a_window(tmp_path: Path) -> None:
    with ActivityBook.open(tmp_path / "activity") as book:
        book.add(ONE, {MIDNIGHT - 1: 3 * UNIT_BYTES, MIDNIGHT: 1}, cursor_us=7)
        book.add(TWO, {MIDNIGHT: 50 * UNIT_BYTES}, cursor_us=9)
    with ActivityBook.open(tmp_path / "activity") as book:
        window = TimeRange(DAY_US + US_PER_DAY - US_PER_MINUTE, DAY_US + US_PER_DAY + 1)
        start_us, minutes = book.minutes(ONE, window)
        assert (start_us, len(minutes)) == (DAY_US, 2 * MINUTES)
        assert {int(place): int(minutes[place]) for place in np.flatnonzero(minutes)} == {
            MINUTES - 1: 3 * UNIT_BYTES,
            MINUTES: UNIT_BYTES,  # something is more than nothing
        }
        assert (book.cursor_us(ONE), book.cursor_us(TWO), book.cursor_us(SUB)) == (7, 9, 0)
        assert not book.minutes(SUB, window)[1].any()


def test_minute_that_two_chunks_share_is_their_sum_and_never_more_than_fits(tmp_path: Path) -> None:
    with ActivityBook.open(tmp_path / "activity") as book:
        book.add(ONE, {MIDNIGHT: 2 * UNIT_BYTES, MIDNIGHT + 1: 1 << 40}, cursor_us=1)
        book.add(ONE, {MIDNIGHT: 5 * UNIT_BYTES}, cursor_us=2)
        _, minutes = book.minutes(ONE, TimeRange(DAY_US + US_PER_DAY, DAY_US + US_PER_DAY + 1))
        assert minutes[:2].tolist() == [7 * UNIT_BYTES, 0xFFFF * UNIT_BYTES]


def test_days_before_the_first_footage_are_forgotten_and_the_others_stay(tmp_path: Path) -> None:
    with ActivityBook.open(tmp_path / "activity") as book:
        book.add(ONE, {MIDNIGHT - 1: UNIT_BYTES, MIDNIGHT: UNIT_BYTES}, cursor_us=1)
        book.add(TWO, {MIDNIGHT - 1: UNIT_BYTES}, cursor_us=1)
        assert book.forget_before(ONE, DAY_US + US_PER_DAY + 5) == 1
        whole = TimeRange(DAY_US, DAY_US + 2 * US_PER_DAY)
        assert int(book.minutes(ONE, whole)[1].sum()) == UNIT_BYTES
        assert int(book.minutes(TWO, whole)[1].sum()) == UNIT_BYTES


def test_book_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "activity").mkdir()
    (tmp_path / "activity" / "data.mdb").write_bytes(b"nothing of ours" * 1000)
    with ActivityBook.renewed(tmp_path / "activity") as book:
        assert book.cursor_us(ONE) == 0
