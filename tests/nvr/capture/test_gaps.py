"""The gap ledger: each missing stretch comes out once, with its reason."""

from nvr.capture.events import Absence
from nvr.capture.gaps import GapLedger
from nvr.media import Gap, GapReason, Track, TrackKind

TRACK = Track(7, TrackKind.MAIN)
S = 1_000_000


def settled_ledger(end_s: int | None = None) -> GapLedger:
    ledger = GapLedger()
    if end_s is not None:
        ledger.remember(TRACK, end_s * S, GapReason.RESTART, "was off")
    assert ledger.settle() == []
    return ledger


def test_first_footage_ever_makes_no_gap() -> None:
    assert settled_ledger().recorded(TRACK, 100 * S, 101 * S) is None


def test_footage_after_restart_closes_the_gap_from_the_old_end() -> None:
    gap = settled_ledger(40).recorded(TRACK, 100 * S, 101 * S)
    assert gap == Gap(TRACK, 40 * S, 100 * S, GapReason.RESTART, "was off")


def test_footage_that_joins_makes_no_gap() -> None:
    ledger = settled_ledger(100)
    assert ledger.recorded(TRACK, 100 * S + 90_000, 101 * S) is None
    assert ledger.recorded(TRACK, 101 * S, 102 * S) is None


def test_footage_before_recovery_ends_makes_one_gap_when_settled() -> None:
    ledger = GapLedger()
    ledger.remember(TRACK, 40 * S, GapReason.RESTART, "crash")
    assert ledger.recorded(TRACK, 100 * S, 101 * S) is None
    assert ledger.recorded(TRACK, 101 * S, 102 * S) is None
    ledger.remember(TRACK, 95 * S, GapReason.RESTART, "crash")  # a part was recovered
    assert ledger.settle() == [Gap(TRACK, 95 * S, 100 * S, GapReason.RESTART, "crash")]
    assert ledger.recorded(TRACK, 102 * S, 103 * S) is None


def test_gap_that_a_crash_kept_untold_is_told_when_its_footage_is_recovered() -> None:
    ledger = GapLedger()
    ledger.remember(TRACK, 40 * S, GapReason.RESTART, "crash")
    told = ledger.recovered(TRACK, 50 * S, 55 * S)
    assert told == Gap(TRACK, 40 * S, 50 * S, GapReason.RESTART, "crash")
    assert ledger.recovered(TRACK, 55 * S, 57 * S) is None
    ledger.recorded(TRACK, 70 * S, 71 * S)
    assert ledger.settle() == [Gap(TRACK, 57 * S, 70 * S, GapReason.RESTART, "crash")]


def test_absence_with_two_reasons_is_two_gaps() -> None:
    ledger = settled_ledger(100)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    assert ledger.missing(TRACK, GapReason.NETWORK, "refused", 111 * S) is None
    first = ledger.missing(TRACK, GapReason.AUTHENTICATION, "wrong password", 130 * S)
    second = ledger.recorded(TRACK, 150 * S, 151 * S)
    assert first == Gap(TRACK, 110 * S, 130 * S, GapReason.NETWORK, "refused")
    assert second == Gap(TRACK, 130 * S, 150 * S, GapReason.AUTHENTICATION, "wrong password")


def test_long_absence_is_flushed_in_pieces_that_join() -> None:
    ledger = settled_ledger(100)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    ledger.missing(TRACK, GapReason.CAMERA, "silent", 110 * S)
    assert ledger.flush(115 * S) == []  # the disk queue may still hold footage
    first, second = ledger.flush(170 * S), ledger.flush(230 * S)
    assert [(g.start_us, g.end_us) for g in first + second] == [(110 * S, 170 * S), (170 * S, 230 * S)]
    last = ledger.recorded(TRACK, 240 * S, 241 * S)
    assert last is not None
    assert (last.start_us, last.end_us) == (230 * S, 240 * S)
    assert ledger.flush(300 * S) == []


def test_gap_begins_where_the_sealed_chunk_ends_not_where_its_last_fragment_was_complete() -> None:
    ledger = GapLedger()
    ledger.settle()
    assert ledger.recorded(TRACK, 0, 9_920_000) is None
    ledger.sealed(TRACK, 10_000_000)
    ledger.missing(TRACK, GapReason.NETWORK, "no route to host", 10_000_000)
    gap = ledger.recorded(TRACK, 15_000_000, 16_000_000)
    assert gap is not None
    assert (gap.start_us, gap.end_us) == (10_000_000, 15_000_000)


def test_absence_after_the_clock_was_set_back_is_told() -> None:
    ledger = settled_ledger()
    ledger.follow(30_000 * S, 10 * S)
    ledger.recorded(TRACK, 30_000 * S, 30_010 * S)
    ledger.follow(4_810 * S, 20 * S)  # seven hours less
    assert ledger.recorded(TRACK, 4_810 * S, 4_820 * S) is None
    ledger.missing(TRACK, GapReason.NETWORK, "refused", 4_820 * S)
    assert ledger.flush(4_860 * S) == [Gap(TRACK, 4_820 * S, 4_860 * S, GapReason.NETWORK, "refused")]


def test_clock_that_is_set_back_while_a_camera_is_away_makes_one_gap_by_the_new_clock() -> None:
    ledger = settled_ledger()
    ledger.follow(30_000 * S, 10 * S)
    ledger.recorded(TRACK, 30_000 * S, 30_010 * S)
    ledger.missing(TRACK, GapReason.CAMERA, "silent", 30_010 * S)
    ledger.follow(4_830 * S, 40 * S)
    gap = ledger.recorded(TRACK, 4_840 * S, 4_850 * S)
    assert gap == Gap(TRACK, 4_810 * S, 4_840 * S, GapReason.CAMERA, "silent")


