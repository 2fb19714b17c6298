"""A process of which a part is dead ends, soon and with a code that says so, whatever its other threads do."""

import subprocess
import sys

import pytest

PROGRAM = """
import threading
from tools.ending import Ending

stopped = threading.Event()
ending = Ending({stop}, fault_s=0.5)

def fall():
    secret = "".join(("Canary", "Bird"))
    raise {error}

threading.Thread(target=threading.Event().wait, name="waits for ever", daemon={daemon}).start()
threading.Thread(target=fall, name="disk-1").start()
stopped.wait()
raise SystemExit(1 if ending.is_fault else 0)
"""


def ended(stop: str, error: str, *, daemon: bool) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(stop=stop, error=error, daemon=daemon)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("error", ['ValueError("broken")', "MemoryError", 'OSError(5, "EIO")'])
def test_thread_that_falls_ends_the_process_in_order(error: str) -> None:
    done = ended("stopped.set", error, daemon=True)
    assert done.returncode == 1
    assert "disk-1" in done.stdout
    assert "in fall" in done.stdout
    assert "CanaryBird" not in done.stdout + done.stderr


@pytest.mark.parametrize("stop", ["stopped.set", "lambda: None"])
def test_process_whose_other_threads_never_end_is_cut_off(stop: str) -> None:
    done = ended(stop, "KeyError", daemon=False)
    assert done.returncode == 1
    assert "waits for ever" in done.stdout, "it names who did not end"
