"""A clock that stands still until a test moves it."""

from nvr.timebase import US_PER_S


class ManualClock:
    """A `nvr.timebase.Clock`: wall and monotonic time move together, and the wall alone can step."""

    def __init__(self, wall_us: int = 1_795_000_000 * US_PER_S, monotonic_us: int = 1_000 * US_PER_S) -> None:
        self._wall_us = wall_us
        self._monotonic_us = monotonic_us

    def wall_us(self) -> int:
        return self._wall_us

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def advance(self, duration_us: int) -> None:
        """Time passes: both clocks move on."""
        if duration_us < 0:
            raise ValueError("time does not run backwards: step the wall clock instead")
        self._wall_us += duration_us
        self._monotonic_us += duration_us

    def step_wall(self, by_us: int) -> None:
        """Somebody sets the system clock, forwards or back; durations do not notice."""
        self._wall_us += by_us
