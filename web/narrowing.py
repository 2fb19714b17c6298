"""A window for one who may not see what lies around it.

Pictures are decoded from a sync sample on, which mostly lies before the window, and groups of pictures end behind it.
For whoever may see that this is nobody's concern. For a role that is limited in time the window begins at its first
sync sample, and ends with its last whole group where whole groups are given: no byte of another time leaves.
"""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web

from nvr.errors import NotRecorded
from nvr.timebase import TimeRange
from web.auth import Action, rights_of
from web.query import TakeQuery
from web.reading import WindowReader

W = TypeVar("W", bound=TakeQuery)


async def narrowed(windows: WindowReader, asked: W, request: web.Request, *, whole_groups: bool = False) -> W:
    """What is asked for, or the part of it that can be shown without a picture from outside.

    Args:
        windows: knows where sync samples are.
        asked: the window; that its pictures may be seen has been asked already.
        request: whose.
        whole_groups: the answer ends with a whole group of pictures.

    Raises:
        NotRecorded: no part of it can.
    """
    rights = rights_of(request, Action.VIEW_RECORDED, asked.channel)
    starts_free = rights.cover(TimeRange(max(0, asked.from_us - 1), max(1, asked.from_us)))
    ends_free = not whole_groups or rights.cover(TimeRange(asked.to_us, asked.to_us + 1))
    if starts_free and ends_free:
        return asked
    syncs_us = await asyncio.to_thread(windows.sync_times_us, asked.track_asked, asked.window, asked.take)
    from_us = asked.from_us if starts_free else min(syncs_us, default=asked.to_us)
    to_us = asked.to_us if ends_free else max(syncs_us, default=asked.from_us)
    if from_us >= to_us:
        raise NotRecorded("nothing that you may see can be decoded in this range", where=str(asked.track_asked))
    return msgspec.structs.replace(asked, from_us=from_us, to_us=to_us)
