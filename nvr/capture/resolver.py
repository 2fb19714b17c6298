"""Host names to addresses, without making the reactor wait for a name server."""

import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from nvr.capture.reactor import Reactor
from nvr.errors import CameraError

ADDRESSES_LIMIT = 4  # chosen: of a name; one of each kind and one more
Answer = Callable[[list[str] | CameraError], None]


class Resolver:
    """Looks names up in a thread of its own; IP addresses are answered at once."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="resolver")

    def resolve(self, host: str, answer: Answer) -> None:
        """Call ``answer`` in the reactor's thread, with the addresses of ``host`` in order, or what is wrong."""
        try:
            addresses = [str(ipaddress.ip_address(host))]
        except ValueError:
            future = self._threads.submit(_look_up, host)
            future.add_done_callback(lambda done: self._reactor.call_from_thread(lambda: answer(_outcome(done, host))))
        else:
            answer(addresses)

    def close(self) -> None:
        """Forget what was asked."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:ADDRESSES_LIMIT]


def _outcome(done: "Future[list[str]]", host: str) -> list[str] | CameraError:
    if done.cancelled():
        return CameraError("the recorder is stopping", where=host)
    error = done.exception()
    if error is not None:
        return CameraError("the name cannot be found", where=host, hint="check the name or write an IP address")
    return done.result()
