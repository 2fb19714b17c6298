"""What many rooms' tests share."""

import pytest
from hypothesis import settings

from tests.manual_clock import ManualClock

settings.register_profile("patient", deadline=None)  # machines under load are slow now and then
settings.load_profile("patient")


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at 2026-11-18T11:06:40Z until the test moves it."""
    return ManualClock()
