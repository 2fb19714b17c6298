"""Threads that touch footage, a few for each volume: a disk that hangs keeps nobody waiting but its own readers.

A disk with a bad cable makes whoever opens or reads a file on it wait for half a minute or for ever, and nothing can
wake that thread. So each volume has threads of its own; whoever asks them waits so long at most, and where all of a
volume's threads are stuck, the next one is refused at once.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from nvr.errors import StorageError
from nvr.timebase import US_PER_S, Clock

THREADS = 4  # of a volume; chosen: a hard disk does one thing at a time, a fast one is fed by as many
PATIENCE_S = 8.0  # chosen: as long as the recorder waits before it gives a disk up; one that stands still starts in six
SLOW_US = US_PER_S  # a piece of work that runs for so long says that the disk is in trouble
MOST_WAITING = 8  # while the disk is slow; chosen: with those at work a third of the threads that answer requests

T = TypeVar("T")


class NoAnswer(StorageError):
    """A disk hangs: whoever has more to ask of it need not wait again."""


class VolumeThreads:
    """Runs work on volumes. Safe between threads.

    Args:
        clock: tells how long work has been running.
        patience_s: how long somebody waits for it.
    """

    def __init__(self, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._volumes: dict[int, _Workers] = {}
        self._lock = threading.RLock()  # a file may be let go of anywhere

    def call(self, volume: int, work: Callable[[], T]) -> T:
        """What work on a volume gives; blocks the caller's thread. Work that calls for its own volume goes on itself.

        Raises:
            StorageError: the disk does not answer. The work may still be done later.
        """
        workers = self._workers(volume)
        if workers.is_own_thread():
            return work()
        return _awaited(workers.submit(work, self._clock.monotonic_us()), volume, self._patience_s)

    async def run(self, volume: int, work: Callable[[], T]) -> T:
        """The same for the event loop."""
        waiting = asyncio.wrap_future(self._workers(volume).submit(work, self._clock.monotonic_us()))
        try:
            await asyncio.wait([waiting], timeout=self._patience_s)
        finally:
            is_done = waiting.done()
            if not is_done:
                waiting.cancel()
            elif not waiting.cancelled():
                waiting.exception()  # asked for: who waited may have been cancelled just now
        if not is_done:
            raise _no_answer(volume)
        return waiting.result()

    def later(self, volume: int, work: Callable[[], object]) -> None:
        """Have it done when the disk answers; nobody waits. What it raises is nobody's either."""
        workers = self._workers(volume)
        if workers.is_own_thread():
            work()
        else:
            workers.add(Future(), work)

    def _workers(self, volume: int) -> "_Workers":
        with self._lock:
            if volume not in self._volumes:
                self._volumes[volume] = _Workers(volume, self._clock)
            return self._volumes[volume]


class _Workers:
    """The threads of one volume; started when there is work for them. They never end, nor keep the process from it."""

    def __init__(self, volume: int, clock: Clock) -> None:
        self._volume = volume
        self._clock = clock
        self._waiting: deque[tuple[Future[object], Callable[[], object]]] = deque()
        self._since_us: dict[threading.Thread, int] = {}  # of each that works
        self._threads: set[threading.Thread] = set()
        self._changed = threading.Condition()

    def is_own_thread(self) -> bool:
        return threading.current_thread() in self._threads

    def submit(self, work: Callable[[], T], now_us: int) -> "Future[T]":
        """Take it, unless the disk is in such trouble that it would not be done in time.

        Raises:
            StorageError: it is.
        """
        with self._changed:
            longest_us = now_us - min(self._since_us.values(), default=now_us)
            stuck = len(self._since_us) >= THREADS and longest_us > PATIENCE_S * US_PER_S
            if stuck or (longest_us > SLOW_US and len(self._waiting) >= MOST_WAITING):
                raise _no_answer(self._volume)
        future: Future[T] = Future()
        self.add(future, work)
        return future

    def add(self, future: "Future[T]", work: Callable[[], T]) -> None:
        with self._changed:
            self._waiting.append((future, work))  # type: ignore[arg-type]
            if len(self._since_us) + len(self._waiting) > len(self._threads) < THREADS:
                thread = threading.Thread(target=self._work, name=f"volume {self._volume}", daemon=True)
                self._threads.add(thread)
                thread.start()
            self._changed.notify()

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                self._since_us.pop(me, None)
                self._changed.wait_for(lambda: bool(self._waiting))
                future, work = self._waiting.popleft()
                self._since_us[me] = self._clock.monotonic_us()
            if not future.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - the thread's outermost loop: whoever waits gets it
                future.set_exception(error)
            else:
                future.set_result(result)
            del future, work


class VolumeFile:
    """A file opened for reading, and where what reads it is to run. It is closed with the last reference to it.

    So it is not lost by one who went away while it was being opened, nor closed under the hands of a thread that still
    reads it when the one who waited has given up: the number might be another file's by then.

    Args:
        fd: its descriptor, which it owns.
        volume: where it lies.
        disks: the threads of the volumes.
    """

    def __init__(self, fd: int, volume: int, disks: VolumeThreads) -> None:
        self.fd = fd
        self.volume = volume
        self._disks = disks

    def __del__(self) -> None:
        if self.fd >= 0:  # by a thread of the volume: to close may wait for the disk as well
            self._disks.later(self.volume, partial(os.close, self.fd))

    def detach(self) -> int:
        """The descriptor, which the caller closes from now on; nothing else may be done with the file."""
        fd, self.fd = self.fd, -1
        return fd

    def call(self, work: Callable[[int], T]) -> T:
        """What work with the descriptor gives, done in a thread of the volume; blocks the caller's.

        Raises:
            StorageError: the disk does not answer.
        """
        return self._disks.call(self.volume, partial(self._do, work))

    async def run(self, work: Callable[[int], T]) -> T:
        """The same for the event loop."""
        return await self._disks.run(self.volume, partial(self._do, work))

    def _do(self, work: Callable[[int], T]) -> T:
        """Refers to this file for as long as the work waits or runs."""
        return work(self.fd)


def _awaited(future: "Future[T]", volume: int, patience_s: float) -> T:
    try:
        return future.result(patience_s)
    except TimeoutError:
        if future.done() and not future.cancelled():
            raise  # the work's own
        future.cancel()
        raise _no_answer(volume) from None


def _no_answer(volume: int) -> NoAnswer:
    hint = "is its cable sound, and is it still there? footage on other disks can be seen meanwhile"
    return NoAnswer("the disk does not answer", where=f"volume {volume}", hint=hint)
