"""``nvr cameras``: the list of cameras in the registry, as people keep it. A running recorder notices each change."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.channel import Channel, Transport
from nvr.errors import ConfigError
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.registry import Registry

app = typer.Typer(help="List, add, remove and import cameras.", no_args_is_help=True)


@app.command("list")
def list_(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show all cameras; passwords are never shown."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from nvr.camera_address import shown

    with _registry(config) as registry:
        unusable = {one.channel.number: one for one in registry.unusable()}
        channels = [*registry.channels(), *(one.channel for one in unusable.values())]
    table = Table("", "name", "main stream", "sub stream", "user", "over", "", box=None)
    for channel in sorted(channels, key=lambda channel: channel.number):
        broken = unusable.get(channel.number)
        has_none = channel.username and not channel.password and not broken
        user = channel.username + (" (no password)" if has_none else "")
        state = broken.why if broken else "" if channel.enabled else "off"
        words = (
            channel.name,
            shown(channel.main_url),
            shown(channel.sub_url) or "none",
            user,
            channel.transport.value,
            state,
        )
        table.add_row(str(channel.number), *map(escape, words))
    Console(soft_wrap=True).print(table if channels else "There is no camera yet: nvr cameras add")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="FILE.csv, or FILE.toml with [[camera]] tables.")],
    config: ConfigFile = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the file.")] = False,
) -> None:
    """Take over a list of cameras, whole or not at all; a number that is known is replaced.

    Columns: number, name, main_url, sub_url, username, password, transport (tcp or udp), enabled (yes or no).
    Only the first three are needed. A spreadsheet's semicolons and tabs are fine.
    """
    from nvr.camera_list import parse

    channels = parse(_text(file), is_toml=file.suffix.lower() == ".toml", where=str(file))
    if dry_run:
        print(f"{_count(channels)} in {file}, without a mistake; nothing was changed")
        return
    with _registry(config) as registry:
        numbers = {channel.number for channel in registry.known()}
        known = {channel.number: channel for channel in registry.channels()}
        changed = [channel for channel in channels if known.get(channel.number) != channel]
        for channel in changed:
            registry.put(channel)
    new = sum(channel.number not in numbers for channel in changed)
    replaced, same = len(changed) - new, len(channels) - len(changed)
    print(f"{_count(channels)} in {file}: {new} new, {replaced} changed, {same} as before")


@app.command()
def add(
    number: Annotated[int, typer.Argument(help="The channel's number, 1 to 99999.")],
    name: Annotated[str, typer.Argument(help="Where the camera stands.")],
    main_url: Annotated[str, typer.Argument(help="rtsp:// or rtsps:// of the full picture.")],
    config: ConfigFile = DEFAULT_CONFIG,
    sub_url: Annotated[str, typer.Option("--sub", help="URL of the small picture.")] = "",
    username: Annotated[str, typer.Option("--user", help="Asks for the password, unless --password-file.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="A file whose first line is the password.")] = None,
    transport: Annotated[Transport, typer.Option(help="How the pictures travel.")] = Transport.TCP,
    disabled: Annotated[bool, typer.Option("--off", help="Do not record it yet.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a camera of the same number.")] = False,
) -> None:
    """Add one camera. Its password is asked for or read from a file, never given on the command line."""
    fields = {
        "number": str(number),
        "name": name,
        "main_url": main_url,
        "sub_url": sub_url,
        "username": username,
        "transport": transport.value,
        "enabled": "no" if disabled else "yes",
    }
    with _registry(config) as registry:
        if not replace and number in {channel.number for channel in registry.known()}:
            raise ConfigError("there is a camera of that number", where=f"channel {number}", hint="give --replace")
        registry.put(_asked(fields, password_file))
    print(f"Added channel {number}. A running recorder takes it up by itself.")


def _asked(fields: dict[str, str], password_file: Path | None) -> Channel:
    """The channel that ``fields`` describe, once its password is known; asked for only if the rest is right."""
    from nvr.camera_list import channel_of, refusal

    channel, mistakes = channel_of(fields)
    if channel is not None and (fields["username"] or password_file):
        channel, mistakes = channel_of({**fields, "password": _password(password_file)})
    if channel is None:
        raise refusal(mistakes, f"channel {fields['number']}")
    return channel


@app.command()
def remove(
    numbers: Annotated[list[int], typer.Argument(help="The channels' numbers.")], config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Remove cameras from the list. Footage that is there stays until its time is over."""
    with _registry(config) as registry:
        unknown = [number for number in dict.fromkeys(numbers) if not registry.remove(number)]
    removed = [number for number in dict.fromkeys(numbers) if number not in unknown]
    if removed:
        print(f"Removed {', '.join(map(str, removed))}. Footage that is there stays until its time is over.")
    if unknown:
        words = ", ".join(map(str, unknown))
        raise ConfigError(f"there is no channel {words}", hint="nvr cameras list shows them all")


def _registry(config: Path) -> "Registry":
    from indexer.registry import Registry

    return Registry.open(settings_from(config).registry_path)


def _text(file: Path) -> str:
    from nvr.textfile import decoded

    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(file)) from error
    return decoded(data, str(file))


def _password(file: Path | None) -> str:
    if file is not None:
        return (_text(file).splitlines() or [""])[0]
    return str(typer.prompt("Password", hide_input=True, default="", show_default=False))


def _count(channels: Iterable[Channel]) -> str:
    number = len(list(channels))
    return f"{number} camera{'' if number == 1 else 's'}"
