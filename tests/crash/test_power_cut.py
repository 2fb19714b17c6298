"""The catastrophe of a power cut on real file systems: what had not reached the device is gone."""

import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.crash.amounts import times
from tests.crash.judge import judge
from tests.crash.ledger import LEAVES, PUT
from tests.crash.power import disk
from tests.crash.test_kill_at_system_call import WORKLOAD

CUTS = times(20)


@pytest.mark.slow
@pytest.mark.timeout(times(1200))
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_cuts_lose_seven_seconds_at_most(kind: str, tmp_path: Path) -> None:
    draw = random.Random(11)
    worst_us = rows = lost_bytes = 0
    with disk(kind, tmp_path) as image:
        house, path = image.place / "house", tmp_path / "ledger"
        house.mkdir()
        for number in range(CUTS):
            command = [*WORKLOAD, str(house), str(path), "100000", "5"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
                assert child.stdout is not None
                assert child.stdout.readline() == b"recording\n"
                time.sleep(draw.uniform(0.05, 0.8))  # not a wait for something: the moment is the point of the test
                lines = path.read_text().splitlines()  # what is acknowledged later is not demanded
                before_bytes = size_bytes(house)
                image.cut()
                child.kill()
            image.unmount()
            image.mount()
            lost_bytes += before_bytes - size_bytes(house)
            later = path.read_text().splitlines()[len(lines) :]
            put_since = [line for line in later if line.startswith((PUT, LEAVES))]
            known = lines + put_since  # a sync that a dead file system acknowledged is none, for later cuts either
            path.write_text("".join(f"{line}\n" for line in known))
            shutil.copytree(house, tmp_path / "copy")
            verdict = judge(tmp_path / "copy", known, power_cut=True)
            shutil.rmtree(tmp_path / "copy")
            assert verdict.wrong == (), f"cut {number}"
            worst_us, rows = max(worst_us, verdict.lost_us), rows + verdict.rows
    assert lost_bytes > 0, "no cut has lost a byte: the test has shown nothing"
    print(f"{kind}: {CUTS} cuts, {rows} rows judged, {lost_bytes} bytes lost; at most {worst_us / 1e6:.1f} s lost")


def size_bytes(folder: Path) -> int:
    """What the files in a folder come to; of those that go meanwhile, nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
