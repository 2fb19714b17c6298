"""A disk that hangs, as a FIFO in the place of a file hangs: only its own readers wait, and not for ever."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from aiohttp import WSMsgType

from nvr.errors import StorageError
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from tests.manual_clock import ManualClock
from tests.web.archive import START_US, House, groups
from tests.web.conftest import open_server
from tests.web.pictures import stream
from tests.web.server import Server
from web.auth import may
from web.volume_threads import MOST_WAITING, PATIENCE_S, SLOW_US, THREADS, VolumeFile, VolumeThreads

SOON_S = 60.0
SUB = Track(1, TrackKind.SUB)


@pytest.fixture
def disks(clock: ManualClock) -> VolumeThreads:
    return VolumeThreads(clock, patience_s=0.05)


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """What work waits for."""
    event = threading.Event()
    yield event
    event.set()


def test_work_is_done_in_a_thread_of_its_volume_and_its_errors_are_the_callers(disks: VolumeThreads) -> None:
    patient = VolumeThreads(ManualClock())
    assert patient.call(3, lambda: threading.current_thread().name) == "volume 3"
    for error in (ZeroDivisionError, TimeoutError, KeyboardInterrupt):
        with pytest.raises(error):
            patient.call(3, lambda error=error: raises(error))  # type: ignore[misc]
    assert patient.call(3, lambda: 5) == 5


def test_work_that_calls_for_its_own_volume_does_not_wait_for_a_thread() -> None:
    patient = VolumeThreads(ManualClock())

    def nested(depth: int) -> int:
        return patient.call(3, lambda: nested(depth - 1)) + 1 if depth else 0

    assert nested(3 * THREADS) == 3 * THREADS


def test_disk_that_hangs_is_told_after_a_while_and_others_answer(
    disks: VolumeThreads, hanging: threading.Event
) -> None:
    with pytest.raises(StorageError, match="does not answer") as caught:
        disks.call(1, hanging.wait)
    assert caught.value.where == "volume 1"
    assert disks.call(2, lambda: "the other") == "the other"


async def test_waiting_in_the_loop_ends_as_well(disks: VolumeThreads, hanging: threading.Event) -> None:
    with pytest.raises(StorageError, match="does not answer"):
        await disks.run(1, hanging.wait)


def test_disk_whose_threads_are_all_stuck_is_refused_at_once_until_it_answers(
    clock: ManualClock, hanging: threading.Event
) -> None:
    disks = VolumeThreads(clock, patience_s=0.01)
    began = [threading.Event() for _ in range(THREADS)]
    for one in began:
        with pytest.raises(StorageError):
            disks.call(1, lambda one=one: (one.set(), hanging.wait()))  # type: ignore[misc]
        assert one.wait(SOON_S)
    clock.advance(round(PATIENCE_S * US_PER_S) + 1)
    done: list[int] = []
    with pytest.raises(StorageError):
        disks.call(1, lambda: done.append(1))
    hanging.set()
    until_answers(disks, done)
    assert done == [2], "what nobody waited for any more was not done"


def until_answers(disks: VolumeThreads, done: list[int]) -> None:
    for _attempt in range(10_000):
        try:
            disks.call(1, lambda: done.append(2))
        except StorageError:
            continue
        return
    raise AssertionError("it answers again")


def test_queue_of_a_slow_disk_is_bounded(clock: ManualClock, hanging: threading.Event) -> None:
    disks = VolumeThreads(clock)
    at_work = threading.Barrier(THREADS + 1)
    for _ in range(THREADS):
        disks.later(1, lambda: (at_work.wait(SOON_S), hanging.wait()))
    at_work.wait(SOON_S)
    for _ in range(MOST_WAITING):
        disks.later(1, hanging.wait)
    clock.advance(SLOW_US + 1)
    with pytest.raises(StorageError):
        disks.call(1, lambda: None)


def test_file_that_nobody_holds_any_more_is_closed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    patient = VolumeThreads(ManualClock())
    assert VolumeFile(fd, 1, patient).call(lambda own: os.pread(own, 3, 0)) == b"abc"
    patient.call(1, lambda: None)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


async def test_file_is_not_closed_under_the_hands_of_a_thread_that_still_reads_it(
    tmp_path: Path, disks: VolumeThreads, hanging: threading.Event
) -> None:
    """Who waited gives up and lets go of it; its number must not become another file's meanwhile."""
    (tmp_path / "file").write_bytes(b"abc")
    file, read = VolumeFile(os.open(tmp_path / "file", os.O_RDONLY), 1, disks), threading.Event()
    found: list[bytes] = []

    def work(fd: int) -> None:
        hanging.wait()
        found.append(os.pread(fd, 3, 0))
        read.set()

    with pytest.raises(StorageError):
        await file.run(work)
    file.close()
    (tmp_path / "other").write_bytes(b"xyz")
    others = [os.open(tmp_path / "other", os.O_RDONLY) for _ in range(10)]
    hanging.set()
    assert read.wait(SOON_S)
    assert found == [b"abc"]
    for fd in others:
        os.close(fd)


