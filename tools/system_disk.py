"""The disk on which index, registry and board lie: footage goes on without it for a while, and a person is told."""

import os
from pathlib import Path

SHORT_BYTES = 64 << 20  # chosen: what the index of 55 cameras grows by in a day or two
SHORT_SHARE = 20  # or so great a part of a small disk


def shortage(data_dir: Path) -> str:
    """What is wrong with the room on this disk, for people; empty: nothing. May hang with the disk."""
    try:
        room = os.statvfs(data_dir)
    except OSError as error:
        return f"{data_dir}: the folder of index and registry cannot be looked at: {error.strerror}"
    free_bytes, total_bytes = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    if free_bytes >= min(SHORT_BYTES, total_bytes // SHORT_SHARE):
        return ""
    what = f"the disk of index and registry has {free_bytes >> 20} MiB left"
    return f"{data_dir}: {what} (make room: without it no new file can be found, and no setting be changed)"
