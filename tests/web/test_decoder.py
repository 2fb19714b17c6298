"""The decoder processes: they may hang and die; the server does not."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nvr.codec.access import is_recovery_point
from nvr.codec.nal import split
from nvr.codec.parameters import decoder_configuration
from nvr.errors import IntegrityError, StorageError
from nvr.media import Codec
from nvr.timebase import US_PER_S
from tests.manual_clock import ManualClock
from tests.nvr.codec.streams import encode
from tests.web.pictures import read_jpeg, stream
from web import still_worker
from web.decoder import Decoder
from web.still_job import Link, StillJob


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    opened = Decoder(workers=1, timeout_s=30, jobs_a_life=3)
    yield opened
    opened.close()


def job(number: int, width: int | None = None, codec: Codec = Codec.H264) -> StillJob:
    source = stream(codec=codec, b_frames=2)
    index = next(n for n, unit in enumerate(source.units) if unit.presentation_90k == 3600 * number + source.delay_90k)
    units = source.units[: index + 1]
    return StillJob(
        decoder={Codec.H264: "h264", Codec.H265: "hevc"}[codec],
        configuration=decoder_configuration(source.sets),
        samples=tuple(unit.data for unit in units),
        presentations_90k=tuple(unit.presentation_90k for unit in units),
        width=width,
    )


async def test_worker_that_dies_is_an_error_and_is_replaced(decoder: Decoder) -> None:
    assert read_jpeg(await decoder.picture(job(3))) == 3
    (pid,) = decoder.pids()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(IntegrityError, match="died"):
        await decoder.picture(job(4))
    assert read_jpeg(await decoder.picture(job(4))) == 4
    assert decoder.pids() != [pid]


async def test_worker_that_hangs_is_ended_and_replaced(decoder: Decoder) -> None:
    assert read_jpeg(await decoder.picture(job(3))) == 3
    (pid,) = decoder.pids()
    os.kill(pid, signal.SIGSTOP)
    decoder.timeout_s = 0.2
    with pytest.raises(IntegrityError, match="longer"):
        await decoder.picture(job(4))
    decoder.timeout_s = 30
    assert decoder.pids() == []
    assert read_jpeg(await decoder.picture(job(4))) == 4


async def test_worker_is_ready_before_the_first_picture(decoder: Decoder) -> None:
    decoder.warm()
    (pid,) = decoder.pids()
    decoder.warm()
    assert decoder.pids() == [pid], "no more than there are places"
    assert read_jpeg(await decoder.picture(job(3))) == 3
    assert decoder.pids() == [pid]


async def test_worker_is_recycled_after_its_jobs(decoder: Decoder) -> None:
    seen = set()
    for number in range(4):
        assert read_jpeg(await decoder.picture(job(number))) == number
        seen.update(decoder.pids())
    assert len(seen) == 2


async def test_reader_that_goes_away_leaves_no_answer_behind(decoder: Decoder) -> None:
    await decoder.picture(job(1))
    asked = asyncio.create_task(decoder.picture(job(2)))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert read_jpeg(await decoder.picture(job(3))) == 3


async def test_samples_are_read_when_their_turn_has_come_and_no_further_than_they_are_taken(decoder: Decoder) -> None:
    await decoder.picture(job(1))
    (pid,) = decoder.pids()
    os.kill(pid, signal.SIGSTOP)  # it takes nothing
    decoder.timeout_s = 0.2
    read = {"first": 0, "second": 0}

    def samples(name: str) -> Iterator[bytes]:
        for _ in range(1_000):
            read[name] += 1
            yield bytes(1 << 20)

    wanted = [replace(job(2), samples=samples(name), presentations_90k=tuple(range(1_000))) for name in read]
    first, second = [asyncio.create_task(decoder.picture(one)) for one in wanted]
    while not read["first"]:
        await asyncio.sleep(0)
    assert (read["second"], decoder.waiting()) == (0, 1)
    second.cancel()
    with pytest.raises(IntegrityError, match="longer"):
        await first
    assert read["first"] < 5, "the rest stayed on the disk"
    assert (read["second"], decoder.waiting()) == (0, 0), "who went away left the queue"


async def test_reading_ends_when_nobody_waits_any_more(decoder: Decoder) -> None:
    decoder.warm()
    pids, began = decoder.pids(), threading.Event()

    def samples() -> Iterator[bytes]:
        while True:
            began.set()
            yield bytes(1 << 10)

    endless = replace(job(2), samples=samples(), presentations_90k=tuple(range(1_000_000)))
    asked = asyncio.create_task(decoder.picture(endless))
    while not began.is_set():
        await asyncio.sleep(0)
    asked.cancel()
    assert read_jpeg(await decoder.picture(job(3))) == 3
    assert decoder.pids() == pids, "and the decoder goes on"


async def test_samples_that_cannot_be_read_are_no_fault_of_the_decoder(decoder: Decoder) -> None:
    decoder.warm()
    pids = decoder.pids()

    def samples() -> Iterator[bytes]:
        yield from list(job(2).samples)[:1]
        raise StorageError("the disk does not answer")

    with pytest.raises(StorageError, match="does not answer"):
        await decoder.picture(replace(job(2), samples=samples()))
    assert read_jpeg(await decoder.picture(job(3))) == 3
    assert decoder.pids() == pids


@pytest.mark.parametrize(
    ("evil", "noticed"),
    [
        ("says_a_pickle", "is none"),
        ("says_too_much", "died"),
        ("says_half", "longer"),
        ("says_another_thing", "is none"),
        ("gives_up", "died"),
    ],
)
async def test_decoder_that_was_taken_over_can_say_nothing_but_a_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, evil: str, noticed: str
) -> None:
    monkeypatch.setenv("OWNED", str(tmp_path / "owned"))
    monkeypatch.setattr("web.decoder.PROGRAM", (sys.executable, "-m", "tests.web.taken_over", evil))
    decoder = Decoder(workers=1, timeout_s=1)
    with pytest.raises(IntegrityError, match=noticed):
        await decoder.picture(job(3))
    assert not (tmp_path / "owned").exists()
    monkeypatch.undo()
    decoder.timeout_s = 30
    assert read_jpeg(await decoder.picture(job(3))) == 3
    decoder.close()


def test_frame_that_comes_byte_by_byte_is_not_waited_for() -> None:
    clock = ManualClock()
    here, there = socket.socketpair()
    with here, there:
        link = Link(here, clock)
        link.until(1)
        there.sendall((5).to_bytes(4, "big") + b"abcde")
        assert link.receive(5) == b"abcde"
        clock.advance(US_PER_S)
        there.sendall((5).to_bytes(4, "big") + b"abcde")
        with pytest.raises(TimeoutError):
            link.receive(5)


async def test_nonsense_is_an_error_in_words(decoder: Decoder) -> None:
    nonsense = replace(job(3), samples=(b"\0\0\0\4\x65\xff\xff\xff",), presentations_90k=(0,))
    with pytest.raises(IntegrityError):
        await decoder.picture(nonsense)


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize(("asked", "given"), [(None, 320), (160, 160), (201, 200), (4000, 320)])
def test_width_is_kept_in_proportion_even_and_never_enlarged(codec: Codec, asked: int | None, given: int) -> None:
    wanted = job(30, codec=codec)
    frame = still_worker.decode(wanted, wanted.samples)
    assert frame is not None
    jpeg = still_worker.encode(frame, asked)
    start = jpeg.index(b"\xff\xc0")  # SOF0, ITU-T T.81 section B.2.2: height, width
    height, width = int.from_bytes(jpeg[start + 5 : start + 7]), int.from_bytes(jpeg[start + 7 : start + 9])
    assert width == given
    assert abs(height - given * 180 / 320) <= 1
    assert read_jpeg(jpeg) == 30


def test_picture_at_a_recovery_point_is_shown_as_far_as_it_is_there() -> None:
    source = encode(Codec.H264, frames=40, options="intra-refresh=1:bframes=0")
    units = [[data[start:end] for start, end in split(data)] for data in source.data]
    points = [n for n, some in enumerate(units) if any(is_recovery_point(Codec.H264, unit) for unit in some)]
    assert len(points) >= 2
    for point in points[1:]:
        for last in (point, point + 5):
            samples = tuple(source.data[point : last + 1])
            order = StillJob("h264", decoder_configuration(source.sets), samples, tuple(range(len(samples))), None)
            frame = still_worker.decode(order, samples)
            assert frame is not None
            assert (frame.width, frame.height, frame.pts) == (160, 96, last - point)
