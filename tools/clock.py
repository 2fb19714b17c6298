"""``nvr clock``: whether the server's clock is believed, and a person's word that it is right."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nvr.errors import StorageError
from nvr.timebase import US_PER_S, format_utc
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from nvr.believedclock import Belief, Reading

app = typer.Typer(help="Whether the server's clock is believed, and your word that it is right.")


@app.callback(invoke_without_command=True)
def show(context: typer.Context, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show the server's clock, what is believed instead if it is not, and which footage a wrong clock has dated."""
    if context.invoked_subcommand is not None:
        return
    from indexer.clockbook import ClockBook
    from nvr.believedclock import observe

    reading = _reading()
    with ClockBook.open(settings_from(config).clock_path, read_only=True) as book:
        belief = book.belief()
    if belief is None:
        raise StorageError("nothing is known of the clock yet", hint="it is once the recorder has run")
    print("\n".join(_lines(reading, observe(belief, reading))))


@app.command()
def confirm(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Say that the server's clock is right as it is now. A running recorder believes it within a second.

    What was dated by another clock is kept as if it had been recorded as late as is possible.
    """
    wall_us = vouch(settings_from(config).clock_path)
    print(f"Confirmed: it is {format_utc(wall_us)[:19]}Z, until the clock jumps or the machine restarts.")


def vouch(clock_path: Path) -> int:
    """Write down that the server's clock is right as it is now; gives the time that it shows, in wall microseconds.

    Raises:
        StorageError: the book of the clock cannot be written.
    """
    from indexer.clockbook import ClockBook
    from nvr.believedclock import Confirmation

    reading = _reading()
    with ClockBook.open(clock_path) as book:
        book.confirm(Confirmation(reading.boot, reading.boot_us, reading.wall_us))
    return reading.wall_us


def _reading() -> "Reading":
    from nvr.machineclock import MachineClock
    from nvr.timebase import SystemClock

    return MachineClock(SystemClock()).reading()


def _lines(reading: "Reading", belief: "Belief") -> list[str]:
    from retention.clockwatch import span, words

    keeper = "the kernel says that it is synchronised" if reading.is_synchronised else "nobody vouches for it"
    lines = [f"The server's clock says {format_utc(reading.wall_us)[:19]}Z; {keeper}."]
    if trouble := words(belief):
        lines.append(f"{trouble[0].upper()}{trouble[1:]}.")
    elif belief.is_doubtful:
        lines.append(
            "The machine has just started: what is recorded is marked until somebody vouches, for 15 minutes at most."
        )
    else:
        lines.append("It is believed.")
    if belief.lag_us > US_PER_S:
        lines.append(f"Ages are counted {span(belief.lag_us)} short: the machine was off, or its clock was set.")
    for one in belief.in_force():
        dates = f"{format_utc(max(0, one.from_us))[:19]}Z to {format_utc(one.to_us)[:19]}Z"
        which = "Marked footage" if one.is_marked else "Footage"
        way = "later" if one.shift_us > 0 else "earlier"
        lines.append(f"{which} dated {dates} was recorded about {span(one.shift_us)} {way}.")
    return lines
