"""Are pictures filed under the times at which they were received? Told from a chunk's footer alone. Pure.

The footer has, for each fragment, when its first sample was received on the recorder's monotonic clock. What is filed
minus that is one number for a whole run, wall − monotonic time, less how late the sample was read and whatever delayed
it on its way. So of all fragments in some seconds the least late counts, and it may not wander.
"""

import numpy as np
import numpy.typing as npt

from nvr.chunk.footer import ChunkFooter
from nvr.timebase import US_PER_S

# The recorder keeps pictures between 0.7 s behind their receipt and 0.3 s before it (`nvr.capture.runclock`).
LIMIT_US = US_PER_S
ROUNDING_US = 100_000  # chosen: a tenth more, for the slew between two files
GROUP_US = 5 * US_PER_S  # chosen: ten batches; what waited behind a stall stands in one group with what came in time
SHORTEST_US = US_PER_S  # fragments received within less say nothing: they may have waited somewhere together


def offsets_us(footer: ChunkFooter) -> list[int]:
    """Filed time − monotonic time of receipt, of the least late fragment in each stretch of `GROUP_US`."""
    fragments = footer.fragments
    if not len(fragments):
        return []
    first = footer.samples[footer.first_samples]
    shown_90k = first["decode_90k"] + first["composition_90k"].astype(np.int64) - footer.composition_delay_90k
    received_us = fragments["monotonic_us"]
    offsets = footer.start_us + (shown_90k * 100 + 4) // 9 - received_us
    return [
        int(offsets[start:end].max())
        for start, end in _groups(received_us)
        if received_us[end - 1] - received_us[start] >= SHORTEST_US
    ]


def _groups(received_us: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Half-open ranges of fragments; a rest that is too short belongs to the one before it."""
    starts = [0]
    for number, at_us in enumerate(received_us.tolist()):
        if at_us - int(received_us[starts[-1]]) >= GROUP_US and number + 1 < len(received_us):
            starts.append(number + 1)
    if len(starts) > 1 and received_us[-1] - received_us[starts[-1]] < GROUP_US:
        starts.pop()
    return list(zip(starts, [*starts[1:], len(received_us)], strict=True))


def trouble(footer: ChunkFooter, run_us: int | None) -> tuple[str, int | None]:
    """What is wrong with a chunk's times, in plain words; empty: nothing.

    Args:
        footer: the chunk's.
        run_us: what this gave for an earlier chunk of the same run; None: it is the first one.

    Returns:
        the words, and filed time − receipt of the run, for its next chunk.
    """
    media_us = footer.media_90k * 100 // 9
    if abs(footer.duration_us - media_us) > LIMIT_US:
        return f"it is filed as {_s(footer.duration_us)} s, but its pictures last {_s(media_us)} s", run_us
    found = offsets_us(footer)
    if not found:
        return "", run_us
    spread_us = max(found) - min(found)
    if spread_us > LIMIT_US + ROUNDING_US:
        return f"within the file its pictures' times drift from those of their receipt by {_s(spread_us)} s", run_us
    if run_us is None:
        return "", max(found)
    off_us = max(found) - run_us
    if abs(off_us) > LIMIT_US + ROUNDING_US:
        return f"its pictures' times are {_s(off_us)} s off those of their receipt, by the run's first file", run_us
    return "", run_us


def _s(duration_us: int) -> str:
    return f"{duration_us / US_PER_S:.1f}"
