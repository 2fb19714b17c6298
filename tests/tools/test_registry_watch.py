"""The camera list lies on two volumes, whole and versioned, and one command brings it back."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import registry_copy
from indexer.keyfile import KEY_FILE
from indexer.registry import Registry
from indexer.writer import IndexWriter
from nvr.channel import Channel
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from tests.manual_clock import ManualClock
from tests.tools.command_line import Ended, nvr
from tools.main import ExitCode
from tools.registry_watch import RegistryWatch

GATE = Channel(1, "Gate", "rtsp://192.0.2.1/a", username="nvr", password="s3cret-canary")


class Site:
    """nvr.toml, three volumes that are open, and the registry."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.config, self.clock = folder / "nvr.toml", clock
        self.disks = [folder / f"disk{number}" for number in (1, 2, 3)]
        assert nvr("init", folder, *(word for disk in self.disks for word in ("--volume", disk))).code == 0
        self.data = folder / "data" / "registry"

    def opened(self) -> dict[int, Volume]:
        places = enumerate(self.disks, 1)
        return {n: Volume.open(n, place, create=False, clock=self.clock) for n, place in places}

    def copy(self) -> str:
        """As the recorder does; gives the trouble."""
        volumes = self.opened()
        try:
            with Registry.open(self.data) as registry:
                watch = RegistryWatch(registry, lambda: volumes, self.clock)
                watch.look()
                return watch.trouble
        finally:
            for volume in volumes.values():
                volume.close()

    def copies(self) -> list[list[str]]:
        return [sorted(path.name for path in disk.glob("registry-*")) for disk in self.disks]

    def restore(self, *words: object) -> Ended:
        return nvr("registry", "restore", "-c", self.config, *words)


@pytest.fixture
def site(tmp_path: Path, clock: ManualClock) -> Site:
    made = Site(tmp_path, clock)
    with Registry.open(made.data) as registry:
        registry.put(GATE)
        registry.holds.lay(TimeRange(1, 2), channels=[1], reason="case 17", author="An", now_us=clock.wall_us())
    return made


def test_copies_lie_on_two_volumes_and_hold_no_password(site: Site) -> None:
    assert site.copy() == ""
    first, second, third = site.copies()
    assert first == second
    assert len(first) == 1
    assert third == []
    data = (site.disks[0] / first[0]).read_bytes()
    assert b"s3cret" not in data
    assert (site.data / KEY_FILE).read_bytes().strip() not in data


def test_same_content_is_copied_once_and_each_change_anew(site: Site, clock: ManualClock) -> None:
    for _ in range(2):
        clock.advance(US_PER_MINUTE)
        assert site.copy() == ""
    assert [len(names) for names in site.copies()] == [1, 1, 0]
    with Registry.open(site.data) as registry:
        registry.remove(1)
    assert site.copy() == ""
    assert [len(names) for names in site.copies()] == [2, 2, 0]


def test_damaged_copy_is_replaced_and_a_disk_that_takes_none_passed_over(site: Site, clock: ManualClock) -> None:
    site.copy()
    (site.disks[0] / site.copies()[0][0]).write_bytes(b"x")
    (site.disks[1] / site.copies()[1][0]).unlink()
    for name in site.copies()[0]:  # whatever is written on disk 2 finds a folder at its place
        (site.disks[1] / f"{name}.new").mkdir()
    clock.advance(0)
    assert site.copy() == ""
    assert [len(names) for names in site.copies()][0::2] == [1, 1]
    assert site.restore("--force").code == 0


def test_lost_registry_is_restored_by_one_command(site: Site) -> None:
    site.copy()
    key = (site.data / KEY_FILE).read_bytes()
    shutil.rmtree(site.data)
    told = site.copy()
    assert "nvr registry restore" in told
    restored = site.restore()
    assert restored.code == 0
    assert "1 cameras, 1 holds, 0 bookmarks" in restored.out
    assert "passwords of 1 cameras cannot be read" in restored.out
    with Registry.open(site.data) as registry:
        assert registry.channels() == []
        assert [channel.name for channel in registry.known()] == ["Gate"]
        assert [hold.reason for hold in registry.holds.all()] == ["case 17"]
    (site.data / KEY_FILE).write_bytes(key)
    with Registry.open(site.data) as registry:
        assert registry.channels() == [GATE]


