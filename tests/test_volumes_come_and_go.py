"""Three disks under the whole program: one is pulled, one is filled, one is unmounted, while cameras are recorded."""

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, SystemClock
from tests.crash.power import Disk, disk
from tests.running import Running, running
from tests.tools.command_line import nvr
from tools.simcam.fleet import Fleet
from tools.simcam.options import Picture, Town

CHANNELS = int(os.environ.get("NVR_VOLUMES_CHANNELS", "6"))
PICTURE = Picture(1920, 1080, 25, 4096) if CHANNELS >= 55 else Picture(320, 180, 25, 300)  # 55: the full load
TRACKS = [Track(n, TrackKind.MAIN) for n in range(1, CHANNELS + 1)]
NUMBERS = (1, 2, 3)
DISK_MIB = 64 * CHANNELS + 100  # 32 MiB are reserved for a camera's first file, three seconds of it are 120 KB
ALARM_S = 10.0
LONGEST_HOLE_US = 2 * US_PER_S
HANG_S = 30.0  # what the kernel takes to give up a command (SCSI's and libata's default)
HANG_ALARM_S = 25.0  # eight seconds may be a slow disk, and a write must come first
SETTLE_S = 6.0  # of recording after each misfortune


@dataclass(frozen=True, slots=True)
class House:
    """The program, and its three disks."""

    folder: Path
    running: Running
    disks: Sequence[Disk]

    def trouble(self, number: int) -> str:
        volumes = {one["number"]: one["trouble"] for one in self.running.json("/api/site")["volumes"]}
        return str(volumes.get(number, "not posted"))

    def until_told(self, number: int, deadline_s: float = ALARM_S) -> float:
        """Seconds that it took."""
        start_s = time.monotonic()
        self.running.until(lambda: self.trouble(number), f"an alarm for volume {number}", deadline_s)
        return round(time.monotonic() - start_s, 1)

    def until_well(self, number: int) -> None:
        self.running.until(lambda: not self.trouble(number), f"volume {number} works again")

    def go_on(self, seconds: float = SETTLE_S) -> None:
        self.running.until(recorded_since(self.running, seconds), f"{seconds} s of footage of each camera")


def recorded_since(program: Running, seconds: float, tracks: Sequence[Track] = TRACKS) -> Callable[[], bool]:
    """Whether each track has footage up to so many seconds after now."""
    until_us = SystemClock().wall_us() + int(seconds * US_PER_S)
    return lambda: all(newest_us(program, track) >= until_us for track in tracks)


def newest_us(program: Running, track: Track) -> int:
    spans = program.spans(track, SystemClock().wall_us())
    return spans[-1][1] if spans else 0


def numbers(program: Running) -> list[int]:
    return [one["number"] for one in program.json("/api/site")["volumes"]]


def holes(spans: list[list[int]]) -> list[int]:
    """Microseconds between spans."""
    return [later[0] - earlier[1] for earlier, later in itertools.pairwise(spans)]


