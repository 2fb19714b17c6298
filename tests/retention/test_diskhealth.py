"""What smartctl tells is judged; disks are found under their file systems; smartctl that fails says nothing wrong."""

import json
import os
from pathlib import Path

import pytest

from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from retention import smartctl
from retention.diskhealth import DiskHealth, Health, judge, worst
from retention.smartctl import SmartWatch, ask, disks_under
from tests.manual_clock import ManualClock


def ata(*attributes: tuple[int, int], passed: bool = True) -> bytes:
    """As smartctl 7.3 prints it for a SATA disk, cut to what is looked at."""
    return json.dumps(
        {
            "smartctl": {"version": [7, 3], "exit_status": 0},
            "model_name": "WDC WD82PURX",
            "smart_status": {"passed": passed},
            "ata_smart_attributes": {"table": [{"id": n, "raw": {"value": v, "string": ""}} for n, v in attributes]},
            "power_on_time": {"hours": 17520},
            "temperature": {"current": 41},
        }
    ).encode()


def nvme(*, warning: int = 0, used: int = 3, errors: int = 0) -> bytes:
    log = {"critical_warning": warning, "percentage_used": used, "media_errors": errors}
    return json.dumps({"smart_status": {"passed": warning == 0}, "nvme_smart_health_information_log": log}).encode()


def test_well_disk_tells_its_facts() -> None:
    found = judge(ata((5, 0), (9, 17520), (197, 0)))
    assert found == DiskHealth(Health.WELL, "", "WDC WD82PURX", 41, 17520)


@pytest.mark.parametrize(
    ("answer", "health", "words"),
    [
        (ata(passed=False), Health.FAILING, "fails"),
        (ata((197, 8)), Health.WORN, "8 sectors that wait"),
        (ata((5, 0x0000_0001_0000_0003)), Health.WORN, "3 sectors replaced"),
        (nvme(warning=4), Health.FAILING, "reliability"),
        (nvme(warning=8), Health.FAILING, "read-only"),
        (nvme(used=95), Health.WORN, "95 % of its life"),
        (nvme(errors=2), Health.WORN, "2 errors"),
        (nvme(), Health.WELL, ""),
        (b'{"smartctl": {"messages": [{"string": "Unable to detect device type"}]}}', Health.UNKNOWN, "Unable"),
    ],
)
def test_judgement(answer: bytes, health: Health, words: str) -> None:
    found = judge(answer)
    assert found.health is health
    assert words in found.words


def test_hot_disk_is_not_called_failing_by_its_temperature_alone() -> None:
    log = {"critical_warning": 2, "percentage_used": 1}
    answer = json.dumps({"smart_status": {"passed": True}, "nvme_smart_health_information_log": log}).encode()
    assert judge(answer).health is Health.WELL


@pytest.mark.parametrize("answer", [b"", b"Segmentation fault", b'{"model_name": 7}'])
def test_what_is_no_answer_of_smartctl_is_refused(answer: bytes) -> None:
    with pytest.raises(IntegrityError):
        judge(answer)


def test_of_several_disks_the_worst_counts() -> None:
    well, failing = judge(nvme()), judge(ata(passed=False))
    assert worst([well, failing, well]) is failing
    assert worst([]).health is Health.UNKNOWN


def test_disk_of_a_partition_and_of_a_mapping_is_found(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    devices = tmp_path / "devices"
    for disk in ("sda", "sdb"):
        (devices / disk / f"{disk}1").mkdir(parents=True)
        (devices / disk / f"{disk}1" / "partition").write_text("1\n")
    (devices / "dm-0" / "slaves").mkdir(parents=True)
    for disk in ("sda", "sdb"):
        (devices / "dm-0" / "slaves" / f"{disk}1").symlink_to(devices / disk / f"{disk}1")
    node = tmp_path / "dev" / f"{os.major(number)}:{os.minor(number)}"
    node.parent.mkdir()
    node.symlink_to(devices / "dm-0")
    assert disks_under(tmp_path, tmp_path / "dev") == ["sda", "sdb"]
    node.unlink()
    node.symlink_to(devices / "sda" / "sda1")
    assert disks_under(tmp_path, tmp_path / "dev") == ["sda"]
    node.unlink()
    assert disks_under(tmp_path, tmp_path / "dev") == []  # a file system without a disk


def program(folder: Path, answer: bytes, code: int = 0) -> str:
    """A program in smartctl's place: it checks what it is asked, and answers."""
    (folder / "answer.json").write_bytes(answer)
    file = folder / "smartctl"
    wanted = " ".join((*smartctl.ARGUMENTS, "/dev/sdz"))
    file.write_text(f'#!/bin/sh\n[ "$*" = "{wanted}" ] || exit 99\ncat "{folder}/answer.json"\nexit {code}\n')
    file.chmod(0o755)
    return str(file)


def test_disk_is_asked_with_fixed_arguments(tmp_path: Path) -> None:
    assert ask("sdz", program(tmp_path, ata((198, 1)), code=64)).words == "1 sectors it cannot read"


def test_disk_that_may_not_be_opened_is_unknown_and_says_why(tmp_path: Path) -> None:
    found = ask("sdz", program(tmp_path, b'{"smartctl": {"exit_status": 2}}', code=2))
    assert found.health is Health.UNKNOWN
    assert "may not open" in found.words


def test_program_that_cannot_be_run_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        ask("sdz", str(tmp_path / "nowhere"))


def test_watch_asks_a_volume_once_and_again_when_it_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smartctl, "disks_under", lambda _path: ["sdz"])
    with Volume.open(1, tmp_path / "disk", create=True, clock=ManualClock(0)) as volume:
        volumes = {1: volume}
        watch = SmartWatch(lambda: volumes, program(tmp_path, ata(passed=False)))
        watch.look()
        assert "fails" in watch.troubles(Health.FAILING)[1]
        program(tmp_path, ata())
        watch.look()
        assert watch.troubles(Health.FAILING), "within the hour it is not asked again"
        volumes.clear()
        watch.look()
        assert not watch.health
        volumes[1] = volume
        watch.look()
        assert watch.health[1].health is Health.WELL


def test_without_smartctl_nothing_is_asked_and_the_thread_ends() -> None:
    with SmartWatch(dict, None) as watch:
        watch.join(10)
        assert not watch.is_alive()
