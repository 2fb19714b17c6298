"""``nvr show``: what stands in a chunk file, or in the index for a stretch of time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError
from nvr.media import Track, TrackKind
from nvr.timebase import TimeRange
from tools.options import DEFAULT_CONFIG, ConfigFile, instant_us, settings_from

if TYPE_CHECKING:
    pass


def show(
    file: Annotated[Path | None, typer.Argument(help="A chunk file: .mp4, or .part while it grows.")] = None,
    channel: Annotated[int | None, typer.Option(help="Show index rows of this channel instead.")] = None,
    from_: Annotated[str, typer.Option("--from", help="With --channel: from this time on.")] = "",
    to: Annotated[str, typer.Option(help="With --channel: up to this time.")] = "",
    sub: Annotated[bool, typer.Option("--sub", help="With --channel: the sub stream.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Every fragment, not only the first and last.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Print a chunk file (boxes, header, fragments, footer), or the index rows of a channel.

    nvr show FILE.mp4

    nvr show --channel 7 --from 2026-11-23T20:00:00+07:00 --to 2026-11-23T21:00:00+07:00
    """
    if (file is None) == (channel is None):
        raise ConfigError("give either a file or --channel, --from and --to", where="nvr show")
    if file is not None:
        from tools.show_chunk import print_chunk

        print_chunk(file, every_fragment=all_)
    elif channel is not None:
        if not (from_ and to):
            raise ConfigError("--channel needs --from and --to", where="nvr show")
        from tools.show_index import print_rows

        span = _span(instant_us(from_, "--from"), instant_us(to, "--to"))
        print_rows(settings_from(config), Track(channel, TrackKind.SUB if sub else TrackKind.MAIN), span)


def _span(start_us: int, end_us: int) -> TimeRange:
    if end_us <= start_us:
        raise ConfigError("it is not later than --from", where="--to")
    return TimeRange(start_us, end_us)
