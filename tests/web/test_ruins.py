"""Files ruined at random: whatever is whole comes out, whatever is not is told, and no picture of another camera."""

import io
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, us_from_90k
from tests.web.archive import MAIN, START_US, House
from tests.web.pictures import shown, stream
from tests.web.server import Server

SECOND = Track(2, TrackKind.MAIN)
OTHERS = 1000  # the numbers of the second camera's pictures begin here
END_US = START_US + 4 * US_PER_S
SLACK_US = 100_000  # what is nearer together meets
ANSWERS = ("fragments", "samples", "key-samples", "hls.m3u8", "clip.mp4")


def ruin(draw: random.Random, path: Path, foreign: Path) -> None:
    """Do one bad thing to a file."""
    data = path.read_bytes()
    at = draw.randrange(len(data))
    match draw.randrange(6):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(data[:at])
        case 2:
            path.write_bytes(data[:at] + draw.randbytes(len(data) - at))
        case 3:
            path.write_bytes(data[:at] + bytes(len(data) - at))
        case 4:
            shutil.copyfile(foreign, path)
        case _:
            path.write_bytes(bytes(len(data)))


@pytest.mark.parametrize("seed", range(12))
async def test_ruined_files_cost_themselves_alone(server: Server, house: House, seed: int) -> None:
    draw = random.Random(seed)
    house.record(stream(), START_US, groups_a_chunk=1)
    house.record(stream(first=OTHERS, channel=2), START_US, track=SECOND, groups_a_chunk=1)
    files = [house.folder / "volume" / row.name().path() for row in house.index.chunks(MAIN, house.whole)]
    others = [house.folder / "volume" / row.name().path() for row in house.index.chunks(SECOND, house.whole)]
    whole = draw.randrange(4)
    for number in draw.sample([n for n in range(4) if n != whole], draw.randint(1, 3)):
        ruin(draw, files[number], draw.choice([*others, files[whole]]))
    ask = {name: f"/api/channels/1/{name}" for name in ANSWERS}
    replies = {name: await server.ask(path, from_us=START_US, to_us=END_US) for name, path in ask.items()}
    assert {name: reply.status for name, reply in replies.items()} == dict.fromkeys(ANSWERS, 200)
    numbers = {number for number, _ in shown(io.BytesIO(replies["clip.mp4"].body))}
    assert set(range(25 * whole, 25 * whole + 25)) <= numbers <= set(range(100))
    archive = await server.ask("/api/clips.zip", channels="1,2", from_us=START_US, to_us=END_US)
    with zipfile.ZipFile(io.BytesIO(archive.body)) as opened:
        assert opened.testzip() is None
        assert [n for n, _ in shown(io.BytesIO(opened.read(opened.namelist()[2])))] == list(range(OTHERS, OTHERS + 100))
    told = replies["fragments"].json
    assert uncovered(told) == [], "what is not shown is told"
    assert told["gaps"] == replies["samples"].json["gaps"]
    assert ("missing-1" in replies["hls.m3u8"].body.decode()) == bool(told["gaps"])


def uncovered(told: dict) -> list[tuple[int, int]]:  # type: ignore[type-arg]
    """The stretches of the window that are neither among the fragments nor among the gaps."""
    spans = [(gap["start_us"], gap["end_us"]) for gap in told["gaps"]]
    spans += [(row[4], row[4] + us_from_90k(row[3])) for chunk in told["chunks"] for row in chunk["fragments"]]
    at_us = START_US
    found: list[tuple[int, int]] = []
    for start_us, end_us in [*sorted(spans), (END_US, END_US)]:
        if start_us - at_us > SLACK_US:
            found.append((at_us, start_us))
        at_us = max(at_us, end_us)
    return found
