"""The machine is read: times run on, the start has a name."""

from nvr.machineclock import MachineClock
from tests.manual_clock import ManualClock


def test_reading_has_the_servers_clock_and_the_time_since_the_start(clock: ManualClock) -> None:
    machine = MachineClock(clock)
    first, second = machine.reading(), machine.reading()
    assert first.boot == second.boot != ""
    assert 0 < first.boot_us <= second.boot_us
    assert first.wall_us == clock.wall_us()