def test_what_waited_for_its_disk_while_the_clock_was_set_back_does_not_hide_an_absence() -> None:
    ledger = settled_ledger()
    ledger.follow(30_000 * S, 10 * S)
    ledger.recorded(TRACK, 30_000 * S, 30_010 * S)
    ledger.follow(4_811 * S, 21 * S)
    assert ledger.recorded(TRACK, 30_010 * S, 30_011 * S) is None  # written late
    gap = ledger.recorded(TRACK, 4_850 * S, 4_851 * S)
    assert gap is not None
    assert (gap.start_us, gap.end_us) == (4_811 * S, 4_850 * S)


def test_clock_that_is_set_forwards_leaves_a_gap() -> None:
    ledger = settled_ledger()
    ledger.follow(100 * S, 10 * S)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    ledger.missing(TRACK, GapReason.CLOCK, "set", 3_710 * S)
    ledger.follow(3_710 * S, 20 * S)
    assert ledger.recorded(TRACK, 3_710 * S, 3_711 * S) == Gap(TRACK, 110 * S, 3_710 * S, GapReason.CLOCK, "set")


def test_file_of_a_clock_far_ahead_that_ends_after_two_more_steps_hides_no_absence() -> None:
    ledger = settled_ledger()
    ledger.follow(100_000 * S, 10 * S)
    ledger.recorded(TRACK, 100_000 * S, 100_008 * S)
    ledger.follow(9_100_010 * S, 20 * S)
    ledger.follow(100_020 * S, 30 * S)
    ledger.follow(96_430 * S, 40 * S)
    ledger.sealed(TRACK, 9_100_012 * S)  # its camera paused: it was ended by the next picture
    ledger.follow(100_040 * S, 50 * S)
    ledger.recorded(TRACK, 100_040 * S, 100_045 * S)
    ledger.follow(100_060 * S, 70 * S)
    assert ledger.recorded(TRACK, 100_060 * S, 100_061 * S) == Gap(TRACK, 100_045 * S, 100_060 * S, GapReason.RESTART)


def test_clock_that_was_behind_for_seconds_leaves_no_gap_over_what_was_recorded() -> None:
    ledger = settled_ledger()
    ledger.follow(100_000 * S, 10 * S)
    ledger.recorded(TRACK, 100_000 * S, 100_008 * S)
    ledger.follow(96_410 * S, 20 * S)
    ledger.recorded(TRACK, 96_410 * S, 96_418 * S)
    ledger.follow(100_020 * S, 30 * S)
    assert ledger.recorded(TRACK, 100_020 * S, 100_021 * S) == Gap(TRACK, 100_018 * S, 100_020 * S, GapReason.RESTART)


def test_reason_of_a_stop_does_not_hide_why_footage_was_missing_before() -> None:
    ledger = settled_ledger(100)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    assert ledger.missing(TRACK, GapReason.NETWORK, "silent", 115 * S) is None
    assert ledger.recorded(TRACK, 110 * S, 111 * S) is None  # it had waited for its disk
    assert ledger.missing(TRACK, GapReason.OPERATOR, "stopped", 131 * S) == Gap(
        TRACK, 111 * S, 131 * S, GapReason.NETWORK, "silent"
    )


def test_footage_that_is_written_after_the_stop_was_told_closes_the_gap_before_it_with_its_own_reason() -> None:
    ledger = settled_ledger(100)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    ledger.missing(TRACK, GapReason.CAMERA, "no picture came", 110 * S)
    ledger.resumes(TRACK)  # at 130 s; it waits for its disk
    assert ledger.missing(TRACK, GapReason.OPERATOR, "stopped", 131 * S) is None
    gap = ledger.recorded(TRACK, 130 * S, 131 * S, Absence(GapReason.CAMERA, "no picture came"))
    assert gap == Gap(TRACK, 110 * S, 130 * S, GapReason.CAMERA, "no picture came")
    assert ledger.recorded(TRACK, 150 * S, 151 * S) == Gap(TRACK, 131 * S, 150 * S, GapReason.OPERATOR, "stopped")


def test_absence_while_the_clock_is_doubted_is_told_once_it_is_right_and_by_the_right_time() -> None:
    ledger = settled_ledger(100)
    ledger.follow(100 * S, 0)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    ledger.missing(TRACK, GapReason.CAMERA, "closed", 110 * S)
    ledger.follow(115 * S - 3600 * S, 15 * S, is_doubtful=True)  # an hour behind
    assert ledger.flush(130 * S - 3600 * S) == []
    assert ledger.missing(TRACK, GapReason.NETWORK, "silent", 131 * S - 3600 * S) is None
    ledger.follow(140 * S, 40 * S)
    told = ledger.flush(150 * S)
    assert told == [Gap(TRACK, 110 * S, 150 * S, GapReason.NETWORK, "silent")]


def test_absence_under_a_clock_that_stays_doubted_is_told_after_a_while() -> None:
    ledger = settled_ledger(100)
    ledger.recorded(TRACK, 100 * S, 110 * S)
    ledger.missing(TRACK, GapReason.CAMERA, "closed", 110 * S)
    ledger.follow(115 * S, 15 * S, is_doubtful=True)
    assert ledger.flush(700 * S) == []
    assert ledger.flush(711 * S) == [Gap(TRACK, 110 * S, 711 * S, GapReason.CAMERA, "closed")]
