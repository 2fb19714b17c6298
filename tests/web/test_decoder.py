"""The decoder processes: they may hang and die; the server does not."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nvr.codec.parameters import decoder_configuration
from nvr.errors import IntegrityError
from nvr.media import Codec
from tests.web.pictures import read_jpeg, stream
from web import still_worker
from web.decoder import Decoder
from web.still_worker import StillJob


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


async def test_nonsense_is_an_error_in_words(decoder: Decoder) -> None:
    nonsense = replace(job(3), samples=(b"\0\0\0\4\x65\xff\xff\xff",), presentations_90k=(0,))
    with pytest.raises(IntegrityError):
        await decoder.picture(nonsense)


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize(("asked", "given"), [(None, 320), (160, 160), (201, 200), (4000, 320)])
def test_width_is_kept_in_proportion_even_and_never_enlarged(codec: Codec, asked: int | None, given: int) -> None:
    frame = still_worker.decode(job(30, codec=codec))
    assert frame is not None
    jpeg = still_worker.encode(frame, asked)
    start = jpeg.index(b"\xff\xc0")  # SOF0, ITU-T T.81 section B.2.2: height, width
    height, width = int.from_bytes(jpeg[start + 5 : start + 7]), int.from_bytes(jpeg[start + 7 : start + 9])
    assert width == given
    assert abs(height - given * 180 / 320) <= 1
    assert read_jpeg(jpeg) == 30
