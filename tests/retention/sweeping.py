"""A process that deletes all it finds in a folder's archive, to be killed."""

import sys
from pathlib import Path

from nvr.timebase import US_PER_DAY, TimeRange
from retention.sweeper import Pace
from tests.manual_clock import ManualClock
from tests.retention.store import START_US, archive, keep

ALWAYS = TimeRange(0, 2**62)


def main(folder: Path) -> None:
    with archive(folder, clock=ManualClock(START_US + 40 * US_PER_DAY)) as found:
        sweeper = found.sweeper(keep(), pace=Pace(interval_s=1, turn_files=7, pause_s=0))
        print("sweeping", flush=True)
        sweeper.sweep()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
