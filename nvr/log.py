"""Log lines with fields. Whoever logs asks here, so that no process can forget how tracebacks are to be printed."""

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def get_logger() -> "FilteringBoundLogger":
    """A logger; the first line of any of them sets logging up for the whole process.

    Tracebacks name files, lines and the error alone: structlog's own choice, where rich is installed, prints the local
    variables of every frame as well, and passwords with them.
    """
    return cast("FilteringBoundLogger", _Logger())


class _Logger:
    """Brings structlog in with its first line: most commands, and every decoder, have none to say."""

    __slots__ = ()

    def __getattr__(self, name: str) -> object:
        return getattr(_structlog(), name)


@cache
def _structlog() -> "FilteringBoundLogger":
    import structlog
    from structlog.dev import ConsoleRenderer, plain_traceback

    if not structlog.is_configured():
        colors = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        renderer = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
        structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
    return cast("FilteringBoundLogger", structlog.get_logger())