def test_damaged_registry_is_kept_and_its_key_is_used(site: Site) -> None:
    site.copy()
    IndexWriter.open(site.data.with_name("index")).close()
    (site.data / "data.mdb").write_bytes(b"\xff" * 8192)
    assert "nvr registry restore" in nvr("check", "-c", site.config).out
    assert site.restore().code == 0
    with Registry.open(site.data) as registry:
        assert registry.channels() == [GATE]
    assert [path.name for path in site.data.parent.glob("registry.before-*")]


def test_damaged_copy_is_passed_over_for_the_next_one(site: Site) -> None:
    site.copy()
    (site.disks[0] / site.copies()[0][0]).write_bytes(b"{}")
    shutil.rmtree(site.data)
    assert site.restore().code == 0
    with Registry.open(site.data) as registry:
        assert [channel.name for channel in registry.known()] == ["Gate"]


def test_registry_that_can_be_read_is_not_replaced_unless_forced(site: Site) -> None:
    site.copy()
    with Registry.open(site.data) as registry:
        registry.put(Channel(2, "Bridge", "rtsp://192.0.2.2/a"))
    refused = site.restore()
    assert refused.code == ExitCode.CONFIG
    assert "--force" in refused.err
    assert site.restore("--force").code == 0
    with Registry.open(site.data) as registry:
        assert registry.channels() == [GATE]


def test_copies_of_a_registry_of_before_outlive_those_of_a_new_one(site: Site, clock: ManualClock) -> None:
    site.copy()
    old = site.copies()[0]
    shutil.rmtree(site.data)
    for number in range(1, 15):
        with Registry.open(site.data) as registry:
            registry.put(Channel(number, "New", "rtsp://192.0.2.1/a"))
        clock.advance(US_PER_MINUTE)
        site.copy()
    assert set(old) < set(site.copies()[0])
    assert len(site.copies()[0]) <= registry_copy.NEWEST + 2


def test_surplus_keeps_the_newest_and_one_of_each_day() -> None:
    def name(made_us: int, registry: str = "a") -> str:
        return f"registry-{made_us:016d}-{registry}-{made_us % 997:016x}.json"

    days = [name(day * US_PER_DAY + hour * 3_600_000_000) for day in range(40) for hour in range(24)]
    others = [name(n, "b") for n in range(5)]
    gone = registry_copy.surplus([*days, *others, "registry-x.json", "registry-1-2-3-4.json"], "a")
    left = [one for one in days if one not in gone]
    assert left[-10:] == days[-10:]
    assert len(left) == 10 + 29
    assert left[0] == days[10 * 24 + 23]
    assert [one for one in others if one not in gone] == others[-2:]


@pytest.mark.parametrize("at", [0, 30, 60, 100, -30])
def test_copy_with_a_flipped_bit_is_refused(site: Site, at: int) -> None:
    with Registry.open(site.data) as registry:
        data = bytearray(registry.copy(site.clock.wall_us()))
    data[at] ^= 0x10
    with pytest.raises(IntegrityError):
        registry_copy.read(bytes(data), "x")


KILLED = """
import os, signal, sys
from pathlib import Path
from nvr.chunk import identity
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.volume import Volume
from nvr.timebase import SystemClock
class Dying(FileSystem):
    def rename(self, source, target, folder_fd):
        os.kill(os.getpid(), signal.SIGKILL)
with Volume.open(1, Path(sys.argv[1]), create=False, clock=SystemClock(), fs=Dying()) as volume:
    volume.root_files().write(sys.argv[2], b"half")
"""


def test_kill_during_the_copy_leaves_the_one_of_before(site: Site) -> None:
    site.copy()
    name = site.copies()[0][0]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(site.disks[0]), name], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    shutil.rmtree(site.data)
    assert site.restore("--copy", site.disks[0]).code == 0
    with Registry.open(site.data) as registry:
        assert [channel.name for channel in registry.known()] == ["Gate"]
