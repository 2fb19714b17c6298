"""A process that records until it is killed: ``python -m tests.crash.workload FOLDER LEDGER [ROUNDS [PAUSE_MS]]``.

Goes on with what lies in the folder, as a restarted recorder does, and says ``recording`` when it has recovered.
"""

import logging
import sys
import time
from pathlib import Path

import structlog

from tests.crash.house import RESTART_US, START_US, House
from tests.crash.ledger import STARTED, Account, Ledger


def main(folder: Path, ledger_path: Path, rounds: int = 24, pause_ms: int = 0) -> None:
    """Record so many rounds, with a pause after each, and stop as if the power failed: nothing is sealed or synced."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ledger = Ledger(ledger_path)
    end_us = Account.of(ledger.lines).end_us
    ledger.note(STARTED)
    with House(folder, ledger, at_us=end_us + RESTART_US if end_us else START_US) as house:
        house.recover()
        print("recording", flush=True)
        for _ in range(rounds):
            house.rounds(1)
            time.sleep(pause_ms / 1000)  # the pace of the writing is the point: not all of it in one moment
        assert not house.engine.failures, house.engine.failures


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
