"""What one camera sent cannot be written, whatever the disk: its chunk ends, and its volume goes on for the others."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nvr.capture.events import ChunkEnded, ChunkLost, ChunkOpened, Event, FragmentClosed
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.volume import Volume
from nvr.media import CutReason, Fragment, Track, TrackKind
from nvr.timebase import US_PER_S, SystemClock
from tests.nvr.capture.a_disk import Heard, a_disk
from tests.nvr.chunk.footage import START_US, footage

GOOD, BAD = Track(1, TrackKind.MAIN), Track(2, TrackKind.MAIN)
FRAGMENTS = footage().fragments()
ENDED = ChunkEnded(CutReason.SCHEDULE, START_US, 2 * US_PER_S)


class FewDescriptors(FileSystem):
    """As if the process had no descriptor left for the files of one channel."""

    def create(self, path: str, folder_fd: int) -> int:
        if f"/{BAD.channel:05d}/" in path:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().create(path, folder_fd)


def opened(track: Track, sequence: int = 1) -> ChunkOpened:
    return ChunkOpened(track, 800, sequence, START_US, footage().sets, footage().delay_90k)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    with Volume.open(1, tmp_path, create=True, clock=SystemClock()) as volume:
        yield volume


def written(volume: Volume, *events: tuple[Track, Event]) -> Heard:
    """Let a disk write these events, and stop."""
    heard, clock = Heard(), SystemClock()
    disk = a_disk(volume, heard, clock)
    for track, event in events:
        assert disk.queue.put(track, event)
    disk.start()
    disk.stop()
    assert heard.ended.wait(20)
    disk.join()
    return heard


def good_chunk() -> list[tuple[Track, Event]]:
    events: list[Event] = [opened(GOOD), *map(FragmentClosed, FRAGMENTS), ENDED]
    return [(GOOD, event) for event in events]


def time_that_runs_back(fragment: Fragment) -> Fragment:
    return replace(fragment, composition_90k=(-(1 << 40),) * len(fragment.data))


def duration_beyond_32_bits(fragment: Fragment) -> Fragment:
    return replace(fragment, durations_90k=(1 << 33,) * len(fragment.data))


def tables_of_unequal_length(fragment: Fragment) -> Fragment:
    return replace(fragment, sync=())


@pytest.mark.parametrize("spoil", [time_that_runs_back, duration_beyond_32_bits, tables_of_unequal_length])
def test_fragment_that_cannot_be_written_ends_its_chunk_alone(volume: Volume, spoil: object) -> None:
    assert callable(spoil)
    bad: list[tuple[Track, Event]] = [
        (BAD, opened(BAD)),
        (BAD, FragmentClosed(FRAGMENTS[0])),
        (BAD, FragmentClosed(spoil(FRAGMENTS[1]))),
        (BAD, FragmentClosed(FRAGMENTS[2])),
    ]
    heard = written(volume, *bad, *good_chunk())
    assert list(heard.broken) == [BAD]
    assert "unforeseen" in heard.broken[BAD]
    assert [header.track for header in heard.sealed] == [GOOD]
    assert heard.failures == []
    (part,) = volume.parts()
    assert f"{BAD.channel:05d}" in part, "what was whole of the broken chunk stays, to be sealed as a part"


def test_chunk_that_cannot_even_be_opened_leaves_no_file(volume: Volume) -> None:
    unfit = replace(opened(BAD), parameter_sets=replace(footage().sets, sps=()))
    heard = written(volume, (BAD, unfit), (BAD, FragmentClosed(FRAGMENTS[0])), *good_chunk())
    assert list(heard.broken) == [BAD]
    assert [header.track for header in heard.sealed] == [GOOD]
    assert list(volume.parts()) == []


def test_chunk_that_cannot_be_sealed_stays_as_a_part(volume: Volume) -> None:
    ended = replace(ENDED, start_us=1 << 80)
    heard = written(volume, (BAD, opened(BAD)), (BAD, FragmentClosed(FRAGMENTS[0])), (BAD, ended), *good_chunk())
    assert list(heard.broken) == [BAD]
    assert [header.track for header in heard.sealed] == [GOOD]
    assert len(list(volume.parts())) == 1


def test_chunk_whose_end_never_came_makes_way_for_the_next(volume: Volume) -> None:
    again: list[tuple[Track, Event]] = [(GOOD, opened(GOOD, 2)), (GOOD, FragmentClosed(FRAGMENTS[0])), (GOOD, ENDED)]
    told: list[tuple[Track, Event]] = [(GOOD, ChunkLost())]
    for lost in ([], told):
        heard = written(volume, (GOOD, opened(GOOD)), (GOOD, FragmentClosed(FRAGMENTS[0])), *lost, *again)
        assert [header.sequence for header in heard.sealed] == [2]
        (part,) = volume.parts()
        volume.unlink_part(part)
        for name, _ in list(volume.chunks()):
            volume.resolve(name).unlink()


def test_no_descriptor_for_one_file_is_not_the_volumes_failure(tmp_path: Path) -> None:
    with Volume.open(1, tmp_path, create=True, clock=SystemClock(), fs=FewDescriptors()) as volume:
        heard = written(volume, (BAD, opened(BAD)), (BAD, FragmentClosed(FRAGMENTS[0])), *good_chunk())
    assert "too many files are open" in heard.broken[BAD]
    assert heard.failures == []
    assert [header.track for header in heard.sealed] == [GOOD]
