"""The queue is bounded; a track that floods it leaves room for the others."""

from dataclasses import replace

from nvr.capture.diskqueue import SHARE, DiskQueue
from nvr.capture.events import FragmentClosed
from nvr.media import Fragment, Track, TrackKind

MIB = 1 << 20
LIMIT = 64 * MIB
FLOOD, USUAL = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)
FRAGMENT = Fragment((b"",), (45_000,), (0,), (True,), 0, 0, 0, 0, 0, 0)


def fragment(size_bytes: int = MIB) -> FragmentClosed:
    return FragmentClosed(replace(FRAGMENT, data=(bytes(size_bytes),)))


def filled(queue: DiskQueue, track: Track, most: int = 1000) -> int:
    """How many fragments of 1 MiB the queue takes of a track."""
    return next((count for count in range(most) if not queue.put(track, fragment())), most)


def test_track_alone_may_fill_the_queue() -> None:
    queue = DiskQueue(LIMIT)
    assert filled(queue, FLOOD) == 64
    assert not queue.is_crowded_by(FLOOD), "nobody else wants room"


def test_flood_leaves_room_for_the_others() -> None:
    queue = DiskQueue(LIMIT)
    queue.put(USUAL, fragment())
    assert filled(queue, FLOOD) == 31
    assert queue.is_crowded_by(FLOOD)
    assert not queue.is_crowded_by(USUAL)
    assert filled(queue, USUAL, 7) == 7
    for number in range(3, 6):
        track = Track(number, TrackKind.MAIN)
        assert filled(queue, track) == LIMIT // MIB // SHARE
    assert queue.waiting_bytes <= LIMIT


def test_written_bytes_make_room_again_for_their_track() -> None:
    queue = DiskQueue(LIMIT)
    queue.put(USUAL, fragment())
    filled(queue, FLOOD)
    queue.done(queue.take(0))
    assert queue.waiting_bytes == 0
    queue.put(USUAL, fragment())
    assert filled(queue, FLOOD) == 31
