"""Ninety seconds of 55 cameras on full disks: days, quotas, reserves and holds are kept (``benchmarks.soak``)."""

from pathlib import Path

import pytest

from benchmarks.soak import soak
from benchmarks.soak_plan import short
from benchmarks.soak_rig import CannotMount


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(400)
def test_every_promise_is_kept_while_the_disks_are_full(tmp_path: Path) -> None:
    try:
        report, findings = soak(short(), tmp_path, print)
    except CannotMount as error:
        pytest.skip(f"small file systems cannot be mounted here: {error}")
    print(report)
    assert findings == []
