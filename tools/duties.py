"""What the recorder does beside recording, again and again: each duty fails alone, and is tried again."""

from collections.abc import Callable

from nvr.capture.reactor import Reactor
from nvr.errors import StorageError, unforeseen
from nvr.log import get_logger

log = get_logger()

Duty = Callable[[], None]


class Duties:
    """Run by the reactor. Whatever a duty raises, recording goes on, and `trouble` says what is wrong meanwhile."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._failing: dict[str, str] = {}

    @property
    def trouble(self) -> str:
        """What does not succeed at present, for people; empty: all does. Any thread."""
        return "; ".join(dict.fromkeys(self._failing.values()))

    def every(self, interval_us: int, name: str, duty: Duty) -> None:
        """Do it from now on."""
        self._reactor.call_every(interval_us, lambda: self._do(name, duty))

    def _do(self, name: str, duty: Duty) -> None:
        try:
            duty()
        except StorageError as error:
            self._failing = self._failing | {name: str(error)}
        except Exception as error:  # whatever it is, this duty fails alone
            words = unforeseen(error)
            if self._failing.get(name) != words:
                log.exception("a duty of the recorder fails", duty=name)
            self._failing = self._failing | {name: words}
        else:
            if name in self._failing:
                self._failing = {other: words for other, words in self._failing.items() if other != name}
