"""Runs ``nvr`` as a person would, in this process."""

import contextlib
import io
from dataclasses import dataclass

from tools.main import main


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def nvr(*arguments: object) -> Ended:
    """Run ``nvr ARGUMENTS`` to its end."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ended(code, out.getvalue(), err.getvalue())
