"""Who goes first when the machine runs out of memory: decoders, then the web server, the recorder last.

All inherit what systemd gave the unit (``OOMScoreAdjust``), which is meant for the recorder. To raise one's own score
is always allowed.
"""

from contextlib import suppress
from pathlib import Path

WEB_SCORE = 300  # of -1000 to 1000; proc(5), /proc/[pid]/oom_score_adj
DECODER_SCORE = 900


def first_to_go(score: int) -> None:
    """Raise this process's own score; where the kernel has none, nothing happens."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score), encoding="ascii")
