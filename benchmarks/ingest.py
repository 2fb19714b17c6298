"""What recording costs: CPU seconds per GB received, side by side with ffmpeg, with a C program, and with any other.

    python -m benchmarks.ingest [--only burst,trickle,growth,most] [--seconds 20] [--rounds 3] [--channels 55]
        [--peer 'NAME=COMMAND with {url} {channel} {folder}'] [--most 400]

Cameras are 1080p25 H.264 at 4 Mbit/s over RTSP/TCP from the simulator, main streams only, without a password (the C
program knows none). 55 loops of pictures are drawn once and cached; channels beyond 55 play the same loops again, each
in a session of its own. The contestants take turns, round after round, and the medians of the rounds count: other work
on the machine disturbs all of them alike. A window begins when every camera plays and ``--settle`` seconds have passed.
GB are 10^9 bytes that the simulator sent in the window; CPU is the kernel's schedstat of the whole process tree.
The last line is one JSON object. Data goes to a temporary folder (``--place``) and is removed.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contestants
from benchmarks.cameras import LOOPS, Cameras
from benchmarks.contestants import Start
from benchmarks.most_channels import climb
from benchmarks.window import Figures, measure, touch_memory

PARTS = ("burst", "trickle", "growth", "most")
GROWTH = (10, 25, 55, 110)
RECORDER, FFMPEG = "nvr recorder", "ffmpeg -c copy, a process a camera"
FLOOR_BATCH, FLOOR_PROMPT = "C: recv + write, at 128 KiB", "C: recv + write, at once"

Report = dict[str, object]


class Benchmark:
    """Runs the parts that were asked for."""

    def __init__(self, asked: argparse.Namespace, place: Path) -> None:
        self._asked = asked
        self._place = place
        self._contestants = self._choose(place)

    def _choose(self, place: Path) -> dict[str, Start]:
        found: dict[str, Start] = {RECORDER: contestants.start_recorder}
        if not self._asked.alone:
            found |= _usual(place)
        for peer in self._asked.peer:
            name, _, command = peer.partition("=")
            found[name] = contestants.a_process_a_channel(command)
        return found

    def side_by_side(self, *, trickle: bool) -> dict[str, Figures]:
        """Every contestant in every round."""
        channels = self._asked.channels
        rows: dict[str, list[Figures]] = {name: [] for name in self._contestants}
        cameras = Cameras(channels, trickle=trickle)
        with cameras.fleet:
            for _ in range(self._asked.rounds):
                for name, start in self._contestants.items():
                    rows[name].append(self._measure(cameras, start, channels))
        print(f"\n{channels} channels, {'packets trickle in' if trickle else 'each picture a burst'}")
        _print_table(rows)
        return {name: Figures.median(figures) for name, figures in rows.items()}

    def growth(self) -> dict[str, Figures]:
        """The recorder with few and with many channels."""
        rows: dict[str, list[Figures]] = {f"{RECORDER}, {channels} channels": [] for channels in GROWTH}
        cameras = Cameras(LOOPS, trickle=False)
        with cameras.fleet:
            for _ in range(self._asked.rounds):
                for channels, figures in zip(GROWTH, rows.values(), strict=True):
                    figures.append(self._measure(cameras, contestants.start_recorder, channels))
        print("\nGrowth (channels beyond 55 play the same loops in sessions of their own)")
        _print_table(rows)
        return {str(channels): Figures.median(figures) for channels, figures in zip(GROWTH, rows.values(), strict=True)}

    def most(self) -> Report:
        """Until the first access unit is lost."""
        asked = self._asked
        cameras = Cameras(LOOPS, trickle=False)
        print(f"\nHow many channels? ({LOOPS} loops, shared; simulator and recorder on this machine)")
        with cameras.fleet:
            found = climb(
                cameras,
                first=asked.first,
                step=asked.step,
                most=asked.most,
                settle_s=asked.settle,
                seconds=asked.seconds,
                place=self._place,
            )
        reason = next((step.why for step in found.steps if step.lost), "")
        bound = "" if reason else " or more"
        print(f"{found.whole}{bound} channels without a loss; {found.holes} access units missing inside the recordings")
        steps = {str(step.channels): step.figures.rounded() | {"lost": step.lost} for step in found.steps}
        return {"whole": found.whole, "first_loss": reason, "holes": found.holes, "steps": steps}

    def _measure(self, cameras: Cameras, start: Start, channels: int) -> Figures:
        asked = self._asked
        return measure(cameras, start, channels, settle_s=asked.settle, seconds=asked.seconds, place=self._place)


def _usual(place: Path) -> dict[str, Start]:
    """ffmpeg, and the C program if it can be compiled."""
    found = {FFMPEG: contestants.a_process_a_channel(contestants.FFMPEG)}
    program = contestants.compile_floor(place)
    if program is None:
        print("there is no C compiler (apt-get install gcc): the floor is left out")
    else:
        found |= {FLOOR_BATCH: contestants.floor(128 << 10, program), FLOOR_PROMPT: contestants.floor(1, program)}
    return found


def _print_table(rows: dict[str, list[Figures]]) -> None:
    """Medians, with the least and the most of the cost, and the ratio to the first row."""
    print(f"{'':36} {'CPU s/GB':>8} {'least..most':>13} {'ratio':>6} {'core':>6} {'PSS MB':>7} {'lost':>5} {'busy':>5}")
    first = Figures.median(next(iter(rows.values())))
    for name, figures in rows.items():
        costs = sorted(one.cpu_s_per_gb for one in figures)
        middle = Figures.median(figures)
        print(
            f"{name:36} {middle.cpu_s_per_gb:8.2f} {costs[0]:6.2f}..{costs[-1]:5.2f} "
            f"{middle.cpu_s_per_gb / first.cpu_s_per_gb:6.2f} {middle.core_percent:5.1f}% {middle.pss_mb:7.1f} "
            f"{middle.lost:5.0f} {middle.busy_percent:4.0f}%"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts, print tables and the JSON line."""
    asked = _arguments(arguments)
    contestants.allow_many_files()
    touch_memory()
    result: Report = {"channels": asked.channels, "seconds": asked.seconds, "rounds": asked.rounds}
    with tempfile.TemporaryDirectory(dir=asked.place) as folder:
        benchmark = Benchmark(asked, Path(folder))
        medians: dict[str, dict[str, Figures]] = {}
        for part in ("burst", "trickle"):
            if part in asked.only:
                medians[part] = benchmark.side_by_side(trickle=part == "trickle")
        if "growth" in asked.only:
            medians["growth"] = benchmark.growth()
        result |= {part: {name: row.rounded() for name, row in rows.items()} for part, rows in medians.items()}
        result |= _ratios(medians)
        if "most" in asked.only:
            result["most_channels"] = benchmark.most()
    print(json.dumps(result, ensure_ascii=False))


