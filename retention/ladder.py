"""On which rung the recorder stands: a pure function from how full the disks are.

A volume is *helpless* when it is below its low-water mark and nothing on it may be deleted. As long as one volume is
not, everything is recorded: the others' footage has somewhere to go. When all are, the one with the most room relative
to its mark decides: the mark is ten minutes of what comes in, or more (DESIGN section 6), so each rung lasts minutes,
longer than the one before, for it takes less.
"""

from collections.abc import Collection, Iterable

from nvr.capture.ladder import Rung
from retention.plan import VolumeRoom

# Chosen: shares of the low-water mark, in hundredths, below which the next rung begins. Main streams are nine tenths of
# what comes in and leave first, with most of the mark still there; the last tenth is for sealing what is open.
_BEGINS = ((90, Rung.SUB_ONLY), (50, Rung.KEY_FRAMES), (10, Rung.NOTHING))
_BACK = 10  # chosen: so much more before it steps up again, so that it does not swing


def rung(now: Rung, rooms: Iterable[VolumeRoom], helpless: Collection[int]) -> Rung:
    """Where to stand next.

    Args:
        now: where the recorder stands.
        rooms: the volumes that can be written; without any there is nothing to decide.
        helpless: numbers of those whose shortage no deletion mends.
    """
    volumes = list(rooms)
    if not volumes:
        return now
    if any(volume.number not in helpless for volume in volumes):
        return Rung.ALL
    most = max(map(_of_mark, volumes))
    needed, allowed = _at(most), _at(most - _BACK)
    return max(needed, min(now, allowed))


def _of_mark(volume: VolumeRoom) -> int:
    """What is free, in hundredths of the mark: of bytes or of files, whichever is less."""
    of_bytes = 100 * volume.free_bytes // max(1, volume.low_water_bytes)
    return of_bytes if not volume.low_water_files else min(of_bytes, 100 * volume.free_files // volume.low_water_files)


def _at(hundredths: int) -> Rung:
    """The rung for so much of the mark."""
    return max((step for begins, step in _BEGINS if hundredths < begins), default=Rung.ALL)
