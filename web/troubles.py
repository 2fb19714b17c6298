"""What was the matter with the recorder and its disks, and when."""

import asyncio

from aiohttp import web

from indexer.troubles import Trouble
from nvr.timebase import US_PER_DAY
from web import wire
from web.archive import Archive
from web.auth import Action
from web.query import TroublesQuery
from web.route import Route, route


class TroublesRoom:
    """The list of troubles.

    Args:
        archive: opens it.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def routes(self) -> list[Route]:
        """The list."""
        return [
            route(
                "/api/troubles",
                self._tell,
                asks=TroublesQuery,
                answers=wire.Troubles,
                action=Action.SEE_SITE,
                summary="What was the matter with the recorder and its disks in the last days, newest first",
            )
        ]

    async def _tell(self, asked: TroublesQuery, _request: web.Request) -> wire.Troubles:
        return await asyncio.to_thread(self._troubles, asked)

    def _troubles(self, asked: TroublesQuery) -> wire.Troubles:
        now_us = self._archive.clock.wall_us()
        found = self._archive.troubles().since(now_us - asked.days * US_PER_DAY)
        return wire.Troubles(now_us, [_told(one) for one in reversed(found)])


def _told(one: Trouble) -> wire.Trouble:
    return wire.Trouble(one.began_us, one.ended_us, one.matter.value, one.volume or None, one.detail)
