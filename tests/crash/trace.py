"""A workload on the simulated file system, and the judgement of what its crashes leave."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.crash.house import RESTART_US, House, prepare
from tests.crash.judge import Verdict, judge
from tests.crash.ledger import STARTED, Account, Ledger
from tests.crash.simulated import Call, Kind, Luck, RecordingFileSystem, crash, lay_out

ROUNDS = 36
RECOVERY_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Trace:
    """All that happened in one run."""

    calls: tuple[Call, ...]
    lines: tuple[str, ...]  # of the ledger


def run(
    folder: Path, seed: int, house: type[House] = House, disk: type[RecordingFileSystem] = RecordingFileSystem
) -> Trace:
    """Record in ``folder``, which goes afterwards; a mutant brings its own house or disk."""
    ledger = Ledger()
    fs = disk(lambda: len(ledger.lines))
    with house(folder, ledger, fs=fs, seed=seed) as recording:
        data = folder / "index" / "data.mdb"
        recording.store.on_commit = lambda: fs.add(Kind.COMMIT, data=data.read_bytes())
        recording.recover()
        recording.rounds(ROUNDS)
        assert not recording.engine.failures
    shutil.rmtree(folder)
    return Trace(tuple(fs.calls), tuple(ledger.lines))


def run_recovery(trace: Trace, at: int, luck: Luck, seed: int, folder: Path) -> Trace:
    """What the start after a crash does, to be crashed in its turn. ``folder`` goes afterwards."""
    ledger = Ledger()
    ledger.lines += lay_crash(trace, at, luck, seed, folder)
    fs = RecordingFileSystem(lambda: len(ledger.lines))
    fs.take_over(crash(trace.calls, at, luck, seed))
    data = folder / "index" / "data.mdb"
    if data.exists():
        fs.add(Kind.COMMIT, data=data.read_bytes())
    ledger.note(STARTED)
    with House(folder, ledger, at_us=Account.of(ledger.lines).end_us + RESTART_US, fs=fs, seed=seed) as recording:
        recording.store.on_commit = lambda: fs.add(Kind.COMMIT, data=data.read_bytes())
        recording.recover()
        recording.rounds(RECOVERY_ROUNDS)
    shutil.rmtree(folder)
    return Trace(tuple(fs.calls), tuple(ledger.lines))


def lay_crash(trace: Trace, at: int, luck: Luck, seed: int, folder: Path) -> list[str]:
    """Put what the crash leaves into ``folder``; gives the ledger's lines up to then."""
    prepare(folder)
    lay_out(crash(trace.calls, at, luck, seed), folder / "volume")
    commits = [call.data for call in trace.calls[:at] if call.kind is Kind.COMMIT]
    if commits:
        (folder / "index").mkdir()
        (folder / "index" / "data.mdb").write_bytes(commits[-1])
    noted = trace.calls[at].noted if at < len(trace.calls) else len(trace.lines)
    return list(trace.lines[:noted])


def judge_crash(trace: Trace, at: int, luck: Luck, seed: int, folder: Path) -> Verdict:
    """What a crash before call ``at`` costs. ``folder`` is made, and gone afterwards."""
    lines = lay_crash(trace, at, luck, seed, folder)
    try:
        return judge(folder, lines, power_cut=True)
    finally:
        shutil.rmtree(folder)
