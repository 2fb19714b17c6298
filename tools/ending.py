"""How a process ends when it cannot go on: within seconds and with a code that says so, whatever its threads do.

Whoever watches over it starts it again; a process of which a part is dead, and which stands all the same, records
nothing and is started by nobody.
"""

import os
import threading
from collections.abc import Callable

from nvr.log import get_logger

log = get_logger()

FAULT_S = 15.0  # chosen: open chunks are sealed and synced in two; longer means that more than one thing is wrong
STOP_S = 28.0  # chosen: less than the 30 s after which `nvr run` kills, and systemd's 90 s
FAULT_CODE = 1  # as for a traceback that nobody catches


class Ending:
    """The recorder's. Once made, a thread that ends by an exception ends the process.

    Args:
        stop: asks for an orderly end; any thread may call it.
        fault_s: how long that may take once something is wrong.
    """

    def __init__(self, stop: Callable[[], None], fault_s: float = FAULT_S) -> None:
        self._stop = stop
        self._fault_s = fault_s
        self.is_fault = False
        threading.excepthook = self._thread_ended

    def fault(self) -> None:
        """Something that nobody foresaw has ended a part of the process: what is left has a while to end in order."""
        self.is_fault = True
        self.within(self._fault_s)
        self._stop()

    def within(self, seconds: float) -> None:
        """However it comes: in so many seconds the process has ended."""
        timer = threading.Timer(seconds, _end)
        timer.name, timer.daemon = "ending", True
        timer.start()

    def _thread_ended(self, what: threading.ExceptHookArgs) -> None:
        name = what.thread.name if what.thread else "?"
        if what.exc_value is not None:
            trace = (what.exc_type, what.exc_value, what.exc_traceback)
            log.error("a thread ended in a way that nobody foresaw: the process ends", thread=name, exc_info=trace)
        self.fault()


def _end() -> None:
    left = [one.name for one in threading.enumerate() if not one.daemon]
    log.error("the process did not end in time and is cut off", threads=left)
    os._exit(FAULT_CODE)
