"""What the catastrophes share."""

import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nvr.capture.connection import tls_context

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="package", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Thousands of starts share one: loading the machine's authorities takes 19 ms each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nvr.capture.engine.tls_context", cache(tls_context))
        yield


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is such a thing: a crash that is simulated needs no disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)
