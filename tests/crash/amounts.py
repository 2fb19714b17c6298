"""How much is tried: so much on every commit, ten times that in ``make torture``."""

import os

TIMES = int(os.environ.get("NVR_TORTURE", "1"))


def times(count: int) -> int:
    """``count``, or ten times that."""
    return count * TIMES
