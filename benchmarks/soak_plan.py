"""What a soak records, what it promises, and how large everything is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nvr.media import Codec
from tools.simcam.options import MAIN, SUB, Picture, Town

SECONDS_PER_DAY = 86_400
OWN_QUOTA, OWN_AGE, TOO_SMALL = 5, 30, 20  # channels with promises of their own
GROUP = (10, 11, 12, 13, 14)
HELD_ALONE, HELD_IN_GROUP = 1, 11
HELD_TOGETHER = tuple(range(21, 41))


@dataclass(frozen=True, slots=True)
class Keep:
    """A channel's promise, in seconds; ``within_quota``: its quotas leave room for ``min_s``."""

    min_s: float
    max_s: float
    within_quota: bool = True


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """One soak. Every promise is so many times ``unit_s``, which is `min_days` of most channels."""

    seconds: float
    unit_s: float
    volume_mib: int
    main: Picture
    sub: Picture
    main_chunk_s: int
    sub_chunk_s: int
    sweeper_percent: float = 5.0  # of the recorder's CPU time, at most
    channels: int = 55
    keeps: Mapping[int, Keep] = field(init=False)
    quota_bytes: Mapping[frozenset[int], int] = field(init=False)

    def __post_init__(self) -> None:
        unit = self.unit_s
        keeps = {channel: Keep(unit, 4 * unit) for channel in range(1, self.channels + 1)}
        keeps |= {OWN_QUOTA: Keep(unit / 3, 4 * unit), OWN_AGE: Keep(1.4 * unit, 1.5 * unit)}  # would go first for room
        keeps |= {TOO_SMALL: Keep(unit, 4 * unit, within_quota=False)}
        keeps |= dict.fromkeys(GROUP, Keep(unit / 2, 4 * unit))
        object.__setattr__(self, "keeps", keeps)
        sizes = {(OWN_QUOTA,): 2.5, (TOO_SMALL,): 1 / 3, GROUP: 1.8 * len(GROUP)}
        quotas = {frozenset(of): int(units * unit * self.channel_bytes_s) for of, units in sizes.items()}
        object.__setattr__(self, "quota_bytes", quotas)

    @property
    def channel_bytes_s(self) -> int:
        """What a camera brings, with both streams."""
        return (self.main.kbps + self.sub.kbps) * 1000 // 8

    @property
    def town(self) -> Town:
        """The cameras."""
        return Town(channels=self.channels, main=self.main, sub=self.sub)

    def toml(self, volumes: Mapping[int, str]) -> str:
        """The recorder's configuration; volumes by number, with their folders."""
        lines = ['data_dir = "data"']
        for number, path in volumes.items():
            lines += ["[[volumes]]", f"number = {number}", f'path = "{path}"']
        lines += ["[recorder]", f"main_chunk_s = {self.main_chunk_s}", f"sub_chunk_s = {self.sub_chunk_s}"]
        lines += ["[retention]", *_days(Keep(self.unit_s, 4 * self.unit_s))]
        lines += ["[[retention.group]]", 'name = "group"', f"channels = {list(GROUP)}"]
        lines += [*_days(self.keeps[GROUP[0]]), self._quota(*GROUP)]
        for channel in (OWN_QUOTA, TOO_SMALL, OWN_AGE):
            lines += ["[[retention.channel]]", f"channel = {channel}", *_days(self.keeps[channel])]
            lines += [self._quota(channel)] if frozenset({channel}) in self.quota_bytes else []
        return "\n".join(lines) + "\n"

    def _quota(self, *channels: int) -> str:
        return f"quota_gb = {self.quota_bytes[frozenset(channels)] / 1e9:.9f}"


def _days(keep: Keep) -> list[str]:
    return [f"min_days = {keep.min_s / SECONDS_PER_DAY:.9f}", f"max_days = {keep.max_s / SECONDS_PER_DAY:.9f}"]


def short() -> SoakPlan:
    """A minute and a half of what the demonstration sends: chosen so that every volume runs full in the first half.

    A hundredth of such a volume, after which a sweep rests, is a second's footage, and files are an eighth as long as
    usual: so sweeps and files are many for few bytes, and the sweeper's share of the CPU time twice that of `full`.
    """
    return SoakPlan(90, 14, 176, MAIN, SUB, main_chunk_s=8, sub_chunk_s=16, sweeper_percent=10)


def full(seconds: float) -> SoakPlan:
    """The load of the real cameras (DESIGN section 1) on volumes that hold two or three minutes of it."""
    main, sub = Picture(1920, 1080, 25, 4096, Codec.H264), Picture(640, 360, 15, 512, Codec.H264)
    return SoakPlan(seconds, 60, 2560, main, sub, main_chunk_s=10, sub_chunk_s=20)
