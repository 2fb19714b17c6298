"""A thread that looks again and again outlives whatever a look raises."""

import threading

import pytest

from nvr.errors import StorageError
from nvr.periodic import PeriodicThread

LONG_S = 20.0  # a machine that is busy; it ends with the condition


class Failing(PeriodicThread):
    """Raises each time, and counts."""

    def __init__(self, error: Exception, wanted: int) -> None:
        super().__init__("failing", 0.001)
        self.error = error
        self.wanted = wanted
        self.looks = 0
        self.told: list[Exception] = []
        self.is_enough = threading.Event()
        self.has_ended = False

    def begin(self) -> None:
        raise self.error

    def look(self) -> None:
        self.looks += 1
        if self.looks == self.wanted:
            self.is_enough.set()
        raise self.error

    def end(self) -> None:
        self.has_ended = True
        raise self.error

    def failed(self, error: Exception) -> None:
        super().failed(error)
        self.told.append(error)


@pytest.mark.parametrize("error", [StorageError("the disk is gone"), ZeroDivisionError("nobody foresaw it")])
def test_look_that_raises_is_told_and_made_again(error: Exception) -> None:
    thread = Failing(error, 3)
    with thread:
        assert thread.is_enough.wait(LONG_S)
    assert thread.has_ended
    assert not thread.is_alive()
    assert thread.told == [error] * (thread.looks + 2)


def test_look_that_hangs_does_not_keep_a_daemon_from_ending() -> None:
    class Hanging(PeriodicThread):
        def look(self) -> None:
            hangs.set()
            release.wait(LONG_S)

    hangs, release = threading.Event(), threading.Event()
    with Hanging("hanging", 0.001, daemon=True) as thread:
        assert hangs.wait(LONG_S)
    assert thread.is_alive()
    release.set()
    thread.join(LONG_S)
    assert not thread.is_alive()
