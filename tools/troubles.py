"""``nvr troubles``: what was the matter with the recorder and its disks, and when."""

from typing import TYPE_CHECKING, Annotated

import typer

from nvr.timebase import US_PER_DAY, US_PER_S, SystemClock, format_utc
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.troubles import Trouble

Days = Annotated[int, typer.Option(min=1, max=400, help="How far to look back.")]


def troubles(days: Days = 30, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show what was the matter in the last days, oldest first; what still lasts stands out."""
    from rich.console import Console

    from indexer.troubles import TroubleBook

    from_us = SystemClock().wall_us() - days * US_PER_DAY
    with TroubleBook.open(settings_from(config).troubles_path, read_only=True) as book:
        lines = [_line(one) for one in book.since(from_us)]
    console = Console(soft_wrap=True)
    console.print("\n".join(lines) if lines else "Nothing was the matter.", highlight=False, markup=False)


def _line(one: "Trouble") -> str:
    about = f"volume {one.volume}: " if one.volume else ""
    lasted = "LASTS" if one.ended_us is None else f"{(one.ended_us - one.began_us) / US_PER_S:.0f} s"
    return f"{format_utc(one.began_us)[:19]}  {lasted:>8}  {about}{one.matter.value}  {one.detail}".rstrip()
