"""The clock of a simulated camera: right, or fast, slow and set wrong."""

from dataclasses import dataclass


@dataclass(slots=True)
class CameraClock:
    """What the camera believes, as a function of the true wall time."""

    ppm: int = 0  # how much too fast it runs
    step_us: int = 0  # how far it is set wrong; seen in sender reports only
    _since_us: int = 0
    _gained_us: int = 0  # until _since_us

    def gained_us(self, wall_us: int) -> int:
        """What it has gained by running fast."""
        return self._gained_us + (wall_us - self._since_us) * self.ppm // 1_000_000

    def camera_us(self, wall_us: int) -> int:
        """What it shows."""
        return wall_us + self.step_us + self.gained_us(wall_us)

    def run_at(self, ppm: int, wall_us: int) -> None:
        """Run faster or slower from ``wall_us`` on; what was gained before stays."""
        self._gained_us, self._since_us, self.ppm = self.gained_us(wall_us), wall_us, ppm
