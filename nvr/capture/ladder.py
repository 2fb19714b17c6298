"""What is still recorded when the disks run short and nothing may be deleted: less and less, never all of a sudden.

Pure. `retention/ladder.py` decides on which rung the recorder stands; here stands what a rung means for a track.
"""

from enum import Enum, IntEnum
from typing import assert_never

from nvr.media import TrackKind


class Rung(IntEnum):
    """How much is recorded, from everything downwards (DESIGN section 6)."""

    ALL = 0
    SUB_ONLY = 1  # of cameras with a sub stream only that one
    KEY_FRAMES = 2  # of what is left only the sync samples
    NOTHING = 3

    @property
    def word(self) -> str:
        """As in the log and the API."""
        return self.name.lower()


class Share(Enum):
    """How much of one track is recorded; the value tells people why."""

    ALL = ""
    KEY_FRAMES = "the disks are nearly full: only key frames are recorded"
    NOTHING = "the disks are nearly full: this stream is not recorded"


def share(rung: Rung, kind: TrackKind, *, has_sub: bool) -> Share:
    """What a rung leaves of a track.

    Args:
        rung: where the recorder stands.
        kind: the track's.
        has_sub: whether its camera has a sub stream; else the main stream stands for it.
    """
    lesser = kind is TrackKind.SUB or not has_sub
    match rung:
        case Rung.ALL:
            return Share.ALL
        case Rung.SUB_ONLY:
            return Share.ALL if lesser else Share.NOTHING
        case Rung.KEY_FRAMES:
            return Share.KEY_FRAMES if lesser else Share.NOTHING
        case Rung.NOTHING:
            return Share.NOTHING
    assert_never(rung)
