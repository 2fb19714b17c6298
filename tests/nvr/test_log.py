import subprocess
import sys

import pytest

PROGRAM = """
import {module}
from nvr.log import get_logger

def unlock(row):
    password = row["password"]
    raise ValueError("broken")

try:
    unlock({{"password": "".join(("Canary", "Bird"))}})
except ValueError:
    get_logger().exception("a row cannot be read", row=7)
"""


@pytest.mark.parametrize("module", ["nvr.log", "indexer.bookkeeper", "retention.scrub", "tools.assembly", "web.app"])
def test_traceback_in_any_process_holds_no_local_variables(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(module=module)], capture_output=True, text=True)
    assert "a row cannot be read" in done.stdout
    assert "ValueError: broken" in done.stdout
    assert "in unlock" in done.stdout, "the traceback itself is told"
    assert "CanaryBird" not in done.stdout + done.stderr
