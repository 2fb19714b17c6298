"""What stays in memory until a sync has succeeded, and what of it goes to another volume."""

from nvr.capture.events import ChunkEnded, ChunkOpened, ChunkRest, FragmentClosed
from nvr.capture.unsynced import SYNCED_LIMIT_BYTES, Unsynced
from nvr.media import CutReason, Fragment, Track, TrackKind
from tests.retention.store import SETS

TRACK = Track(1, TrackKind.MAIN)
HALF_S_US = 500_000
NEW_RUN = 900


def opened(sequence: int = 1, start_us: int = 0) -> ChunkOpened:
    return ChunkOpened(TRACK, 800, sequence, start_us, SETS, 0)


def closed(number: int, *, sync: bool, size: int = 10) -> FragmentClosed:
    """The fragment of the ``number``-th half second."""
    return FragmentClosed(
        Fragment(
            (bytes(size),),
            (45_000,),
            (0,),
            (sync,),
            decode_90k=number * 45_000,
            presentation_rtp_90k=0,
            wall_us=number * HALF_S_US,
            monotonic_us=0,
            ntp=0,
            lost_packets=0,
        )
    )


def given(*events: ChunkOpened | FragmentClosed | ChunkEnded | ChunkRest) -> Unsynced:
    unsynced = Unsynced()
    for event in events:
        unsynced.add(TRACK, event)
    return unsynced


def numbers(rest: object) -> list[int]:
    assert isinstance(rest, ChunkRest)
    return [fragment.wall_us // HALF_S_US for fragment in rest.fragments]


def test_all_of_a_chunk_that_was_never_synced_goes_on_elsewhere() -> None:
    (piece,) = given(opened(), closed(0, sync=True), closed(1, sync=False)).pieces()
    rest = piece.rest(NEW_RUN)
    assert numbers(rest) == [0, 1]
    assert isinstance(rest, ChunkRest)
    assert (rest.run, rest.sequence, rest.ended, rest.behind_90k, rest.behind_us) == (NEW_RUN, 2, None, 0, 0)


def test_what_is_synced_stays_from_the_last_sync_sample_on() -> None:
    unsynced = given(opened(), *(closed(n, sync=n % 4 == 0) for n in range(7)))
    unsynced.mark_synced()
    unsynced.add(TRACK, closed(7, sync=False))
    (piece,) = unsynced.pieces()
    rest = piece.rest(NEW_RUN)
    assert numbers(rest) == [4, 5, 6, 7]
    assert isinstance(rest, ChunkRest)
    assert (rest.behind_90k, rest.behind_us) == (4 * 45_000, 4 * HALF_S_US)
    assert piece.since_us == 0


def test_next_sync_sample_lets_synced_pictures_go() -> None:
    unsynced = given(opened(), *(closed(n, sync=n % 4 == 0) for n in range(4)))
    unsynced.mark_synced()
    unsynced.add(TRACK, closed(4, sync=True))
    unsynced.add(TRACK, closed(5, sync=False))
    assert [numbers(piece.rest(NEW_RUN)) for piece in unsynced.pieces()] == [[4, 5]]


def test_long_group_of_pictures_is_not_kept_for_ever() -> None:
    unsynced = given(opened(), closed(0, sync=True, size=SYNCED_LIMIT_BYTES + 1))
    unsynced.mark_synced()
    unsynced.add(TRACK, closed(1, sync=False))
    (piece,) = unsynced.pieces()
    assert piece.rest(NEW_RUN) is None
    assert piece.end_us == 2 * HALF_S_US
    unsynced.add(TRACK, closed(2, sync=True))
    assert numbers(piece.rest(NEW_RUN)) == [2]


def test_ended_chunk_is_forgotten_with_the_sync_and_not_before() -> None:
    end = ChunkEnded(CutReason.SCHEDULE, 0, HALF_S_US)
    unsynced = given(opened(), closed(0, sync=True), end, opened(2, HALF_S_US), closed(1, sync=True))
    ended, growing = unsynced.pieces()
    assert isinstance(rest := ended.rest(NEW_RUN), ChunkRest)
    assert rest.ended == end
    assert numbers(growing.rest(NEW_RUN)) == [1]
    unsynced.mark_synced()
    assert len(unsynced.pieces()) == 1


def test_chunk_without_pictures_is_opened_elsewhere_as_it_is() -> None:
    (piece,) = given(opened()).pieces()
    assert piece.rest(NEW_RUN) == opened()


def test_rest_that_fails_again_counts_from_the_chunk_as_it_was_opened() -> None:
    first = given(opened(), closed(0, sync=True), closed(1, sync=True)).pieces()[0].rest(NEW_RUN)
    assert isinstance(first, ChunkRest)
    again = given(first, closed(2, sync=False)).pieces()[0].rest(NEW_RUN + 1)
    assert isinstance(again, ChunkRest)
    assert numbers(again) == [0, 1, 2]
    assert (again.opened, again.sequence) == (opened(), first.sequence + 1)


def test_only_the_tracks_asked_for_are_taken() -> None:
    other = Track(2, TrackKind.SUB)
    unsynced = given(opened(), closed(0, sync=True))
    unsynced.add(other, ChunkOpened(other, 1, 1, 0, SETS, 0))
    assert [piece.track for piece in unsynced.take({other}).pieces()] == [other]
    assert [piece.track for piece in unsynced.take(None).pieces()] == [TRACK]
    assert unsynced.pieces() == []
