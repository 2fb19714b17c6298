"""What a disk says of its own health, judged: pure, from the JSON of smartctl (smartmontools 7, ``--json``).

The attributes are those that went before failures in published fleets (Backblaze's drive statistics: 5, 187, 197, 198)
and, for NVMe, the critical warnings of the SMART log page (NVM Express Base 2.0, figure 207).
"""

from dataclasses import dataclass
from enum import Enum

import msgspec

from nvr.errors import IntegrityError

WORN_PERCENT = 90  # chosen: a tenth of a solid-state disk's life is time enough to buy another
# The flags of NVMe's critical warning that mean losing data; temperature (2) and a spent capacitor (16) do not.
_NVME_GRAVE = {1: "its spare blocks run out", 4: "its reliability is degraded", 8: "it has become read-only"}
_ATA_SIGNS = {
    5: "sectors replaced",
    187: "errors it could not correct",
    197: "sectors that wait for replacement",
    198: "sectors it cannot read",
}


class Health(Enum):
    """The judgement, as a person acts on it."""

    WELL = "well"
    WORN = "worn"  # order another one
    FAILING = "failing"  # replace it today
    UNKNOWN = "unknown"  # it does not say, or may not be asked


@dataclass(frozen=True, slots=True)
class DiskHealth:
    """One disk, judged."""

    health: Health
    words: str  # for people: why; empty where it is well
    model: str = ""
    temperature_c: int | None = None
    power_on_hours: int | None = None


class _Status(msgspec.Struct, frozen=True):
    passed: bool


class _Raw(msgspec.Struct, frozen=True):
    value: int = 0


class _Attribute(msgspec.Struct, frozen=True):
    id: int
    raw: _Raw = _Raw()


class _Attributes(msgspec.Struct, frozen=True):
    table: list[_Attribute] = []


class _Nvme(msgspec.Struct, frozen=True):
    critical_warning: int = 0
    percentage_used: int = 0
    media_errors: int = 0


class _Temperature(msgspec.Struct, frozen=True):
    current: int


class _Hours(msgspec.Struct, frozen=True):
    hours: int


class _Message(msgspec.Struct, frozen=True):
    string: str = ""


class _Smartctl(msgspec.Struct, frozen=True):
    messages: list[_Message] = []


class _Report(msgspec.Struct, frozen=True):
    """The part of smartctl's answer that is looked at; the names are smartctl's."""

    smartctl: _Smartctl = _Smartctl()
    model_name: str = ""
    smart_status: _Status | None = None
    ata_smart_attributes: _Attributes = _Attributes()
    nvme_smart_health_information_log: _Nvme | None = None
    temperature: _Temperature | None = None
    power_on_time: _Hours | None = None


def judge(answer: bytes) -> DiskHealth:
    """The judgement on smartctl's JSON answer.

    Raises:
        IntegrityError: it is not smartctl's JSON.
    """
    try:
        report = msgspec.json.decode(answer, type=_Report)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"smartctl's answer cannot be read: {error}", hint="smartmontools 7 or newer") from error
    failing, worn = _failing(report), _worn(report)
    if failing or worn:
        health = Health.FAILING if failing else Health.WORN
    elif report.smart_status is None:
        health = Health.UNKNOWN
    else:
        health = Health.WELL
    silent = [message.string for message in report.smartctl.messages] if health is Health.UNKNOWN else []
    return DiskHealth(
        health=health,
        words="; ".join([*failing, *worn, *silent]),
        model=report.model_name,
        temperature_c=report.temperature.current if report.temperature else None,
        power_on_hours=report.power_on_time.hours if report.power_on_time else None,
    )


def worst(found: list[DiskHealth]) -> DiskHealth:
    """Of several disks under one file system the one that needs a person most; of none, that nothing is known."""
    order = [Health.FAILING, Health.WORN, Health.UNKNOWN, Health.WELL]
    return min(found, key=lambda one: order.index(one.health), default=DiskHealth(Health.UNKNOWN, "no disk is known"))


def _failing(report: _Report) -> list[str]:
    found = []
    if report.smart_status is not None and not report.smart_status.passed:
        found.append("its own test says that it fails")
    nvme = report.nvme_smart_health_information_log
    if nvme is not None:
        found += [words for bit, words in _NVME_GRAVE.items() if nvme.critical_warning & bit]
    return found


def _worn(report: _Report) -> list[str]:
    counts = {attribute.id: attribute.raw.value for attribute in report.ata_smart_attributes.table}
    found = [f"{_count(counts[number])} {words}" for number, words in _ATA_SIGNS.items() if counts.get(number)]
    nvme = report.nvme_smart_health_information_log
    if nvme is not None and nvme.percentage_used >= WORN_PERCENT:
        found.append(f"{nvme.percentage_used} % of its life is used")
    if nvme is not None and nvme.media_errors:
        found.append(f"{nvme.media_errors} errors it could not correct")
    return found


def _count(raw: int) -> int:
    """Vendors pack other counts into the upper half of the six raw bytes; the count itself is the lower half."""
    return raw & 0xFFFFFFFF
