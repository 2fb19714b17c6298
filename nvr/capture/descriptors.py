"""File descriptors: each camera takes one for its socket and one for its file, and what serves all needs some."""

import resource
from pathlib import Path

RESERVED_DESCRIPTORS = 8  # chosen: a camera's own two, and those of a new file, a lookup, a sync and a child process
NO_DESCRIPTOR = "no file descriptor is left for this camera"
MORE_DESCRIPTORS = "raise the limit: ulimit -n, or LimitNOFILE= in the unit"
_OPEN = Path("/proc/self/fd")


def free_descriptors() -> int:
    """How many files this process may still open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return limit - sum(1 for _ in _OPEN.iterdir())
    except OSError:  # not even this one can be opened
        return 0
