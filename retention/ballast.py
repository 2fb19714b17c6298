"""A file that only takes room, to be given up when a disk runs full all the same: a pure decision and its words.

Footage is deleted long before a disk is full. If another program fills it faster than that, the recorder gives up the
ballast and goes on at once, while the sweeper makes room and somebody reads the alarm.
"""

from retention.plan import VolumeRoom

MOST_OF_VOLUME = 100  # chosen: a hundredth at most, so that the margin above the low-water mark has room for it
MIB = 1 << 20


def size_bytes(total_bytes: int, ballast_mib: int) -> int:
    """How large the ballast of a volume is; 0: it has none."""
    return min(ballast_mib * MIB, total_bytes // MOST_OF_VOLUME)


def may_make(room: VolumeRoom, ballast_bytes: int) -> bool:
    """Whether there is room for a ballast that nobody else needs: above the low-water mark, after a sweep."""
    return 0 < ballast_bytes <= room.free_bytes - room.low_water_bytes and not room.is_short


def words(ballast_bytes: int) -> str:
    """What a person is told while the ballast is used up."""
    return (
        f"the disk ran full faster than footage could be deleted: the {ballast_bytes // MIB} MiB kept for that are "
        "used up (look what else writes to this disk, or raise reserve_percent)"
    )
