"""A queue for a few places that is fair between those who ask: each flow of requests gets its turn in rotation."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Places, and who waits for one.

    Whoever asks for five hundred pictures gets one, then the next flow one, and so on: a thumbnail waits for one
    picture of the others, not for all. Who is cancelled while waiting leaves the queue.

    Args:
        places: how many may be taken at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._flows: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, flow: Hashable) -> None:
        """Wait for a place and take it; it is to be given back."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._flows.setdefault(flow, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had been given to us already
                self.give_back()
            else:
                self._leave(flow, turn)
            raise

    async def in_thread(self, flow: Hashable, work: Callable[[], T]) -> T:
        """What work gives that is done in a thread when its turn has come.

        Who is cancelled goes at once; the place is free only when the thread has ended, for it goes on working.
        """
        await self.take(flow)
        running = asyncio.ensure_future(asyncio.to_thread(work))
        running.add_done_callback(self._over)
        return await asyncio.shield(running)

    def _over(self, done: "asyncio.Future[T]") -> None:
        self.give_back()
        if not done.cancelled():
            done.exception()  # where nobody waits any more, nobody asks for it

    def give_back(self) -> None:
        """Give a place back: the next flow's first one has it."""
        while self._flows:
            flow, waiting = self._flows.popitem(last=False)
            turn = waiting.popleft()
            if waiting:
                self._flows[flow] = waiting
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def waiting(self) -> int:
        """How many wait."""
        return sum(len(waiting) for waiting in self._flows.values())

    def _leave(self, flow: Hashable, turn: "asyncio.Future[None]") -> None:
        waiting = self._flows.get(flow)
        if waiting is not None and turn in waiting:
            waiting.remove(turn)
            if not waiting:
                del self._flows[flow]
