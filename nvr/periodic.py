"""A thread that looks at something again and again, and goes on whatever a look raises."""

import threading
from collections.abc import Callable
from typing import Self

from nvr.errors import NvrError
from nvr.log import get_logger

log = get_logger()


class PeriodicThread(threading.Thread):
    """``with`` starts and stops it.

    Args:
        name: for logs.
        every_s: how long it waits before each look.
        daemon: whether the process may end while a look still hangs.
    """

    def __init__(self, name: str, every_s: float, *, daemon: bool = False) -> None:
        super().__init__(name=name, daemon=daemon)
        self._every_s = every_s
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join(self._every_s if self.daemon else None)

    def run(self) -> None:
        self._guarded(self.begin)
        while not self._stopping.wait(self._every_s):
            self._guarded(self.look)
        self._guarded(self.end)

    def begin(self) -> None:
        """Before the first wait."""

    def look(self) -> None:
        """Once. Whatever it raises, it is called again."""
        raise NotImplementedError

    def end(self) -> None:
        """After the last look."""

    def failed(self, error: Exception) -> None:
        """A look, the begin or the end failed. What nobody foresaw is logged with its trace."""
        if isinstance(error, NvrError):
            log.error(f"{self.name}: a look failed", error=str(error))
        else:
            log.error(f"{self.name}: a look failed in a way that nobody foresaw", exc_info=error)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the outermost loop of a thread that must go on; `failed` tells it
            self.failed(error)
