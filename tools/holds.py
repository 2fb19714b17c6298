"""``nvr holds``: orders to keep footage past its time. A running recorder obeys at once."""

import getpass
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError, StorageError
from nvr.timebase import TimeRange, format_utc
from tools.options import DEFAULT_CONFIG, ConfigFile, instant_us, settings_from

if TYPE_CHECKING:
    from indexer.holds import Hold
    from indexer.reader import IndexReader
    from indexer.registry import Registry
    from retention.holds import Kept

app = typer.Typer(help="Keep footage past its time, for as long as somebody needs it.", no_args_is_help=True)

GB = 10**9
US_PER_HOUR = 3_600_000_000
Author = Annotated[str, typer.Option("--by", help="Who asks for it.", show_default="your login")]


@app.command("list")
def list_(
    config: ConfigFile = DEFAULT_CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are released or expired.")] = False,
) -> None:
    """Show what is held, how many bytes it keeps, and what that costs the other cameras."""
    from rich.console import Console
    from rich.markup import escape

    from indexer.reader import IndexReader
    from nvr.timebase import SystemClock
    from retention.holds import kept_by

    settings, now_us = settings_from(config), SystemClock().wall_us()
    with _registry(config) as registry:
        shown = [hold for hold in registry.holds.all() if everything or hold.stands(now_us)]
    lines = []
    with IndexReader.open(settings.index_path) as reader:
        for hold in shown:
            kept = kept_by(hold, reader)
            lines += [_headline(hold, now_us), f"   {hold.reason}", f"   {_cost(kept, reader, now_us)}"]
    console = Console(soft_wrap=True)
    console.print(escape("\n".join(lines)) if lines else "Nothing is held.", highlight=False)


@app.command()
def add(
    start: Annotated[str, typer.Option("--from", help="Where it begins, such as 2026-11-23T20:30:00+07:00.")],
    end: Annotated[str, typer.Option("--to", help="Where it ends; may lie ahead of now.")],
    reason: Annotated[str, typer.Option(help="Why, such as a case number.")],
    channels: Annotated[list[int] | None, typer.Option("--channel", help="One or more times; none: all.")] = None,
    expires: Annotated[str, typer.Option(help="When it ends by itself; never, if not given.")] = "",
    author: Author = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Hold a stretch of time, also of footage that is not recorded yet. Nothing of it is deleted from now on."""
    from nvr.timebase import SystemClock

    start_us, end_us = instant_us(start, "--from"), instant_us(end, "--to")
    if end_us <= start_us:
        raise ConfigError("the hold ends before it begins", where="--to", hint="swap the two times")
    with _registry(config) as registry:
        _known(channels or [], registry, settings_from(config).index_path)
        hold = registry.holds.lay(
            TimeRange(start_us, end_us),
            channels=channels or [],
            reason=reason,
            author=author or getpass.getuser(),
            now_us=SystemClock().wall_us(),
            expires_us=instant_us(expires, "--expires") if expires else None,
        )
    print(f"Hold {hold.number}: {_about(hold)}")


@app.command()
def release(
    number: Annotated[int, typer.Argument(help="The hold's number.")],
    author: Author = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """End a hold. Its footage goes when its time is over, perhaps at once."""
    from nvr.timebase import SystemClock

    with _registry(config) as registry:
        hold = registry.holds.release(number, by=author or getpass.getuser(), now_us=SystemClock().wall_us())
    print(f"Released hold {hold.number}: {_about(hold)}")


def _registry(config: Path) -> "Registry":
    from indexer.registry import Registry

    return Registry.open(settings_from(config).registry_path)


def _known(channels: Iterable[int], registry: "Registry", index: Path) -> None:
    """A typing mistake in a hold would let the wrong footage go. A camera that was removed may have footage still."""
    from indexer.reader import IndexReader

    known = {channel.number for channel in registry.known()}
    with suppress(StorageError), IndexReader.open(index) as reader:
        known |= {track.channel for track in reader.tracks()}
    if unknown := sorted(set(channels) - known):
        words = ", ".join(map(str, unknown))
        raise ConfigError(f"there is no channel {words}", where="--channel", hint="nvr cameras list shows them all")


def _headline(hold: "Hold", now_us: int) -> str:
    state = ""
    if hold.released_us is not None:
        state = f", released {format_utc(hold.released_us)[:16]}Z by {hold.released_by}"
    elif not hold.stands(now_us):
        state = ", expired"
    return f"{hold.number}: {_about(hold)}, by {hold.author} on {format_utc(hold.laid_us)[:16]}Z{state}"


def _about(hold: "Hold") -> str:
    who = f"channel {', '.join(map(str, hold.channels))}" if hold.channels else "every channel"
    until = f", until {format_utc(hold.expires_us)[:19]}Z" if hold.expires_us is not None else ""
    return f"{who} from {format_utc(hold.start_us)[:19]}Z to {format_utc(hold.end_us)[:19]}Z{until}"


def _cost(kept: "Kept", reader: "IndexReader", now_us: int) -> str:
    from retention.holds import begins_us, shortened_us

    used_bytes: dict[int, int] = {}
    for (_, volume), usage in reader.usage().items():
        used_bytes[volume] = used_bytes.get(volume, 0) + usage.bytes
    recorded_us = {volume: now_us - us for volume, us in begins_us(reader).items()}
    words = [
        f"everything else on volume {volume} goes {us / US_PER_HOUR:.1f} h earlier once that is full"
        for volume, us in sorted(shortened_us(kept, used_bytes, recorded_us).items())
    ]
    return "; ".join([f"keeps {kept.bytes / GB:.2f} GB", *words])
