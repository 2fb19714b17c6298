"""The queue between the sockets and a disk: bounded in bytes, so that a slow disk never stalls a camera."""

import threading
from collections import deque
from collections.abc import Collection

from nvr.capture.events import Event, FragmentClosed, payload_bytes
from nvr.media import Track

Item = tuple[Track, Event]


class DiskQueue:
    """Fragments wait here for their disk. One thread puts, one takes.

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
            if isinstance(event, FragmentClosed) and self._bytes + size > self._limit_bytes:
                self.refused += 1
                return False
            self._items.append((track, event))
            self._bytes += size
            full_enough = self._bytes >= self._batch_bytes
        if urgent or full_enough:
            self._wake.set()
        return True

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
        size = sum(payload_bytes(event) for _, event in items)
        with self._lock:
            self._bytes -= size

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
