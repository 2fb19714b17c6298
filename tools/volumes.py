"""``nvr volumes``: the disks, what is on them, and whether they take new footage."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError
from nvr.timebase import format_utc
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.board import VolumeStatus
    from nvr.config import Settings, VolumeSettings

app = typer.Typer(help="Show the volumes; empty one before it is taken out.", no_args_is_help=True)

GB = 10**9
Numbers = Annotated[list[int], typer.Argument(help="The volumes' numbers, as in nvr.toml.")]


@dataclass(frozen=True, slots=True)
class _Footage:
    """What the index says of one volume."""

    bytes: int = 0
    chunks: int = 0
    oldest_us: int | None = None


@app.command("list")
def list_(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show every volume: its room, the footage on it, and how it is."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    settings = settings_from(config)
    stored, posted, draining = _footage(settings), _posted(settings), _draining(settings)
    table = Table("", "state", "free GB", "of", "footage GB", "files", "oldest", box=None)
    words: list[str] = []
    for volume in settings.volumes:
        free_bytes, total_bytes, trouble = _room(volume, posted.get(volume.number))
        footage = stored.get(volume.number, _Footage())
        oldest = "" if footage.oldest_us is None else format_utc(footage.oldest_us)[:16]
        numbers = (
            f"{free_bytes / GB:.1f}",
            f"{total_bytes / GB:.1f}",
            f"{footage.bytes / GB:.1f}",
            f"{footage.chunks}",
        )
        emptying = "emptying" if footage.chunks else "empty"
        state = "trouble" if trouble else emptying if volume.number in draining else "takes footage"
        table.add_row(str(volume.number), state, *numbers, oldest)
        words.append(f"{volume.number}: {volume.path}" + (f"\n   {trouble}" if trouble else ""))
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(escape("\n".join(words)), highlight=False)


@app.command()
def drain(numbers: Numbers, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write nothing new to these volumes. What is on them stays until its time is over.

    Once `nvr volumes list` says that one is empty, it can be taken out of nvr.toml and of the machine.
    """
    _change(settings_from(config), numbers, drained=True)
    print("The recorder writes there no more from the next files on, as long as another volume takes footage.")


@app.command()
def use(numbers: Numbers, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write to these volumes again."""
    _change(settings_from(config), numbers, drained=False)
    print("The recorder uses them again from the next files on.")


def _change(settings: "Settings", numbers: Iterable[int], *, drained: bool) -> None:
    from indexer.registry import Registry

    configured = {volume.number for volume in settings.volumes}
    wanted = set(numbers)
    if unknown := sorted(wanted - configured):
        words = ", ".join(map(str, unknown))
        raise ConfigError(f"there is no volume {words}", hint="nvr volumes list shows them all")
    with Registry.open(settings.registry_path) as registry:
        before = registry.draining() & configured
        after = before | wanted if drained else before - wanted
        if drained and after == configured:
            hint = "add another volume to nvr.toml first"
            raise ConfigError("no volume would be left to record to", hint=hint)
        registry.drain(after)


def _draining(settings: "Settings") -> frozenset[int]:
    from indexer.registry import Registry

    with Registry.open(settings.registry_path) as registry:
        return registry.draining()


def _posted(settings: "Settings") -> dict[int, "VolumeStatus"]:
    """What a running recorder says; nothing where none has run since the machine was started."""
    from indexer.board import Board
    from nvr.errors import StorageError

    with suppress(StorageError):
        board = Board.open(settings.board_path)
        try:
            return {status.number: status for status in board.volumes()}
        finally:
            board.close()
    return {}


def _footage(settings: "Settings") -> Mapping[int, _Footage]:
    from indexer.reader import IndexReader
    from nvr.errors import StorageError
    from retention.holds import begins_us

    found: dict[int, _Footage] = {}
    with suppress(StorageError), IndexReader.open(settings.index_path) as reader:
        oldest_us = begins_us(reader)
        for (_, number), usage in reader.usage().items():
            known = found.get(number, _Footage())
            size, chunks = known.bytes + usage.bytes, known.chunks + usage.chunks
            found[number] = _Footage(size, chunks, oldest_us.get(number))
    return found


def _room(volume: "VolumeSettings", posted: "VolumeStatus | None") -> tuple[int, int, str]:
    """Free and total bytes, and what is wrong."""
    from nvr.chunk.volume import Volume
    from nvr.errors import StorageError
    from nvr.timebase import SystemClock

    try:
        with Volume.open(volume.number, volume.path, create=False, clock=SystemClock(), read_only=True) as opened:
            return opened.free_bytes(), opened.total_bytes(), posted.trouble if posted else ""
    except StorageError as error:
        return 0, 0, str(error)
