"""`/api/troubles`: what was the matter, newest first."""

from indexer.troubles import Matter, Trouble
from nvr.timebase import US_PER_DAY, US_PER_S
from tests.web.archive import House
from tests.web.server import Server


async def test_troubles_are_told_newest_first_and_only_the_days_asked_for(server: Server, house: House) -> None:
    now_us = house.clock.wall_us()
    old = Trouble(began_us=now_us - 9 * US_PER_DAY, matter=Matter.STOPPED, ended_us=now_us - 8 * US_PER_DAY)
    over = Trouble(began_us=now_us - 90 * US_PER_S, matter=Matter.SUB_ONLY, ended_us=now_us - US_PER_S)
    lasts = Trouble(began_us=now_us - US_PER_S, matter=Matter.AWAY, volume=2, detail="there is no such folder")
    house.troubles.note(now_us, [old, over, lasts])
    told = await server.json("/api/troubles", days=7)
    assert told["troubles"] == [
        {
            "began_us": now_us - US_PER_S,
            "ended_us": None,
            "matter": "away",
            "volume": 2,
            "detail": "there is no such folder",
        },
        {
            "began_us": now_us - 90 * US_PER_S,
            "ended_us": now_us - US_PER_S,
            "matter": "sub_only",
            "volume": None,
            "detail": "",
        },
    ]


async def test_number_of_days_is_bounded(server: Server) -> None:
    assert (await server.ask("/api/troubles", days=0)).status == 400
    assert (await server.ask("/api/troubles", days=401)).status == 400
