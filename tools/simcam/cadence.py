"""When a simulated camera takes its pictures: everything about time is a pure function of the picture's number.

Picture ``n`` of a stream is taken at wall time ``(n + phase) / fps`` counted from 1970, for ever. Cameras of a town
are not in step, so channels differ in phase (eighths of a frame) and in where their groups of pictures begin (shift).
"""

from dataclasses import dataclass
from typing import Self

from nvr.timebase import TICKS_PER_S, US_PER_S

PHASES = 8  # chosen: streams spread over a frame time, yet few enough that one timer serves many of them
SHIFT_STEP = 23  # prime to 30, 50 and 350: the sync pictures of neighbouring channels fall on different instants


@dataclass(frozen=True, slots=True)
class Cadence:
    """The rhythm of one stream whose pictures repeat after ``frames``."""

    fps: int
    frames: int  # pictures in the loop
    shift: int = 0  # picture in the loop = (n + shift) mod frames
    phase: int = 0  # eighths of a frame time, 0…7

    @classmethod
    def of_channel(cls, channel: int, fps: int, frames: int) -> Self:
        """The cadence that channel ``channel`` has, main and sub alike."""
        return cls(fps, frames, channel * SHIFT_STEP % frames, channel % PHASES)

    def instant_us(self, number: int) -> int:
        """Wall time at which picture ``number`` is taken."""
        return -(-(PHASES * number + self.phase) * US_PER_S // (PHASES * self.fps))

    def number_at(self, wall_us: int) -> int:
        """The picture that was taken last at ``wall_us``."""
        return (PHASES * wall_us * self.fps - self.phase * US_PER_S) // (PHASES * US_PER_S)

    def rtp_90k(self, number: int) -> int:
        """RTP time of picture ``number`` before wrapping: the wall time in 90 kHz ticks."""
        return (PHASES * number + self.phase) * TICKS_PER_S // (PHASES * self.fps)

    def picture(self, number: int) -> int:
        """Which picture of the loop ``number`` shows, 0…frames−1."""
        return (number + self.shift) % self.frames

    def number_of(self, picture: int, near_us: int) -> int:
        """The number of ``picture`` nearest to ``near_us``: the right one if that is less than half a loop off."""
        last = self.number_at(near_us)
        half = self.frames // 2
        return last + (picture - self.shift - last + half) % self.frames - half

    def instant_of(self, picture: int, near_us: int) -> int:
        """Wall time of the showing of ``picture`` nearest to ``near_us``."""
        return self.instant_us(self.number_of(picture, near_us))
