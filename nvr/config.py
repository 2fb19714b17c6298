"""One file, ``nvr.toml``: where footage goes, how it is kept, which door the web uses. Cameras live in the registry."""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from nvr.camera_list import mend_of_toml
from nvr.channel import LARGEST_CHANNEL
from nvr.errors import ConfigError
from nvr.textfile import decoded

FOOTAGE = "v1"  # the folder on a volume in which all footage lies (nvr/chunk/name.py)
UNKNOWN = "there is no such setting: take it out, or look for its right name in a file that nvr init writes"


LONGEST_DAYS = 36_500  # chosen: a century; a longer max_days, inf among them, means: as long as there is room
LARGEST_QUOTA_GB = 1e9  # chosen: an exabyte


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_yes_for_a_number(cls, data: object) -> object:
        """Python takes true for 1; a person who writes it means something else."""
        for name, value in data.items() if isinstance(data, dict) else ():
            field = cls.model_fields.get(name)
            if isinstance(value, bool) and field is not None and field.annotation is not bool:
                raise ValueError(f"{name} is a number or a text, not {str(value).lower()}")
        return data


def _plain_path(value: object) -> object:
    """A path as a person writes it, with ``~`` for the home of whoever starts the program."""
    if not isinstance(value, str):
        return value
    if not value.strip() or "\0" in value:
        raise ValueError("write the path of a folder")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("there is no such user's home: write the whole path") from None


