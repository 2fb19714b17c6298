"""The queue between the sockets and a disk: bounded in bytes, so that a slow disk never stalls a camera."""

import threading
from collections import deque
from collections.abc import Collection

from nvr.capture.events import Event, FragmentClosed, payload_bytes
from nvr.media import Track

Item = tuple[Track, Event]
SHARE = 8  # chosen: an eighth of 512 MiB is a minute of the usual camera, and ten seconds of the largest


class DiskQueue:
    """Fragments wait here for their disk. One thread puts, one takes.

    While half of it is free, a track may fill it as it likes; beyond that no track has more than an eighth of the whole
    if others wait as well, so that one camera that floods the disk leaves room for them.

    Args:
        limit_bytes: payload that may wait; beyond it `put` refuses.
        batch_bytes: payload at which the taker is woken at once; less than that waits for its next turn.
    """

    def __init__(self, limit_bytes: int, batch_bytes: int = 8 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._batch_bytes = batch_bytes
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._bytes_of: dict[Track, int] = {}
        self.refused = 0  # fragments, since the start

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    def is_empty(self) -> bool:
        """Whether nothing waits to be taken, not even what has no payload."""
        return not self._items

    def put(self, track: Track, event: Event, *, urgent: bool = False) -> bool:
        """Queue an event; False: the queue is full and the fragment was not taken.

        Openings, ends and what another volume did not keep are always taken.
        """
        size = payload_bytes(event)
        with self._lock:
            of_track = self._bytes_of.get(track, 0) + size
            if isinstance(event, FragmentClosed) and not self._has_room(self._bytes + size, of_track):
                self.refused += 1
                return False
            self._items.append((track, event))
            self._bytes += size
            self._bytes_of[track] = of_track
            full_enough = self._bytes >= self._batch_bytes
        if urgent or full_enough:
            self._wake.set()
        return True

    def _has_room(self, bytes_: int, of_track: int) -> bool:
        is_crowded = bytes_ > self._limit_bytes // 2 and len(self._bytes_of) > 1
        return bytes_ <= self._limit_bytes and not (is_crowded and of_track > self._limit_bytes // SHARE)

    def is_crowded_by(self, track: Track) -> bool:
        """Whether this track has much more than the others in a queue that has no room for all."""
        with self._lock:
            return len(self._bytes_of) > 1 and self._bytes_of.get(track, 0) > self._limit_bytes // (2 * SHARE)

    def take(self, timeout_s: float) -> list[Item]:
        """Everything that waits, after at most ``timeout_s``; at once when somebody is in a hurry."""
        self._wake.wait(timeout_s)
        self._wake.clear()
        with self._lock:
            items = list(self._items)
            self._items.clear()
        return items

    def done(self, items: list[Item]) -> None:
        """Items are written: their bytes no longer wait."""
        with self._lock:
            for track, event in items:
                size = payload_bytes(event)
                self._bytes -= size
                left = self._bytes_of.get(track, 0) - size
                if left > 0:
                    self._bytes_of[track] = left
                else:
                    self._bytes_of.pop(track, None)

    def withdraw(self, tracks: Collection[Track] | None) -> list[Item]:
        """What waits for these tracks, or for all, is taken back by whoever puts."""
        with self._lock:
            back = [item for item in self._items if tracks is None or item[0] in tracks]
            self._items = deque(item for item in self._items if not (tracks is None or item[0] in tracks))
        self.done(back)
        return back

    def wake(self) -> None:
        """End the taker's wait."""
        self._wake.set()