async def test_error_that_nobody_waits_for_is_nobodys(
    disks: VolumeThreads, hanging: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        hanging.wait()
        raise OSError("late")

    with pytest.raises(StorageError):
        await disks.run(1, fails)
    with pytest.raises(ZeroDivisionError):
        await disks.run(2, lambda: raises(ZeroDivisionError))
    hanging.set()
    disks.call(1, lambda: None)
    gc.collect()
    await asyncio.sleep(0)
    assert caplog.records == []


def raises(error: type[BaseException]) -> None:
    raise error


# -- the server --------------------------------------------------------------------------------------------------------


@contextmanager
def fifo_for(path: Path) -> Iterator[None]:
    """Nobody can open a file, as on a disk that hangs; at the end the disk answers again."""
    away = path.rename(path.with_suffix(".away"))
    os.mkfifo(path)
    try:
        yield
    finally:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        path.unlink()
        away.rename(path)
        os.close(fd)


@pytest.fixture
async def impatient(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(VolumeThreads.__init__, "__defaults__", (0.2,))
    async with AsyncExitStack() as stack:
        yield await open_server(stack, house, may, house.folder / "static")


@pytest.mark.parametrize(
    "path", ["media", "still.jpg?at_us={at}", "clip.mp4?from_us={at}&to_us={to}", "samples?from_us={at}&to_us={to}"]
)
async def test_hanging_file_keeps_only_its_own_readers_waiting(impatient: Server, house: House, path: str) -> None:
    source = stream()
    house.record(source, START_US, group_count=2)
    house.record(stream(first=500), START_US, track=SUB)
    asked = f"/api/channels/1/{path}".format(at=START_US, to=START_US + US_PER_S)
    if path == "media":
        asked = f"/media/1/main/{START_US}-1-1/media.mp4"
    with fifo_for(house.folder / "volume" / house.names()[0]):
        async with asyncio.timeout(SOON_S):
            waiting = [asyncio.create_task(impatient.ask(asked)) for _ in range(2)]
            assert (await impatient.ask("/api/site")).status == 200
            assert (await impatient.still(START_US, track="sub"))[0] == 500
            for one in waiting:
                reply = await one
                if path.startswith("samples"):  # what cannot be read is missing there, whatever else there is
                    assert [gap["detail"] for gap in reply.json["gaps"]] == ["the disk does not answer"]
                else:
                    assert (reply.status, reply.json["where"]) == (503, "volume 1")
    assert (await impatient.ask(asked)).status == 200


async def test_live_picture_of_a_hanging_disk_comes_when_it_answers(impatient: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.append(1)
    async with asyncio.timeout(SOON_S):
        with fifo_for(house.folder / "volume" / growing.part.path):
            socket = await impatient.session.ws_connect(f"{impatient.url}/api/channels/1/live")
            assert (await socket.receive_json())["type"] == "state"
            assert (await impatient.ask("/api/site")).status == 200
        while (await socket.receive()).type is not WSMsgType.BINARY:
            pass
        await socket.close()
