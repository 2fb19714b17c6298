"""Do quotas, minimum days, reserves and holds hold while 55 cameras write to full disks? For as long as you like.

    python -m benchmarks.soak [--minutes 30] [--place FOLDER] [--short]

A recorder takes 55 cameras of 4.6 Mbit/s (main and sub stream) on three small volumes (two tmpfs, one ext4), which
hold two or three minutes; so it deletes all the time. Some channels have days and quotas of their own, five share one,
some stretches are held. Every two seconds index, board and file systems are held against what was promised:

* free room is never below the reserve (``reserve_percent``, 5 % of a volume; sweeping begins at the low-water mark, a
  quarter of volumes as small as these), looked at four times a second;
* after each sweep no footage is older than its ``max_days`` and no quota is exceeded, unless by held footage alone;
* nothing goes before its ``min_days``, but where its quota has no room for them, and then the log says so;
* held files are the same, byte by byte, at the end;
* no write is refused: no gap of the reason disk, no trouble of a volume, no dropped fragment, no step down the ladder;
* the sweeper takes at most 5 % of the recorder's CPU time, from the first deletion on (10 % in the short one).

Needs root, to mount. Prints what is not kept, then one JSON line; exit code 1 if anything is not kept.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.soak_plan import (
    HELD_ALONE,
    HELD_IN_GROUP,
    HELD_TOGETHER,
    OWN_QUOTA,
    TOO_SMALL,
    SoakPlan,
    full,
    short,
)
from benchmarks.soak_rig import CAUSES, Rig, rig
from benchmarks.soak_watch import Watcher, finished
from indexer.board import Board
from indexer.reader import IndexReader
from indexer.registry import Registry
from nvr.timebase import SystemClock

START_S = 90.0
ROOM_S = 0.25  # between two looks at the room
LOOK_S = 2.0  # and at everything

Report = dict[str, object]
Say = Callable[[str], None]


def soak(plan: SoakPlan, folder: Path, say: Say) -> tuple[Report, list[str]]:
    """Run one; gives the figures and what was not kept.

    Raises:
        CannotMount: nothing can be mounted here.
    """
    with rig(plan, folder) as running:
        data = folder / "data"
        with Board.open(data / "run" / "board") as board, Registry.open(data / "registry") as registry:
            _until(lambda: board.recorder() is not None, "the recorder starts")
            with IndexReader.open(data / "index") as index:
                watcher = Watcher(running, plan, index, board, registry)
                _until(watcher.all_recording, "all cameras are recorded")
                say(f"{plan.channels} cameras are recorded")
                held = _watch(watcher, plan, registry, say)
                if running.stop() != 0:
                    watcher.findings.append("the recorder did not end well")
                watcher.check_held()
                missing_s = watcher.check_gaps()
        _judge(watcher, plan, running, held)
        return _report(plan, watcher, running, held, missing_s), list(dict.fromkeys(watcher.findings))


def _watch(watcher: Watcher, plan: SoakPlan, registry: Registry, say: Say) -> int:
    """Look until the time is over, laying holds on the way; gives the number of held files."""
    began_s, look_s, held = time.monotonic(), 0.0, 0
    orders = [
        (0.6 * plan.unit_s, (HELD_ALONE, OWN_QUOTA), plan.unit_s / 3),
        (1.0 * plan.unit_s, (HELD_IN_GROUP,), plan.unit_s / 4),
        (1.4 * plan.unit_s, HELD_TOGETHER, plan.unit_s / 12),
    ]
    while (passed_s := time.monotonic() - began_s) < plan.seconds:
        watcher.look_at_room()
        if passed_s >= look_s:
            watcher.look()
            look_s = passed_s + LOOK_S
        if orders and passed_s >= orders[0][0]:
            _, channels, length_s = orders.pop(0)
            watcher.hold(channels, before_s=length_s, after_s=length_s / 3)
        if not orders and not held and finished(registry.holds.all(), plan.sub_chunk_s, SystemClock().wall_us()):
            held = watcher.remember_held()
            say(f"{held} files are held")
        time.sleep(ROOM_S)
    return held


def _judge(watcher: Watcher, plan: SoakPlan, running: Rig, held: int) -> None:
    """What only the end can tell; among it that the soak has done what it is for."""
    figures, said = watcher.figures, running.said()
    if figures.sweeper_cpu_s > figures.recorder_cpu_s * plan.sweeper_percent / 100:
        watcher.findings.append(f"the sweeper took {_percent(watcher):.1f} % of the recorder's CPU time")
    if not held:
        watcher.findings.append("nothing was held: the soak is too short")
    watcher.findings += [f"nothing went {cause}" for cause in CAUSES if not running.deleted()[cause]]
    if "the volume is full" in said or "Traceback" in said:
        watcher.findings.append("the recorder's log tells of a full volume or an unforeseen error")
    told = set(re.findall(r"whose='(.*?)'", said))
    if told != {f"channel {TOO_SMALL}"}:
        watcher.findings.append(
            f"of channel {TOO_SMALL} alone the quota is too small; the log says so of {sorted(told)}"
        )


def _report(plan: SoakPlan, watcher: Watcher, running: Rig, held: int, missing_s: dict[str, int]) -> Report:
    figures = {name: _rounded(value) for name, value in asdict(watcher.figures).items()}
    return {
        "seconds": plan.seconds,
        "channels": plan.channels,
        "mbit_s": plan.channels * plan.channel_bytes_s * 8 / 1e6,
        "volumes_mib": 3 * plan.volume_mib,
        **figures,
        "sweeper_percent": round(_percent(watcher), 2),
        "deleted": running.deleted(),
        "held_files": held,
        "missing_s": missing_s,
        "findings": len(set(watcher.findings)),
    }


def _percent(watcher: Watcher) -> float:
    return 100 * watcher.figures.sweeper_cpu_s / max(watcher.figures.recorder_cpu_s, 1e-9)


def _rounded(value: object) -> object:
    match value:
        case float():
            return round(value, 2)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case _:
            return value


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"not within {START_S:.0f} s: {what}")
        time.sleep(ROOM_S)


def main() -> None:
    """Run one soak, print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--short", action="store_true", help="the small one that `make test` runs, 90 s")
    parser.add_argument("--place", type=Path, default=None, help="a folder for everything; removed at the end")
    asked = parser.parse_args()
    plan = short() if asked.short else full(asked.minutes * 60)
    with tempfile.TemporaryDirectory(dir=asked.place) as folder:
        report, findings = soak(plan, Path(folder), lambda text: print(text, flush=True))
    for finding in findings:
        print(f"NOT KEPT: {finding}")
    print(json.dumps(report))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
