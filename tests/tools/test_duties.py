"""A duty that fails, however it fails, is told and tried again; the reactor and the other duties go on."""

from collections.abc import Callable

import pytest

from nvr.capture.reactor import Reactor
from nvr.errors import StorageError
from nvr.timebase import SystemClock
from tools.duties import Duties

ROUNDS = 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StorageError("the index is full", where="index"), "index: the index is full"),
        (RuntimeError("secret"), "unforeseen went wrong (RuntimeError)"),
        (MemoryError(), "unforeseen went wrong (MemoryError)"),
    ],
)
def test_duty_that_fails_is_told_and_the_others_go_on(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reactor = Reactor(SystemClock())
    duties = Duties(reactor)
    done: list[str] = []
    told: list[str] = []

    def counted(name: str, then: Callable[[], None] = lambda: None) -> Callable[[], None]:
        def duty() -> None:
            done.append(name)
            then()

        return duty

    def fail() -> None:
        if done.count("bad") < ROUNDS:
            raise error

    def look() -> None:
        told.append(duties.trouble)
        if done.count("bad") > ROUNDS:
            reactor.stop()

    duties.every(2_000, "bad", counted("bad", fail))
    duties.every(2_000, "good", counted("good", look))
    reactor.run()
    reactor.close()
    assert any(words in trouble for trouble in told)
    assert "secret" not in "".join(told)
    assert duties.trouble == "", "it succeeds again"
    assert done.count("good") >= ROUNDS
    assert capsys.readouterr().out.count("Traceback") <= 1, "told once, not at every try"
