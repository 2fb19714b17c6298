"""The catastrophe of a disk that says no: each call of a volume fails with each error, once and for a while."""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nvr.chunk.filesystem import FileSystem
from nvr.errors import StorageError
from tests.crash.amounts import TIMES
from tests.crash.house import RESTART_US, House
from tests.crash.judge import judge
from tests.crash.ledger import Account, Ledger

WRITING = ("make_folder", "create", "reserve", "write", "truncate", "rename", "unlink", "remove_folder", "sync")
STARTING = ("open", "entries", "truncate", "seek_end", "write", "rename", "sync")
CODES = (errno.ENOSPC, errno.EIO, errno.EROFS)
FROM_CALLS = (1, 2, 4, 9) if TIMES == 1 else range(1, 41)
LASTS_CALLS = (1, 5)
ROUNDS = 30


class Refusing(FileSystem):
    """The kernel's file system; some calls of one kind fail."""

    def __init__(self, method: str, code: int, first: int, last: int) -> None:
        self.made = 0
        self.refused = 0
        self.on = True
        self._code, self._first, self._last = code, first, last
        setattr(self, method, self._guarded(getattr(super(), method)))

    def _guarded(self, call: Callable[..., object]) -> Callable[..., object]:
        def guarded(*arguments: object, **options: object) -> object:
            self.made += self.on
            if self.on and self._first <= self.made <= self._last:
                self.refused += 1
                raise OSError(self._code, os.strerror(self._code))
            return call(*arguments, **options)

        return guarded


def cases(methods: Sequence[str]) -> list[object]:
    return [pytest.param(method, code, id=f"{method}-{errno.errorcode[code]}") for method in methods for code in CODES]


@pytest.mark.parametrize(("method", "code"), cases(WRITING))
def test_failing_call_while_recording_loses_nothing_that_was_written(memory: Path, method: str, code: int) -> None:
    refused = 0
    for first in FROM_CALLS:
        for lasts in LASTS_CALLS:
            folder, ledger = memory / f"{first}-{lasts}", Ledger()
            disk = Refusing(method, code, first, first + lasts - 1)
            with House(folder, ledger, fs=disk) as house:
                house.recover()
                house.rounds(ROUNDS)
                disk.on = False  # it ends while it records: what a disk refuses at the very end is no loss of ours
                house.rounds(4)
            refused += disk.refused
            verdict = judge(folder, ledger.lines, power_cut=False)
            assert verdict.wrong == (), f"{method} {first} to {first + lasts - 1}"
    assert refused > 0, "no call was refused: the test has shown nothing"


@pytest.mark.parametrize(("method", "code"), cases(STARTING))
def test_failing_call_while_recovering_loses_nothing_that_was_written(memory: Path, method: str, code: int) -> None:
    refused = 0
    for first in FROM_CALLS:
        folder, ledger = memory / str(first), Ledger()
        with House(folder, ledger) as house:
            house.recover()
            house.rounds(ROUNDS)
        disk = Refusing(method, code, first, first)
        try:
            with start_again(folder, ledger, disk) as house:
                house.recover()
                house.rounds(6)
        except StorageError:
            assert disk.refused  # it does not start, says so, and is started again
        refused += disk.refused
        verdict = judge(folder, ledger.lines, power_cut=False)
        assert verdict.wrong == (), f"{method} {first}"
    assert refused > 0, "no call was refused: the test has shown nothing"


class BadSpot(FileSystem):
    """The kernel's file system with one name that cannot be opened."""

    path = ""

    def open(self, path: str, folder_fd: int, *, writable: bool = False) -> int:
        if path == self.path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().open(path, folder_fd, writable=writable)


def start_again(folder: Path, ledger: Ledger, disk: FileSystem) -> House:
    return House(folder, ledger, at_us=Account.of(ledger.lines).end_us + RESTART_US, fs=disk)


def crashed(folder: Path, ledger: Ledger) -> None:
    """Sealed chunks that are indexed, others whose commit was not reached, and two open ones."""
    with House(folder, ledger) as house:
        house.recover()
        house.rounds(6)
        assert house.reader.rows() == 2
        for _ in range(6):
            house.record()


@pytest.mark.parametrize("suffix", [".part", ".mp4"])
def test_one_file_that_cannot_be_read_keeps_no_other_out_of_the_index(memory: Path, suffix: str) -> None:
    ledger, disk = Ledger(), BadSpot()
    crashed(memory, ledger)
    found = sorted((memory / "volume").glob("v1/**/*.*"))
    newest = [path for path in found if path.suffix == suffix][-1]
    disk.path = str(newest.relative_to(memory / "volume"))
    with start_again(memory, ledger, disk) as house:
        house.recover()
        assert len(house.engine.failures) == 1
        assert house.reader.rows() == len(found) - 1 > 4


@pytest.mark.parametrize("method", ["entries", "rename"])
def test_start_with_a_disk_that_fails_at_everything_records_none_the_less(memory: Path, method: str) -> None:
    ledger, disk = Ledger(), Refusing(method, errno.EIO, 1, 1_000_000)
    crashed(memory, ledger)
    with start_again(memory, ledger, disk) as house:
        house.recover()
        assert house.engine.failures or house.engine.pool.trouble
        disk.on = False
        house.rounds(3)
        house.finish()
        assert house.reader.rows() >= 2
    verdict = judge(memory, ledger.lines, power_cut=False)
    assert verdict.wrong == ()


def test_parts_that_find_no_room_at_the_start_are_sealed_when_there_is_some(memory: Path) -> None:
    ledger, disk = Ledger(), Refusing("write", errno.ENOSPC, 1, 1_000_000)
    crashed(memory, ledger)
    with start_again(memory, ledger, disk) as house:
        house.recover()
        assert len(list(house.volume.parts())) == 2
        disk.on = False
        house.disk._adopt_orphans()
        house.sync()
        assert list(house.volume.parts()) == []
    verdict = judge(memory, ledger.lines, power_cut=False)
    assert verdict.wrong == ()
