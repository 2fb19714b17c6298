"""``nvr COMMAND``: one file per command; here they are gathered, and here alone errors become exit codes.

Each command imports what it needs when it runs, so that ``nvr --help`` is quick and the recorder carries no ballast.
"""

import sys
from collections.abc import Sequence
from enum import IntEnum

import typer

from nvr import __version__
from nvr.errors import (
    CameraError,
    ConfigError,
    Denied,
    Held,
    IntegrityError,
    NotRecorded,
    NvrError,
    StorageError,
)
from tools import (
    cameras,
    check,
    clock,
    demo,
    holds,
    init,
    rebuild,
    recorder,
    registry,
    run,
    show,
    troubles,
    volumes,
    web,
)
from tools.simcam import command as simcam


class ExitCode(IntEnum):
    """How a command ended, for scripts and for systemd. 1 is left to what nobody foresaw: a traceback."""

    CONFIG = 2  # wrong options, configuration or camera list; typer's own code for wrong options
    STORAGE = 3  # a disk or an index cannot be read or written
    INTEGRITY = 4  # stored footage is not as it was written; nvr check has findings
    NOT_RECORDED = 5  # nothing was recorded at that instant or in that range
    CAMERA = 6  # a camera cannot be used
    REFUSED = 7  # held footage, or not allowed
    INTERRUPTED = 130  # Ctrl-C, as shells count it


EPILOG = (
    "Exit codes: 0 fine, 2 options or configuration, 3 storage, 4 integrity, 5 nothing recorded, 6 camera, "
    "7 refused, 130 interrupted, 1 anything unforeseen."
)

app = typer.Typer(
    name="nvr",
    help="Records cameras without a gap, and finds any instant again.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a pretty traceback prints local variables, and passwords with them
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"nvr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Only here for what stands before a command."""


app.command()(init.init)
app.add_typer(cameras.app, name="cameras")
app.add_typer(volumes.app, name="volumes")
app.add_typer(holds.app, name="holds")
app.add_typer(clock.app, name="clock")
app.add_typer(registry.app, name="registry")
app.command()(demo.demo)
app.command()(run.run)
app.command()(recorder.recorder)
app.command()(web.web)
app.command()(show.show)
app.command()(check.check)
app.command()(rebuild.rebuild)
app.command()(troubles.troubles)
app.command()(simcam.simcam)


def exit_code(error: NvrError) -> ExitCode | int:
    """The code for an error of ours; 1 for a kind that has none."""
    match error:
        case ConfigError():
            return ExitCode.CONFIG
        case StorageError():
            return ExitCode.STORAGE
        case IntegrityError():
            return ExitCode.INTEGRITY
        case NotRecorded():
            return ExitCode.NOT_RECORDED
        case CameraError():
            return ExitCode.CAMERA
        case Held() | Denied():
            return ExitCode.REFUSED
        case _:
            return 1


def report(error: NvrError) -> str:
    """What a person reads on stderr: the place, what is wrong, and below it the mend."""
    place = f"{error.where}: " if error.where else ""
    mend = f"\n  → {error.hint}" if error.hint else ""
    return f"nvr: {place}{error.what}{mend}"


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the command ``nvr``; ``arguments`` are those of the process where none are given."""
    try:
        app(arguments)
    except NvrError as error:
        print(report(error), file=sys.stderr)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