def fill(path: Path) -> None:
    """Leave no room on the file system."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as rest:
        disks = []
        for number in NUMBERS:
            (tmp_path / f"{number}").mkdir()
            disks.append(rest.enter_context(disk("ext4", tmp_path / f"{number}", DISK_MIB)))
        town = Town(channels=CHANNELS, main=PICTURE, sub=None)
        fleet = rest.enter_context(Fleet(town))
        volumes = [(number, one.place) for number, one in zip(NUMBERS, disks, strict=True)]
        program = rest.enter_context(running(tmp_path, fleet, main_chunk_s=4, sub_chunk_s=4, volumes=volumes))
        made = House(tmp_path, program, disks)
        program.until(lambda: program.recorded(TRACKS, 3), "3 s of each camera")
        yield made


@pytest.mark.slow
def test_pulled_filled_and_unmounted_disks_cost_no_camera_more_than_two_seconds(house: House) -> None:
    pulled, filled, unmounted = house.disks
    stored = {path for one in (filled, unmounted) for path in one.place.glob("v1/**/*.mp4")}

    pulled.cut()
    told_s = [house.until_told(1)]
    house.go_on()
    subprocess.run(["umount", "-l", str(pulled.place)], check=True)
    pulled.mount()
    house.until_well(1)

    other = filled.place / "other program's"
    fill(other)
    told_s.append(house.until_told(2))
    house.go_on()
    other.unlink()
    house.until_well(2)

    subprocess.run(["umount", "-l", str(unmounted.place)], check=True)
    told_s.append(house.until_told(3))
    house.go_on()
    unmounted.mount()
    house.until_well(3)

    house.go_on()
    now_us, longest_us = SystemClock().wall_us(), 0
    for track in TRACKS:
        (*_, last) = spans = house.running.spans(track, now_us)
        assert last[1] - spans[0][0] > 4 * SETTLE_S * US_PER_S
        longest_us = max(longest_us, *holes(spans), 0)
    print(f"longest hole of {CHANNELS} cameras: {longest_us / US_PER_S:.2f} s; told after {told_s} s")
    assert longest_us <= LONGEST_HOLE_US
    assert all(path.exists() for path in stored), "a healthy disk has lost a file"
    listed = house.running.json("/api/troubles")["troubles"]
    assert {one["volume"] for one in listed} == set(NUMBERS), listed
    assert all(one["ended_us"] is not None for one in listed if one["matter"] != "single"), listed
    said = nvr("check", "--deep", "--config", house.folder / "nvr.toml")
    assert said.code == 0, said.out


@pytest.mark.slow
def test_disk_that_hangs_for_half_a_minute_costs_no_picture(house: House) -> None:
    (hanging, *_), now_s = house.disks, time.monotonic
    subprocess.run(
        ["fsfreeze", "--freeze", str(hanging.place)], check=True
    )  # who writes there waits, as for a bad cable
    start_s = now_s()
    try:
        told_s = house.until_told(1, HANG_ALARM_S)
        house.running.until(lambda: now_s() - start_s >= HANG_S, "half a minute")
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", str(hanging.place)], check=True)
    house.until_well(1)
    house.go_on()
    now_us = SystemClock().wall_us()
    spans = {track: house.running.spans(track, now_us) for track in TRACKS}
    print(f"a disk hung for {HANG_S} s, told after {told_s} s")
    assert {track: holes(found) for track, found in spans.items()} == {track: [] for track in TRACKS}
    said = nvr("check", "--deep", "--config", house.folder / "nvr.toml")
    assert said.code == 0, said.out


@pytest.mark.slow
def test_volumes_are_added_and_removed_while_cameras_are_recorded(tmp_path: Path) -> None:
    config, new = tmp_path / "nvr.toml", tmp_path / "new"
    town = Town(channels=2, main=Picture(320, 180, 25, 300), sub=None)
    tracks = TRACKS[:2]
    with Fleet(town) as fleet, running(tmp_path, fleet, main_chunk_s=3, sub_chunk_s=3) as program:
        program.until(lambda: program.recorded(tracks, 3), "3 s of each camera")
        assert nvr("volumes", "add", new, "--config", config).code == 0
        program.until(lambda: numbers(program) == [1, 2], "volume 2 is taken")
        assert nvr("volumes", "drain", "1", "--config", config).code == 0
        program.until(lambda: list(new.glob("v1/**/*.part")), "a file on the new volume")
        refused = nvr("volumes", "remove", "1", "--config", config)
        assert "files with footage are on it" in refused.err
        assert nvr("volumes", "remove", "1", "--with-footage", "--config", config).code == 0
        program.until(lambda: numbers(program) == [2], "volume 1 is let go")
        program.until(lambda: not list((tmp_path / "footage").glob("v1/**/*.part")), "its files are complete")
        program.until(recorded_since(program, 5, tracks), "5 s more")
        for track in tracks:
            spans = program.spans(track, SystemClock().wall_us())
            assert len(spans) == 1, f"{track}: {spans}"
            now_us = SystemClock().wall_us()
            last = program.chunks(track, now_us - 8 * US_PER_S, now_us)[-1]
            assert program.ask(last["media_url"]).body[4:8] == b"ftyp"


def copied_until_us(disks: Sequence[Disk], track: Track) -> int:
    """Up to when each of a track's sealed files lies on both disks."""
    found = [{path.name for path in one.place.glob(f"v1/{track.channel:05d}/*/*/*.mp4")} for one in disks]
    return max((int(name.split("-")[0]) for name in set.intersection(*found)), default=0)


@pytest.mark.slow
def test_disk_that_dies_costs_no_footage_of_which_two_files_are_wanted(tmp_path: Path) -> None:
    town, tracks, folders = Town(channels=3, main=Picture(320, 180, 25, 300), sub=None), TRACKS[:3], (1, 2)
    with ExitStack() as rest:
        for number in folders:
            (tmp_path / f"{number}").mkdir()
        disks = [rest.enter_context(disk("ext4", tmp_path / f"{number}", 400)) for number in folders]
        volumes = [(number, one.place) for number, one in zip(folders, disks, strict=True)]
        more = "[retention]\ncopies = 2\n"
        fleet = rest.enter_context(Fleet(town))
        program = rest.enter_context(
            running(tmp_path, fleet, main_chunk_s=3, sub_chunk_s=3, volumes=volumes, more=more)
        )
        made = House(tmp_path, program, disks)
        program.until(lambda: program.recorded(tracks, 3), "3 s of each camera")
        from_us = SystemClock().wall_us()
        program.until(lambda: min(copied_until_us(disks, track) for track in tracks) > from_us, "second files")
        until_us = min(copied_until_us(disks, track) for track in tracks)
        for number, one in zip(folders, disks, strict=True):  # each alone has all
            subprocess.run(["umount", "-l", str(one.place)], check=True)
            for track in tracks:
                (first, *_), *_ = spans = program.spans(track, until_us)
                assert holes(spans) == [], track
                for chunk in program.chunks(track, first, until_us):
                    assert program.ask(chunk["media_url"]).body[4:8] == b"ftyp"
            made.until_told(number)
            one.mount()
            made.until_well(number)
        said = nvr("check", "--deep", "--config", tmp_path / "nvr.toml")
        assert said.code == 0, said.out
