"""The reactor with real sockets, real time and real threads."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from nvr.capture.reactor import READABLE, Reactor
from nvr.timebase import SystemClock


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    reactor = Reactor(SystemClock())
    yield reactor
    reactor.close()


def test_handler_of_readable_socket_is_called_with_its_data_waiting(reactor: Reactor) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        received: list[bytes] = []

        def read(_happened: int) -> None:
            received.append(ours.recv(100))
            reactor.stop()

        reactor.watch(ours.fileno(), READABLE, read)
        theirs.send(b"picture")
        reactor.run()
        assert received == [b"picture"]


def test_timers_run_in_the_order_in_which_they_are_due(reactor: Reactor) -> None:
    order: list[str] = []
    reactor.call_after(20_000, lambda: order.append("late"))
    reactor.call_after(0, lambda: order.append("early"))
    reactor.call_after(10_000, lambda: order.append("never")).cancel()
    reactor.call_after(30_000, reactor.stop)
    reactor.run()
    assert order == ["early", "late"]


def test_call_from_another_thread_runs_in_the_reactors_thread(reactor: Reactor) -> None:
    seen: list[int] = []

    def note() -> None:
        seen.append(threading.get_ident())
        reactor.stop()

    thread = threading.Thread(target=lambda: reactor.call_from_thread(note))
    reactor.call_after(0, thread.start)
    reactor.run()
    thread.join()
    assert seen == [threading.get_ident()]


def test_socket_forgotten_by_an_earlier_handler_of_the_round_is_not_called(reactor: Reactor) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    calls: list[int] = []

    def handler(index: int) -> Callable[[int], None]:
        def handle(_happened: int) -> None:
            calls.append(index)
            reactor.forget(pairs[1 - index][0].fileno())
            reactor.stop()

        return handle

    for index, (ours, theirs) in enumerate(pairs):
        reactor.watch(ours.fileno(), READABLE, handler(index))
        theirs.send(b"x")
    reactor.run()
    assert len(calls) == 1
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_error_of_a_handler_ends_the_run(reactor: Reactor) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    reactor.call_after(0, broken)
    with pytest.raises(ZeroDivisionError):
        reactor.run()
