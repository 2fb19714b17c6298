"""Two files of young footage, on two disks: made, kept, given up, missed and healed, whatever comes between."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.damage import DamageBook
from indexer.rebuild import rebuild
from indexer.repair import repair
from indexer.verify import verify
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.name import ChunkName
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings
from nvr.errors import StorageError
from nvr.timebase import US_PER_MINUTE
from retention.copier import SINGLE, Copier, Place
from retention.facts import Facts
from retention.pace import ScrubPace
from retention.plan import VolumeRoom, Why
from retention.scrub import Scrub
from tests.manual_clock import ManualClock
from tests.retention.store import ONE, START_US, TWO, Archive, archive, keep

COUNT = 4
DISKS = ("volume1", "volume2")
WANTED = keep(min_days=1, copies=2)


class Stumbling(FileSystem):
    """Fails at the so-many-th call that changes a disk, and at all that follow: as a crash, for whoever comes next."""

    def __init__(self) -> None:
        self.left = -1  # never

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0 and self.left > -1_000_000:
            self.left = 0
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def arm(self, calls: int | None) -> None:
        self.left = -1_000_000 if calls is None else calls

    def create(self, path: str, folder_fd: int) -> int:
        self._count()
        return super().create(path, folder_fd)

    def reserve(self, fd: int, size_bytes: int) -> None:
        self._count()
        super().reserve(fd, size_bytes)

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        self._count()
        return super().write(fd, buffers)

    def truncate(self, fd: int, size_bytes: int) -> None:
        self._count()
        super().truncate(fd, size_bytes)

    def rename(self, source: str, target: str, folder_fd: int) -> None:
        self._count()
        super().rename(source, target, folder_fd)

    def make_folder(self, path: str, folder_fd: int) -> None:
        self._count()
        super().make_folder(path, folder_fd)

    def unlink(self, path: str, folder_fd: int) -> None:
        self._count()
        super().unlink(path, folder_fd)

    def sync(self, fd: int) -> None:
        self._count()
        super().sync(fd)


@dataclass
class Copied:
    """An archive on two disks."""

    archive: Archive
    fs: Stumbling
    settings: RetentionSettings = WANTED

    def copier(self) -> Copier:
        facts = Facts(self.archive.writer.store, self.settings, lambda: 0, self.archive.clock)
        return Copier(
            self.archive.writer,
            lambda: [Place(volume, 1) for volume in self.archive.volumes],
            self.settings,
            room=lambda volume: facts.room(volume, said_full=False),
            ready=lambda: True,
            clock=self.archive.clock,
        )

    def copy(self) -> Copier:
        copier = self.copier()
        while copier.step():
            pass
        return copier

    def wrong(self) -> list[str]:
        """What `nvr check --deep` says."""
        volumes = {volume.number: volume for volume in self.archive.volumes}
        now_us = self.archive.clock.wall_us() + 86_400_000_000
        found = verify(self.archive.reader, volumes, now_us=now_us, deep=True, report=lambda _: None)
        return [f"{finding.where}: {finding.what}" for finding in found]

    def both(self, name: ChunkName) -> bool:
        files = {(number, path) for number, path, _ in self.archive.files()}
        return {(1, name.path()), (2, name.path())} <= files

    def usage_bytes(self) -> dict[int, int]:
        usage = self.archive.reader.usage()
        return {n: sum(used.bytes for (_, number), used in usage.items() if number == n) for n in (1, 2)}


def short_of(number: int, low_bytes: int, enough_bytes: int) -> Callable[..., VolumeRoom]:
    """How full the volumes are: one has nothing left, the other as much as anybody wants."""

    def room(volume: Volume, *, said_full: bool) -> VolumeRoom:
        free_bytes = 0 if volume.number == number else 1 << 40
        return VolumeRoom(volume.number, free_bytes, low_bytes, enough_bytes)

    return room


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Copied]:
    fs = Stumbling()
    fs.arm(None)
    disks = tuple(tmp_path / name for name in DISKS)
    clock = ManualClock(START_US + 60 * US_PER_MINUTE)
    with archive(tmp_path, disks=disks, clock=clock, fs=fs) as made:
        yield Copied(made, fs)


def test_young_footage_gets_a_second_file_that_is_the_same_byte_for_byte(stored: Copied) -> None:
    names = [*stored.archive.record_minutes(ONE, COUNT), stored.archive.record(TWO, 0, volume=2)]
    stored.copy()
    first, second = (volume.path for volume in stored.archive.volumes)
    for name in names:
        assert (first / name.path()).read_bytes() == (second / name.path()).read_bytes()
    assert stored.archive.reader.copies() == COUNT + 1
    sizes = {number: sum(size for n, _, size in stored.archive.files() if n == number) for number in (1, 2)}
    assert stored.usage_bytes() == sizes
    assert stored.wrong() == []
    assert stored.copier().step() == 0  # a new start finds nothing to do


def test_only_what_is_wanted_is_copied(stored: Copied) -> None:
    channel = {"channel": 2, "copies": 2, "min_days": 30 / 1440}
    stored.settings = keep(min_days=1, copies=1, channel=[channel])
    stored.archive.record_minutes(ONE, COUNT)
    old, young = stored.archive.record(TWO, 0), stored.archive.record(TWO, 45)
    stored.copy()
    assert stored.both(young)
    assert not stored.both(old)  # older than its min_days
    assert stored.archive.reader.copies() == 1


@pytest.mark.parametrize("calls", range(30))
def test_crash_at_any_call_leaves_nothing_wrong_and_the_next_start_finishes(stored: Copied, calls: int) -> None:
    names = stored.archive.record_minutes(ONE, 2)
    stored.fs.arm(calls)
    with suppress(StorageError):
        stored.copier().step()
    stored.fs.arm(None)
    assert stored.archive.rows() <= stored.archive.files()
    assert [row.lost for page in stored.archive.reader.pages(ONE) for row in page] == [False, False]
    for volume in stored.archive.volumes:  # as the recorder's start does
        volume.clear_drafts()
    stored.copy()
    assert all(map(stored.both, names))
    assert stored.wrong() == []


def test_torn_file_that_a_power_cut_left_in_the_second_place_is_written_anew(stored: Copied) -> None:
    (name,) = stored.archive.record_minutes(ONE, 1)
    first, second = (volume.path / name.path() for volume in stored.archive.volumes)
    second.parent.mkdir(parents=True)
    second.write_bytes(first.read_bytes()[:-900] + bytes(900))
    stored.copy()
    assert second.read_bytes() == first.read_bytes()
    assert stored.wrong() == []


def test_without_a_second_disk_with_room_it_says_so(stored: Copied) -> None:
    stored.archive.record_minutes(ONE, COUNT)
    stored.archive.volumes = stored.archive.volumes[:1]
    copier = stored.copy()
    assert copier.trouble == {1: f"{COUNT} {SINGLE}"}


def test_second_files_are_made_as_soon_as_a_disk_is_there(stored: Copied) -> None:
    names = stored.archive.record_minutes(ONE, COUNT)
    both = stored.archive.volumes
    stored.archive.volumes = both[:1]
    copier = stored.copy()
    stored.archive.volumes = both
    assert copier.step() == COUNT
    assert all(map(stored.both, names))
    assert copier.trouble == {}


def test_fresh_file_that_finds_no_place_is_no_alarm_yet(stored: Copied) -> None:
    stored.archive.record(ONE, 58)
    stored.archive.volumes = stored.archive.volumes[:1]
    assert stored.copy().trouble == {}


def test_chunk_that_is_deleted_while_it_is_copied_leaves_no_file_behind(stored: Copied) -> None:
    (name,) = stored.archive.record_minutes(ONE, 1)
    copier, row = stored.copier(), stored.archive.reader.chunk(name)
    assert row is not None
    place = Place(stored.archive.volumes[1], 1)
    assert copier._copy(row, stored.archive.volumes[0], place.volume)
    stored.archive.sweeper(keep(max_days=1e-6)).sweep()
    copier._commit([(row, place)])
    assert stored.archive.files() == set()


def test_age_takes_both_files(stored: Copied) -> None:
    stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    stored.archive.sweeper(keep(max_days=1e-6)).sweep()
    assert (stored.archive.files(), stored.archive.garbage(), stored.usage_bytes()) == (set(), set(), {1: 0, 2: 0})
    assert stored.wrong() == []


@pytest.mark.parametrize("short", [1, 2])
def test_short_disk_gives_up_second_files_before_any_footage(
    stored: Copied, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    sweeper = stored.archive.sweeper(keep(max_days=30))  # none is younger than its minimum any more
    size = stored.archive.volumes[0].source(names[0]).size()
    monkeypatch.setattr(sweeper._facts, "room", short_of(short, 2 * size, 2 * size))
    made = sweeper.decide()
    assert [(victim.why, victim.only) for victim in made.victims] == [(Why.SECOND_FILE, short)] * 2
    sweeper._carry_out(made)
    assert stored.archive.reader.first(ONE) == START_US  # all of it is still there
    assert [stored.both(name) for name in names] == [False, False, True, True]
    assert stored.archive.rows() <= stored.archive.files()
    assert stored.wrong() == []


def test_young_second_files_go_before_less_is_recorded_and_the_plan_says_so(
    stored: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    sweeper = stored.archive.sweeper(WANTED)
    size = stored.archive.volumes[0].source(names[0]).size()
    monkeypatch.setattr(sweeper._facts, "room", short_of(2, size, 9 * size))
    made = sweeper.decide()
    assert (len(made.victims), made.shortages) == (1, ())
    assert (set(made.single), set(made.young)) == ({2}, set())
    sweeper._carry_out(made)
    assert [stored.both(name) for name in names] == [False, True, True, True]


def test_last_file_of_a_chunk_is_never_thinned_out(stored: Copied) -> None:
    stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    sweeper = stored.archive.sweeper(keep())
    chunks = list(sweeper._facts.oldest(ONE, None))
    for volume in (1, 2, 1):  # the second and third time there is one left
        sweeper.deletion.thin((chunk, volume) for chunk in chunks)
        sweeper._clear()
    assert {number for number, _, _ in stored.archive.files()} == {2}
    assert stored.archive.rows() == stored.archive.files()


def test_missing_file_is_replaced_by_the_second_one(stored: Copied) -> None:
    names = stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    first, second = (volume.path / names[0].path() for volume in stored.archive.volumes)
    first.unlink()
    assert len(stored.wrong()) == 1
    list(repair(stored.archive.writer, {volume.number: volume for volume in stored.archive.volumes}))
    row = stored.archive.reader.chunk(names[0])
    assert row is not None
    assert (row.volume, row.lost) == (2, False)
    assert stored.wrong() == []
    stored.copy()
    assert first.read_bytes() == second.read_bytes()


def test_missing_second_file_is_forgotten_and_made_again(stored: Copied) -> None:
    names = stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    (stored.archive.volumes[1].path / names[0].path()).unlink()
    list(repair(stored.archive.writer, {volume.number: volume for volume in stored.archive.volumes}))
    assert stored.wrong() == []
    assert not stored.both(names[0])
    stored.copy()
    assert stored.both(names[0])


def test_file_that_is_the_same_as_an_indexed_one_is_taken_in_as_its_second(stored: Copied) -> None:
    (name,) = stored.archive.record_minutes(ONE, 1)
    first, second = (volume.path / name.path() for volume in stored.archive.volumes)
    second.parent.mkdir(parents=True)
    second.write_bytes(first.read_bytes())
    assert len(stored.wrong()) == 1
    list(repair(stored.archive.writer, {volume.number: volume for volume in stored.archive.volumes}))
    assert stored.archive.reader.second_volume(name) == 2
    assert stored.wrong() == []


def test_rebuilt_index_knows_both_files_and_which_was_the_first(stored: Copied, tmp_path: Path) -> None:
    for minute in range(COUNT):
        stored.archive.record(ONE, minute, volume=1 + minute % 2)
    stored.copy()
    rows, reader = stored.archive.rows(), stored.archive.reader
    copies = [reader.second_volume(row.name()) for page in reader.pages(ONE) for row in page]
    usage = reader.usage()
    path = tmp_path / "index"
    stored.archive.writer.close()
    rebuild(path, {volume.number: volume for volume in stored.archive.volumes}, lambda _: None)
    with stored.archive.writer.open(path) as stored.archive.writer:
        reader = stored.archive.reader
        assert stored.archive.rows() == rows
        assert [reader.second_volume(row.name()) for page in reader.pages(ONE) for row in page] == copies
        assert reader.usage() == usage
        assert stored.wrong() == []


@pytest.mark.parametrize("damaged", [0, 1])
def test_scrub_heals_a_damaged_file_from_the_other_one(stored: Copied, tmp_path: Path, damaged: int) -> None:
    names = stored.archive.record_minutes(ONE, COUNT)
    stored.copy()
    paths = [volume.path / names[1].path() for volume in stored.archive.volumes]
    whole = paths[damaged].read_bytes()
    paths[damaged].write_bytes(whole[:1200] + b"?" + whole[1201:])
    volumes = {volume.number: volume for volume in stored.archive.volumes}
    with DamageBook.open(tmp_path / "scrub") as book:
        scrub = Scrub(
            stored.archive.writer,
            lambda: volumes,
            book,
            ready=lambda: True,
            clock=stored.archive.clock,
            pace=ScrubPace(),
        )
        while scrub.round is None or scrub.round.ended_us is None:
            scrub.step()
        assert book.damages() == []
        assert scrub.round.verified_bytes == 2 * sum(row[2] for row in stored.archive.rows())
    assert [path.read_bytes() == whole for path in paths] == [True, True]
    assert stored.wrong() == []