def _ratios(medians: dict[str, dict[str, Figures]]) -> Report:
    """What the aims are about: against ffmpeg, against the floor, trickled against bursts."""
    found: Report = {}
    for part in ("burst", "trickle"):
        rows = medians.get(part, {})
        for name in (FFMPEG, FLOOR_BATCH, FLOOR_PROMPT):
            if name in rows:
                found[f"{part}: recorder / {name}"] = _ratio(rows[RECORDER], rows[name])
    if "burst" in medians and "trickle" in medians:
        found["recorder: trickle / burst"] = _ratio(medians["trickle"][RECORDER], medians["burst"][RECORDER])
    if found:
        print("\n" + "\n".join(f"{value:6.2f}  {name}" for name, value in found.items()))
    return found


def _ratio(ours: Figures, theirs: Figures) -> float:
    return round(ours.cpu_s_per_gb / theirs.cpu_s_per_gb, 3)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)}")
    parser.add_argument("--alone", action="store_true", help="the recorder without ffmpeg and the C program")
    parser.add_argument("--peer", action="append", default=[], help="NAME=COMMAND with {url}, {channel} and {folder}")
    parser.add_argument("--channels", type=int, default=55)
    parser.add_argument("--seconds", type=float, default=20, help="of a window")
    parser.add_argument("--settle", type=float, default=6, help="seconds from the last camera's start to the window")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--first", type=int, default=150, help="channels to begin with, for the part 'most'")
    parser.add_argument("--step", type=int, default=50, help="channels to add at a time")
    parser.add_argument("--most", type=int, default=400, help="channels at which to stop")
    parser.add_argument("--place", type=Path, default=None, help="a folder on the disk to measure on")
    return parser.parse_args(arguments)


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"give some of {','.join(PARTS)}")
    return names


if __name__ == "__main__":
    main()
