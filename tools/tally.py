"""Counts what was recorded of simulated cameras and what is missing between the first and the last access unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvr.chunk.reader import ChunkReader
from nvr.chunk.volume import Volume
from nvr.media import Track

RTP_TIMES = 1 << 32


@dataclass(frozen=True, slots=True)
class TrackTally:
    """One track's figures."""

    access_units: int
    lost: int  # access units that should stand between the first and the last one, and do not
    twice: int  # and those that stand there more than once
    chunks: int
    bytes: int


NOTHING = TrackTally(0, 0, 0, 0, 0)


def tally(volumes: Iterable[Volume], frame_90k: Mapping[Track, int]) -> dict[Track, TrackTally]:
    """Read every sealed chunk's tables.

    Args:
        volumes: where to look.
        frame_90k: the tracks to count, each with the constant duration of its pictures.

    Raises:
        IntegrityError: a chunk cannot be read.
    """
    times: dict[Track, list[NDArray[np.int64]]] = {track: [] for track in frame_90k}
    sizes: dict[Track, int] = dict.fromkeys(frame_90k, 0)
    for volume in volumes:
        for name, size_bytes in volume.chunks():
            if name.track in times:
                times[name.track].append(_rtp_times(volume.open_read(name)))
                sizes[name.track] += size_bytes
    return {track: _count(found, frame_90k[track], sizes[track]) for track, found in times.items()}


def _rtp_times(fd: int) -> NDArray[np.int64]:
    """The RTP time of each sample of a chunk."""
    with ChunkReader(fd) as reader:
        samples = reader.samples()
        shown = samples["decode_90k"] + samples["composition_90k"]
        first = reader.fragments()[0].stamp.presentation_rtp_90k
    times: NDArray[np.int64] = (shown - shown[0] + first) % RTP_TIMES
    return times


def _count(found: list[NDArray[np.int64]], frame_90k: int, size_bytes: int) -> TrackTally:
    if not found:
        return NOTHING
    times = np.concatenate(found)
    since_first = (times - times[0] + RTP_TIMES // 2) % RTP_TIMES - RTP_TIMES // 2  # the 32 bits may have wrapped
    pictures = np.unique(since_first // frame_90k)
    expected = int(pictures[-1] - pictures[0]) + 1
    return TrackTally(len(pictures), expected - len(pictures), len(times) - len(pictures), len(found), size_bytes)
