"""``nvr registry``: the camera list's own folder, its key and its copies."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError, IntegrityError, NotRecorded, StorageError
from nvr.timebase import format_utc
from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

if TYPE_CHECKING:
    from indexer.registry_copy import Snapshot
    from nvr.config import Settings

app = typer.Typer(help="Look after the camera list, the key of its passwords, and its copies.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class _Found:
    """A copy on a disk."""

    path: Path
    snapshot: "Snapshot | None"  # None: it cannot be used
    words: str


@app.command("copies")
def copies(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show the copies of the camera list that lie on the volumes, the newest first."""
    found = list(_copies(settings_from(config)))
    for copy in found:
        print(f"{copy.path}: {copy.words}")
    if not found:
        print("There is no copy yet: the recorder makes them, within a minute of a change.")


@app.command()
def restore(
    copy: Annotated[
        Path | None, typer.Option(help="This file, or the newest one on this disk; without it the newest whole one.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Although there is a camera list that can be read.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Put the camera list, holds and bookmarks back from a copy; the recorder must not run.

    The one that is there stays beside it. Passwords need the key of then: a copy does not hold it.
    """
    from indexer.registry import Registry
    from tools.alone import alone

    settings = settings_from(config)
    found = list(_copies(settings) if copy is None else _copies_at(copy))
    for one in found:
        print(f"{one.path}: {one.words}")
    chosen = next((one for one in found if one.snapshot is not None), None)
    if chosen is None or chosen.snapshot is None:
        raise NotRecorded("there is no whole copy", hint="look on a disk that is not in nvr.toml: --copy PATH")
    with alone(settings.data_dir):
        _refuse_to_replace(settings, force=force)
        draft = settings.registry_path.with_name("registry.new")
        _clear(draft)
        Registry.restore(draft, chosen.snapshot)
        aside = _put_in_place(draft, settings.registry_path)
    with Registry.open(settings.registry_path) as registry:
        unusable = registry.unusable()
    print(f"Restored {chosen.path}" + (f"; what was there before is kept as {aside}." if aside else "."))
    if unusable:
        print(
            f"The passwords of {len(unusable)} cameras cannot be read with the key that is here. Put the right one "
            f"into {settings.registry_path}, or: nvr registry new-key, then nvr cameras add … --user NAME --replace"
        )


@app.command("show-key")
def show_key(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Print the key of the passwords, to be kept where no camera list is: with it a copy gives the passwords away."""
    from indexer.keyfile import KEY_FILE

    path = settings_from(config).registry_path / KEY_FILE
    try:
        print(path.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError("the key cannot be read", where=str(path)) from error


def _copies(settings: "Settings") -> Iterator[_Found]:
    """Those on all volumes, the newest first, also where a disk cannot be opened as the volume it was."""
    from indexer.registry_copy import PREFIX, SUFFIX

    paths = [path for volume in settings.volumes for path in volume.path.glob(f"{PREFIX}*{SUFFIX}")]
    yield from map(_looked_at, sorted(paths, key=lambda path: path.name, reverse=True))


def _copies_at(place: Path) -> Iterator[_Found]:
    from indexer.registry_copy import PREFIX, SUFFIX

    paths = place.glob(f"{PREFIX}*{SUFFIX}") if place.is_dir() else [place]
    yield from map(_looked_at, sorted(paths, reverse=True))


def _looked_at(path: Path) -> _Found:
    from indexer import registry_copy

    try:
        snapshot = registry_copy.read(path.read_bytes(), str(path))
    except (OSError, IntegrityError) as error:
        return _Found(path, None, error.what if isinstance(error, IntegrityError) else str(error.strerror))
    about = snapshot.about
    words = (
        f"{format_utc(about.made_us)[:19]}Z, {about.cameras} cameras, {about.holds} holds, {about.bookmarks} bookmarks"
    )
    return _Found(path, snapshot, words)


def _refuse_to_replace(settings: "Settings", *, force: bool) -> None:
    """A camera list that can be read is not replaced by mistake."""
    from indexer.registry import Registry

    if force or not (settings.registry_path / "data.mdb").exists():
        return
    try:
        with Registry.open(settings.registry_path) as registry:
            is_empty = registry.is_empty()
    except (StorageError, IntegrityError):
        return
    if not is_empty:
        raise ConfigError("there is a camera list that can be read", hint="nvr cameras list shows it; or say --force")


def _put_in_place(draft: Path, path: Path) -> Path | None:
    """The new folder in the old one's place, with the key that is there; gives where the old one is kept."""
    import shutil

    from indexer.keyfile import KEY_FILE
    from nvr import durable
    from nvr.ownership import hand_over_path
    from nvr.timebase import SystemClock

    aside = None
    try:
        if path.exists():
            if (path / KEY_FILE).is_file():
                shutil.copy2(path / KEY_FILE, draft / KEY_FILE)
                hand_over_path(draft / KEY_FILE, draft)
            aside = path.with_name(f"{path.name}.before-{format_utc(SystemClock().wall_us())[:19].replace(':', '')}")
            path.rename(aside)
        durable.rename(draft, path)
    except OSError as error:
        raise StorageError(f"the copy cannot be put in place: {error.strerror}", where=str(draft)) from error
    return aside


def _clear(draft: Path) -> None:
    """What a restore that was killed has left."""
    import shutil

    shutil.rmtree(draft, ignore_errors=True)


@app.command("new-key")
def new_key(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Make a new key where the old one is lost for good. Passwords of before cannot be read with it.

    The old file stays beside the new one. Give each camera with a password that password again:
    nvr cameras add NUMBER … --user NAME --replace.
    """
    from indexer.registry import Registry

    settings = settings_from(config)
    if not yes:
        typer.confirm("All passwords of cameras must be given again. Is the old key lost for good?", abort=True)
    with Registry.open(settings.registry_path) as registry:
        aside = registry.new_key()
    print("Made a new key." + (f" The old one is kept as {aside}." if aside else ""))
