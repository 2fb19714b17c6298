"""What was recorded, held against what the cameras sent: every picture tells by its bytes when it was taken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import av
import numpy as np

from nvr.chunk.name import ChunkName, parse
from nvr.chunk.reader import ChunkReader
from nvr.codec.nal import split
from nvr.media import Codec, Track
from nvr.timebase import US_PER_S, TimeRange, us_from_90k
from tools.simcam import blocks
from tools.simcam.loop import Loop, nal_type

H264_SLICES = (1, 5)


@dataclass(frozen=True, slots=True)
class Picture:
    """One recorded access unit."""

    filed_us: int  # the wall time that the file gives it, less the error of the server's clock of then
    received_us: int  # true wall time at which the first of its fragment came in
    number: int  # of the camera's `Cadence`


def recognised(loop: Loop) -> dict[bytes, int]:
    """Which picture of a loop has these slices; parameter sets and what a proxy put in do not count."""
    return {_digest(loop.units_at(place)): loop.shown[place] for place in range(loop.frames)}


def _digest(units: Sequence[bytes]) -> bytes:
    return sha256(b"".join(unit for unit in units if nal_type(Codec.H264, unit) in H264_SLICES)).digest()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One file.

    Attributes:
        clock_error_us: how wrong the server's clock was when its times were taken.
        boot_us: true wall time − monotonic time.
    """

    path: Path
    name: ChunkName
    clock_error_us: int
    boot_us: int

    @property
    def time(self) -> TimeRange:
        """In true time, as far as the file is right."""
        start_us = self.name.start_us - self.clock_error_us
        return TimeRange(start_us, start_us + self.name.duration_ms * 1000)

    def pictures(self, loop: Loop, known: dict[bytes, int]) -> Iterator[Picture]:
        """Each access unit that is whole, in the order of decoding."""
        data = self.path.read_bytes()
        with ChunkReader(self.path) as reader:
            samples, delay_90k, footer = reader.samples(), reader.header.composition_delay_90k, reader.footer
            assert footer is not None
            received_us = np.repeat(footer.fragments["monotonic_us"], footer.fragments["samples"]) + self.boot_us
            for row, came_us in zip(samples, received_us.tolist(), strict=True):
                unit = data[int(row["offset"]) : int(row["offset"]) + int(row["size"])]
                picture = known.get(_digest([unit[start:end] for start, end in split(unit)]))
                if picture is None:
                    continue
                shown_90k = int(row["decode_90k"]) + int(row["composition_90k"]) - delay_90k
                filed_us = reader.start_us + us_from_90k(shown_90k) - self.clock_error_us
                yield Picture(filed_us, came_us, loop.cadence.number_of(picture, filed_us))

    def seen(self) -> Iterator[tuple[int, int]]:
        """Filed time and channel of each picture that any player shows and whose blocks can be read."""
        with av.open(str(self.path)) as container:
            for frame in container.decode(video=0):
                stamp = blocks.read(frame.to_ndarray(format="gray").astype(np.uint8))
                if stamp is not None and frame.time is not None:
                    yield self.name.start_us + round(frame.time * US_PER_S), stamp.channel


def recorded(volumes: Sequence[Path], track: Track, boot_us: int, offsets_us: Sequence[int]) -> list[Recorded]:
    """All sealed files of a track, by true time.

    Args:
        volumes: their folders.
        track: whose.
        boot_us: true wall time − monotonic time.
        offsets_us: the errors that the server's clock was given.
    """
    found: dict[str, Recorded] = {}
    for volume in volumes:
        for path in volume.glob(f"v1/{track.channel:05d}/*/*/*.mp4"):
            name = parse(path.relative_to(volume).as_posix())
            if name is not None and name.track == track:
                found[path.name] = Recorded(path, name, _clock_error_us(path, boot_us, offsets_us), boot_us)
    return sorted(found.values(), key=lambda one: one.time.start_us)


def _clock_error_us(path: Path, boot_us: int, offsets_us: Sequence[int]) -> int:
    """Which of the errors that the server's clock was given was in force."""
    with ChunkReader(path) as reader:
        fragments = reader.footer.fragments if reader.footer is not None else None
    if fragments is None or not len(fragments):
        return 0
    seen_us = int(fragments["wall_us"][0]) - int(fragments["monotonic_us"][0]) - boot_us
    return min(offsets_us, key=lambda offset_us: abs(seen_us - offset_us))