FolderPath = Annotated[Path, BeforeValidator(_plain_path)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is not a time zone; write one such as Asia/Ho_Chi_Minh") from None
    return name


class SiteSettings(_Section):
    """Who and where this recorder is; written into every chunk file."""

    name: str = Field("Hồ Xá", min_length=1, max_length=100)
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Ho_Chi_Minh"


class VolumeSettings(_Section):
    """One file system that holds chunk files. ``number`` stands for it in the index and never changes."""

    number: int = Field(ge=1, le=999)
    path: FolderPath
    weight: int = Field(1, ge=1, le=1000)


def _spread(channels: object) -> object:
    """``[3, "10-12"]`` as {3, 10, 11, 12}."""
    if not isinstance(channels, list | frozenset) or not channels:
        raise ValueError('write a list of channels, such as [3, 7, "10-14"]')
    found: set[int] = set()
    for part in channels:
        row = re.fullmatch(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?", str(part))
        numbers = range(int(row[1]), int(row[2] or row[1]) + 1) if row else range(0)
        if not numbers or numbers[0] < 1:
            raise ValueError(f'{part!r} is no channel; write a number such as 7, or a range such as "10-14"')
        found.update(numbers)
    return frozenset(found)


def _at_most_a_century(days: object) -> object:
    return min(days, LONGEST_DAYS) if isinstance(days, int | float) and days > LONGEST_DAYS else days


MaxDays = Annotated[float, BeforeValidator(_at_most_a_century)]


class _Keeping(_Section):
    """What a channel or a group may have of its own; None: as the group or the default has it."""

    min_days: float | None = Field(None, ge=0, le=LONGEST_DAYS)
    max_days: MaxDays | None = Field(None, gt=0)
    quota_gb: float | None = Field(None, gt=0, le=LARGEST_QUOTA_GB)  # of 10^9 bytes; no default: as much as fits
    copies: int | None = Field(default=None, ge=1, le=2)


class ChannelRetention(_Keeping):
    """How long one channel is kept, and how much of it."""

    channel: int = Field(ge=1, le=LARGEST_CHANNEL)


class GroupRetention(_Keeping):
    """How long each of several channels is kept, and how much of all of them together."""

    name: str = Field(min_length=1, max_length=100)
    channels: Annotated[frozenset[int], BeforeValidator(_spread)]


class RetentionSettings(_Section):
    """How long footage is kept: a channel's own setting comes before its group's, and that before the defaults here.

    Quotas do not replace each other: a channel's bounds the channel, its group's bounds the group with it.
    """

    min_days: float = Field(1.0, ge=0, le=LONGEST_DAYS)
    max_days: MaxDays = Field(30.0, gt=0)
    reserve_percent: float = Field(5.0, ge=0, lt=90)
    copies: int = Field(default=1, ge=1, le=2)  # on so many volumes lies what is younger than min_days
    last_resort: Literal["record_less", "delete_younger"] = "record_less"
    ballast_mib: int = Field(default=1024, ge=0, le=1 << 20)
    group: tuple[GroupRetention, ...] = ()
    channel: tuple[ChannelRetention, ...] = ()
    scrub_days: float = Field(
        30.0, gt=0, le=LONGEST_DAYS
    )  # chosen: the default of max_days; less where footage is kept less long

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_days > self.max_days:
            raise ValueError(f"min_days ({self.min_days}) is more than max_days ({self.max_days}): swap or equal them")
        mistakes = [*self._named_twice()] or [*self._not_in_order()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def days(self, channel: int) -> tuple[float, float]:
        """How long a channel is kept at least, and at most."""
        return self._min_days(channel)[0], self._max_days(channel)[0]

    def copies_of(self, channel: int) -> int:
        """On how many volumes a channel's footage lies that is younger than its min_days."""
        return next((of.copies for of, _ in self._over(channel) if of.copies is not None), self.copies)

    def _min_days(self, channel: int) -> tuple[float, str]:
        """The setting, and where it stands."""
        given = [(of.min_days, where) for of, where in self._over(channel) if of.min_days is not None]
        return (given or [(self.min_days, "the default")])[0]

    def _max_days(self, channel: int) -> tuple[float, str]:
        given = [(of.max_days, where) for of, where in self._over(channel) if of.max_days is not None]
        return (given or [(self.max_days, "the default")])[0]

    def _over(self, channel: int) -> list[tuple[_Keeping, str]]:
        """What is said of a channel, the nearest first."""
        own: list[tuple[_Keeping, str]] = [(one, "its own") for one in self.channel if one.channel == channel]
        groups = [group for group in self.group if channel in group.channels]
        return own + [(group, f"of the group {group.name!r}") for group in groups]

    def _named_twice(self) -> Iterator[str]:
        for name in _twice(group.name for group in self.group):
            yield f"two groups have the name {name!r}: give one another"
        for channel in _twice(channel for group in self.group for channel in group.channels):
            names = " and ".join(repr(group.name) for group in self.group if channel in group.channels)
            yield f"channel {channel} is in the groups {names}: take it out of all but one"
        for channel in _twice(one.channel for one in self.channel):
            yield f"channel {channel} has two [[retention.channel]] blocks: make them one"

    def _not_in_order(self) -> Iterator[str]:
        own = {one.channel for one in self.channel}
        others = {min(group.channels - own) for group in self.group if group.channels - own}  # one stands for all
        for channel in sorted(own | others):
            (low, low_from), (high, high_from) = self._min_days(channel), self._max_days(channel)
            if low > high:
                yield (
                    f"channel {channel} would have min_days {low:g} ({low_from}) and max_days {high:g} ({high_from}): "
                    "min_days must be the smaller one; give it both"
                )


T = TypeVar("T", int, str)


def _twice(values: Iterable[T]) -> list[T]:
    return sorted(value for value, count in Counter(values).items() if count > 1)


class RecorderSettings(_Section):
    """How cameras become files. The defaults suit 55 cameras on one PC."""

    sync_interval_s: float = Field(2.0, ge=0.2, le=60)  # chosen: RAM holds what is not synced, 27 MB a second
    queue_mib: int = Field(512, ge=16, le=65536)  # DESIGN section 3: about 15 s of all cameras
    fragment_ms: int = Field(500, ge=100, le=2000)
    main_chunk_s: int = Field(60, ge=2, le=300)
    sub_chunk_s: int = Field(300, ge=2, le=600)
    silence_s: float = Field(10.0, ge=1, le=120)
    reconnect_max_s: float = Field(30.0, ge=1, le=600)
    authentication_retry_s: float = Field(60.0, ge=1, le=3600)
    tls_verify: bool = False  # cameras carry self-made certificates; rtsps then hides, but proves nothing
    basic_in_clear: bool = False  # true: a camera that knows only Basic gets its password readable over plain rtsp


class WebSettings(_Section):
    """The web server's address. Only loopback until there are accounts."""

    host: str = "127.0.0.1"
    port: int = Field(8055, ge=0, le=65535)
    stills_mib: int = Field(default=256, ge=0, le=65536)  # decoded pictures on disk; chosen: some 20,000 thumbnails

    @model_validator(mode="after")
    def _loopback_only(self) -> Self:
        try:
            address: IPv4Address | IPv6Address = ip_address(self.host)
        except ValueError:
            raise ValueError(f"host {self.host!r} is not an IP address; write 127.0.0.1 or ::1") from None
        if not address.is_loopback:
            raise ValueError(f"host {self.host} opens the footage to the network without accounts; write 127.0.0.1")
        return self


class Settings(_Section):
    """The whole file."""

    data_dir: FolderPath  # index and registry: on an SSD, never on a network file system
    runtime_dir: FolderPath | None = None  # the board, best on tmpfs; by default data_dir/run
    site: SiteSettings = SiteSettings()  # type: ignore[call-arg]
    volumes: tuple[VolumeSettings, ...] = Field(min_length=1)
    retention: RetentionSettings = RetentionSettings()  # type: ignore[call-arg]
    recorder: RecorderSettings = RecorderSettings()  # type: ignore[call-arg]
    web: WebSettings = WebSettings()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _distinct_volumes(self) -> Self:
        twice = _twice(volume.number for volume in self.volumes)
        if twice:
            raise ValueError(f"two volumes have the same number: {', '.join(map(str, twice))}")
        return self

    @property
    def data_folders(self) -> tuple[Path, ...]:
        """What lies in data_dir, each a folder of its own."""
        return (
            self.index_path,
            self.scrub_path,
            self.troubles_path,
            self.clock_path,
            self.activity_path,
            self.stills_path,
            self.registry_path,
        )

    @property
    def index_path(self) -> Path:
        return self.data_dir / "index"

    @property
    def scrub_path(self) -> Path:
        return self.data_dir / "scrub"

    @property
    def troubles_path(self) -> Path:
        return self.data_dir / "troubles"

    @property
    def clock_path(self) -> Path:
        return self.data_dir / "clock"

    @property
    def activity_path(self) -> Path:
        return self.data_dir / "activity"

    @property
    def stills_path(self) -> Path:
        return self.data_dir / "stills"

    @property
    def registry_path(self) -> Path:
        return self.data_dir / "registry"

    @property
    def board_path(self) -> Path:
        return (self.runtime_dir or self.data_dir / "run") / "board"


def load(path: Path) -> Settings:
    """Read and check a configuration file; relative paths in it count from the file's folder.

    Raises:
        ConfigError: the file is missing, is not TOML, or has wrong settings: all of them are listed at once.
    """
    try:
        text = decoded(path.read_bytes(), str(path))
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError("there is no such file", where=str(path), hint="nvr init writes one to start from") from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}", where=str(path), hint=mend_of_toml(text)) from error
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_all_mistakes(error), where=str(path), hint="mend each line above") from error
    settings = _anchored(settings, path.resolve().parent)
    refuse_shared_folders(settings, path, through_links=False)
    return settings


def refuse_shared_folders(settings: Settings, path: Path, *, through_links: bool = True) -> None:
    """Refuse folders that are one another's, however they are written.

    A volume beside nvr.toml is fine where that folder is the data's as well; in a folder for data alone it is a
    mistake: whoever copies or empties that means no footage.

    Args:
        settings: what the file says.
        path: the file.
        through_links: also follow symbolic links. That asks the disks, and one that hangs answers late or never: so
            it is done where a person waits, and not at a start.

    Raises:
        ConfigError: two are the same, or one lies in another.
    """

    def real(folder: Path) -> Path:
        return folder.resolve() if through_links else Path(os.path.normpath(folder))

    mistakes = [*_mistakes_in_folders(settings, path.resolve().parent, real)]
    if mistakes:
        raise ConfigError("; ".join(mistakes), where=str(path), hint="give every volume a folder of its own")


def _mistakes_in_folders(settings: Settings, home: Path, real: Callable[[Path], Path]) -> Iterator[str]:
    data_dir, runtime_dir = real(settings.data_dir), real(settings.board_path.parent)
    volumes = [(f"volume {volume.number}", real(volume.path)) for volume in settings.volumes]
    own = [("runtime_dir", runtime_dir)]
    own += [(f"{path.name} in data_dir", real(path)) for path in settings.data_folders]
    own += [("data_dir", data_dir)] if data_dir != home else []
    for at, (name, path) in enumerate(volumes):
        for other, elsewhere in volumes[:at]:
            if path == elsewhere:
                yield f"{other} and {name} are the same folder: {path}"
            elif path.is_relative_to(elsewhere) or elsewhere.is_relative_to(path):
                yield f"{other} and {name} lie in one another: {elsewhere} and {path}"
        inside = next((what for what, folder in own if path.is_relative_to(folder)), "")
        if inside or path == data_dir:
            yield f"{name} lies in {inside or 'data_dir'}: {path}"
        yield from (
            f"{folder} lies in the footage of {name}: {path}"
            for folder in (data_dir, runtime_dir)
            if folder.is_relative_to(path / FOOTAGE)
        )


def _all_mistakes(error: ValidationError) -> str:
    rows = []
    for mistake in error.errors(include_url=False):
        place = ".".join(
            str(part + 1 if isinstance(part, int) else part) for part in mistake["loc"]
        )  # people count from 1
        if mistake["type"] == "extra_forbidden":
            what = UNKNOWN
        elif isinstance(mistake["input"], dict):
            what = mistake["msg"]
        else:
            what = f"{mistake['msg']}, not {mistake['input']!r}"
        rows.append(f"  {place or 'the whole file'}: {what.removeprefix('Value error, ')}")
    return f"{len(rows)} setting{'s' if len(rows) > 1 else ''} cannot be used:\n" + "\n".join(rows)


def _anchored(settings: Settings, folder: Path) -> Settings:
    volumes = tuple(v.model_copy(update={"path": folder / v.path}) for v in settings.volumes)
    runtime_dir = folder / settings.runtime_dir if settings.runtime_dir else None
    return settings.model_copy(
        update={"data_dir": folder / settings.data_dir, "runtime_dir": runtime_dir, "volumes": volumes}
    )
