"""``nvr registry``: the camera list's own folder, its key and its copies."""

from typing import Annotated

import typer

from tools.options import DEFAULT_CONFIG, ConfigFile, settings_from

app = typer.Typer(help="Look after the camera list, the key of its passwords, and its copies.", no_args_is_help=True)


@app.callback()
def _more() -> None:
    """Only here so that a single command keeps its name."""


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
