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
from typing import Self, TypeVar

from nvr.errors import StorageError
from nvr.timebase import US_PER_S, Clock

THREADS = 4  # of a volume; chosen: a hard disk does one thing at a time, a fast one is fed by as many
PATIENCE_S = 8.0  # chosen: as long as the recorder waits before it gives a disk up; one that stands still starts in six
SLOW_US = US_PER_S  # a piece of work that runs for so long says that the disk is in trouble
MOST_WAITING = 8  # while the disk is slow; chosen: with those at work a third of the threads that answer requests

T = TypeVar("T")


class NoAnswer(StorageError):
    """A disk hangs: whoever has more to ask of it need not wait again."""


def _nothing() -> None:
    """What is over needs nothing."""


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

    def call(self, volume: int, work: Callable[[], T], over: Callable[[], None] = _nothing) -> T:
        """What work on a volume gives; blocks the caller's thread. Work that calls for its own volume goes on itself.

        Args:
            volume: its number.
            work: what to do.
            over: called once when the work has ended or will never be done, however long the caller has waited.

        Raises:
            StorageError: the disk does not answer. The work may still be done later.
        """
        workers = self._workers(volume)
        if workers.is_own_thread():
            try:
                return work()
            finally:
                over()
        return _awaited(self._submit(volume, work, over), volume, self._patience_s)

    async def run(self, volume: int, work: Callable[[], T], over: Callable[[], None] = _nothing) -> T:
        """The same for the event loop."""
        waiting = asyncio.wrap_future(self._submit(volume, work, over))
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

    def _submit(self, volume: int, work: Callable[[], T], over: Callable[[], None]) -> "Future[T]":
        try:
            future = self._workers(volume).submit(work, self._clock.monotonic_us())
        except StorageError:
            over()
            raise
        future.add_done_callback(lambda _: over())
        return future

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
    """A file opened for reading, and where what reads it is to run.

    Closing it waits for the work that still reads it, though nobody may wait for that work any more: its number might
    be another file's by then. What was opened for one who went away meanwhile is closed with the last reference.

    Args:
        fd: its descriptor, which it owns.
        volume: where it lies.
        disks: the threads of the volumes.
    """

    def __init__(self, fd: int, volume: int, disks: VolumeThreads) -> None:
        self.fd = fd
        self.volume = volume
        self._disks = disks
        self._uses = 1  # ours, and one for each piece of work
        self._is_closed = False
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it; once is enough, twice does no harm."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._release()

    def detach(self) -> int:
        """The descriptor, which the caller closes from now on; nothing else may be done with the file."""
        with self._lock:
            self._is_closed = True
            return self.fd

    def call(self, work: Callable[[int], T]) -> T:
        """What work with the descriptor gives, done in a thread of the volume; blocks the caller's.

        Raises:
            StorageError: the disk does not answer.
        """
        self._use()
        return self._disks.call(self.volume, partial(work, self.fd), over=self._release)

    async def run(self, work: Callable[[int], T]) -> T:
        """The same for the event loop."""
        self._use()
        return await self._disks.run(self.volume, partial(work, self.fd), over=self._release)

    def _use(self) -> None:
        with self._lock:
            self._uses += 1

    def _release(self) -> None:
        with self._lock:
            self._uses -= 1
            is_over = self._uses == 0
        if is_over:  # by a thread of the volume: to close may wait for the disk as well
            self._disks.later(self.volume, partial(os.close, self.fd))


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
