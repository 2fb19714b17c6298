"""Good cameras lose nothing and every time is true, whatever other cameras, disks, the clock and viewers do."""

import http.client
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from indexer.reader import IndexReader
from indexer.registry import Registry
from nvr.media import Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_S, SystemClock, TimeRange, format_utc
from tests.chaos.between import Between
from tests.chaos.clock import SetClock
from tests.chaos.disturbances import Disturbances
from tests.chaos.load import WebLoad
from tests.chaos.looks import Memory, States
from tests.chaos.mischief import Character
from tests.chaos.truth import Recorded, recognised, recorded
from tests.crash.power import Disk, disk
from tests.running import Running, running
from tests.tools.command_line import nvr
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Picture, Town

SEED = int(os.environ.get("NVR_CHAOS_SEED", "1"))
MINUTES = float(os.environ.get("NVR_CHAOS_MINUTES", "0"))
LONG = MINUTES >= 10
GOOD, BAD = (30, 25) if LONG else (8, 17)  # 17: each kind of mischief once for certain
MOMENTS = 20 if LONG else 6  # at which states are held against what is done
# A camera makes 1.6 MB a minute, and nothing may be deleted, for all is judged: two disks hold it without the third.
DISK_MIB = 500 + int(MINUTES * (GOOD + BAD))
NEAR_US = US_PER_S  # the promise: no picture is filed further from the time at which it was taken
HOLE_US = 3 * US_PER_S  # between spans; shorter ones are a slow camera
EDGE_US = 2 * US_PER_S  # by which a gap may begin or end beside its hole
CLOCK_SETTLES_S = 60  # after a wrong clock, what is newest of a camera may have been filed under another time
RECORDER_MB, WEB_MB = 250, 600
PICTURE = Picture(320, 180, 12, 200)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that takes part."""

    folder: Path
    fleet: Fleet
    program: Running
    disks: list[Disk]
    clock: SetClock | None
    characters: dict[int, Character]

    @property
    def volumes(self) -> list[Path]:
        return [one.place for one in self.disks]

    def now_us(self) -> int:
        return self.clock.now_us() if self.clock else SystemClock().wall_us()

    def files(self, track: Track) -> list[Recorded]:
        """All sealed files of a track, by true time."""
        system = SystemClock()
        boot_us = self.clock.boot_us if self.clock else system.wall_us() - system.monotonic_us()
        return recorded(self.volumes, track, boot_us, self.clock.offsets_us if self.clock else [0])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as rest:
        disks = []
        for number in (1, 2, 3):
            (tmp_path / f"{number}").mkdir()
            disks.append(rest.enter_context(disk("ext4", tmp_path / f"{number}", DISK_MIB)))
        clock = SetClock.made(tmp_path)
        fleet = rest.enter_context(Fleet(Town(channels=GOOD + BAD, main=PICTURE, sub=None), Manners()))
        characters = {number: Character.drawn(SEED, number) for number in range(GOOD + 1, GOOD + BAD + 1)}
        between = rest.enter_context(Between(fleet.ports["rtsp"], characters))

        def point_at_proxies(data: Path) -> None:
            with Registry.open(data / "registry") as registry:
                for channel in fleet.channels():
                    if port := between.ports.get(channel.number):
                        url = channel.main_url.replace(f":{fleet.ports['rtsp']}/", f":{port}/")
                        registry.put(replace(channel, main_url=url))

        program = rest.enter_context(
            running(
                tmp_path,
                fleet,
                main_chunk_s=6,
                sub_chunk_s=6,
                volumes=[(number, one.place) for number, one in enumerate(disks, 1)],
                prepare=point_at_proxies,
                environment=clock.environment if clock else None,
            )
        )
        yield Scene(tmp_path, fleet, program, disks, clock, characters)


def good_tracks() -> list[Track]:
    return [Track(number, TrackKind.MAIN) for number in range(1, GOOD + 1)]


@pytest.mark.slow
@pytest.mark.skipif(not MINUTES, reason="chaos takes minutes and both cores: make chaos")
@pytest.mark.timeout(int(MINUTES * 60 * 2 + 600))
def test_good_cameras_lose_nothing_and_all_times_are_true(scene: Scene) -> None:
    if scene.clock is None:
        print("the clock is left alone: apt-get install gcc libc6-dev")
    program, memory, states = scene.program, Memory(), States(scene.program, good_tracks())
    program.until(lambda: program.recorded(good_tracks(), 3), "3 s of each good camera", 120)
    with WebLoad(program.url, GOOD + BAD, scene.now_us, SEED) as load:
        done = disturb(scene, memory, states)
    wrong = [*states.wrong, *[f"the web server failed: {path}" for path in load.errors]]
    assert scene.clock is None or scene.clock.offset_us == 0
    end_us = SystemClock().wall_us() + 8 * US_PER_S
    program.until(lambda: SystemClock().wall_us() > end_us, "all is sealed that was opened in trouble", 60)
    program.process.terminate()
    program.process.wait(60)
    said = nvr("check", "--deep", "--config", scene.folder / "nvr.toml")
    wrong += [] if said.code == 0 else [said.out]
    print(f"seed {SEED}, {MINUTES} min, {GOOD} good and {BAD} bad cameras, disturbances {done}, {states.moments} looks")
    print(f"recorder {memory.recorder_mb:.0f} MB, web {memory.web_mb:.0f} MB, answers {dict(load.statuses)}")
    for number in range(1, GOOD + BAD + 1):
        found, figures = judged(scene, Track(number, TrackKind.MAIN))
        name = scene.characters[number].name if number in scene.characters else "good"
        print(f"  channel {number}: {name}: {figures}, {len(found)} findings")
        wrong += found
    wrong += [f"the recorder took {memory.recorder_mb:.0f} MB"] if memory.recorder_mb > RECORDER_MB else []
    wrong += [f"the web server took {memory.web_mb:.0f} MB"] if memory.web_mb > WEB_MB else []
    assert not wrong, "\n".join(wrong)


def disturb(scene: Scene, memory: Memory, states: States) -> dict[str, int]:
    """Trouble upon trouble until the time is over; looks in between. Gives how often each kind came."""
    draw, disturbances = random.Random(SEED), Disturbances(scene.program, scene.disks, scene.clock)
    end_s, done = time.monotonic() + MINUTES * 60, dict[str, int]()
    clock_until_s, waiting = 0.0, list[Callable[[], None]]()
    while time.monotonic() < end_s or waiting:
        if not waiting:
            waiting = draw.sample(disturbances.kinds(), len(disturbances.kinds()))
        kind = waiting.pop()
        kind()
        name = getattr(kind, "__name__", "")
        done[name] = done.get(name, 0) + 1
        scene.program.until(lambda: answers(scene.program), "the web server answers again", 60)
        memory.look(scene.program)
        if "clock" in name:
            clock_until_s = time.monotonic() + CLOCK_SETTLES_S
        if states.moments < MOMENTS * (1 - (end_s - time.monotonic()) / (MINUTES * 60)):
            states.look(draw.uniform(1.5, 4), clock_was_wrong=time.monotonic() < clock_until_s)
    return done


def answers(program: Running) -> bool:
    """Whether the web server does; one that was just killed may cut the question."""
    try:
        return program.answers()
    except (OSError, http.client.HTTPException):
        return False


@dataclass
class Figures:
    """What was found of one camera."""

    pictures: int = 0
    furthest_us: int = 0  # from the time at which a picture was taken, or from its receipt if that is nearer

    def __str__(self) -> str:
        return f"{self.pictures} pictures, the furthest {self.furthest_us / US_PER_S:.2f} s off"


def judged(scene: Scene, track: Track) -> tuple[list[str], Figures]:
    """What is wrong with what was recorded of a camera."""
    files, loop = scene.files(track), scene.fleet.media(track.channel)
    known, found, figures = recognised(loop), set[int](), Figures()
    wrong: list[str] = []
    for file in files:
        furthest_us = 0
        for picture in file.pictures(loop, known):
            true_us = loop.cadence.instant_us(picture.number)
            off_us = min(abs(picture.filed_us - true_us), abs(picture.filed_us - picture.received_us))
            furthest_us = max(furthest_us, off_us)
            found.add(picture.number)
        figures.furthest_us = max(figures.furthest_us, furthest_us)
        if furthest_us > NEAR_US:
            wrong.append(f"{track}: {file.path.name} has a picture {furthest_us / US_PER_S:.2f} s off")
    figures.pictures = len(found)
    if files:
        channels = {channel for _, channel in files[len(files) // 2].seen()}
        wrong += [f"{track} shows channels {channels}"] if channels - {track.channel} else []
    if track.channel <= GOOD:
        wrong += lost(scene, track, found)
    return wrong + unexplained(scene, track, files), figures


def lost(scene: Scene, track: Track, found: set[int]) -> list[str]:
    """Access units of a good camera that were sent and are in no file."""
    assert found, f"nothing of {track} is recorded"
    missed = [number for number in range(min(found), max(found)) if number not in found]
    units = scene.fleet.sent_nal_hashes(track.channel, track.kind, min(found), max(found)) if missed else {}
    missed = [number for number in missed if number in units]
    sent = scene.fleet.sent(track.channel, track.kind)
    wrong = [f"{track}: {len(missed)} access units lost: {missed[0]} … {missed[-1]}"] if missed else []
    wrong += [f"{track}: {sent.sessions} sessions"] if sent.sessions > 1 else []
    return wrong + ([f"{track}: the recorder was too slow for {sent.dropped} pictures"] if sent.dropped else [])


def unexplained(scene: Scene, track: Track, files: list[Recorded]) -> list[str]:
    """Holes between the files of a track that no gap explains, or that one explains wrongly."""
    wrong = []
    reasons = scene.characters[track.channel].reasons if track.channel in scene.characters else frozenset()
    with IndexReader.open(scene.folder / "data" / "index") as index:
        for hole, errors_us in holes(files):
            # the gap stands in the time of the clock before or behind the hole, or in true time where it was put right
            found = [list(index.gaps(track, _moved(hole, error_us, EDGE_US))) for error_us in errors_us]
            covered_us = sum(
                sum(covered(gap, _moved(hole, error_us)) for gap in gaps)
                for gaps, error_us in zip(found, errors_us, strict=True)
            )
            if covered_us < hole.end_us - hole.start_us - 2 * EDGE_US:
                clocks = " and ".join(f"{error_us / US_PER_S:+.0f} s" for error_us in errors_us)
                where = f"from {format_utc(hole.start_us)} by clocks of {clocks}"
                told = f"gaps for {covered_us / US_PER_S:.1f} s only, {where}"
                wrong.append(f"{track}: a hole of {(hole.end_us - hole.start_us) / US_PER_S:.1f} s has {told}: {found}")
            allowed = reasons | {GapReason.CLOCK}
            wrong += [
                f"{track}: a hole is told as {g.reason}" for gaps in found for g in gaps if g.reason not in allowed
            ]
    return wrong


def covered(gap: Gap, hole: TimeRange) -> int:
    return max(0, min(gap.end_us, hole.end_us) - max(gap.start_us, hole.start_us))


def _moved(hole: TimeRange, by_us: int, wider_us: int = 0) -> TimeRange:
    return TimeRange(hole.start_us + by_us - wider_us, hole.end_us + by_us + wider_us)


def holes(files: list[Recorded]) -> Iterator[tuple[TimeRange, list[int]]]:
    """Between files, in true time, with the errors of the clock on both sides."""
    last, reached_us = None, 0
    for file in files:
        if last is not None and file.time.start_us - reached_us > HOLE_US:
            yield TimeRange(reached_us, file.time.start_us), sorted({last.clock_error_us, file.clock_error_us, 0})
        if file.time.end_us > reached_us:
            last, reached_us = file, file.time.end_us
