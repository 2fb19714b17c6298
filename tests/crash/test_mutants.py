"""Recorders with a mistake built in: the judge must catch each, or its silence about the real one means nothing."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from nvr.capture.bookkeeper import Batch
from nvr.media import Track
from nvr.timebase import TimeRange
from retention.plan import StoredChunk
from retention.sweeper import Sweeper
from tests.crash.house import House
from tests.crash.simulated import Kind, Luck, RecordingFileSystem
from tests.crash.trace import judge_crash, run

SEEDS = 3  # of what a crash keeps, at each call


class NoSync(RecordingFileSystem):
    """Says that it has synced."""

    def sync(self, fd: int) -> None:
        pass


class NoFolderSync(RecordingFileSystem):
    """Syncs what files hold, and no names: fdatasync of each file in the place of one syncfs."""

    def sync(self, fd: int) -> None:
        self.add(Kind.SYNC_DATA)


class RowsFirst(House):
    """Indexes chunks and syncs afterwards."""

    def sync(self) -> None:
        sealed = tuple(self.disk._sealed)
        self.engine.commit(Batch(1, sealed, ()))
        self.index()
        super().sync()


class UnlinkFirst(House):
    """Deletes files and lets their rows go afterwards."""

    def make_sweeper(self) -> Sweeper:
        sweeper = super().make_sweeper()
        condemn = sweeper.deletion.condemn

        def unlink_and_condemn(chunks: Iterable[StoredChunk]) -> int:
            going = list(chunks)
            rows = [row for chunk in going if (row := sweeper.deletion._record(chunk)) is not None]
            for row in rows:
                self.volume.unlink(row.name())
            return condemn(going)

        sweeper.deletion.condemn = unlink_and_condemn  # type: ignore[method-assign]
        return sweeper


class IgnoresHolds(House):
    """Asks nobody what is held."""

    def is_held(self, track: Track, span: TimeRange) -> bool:
        super().is_held(track, span)
        return False


def caught(folder: Path, house: type[House], disk: type[RecordingFileSystem]) -> set[str]:
    """Which invariants the judge names at the last crash of a run at which it names any."""
    trace = run(folder / "run", 0, house, disk)
    found: set[str] = set()
    for at in range(len(trace.calls), 0, -1):
        for luck, seed in ((Luck.NOTHING, 0), (Luck.EVERYTHING, 0), *((Luck.MIXED, seed) for seed in range(SEEDS))):
            verdict = judge_crash(trace, at, luck, seed, folder / "crashed")
            found |= {sentence.split(":")[0] for sentence in verdict.wrong}
        if found:
            break
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("house", "disk", "breaks"),
    [
        pytest.param(House, NoSync, "I1", id="no-data-sync"),
        pytest.param(House, NoFolderSync, "I1", id="no-folder-sync"),
        pytest.param(RowsFirst, RecordingFileSystem, "I1", id="rows-before-the-sync"),
        pytest.param(UnlinkFirst, RecordingFileSystem, "I1", id="unlink-before-the-transaction"),
        pytest.param(IgnoresHolds, RecordingFileSystem, "I3", id="holds-ignored"),
    ],
)
def test_mutant_is_caught(memory: Path, house: type[House], disk: type[RecordingFileSystem], breaks: str) -> None:
    assert breaks in caught(memory, house, disk)
