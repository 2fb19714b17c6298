"""What many commands take: the configuration file, instants, the table style."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError
from nvr.timebase import parse_utc

if TYPE_CHECKING:
    from nvr.config import Settings

ConfigFile = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="NVR_CONFIG", help="The configuration file.", show_default=True),
]
DEFAULT_CONFIG = Path("nvr.toml")


def settings_from(config: Path) -> "Settings":
    """The settings of ``--config``; pydantic is imported only for those who need it.

    Raises:
        ConfigError: as `nvr.config.load`.
    """
    from nvr.config import load

    return load(config)


def instant_us(text: str, option: str) -> int:
    """An instant from the command line as wall microseconds.

    Raises:
        ConfigError: not a time, or one without a zone.
    """
    try:
        return parse_utc(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a time with a zone", where=option, hint="write 2026-11-23T20:31:05Z or ...+07:00"
        ) from None
