"""Ages where a clock was wrong: nothing goes too early, and all goes one day."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import keys
from indexer.records import decode, encode
from nvr.believedclock import Belief, Correction
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from retention.ageing import ALL_TIME, pieces
from retention.holds import Standing
from retention.sweeper import Sweeper
from tests.manual_clock import ManualClock
from tests.retention.store import FAST, ONE, START_US, Archive, archive, keep, trusting

NOW_US = START_US + 10 * US_PER_MINUTE


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Archive]:
    with archive(tmp_path, clock=ManualClock(NOW_US)) as made:
        made.record_minutes(ONE, 10)
        yield made


def sweeper(of: Archive, belief: Belief, max_days: float = 1) -> Sweeper:
    return Sweeper(
        of.writer,
        of.volumes,
        keep(max_days=max_days),
        ingest_bps=lambda: 0,
        ready=lambda: True,
        clock=of.clock,
        belief=lambda: belief,
        holds=Standing(of.registry.holds, of.clock),
        pace=FAST,
    )


def later(of: Archive, days: float) -> Belief:
    return replace(trusting(of.clock), line_us=NOW_US + int(days * US_PER_DAY))


def mark(of: Archive, minutes: range) -> None:
    """Give rows the mark of a doubted clock."""
    with of.writer.store.write() as txn:
        for key, value in list(txn.rows(keys.CHUNK)):
            record = decode(key, value)
            if (record.start_us - START_US) // US_PER_MINUTE in minutes:
                txn.put(keys.CHUNK, key, encode(replace(record, is_clock_doubtful=True)))


def left(of: Archive) -> list[int]:
    return sorted((row.start_us - START_US) // US_PER_MINUTE for page in of.reader.pages(ONE) for row in page)


def test_nothing_goes_for_its_age_while_the_clock_is_doubted(stored: Archive) -> None:
    doubted = replace(later(stored, 40), off_us=US_PER_DAY)
    sweeper(stored, doubted).sweep()
    assert left(stored) == list(range(10))
    sweeper(stored, later(stored, 40)).sweep()
    assert left(stored) == []


def test_oldest_goes_for_room_while_the_clock_is_doubted(stored: Archive) -> None:
    doubted = replace(later(stored, 0), off_us=-400 * US_PER_DAY)
    made = sweeper(stored, doubted).decide({1})
    assert [(victim.chunk.start_us - START_US) // US_PER_MINUTE for victim in made.victims[:3]] == [0, 1, 2]


def test_what_a_clock_behind_has_dated_stays_as_long_as_it_is_young_and_then_goes(stored: Archive) -> None:
    mark(stored, range(4))
    wrong = Correction(START_US, START_US + 4 * US_PER_MINUTE, 400 * US_PER_DAY, is_marked=True)
    sweeper(stored, replace(later(stored, 400.5), corrections=(wrong,))).sweep()
    assert left(stored) == [0, 1, 2, 3]  # dated before the others, and recorded after them
    sweeper(stored, replace(later(stored, 402), corrections=(wrong,))).sweep()
    assert left(stored) == []


def test_row_that_is_known_by_its_name_only_is_kept_like_a_marked_one(stored: Archive) -> None:
    wrong = Correction(START_US, START_US + US_PER_MINUTE, 400 * US_PER_DAY, is_marked=True)
    with stored.writer.store.write() as txn:
        [(key, value), *_] = list(txn.rows(keys.CHUNK))
        txn.put(keys.CHUNK, key, encode(replace(decode(key, value), by_name=True)))
    sweeper(stored, replace(later(stored, 300), corrections=(wrong,))).sweep()
    assert left(stored) == [0]


def test_what_a_clock_ahead_has_dated_goes_in_its_time_and_hides_nothing(stored: Archive) -> None:
    ahead = Correction(START_US + 5 * US_PER_MINUTE, START_US + US_PER_DAY, -100 * US_PER_DAY, is_marked=True)
    belief = replace(later(stored, 0), line_us=START_US - 98 * US_PER_DAY, corrections=(ahead,))
    sweeper(stored, belief).sweep()
    assert left(stored) == [0, 1, 2, 3, 4]  # no clock was known to be wrong then: they go by their dates


def test_hold_keeps_what_was_recorded_in_it_though_it_is_dated_otherwise(stored: Archive) -> None:
    mark(stored, range(4))
    wrong = Correction(START_US, START_US + 4 * US_PER_MINUTE, 400 * US_PER_DAY, is_marked=True)
    meant_us = START_US + 400 * US_PER_DAY
    span = TimeRange(meant_us, meant_us + US_PER_MINUTE)
    stored.registry.holds.lay(span, channels=[1], reason="case", author="me", now_us=NOW_US)
    sweeper(stored, replace(later(stored, 500), corrections=(wrong,))).sweep()
    assert left(stored) == [0]


def test_time_is_in_one_piece_where_no_clock_was_wrong(stored: Archive) -> None:
    assert pieces(trusting(stored.clock)) == (ALL_TIME,)
