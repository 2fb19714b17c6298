"""What the settings say: how long and how much is kept of each channel, how much room a volume must have. Pure."""

from collections.abc import Iterable

from nvr.config import RetentionSettings
from nvr.timebase import US_PER_DAY
from retention.plan import Policy, Quota, VolumeRoom

GB = 10**9
INGEST_S = 600  # DESIGN section 6: 10 minutes of what comes in must find room
MOST_FOR_INGEST = 4  # chosen: of a very small volume those minutes take a quarter at most, not all of it
MARGIN = (
    100  # chosen, as large recorders do: a hundredth of the volume more than must be, so that not every sweep works
)
REST_S = 30  # and so much of what comes in, as long as a sweep rests: measured, to decide takes 4 ms, as 20 deletions
MOST_FOR_REST = 20  # chosen: of a very small volume a twentieth at most
FILES = 1000  # chosen: 55 cameras with two streams begin 700 files and make 55 folders in 10 minutes
MOST_FOR_FILES = 8  # chosen: of a file system with very few files an eighth at most
STEP_BYTES = 64 << 20  # chosen: two chunks' reserved room


def policies(settings: RetentionSettings, channels: Iterable[int]) -> dict[int, Policy]:
    """How long each of these channels is kept; also those that are no longer configured, as long as footage is left."""
    days = {channel: settings.days(channel) for channel in channels}
    return {channel: Policy(int(low * US_PER_DAY), int(high * US_PER_DAY)) for channel, (low, high) in days.items()}


def quotas(settings: RetentionSettings) -> tuple[Quota, ...]:
    """How much footage there may be: of channels first, so that a group loses only what is still too much then."""
    own = [(f"channel {one.channel}", {one.channel}, one.quota_gb) for one in settings.channel]
    together = [(f"group {group.name}", group.channels, group.quota_gb) for group in settings.group]
    return tuple(
        Quota(whose, frozenset(channels), int(gigabytes * GB))
        for whose, channels, gigabytes in own + together
        if gigabytes is not None
    )


def volume_room(
    settings: RetentionSettings,
    number: int,
    *,
    free_bytes: int,
    total_bytes: int,
    ingest_bps: int,
    said_full: bool,
    free_files: int = 0,
    total_files: int = 0,
) -> VolumeRoom:
    """How much room a volume has, and how much it must have.

    Args:
        settings: the reserve.
        number: the volume's.
        free_bytes: what is left for us.
        total_bytes: the whole volume.
        ingest_bps: bits that all cameras bring in a second; with one disk dead the others take all of it.
        said_full: it refused a write since the last decision. Then it is short, whatever it says is free: blocks may
            be reserved, a quota reached.
        free_files: how many more files and folders it takes.
        total_files: how many it may hold in all; 0: it does not count them. Small chunks of low bit rates use these up
            long before the bytes.
    """
    low_water_files = min(FILES, total_files // MOST_FOR_FILES)
    too_many_files = free_files < low_water_files
    reserve_bytes = int(total_bytes * settings.reserve_percent / 100)
    ingest_bytes = min(ingest_bps // 8 * INGEST_S, total_bytes // MOST_FOR_INGEST)
    rest_bytes = min(ingest_bps // 8 * REST_S, total_bytes // MOST_FOR_REST)
    low_water_bytes, margin_bytes = max(reserve_bytes, ingest_bytes), max(total_bytes // MARGIN, rest_bytes)
    if said_full and not too_many_files:
        step_bytes = max(margin_bytes, min(STEP_BYTES, total_bytes // MOST_FOR_INGEST))
        low_water_bytes = max(low_water_bytes, free_bytes + step_bytes)
    enough_bytes, enough_files = low_water_bytes + margin_bytes, low_water_files + low_water_files // 4
    return VolumeRoom(number, free_bytes, low_water_bytes, enough_bytes, free_files, low_water_files, enough_files)
