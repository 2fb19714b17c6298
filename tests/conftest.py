"""What many rooms' tests share."""

import pytest

from tests.manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at 2026-11-18T11:06:40Z until the test moves it."""
    return ManualClock()
