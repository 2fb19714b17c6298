"""``nvr volumes``: the disks, what is on them, and whether they take new footage."""

import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError
from nvr.ownership import hand_over_path
from nvr.textfile import decoded
from nvr.timebase import format_utc
from tools.config_text import with_volume, without_volume
from tools.init import make_volume
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.board import VolumeStatus
    from nvr.config import Settings, VolumeSettings

app = typer.Typer(help="Show the volumes, add and remove them, empty one before it is taken out.", no_args_is_help=True)

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
        status = posted.get(volume.number)
        lines = [f"{volume.number}: {volume.path}", trouble, status.disk if status else ""]
        words.append("\n   ".join(line for line in lines if line))
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(escape("\n".join(words + _copied(settings) + _scrubbed(settings))), highlight=False)


def _copied(settings: "Settings") -> list[str]:
    """How much lies on two disks, where that is wanted."""
    from indexer.reader import IndexReader
    from nvr.errors import StorageError

    wanted = settings.retention
    if max([wanted.copies, *(one.copies or 1 for one in (*wanted.channel, *wanted.group))]) == 1:
        return []
    with suppress(StorageError), IndexReader.open(settings.index_path) as reader:
        return [f"Files that lie on two disks: {reader.copies()}"]
    return []


def _scrubbed(settings: "Settings") -> list[str]:
    """How far the files are verified, and which are damaged."""
    from indexer.damage import DamageBook
    from nvr.errors import StorageError

    try:
        with DamageBook.open(settings.scrub_path, read_only=True) as book:
            made, damages = book.round(), book.damages()
    except StorageError:
        return ["No file has been verified yet."]
    began = f"{made.percent} % of this round, which began {format_utc(made.began_us)[:16]}" if made else "nothing yet"
    lines = [f"Verified: {began}; damaged files: {len(damages)}"]
    for damage in damages:
        times = ", ".join(f"{format_utc(start)[:19]} to {format_utc(end)[:19]}" for start, end in damage.times)
        lines.append(f"   {damage.volume}: {damage.path}: {damage.what}; damaged: {times or 'its tables only'}")
    return lines


@app.command()
def drain(numbers: Numbers, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write nothing new to these volumes. What is on them stays until its time is over.

    Once `nvr volumes list` says that one is empty, `nvr volumes remove` lets it go.
    """
    _change(settings_from(config), numbers, drained=True)
    print("The recorder writes there no more from the next files on, as long as another volume takes footage.")


@app.command()
def use(numbers: Numbers, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write to these volumes again."""
    _change(settings_from(config), numbers, drained=False)
    print("The recorder uses them again from the next files on.")


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="A folder on the new disk, best where it is mounted.")],
    weight: Annotated[int, typer.Option(min=1, max=1000, help="Its share against the others'.")] = 1,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make a mounted disk ready and enter it in nvr.toml; a running recorder takes it within seconds."""
    settings, path = settings_from(config), path.absolute()
    if any(volume.path.resolve() == path.resolve() for volume in settings.volumes):
        raise ConfigError("it is a volume already", where=str(path), hint="nvr volumes list shows them all")
    number = _number_for(path, settings)
    free_bytes = make_volume(number, path, owned=config)
    _rewrite(config, with_volume(_text(config), number, path, weight))
    print(f"Volume {number}: {path}, {free_bytes / GB:.1f} GB free. A running recorder takes it within seconds.")


def _number_for(path: Path, settings: "Settings") -> int:
    """The number that a folder gets: its own if it was a volume of ours, a new one otherwise. None is ever used again.

    Raises:
        StorageError: it is a copy of a volume that is in use.
    """
    from nvr.chunk import identity
    from tools.volume_watch import clone_refused

    who, known = identity.of_folder(path), _known(settings)
    configured = {volume.number: volume.path for volume in settings.volumes}
    number = max(configured.keys() | known.keys()) + 1
    if who is None:
        return number
    for place in configured.values():
        other = identity.of_folder(place)
        if other is not None and other.uuid == who.uuid:
            raise clone_refused(who, path, place)
    if who.number not in configured and known.get(who.number, who.uuid.bytes) == who.uuid.bytes:
        return who.number
    identity.renumber(path, who, number)
    return number


@app.command()
def replace(
    number: Annotated[int, typer.Argument(help="The number of the disk that is gone for good.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make a new disk ready that is mounted in the place of one that is gone for good; it gets a number of its own.

    What lay on the old disk is told as lost. If that disk comes back, nvr volumes add PATH brings its footage back.
    """
    from nvr.chunk import identity

    settings = settings_from(config)
    wanted = next((volume for volume in settings.volumes if volume.number == number), None)
    if wanted is None:
        raise ConfigError(f"there is no volume {number}", hint="nvr volumes list shows them all")
    who = identity.of_folder(wanted.path)
    if who is not None and who.uuid.bytes == _known(settings).get(number):
        hint = "unmount it, mount the new disk there, and type this again"
        raise ConfigError(f"volume {number} itself is mounted there", where=str(wanted.path), hint=hint)
    others = settings.model_copy(update={"volumes": tuple(v for v in settings.volumes if v.number != number)})
    after = max({volume.number for volume in settings.volumes} | _known(settings).keys()) + 1
    new = _number_for(wanted.path, others) if who is not None else after
    free_bytes = make_volume(new, wanted.path, owned=config)
    _rewrite(config, with_volume(without_volume(_text(config), number), new, wanted.path, wanted.weight))
    print(f"Volume {new} takes the place of volume {number}: {wanted.path}, {free_bytes / GB:.1f} GB free.")


@app.command()
def remove(
    number: Annotated[int, typer.Argument(help="The volume's number, as in nvr.toml.")],
    with_footage: Annotated[
        bool, typer.Option(help="Although there is footage on it: it is told as lost until the disk is added again.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take a volume out of nvr.toml; a running recorder lets go of the disk as soon as its open files are complete."""
    settings = settings_from(config)
    if number not in {volume.number for volume in settings.volumes}:
        raise ConfigError(f"there is no volume {number}", hint="nvr volumes list shows them all")
    if len(settings.volumes) == 1:
        raise ConfigError("no volume would be left to record to", hint="nvr volumes add another one first")
    chunks = _footage(settings).get(number, _Footage()).chunks
    if chunks and not with_footage:
        hint = (
            f"nvr volumes drain {number} and wait until it is empty; if the disk is dead or goes with its footage: "
            "--with-footage"
        )
        raise ConfigError(f"{chunks} files with footage are on it", where=f"volume {number}", hint=hint)
    try:
        text = without_volume(_text(config), number)
    except KeyError:
        raise ConfigError("its block was not found", where=str(config), hint="take it out with an editor") from None
    _rewrite(config, text)
    print("A running recorder writes its open files to their end, five minutes at most, and lets the disk go.")


def _text(config: Path) -> str:
    return decoded(config.read_bytes(), str(config))


def _rewrite(config: Path, text: str) -> None:
    """The file is whole, old or new, whatever happens."""
    from nvr.config import refuse_shared_folders

    draft = config.with_name(config.name + ".new")
    draft.write_text(text, encoding="utf-8")
    refuse_shared_folders(settings_from(draft), draft)
    shutil.copymode(config, draft)
    hand_over_path(draft, config)
    draft.replace(config)


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
            hint = "nvr volumes add another one first"
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


def _known(settings: "Settings") -> dict[int, bytes]:
    """The numbers of all volumes that the index has ever seen, with their uuids."""
    from indexer.reader import IndexReader
    from nvr.errors import StorageError

    with suppress(StorageError), IndexReader.open(settings.index_path) as reader:
        return reader.volumes()
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
