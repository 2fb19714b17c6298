"""Bookmarks: seen by whoever may see a channel's timeline, made and removed by whoever may mark it."""

import asyncio

from aiohttp import web

from indexer.bookmarks import Bookmark, Bookmarks
from web import wire
from web.archive import Archive
from web.auth import Action, May, user_of
from web.query import BookmarkQuery, BookmarksQuery, InstantQuery
from web.reply import NoSuchThing
from web.route import Route, change, removal, route


class BookmarkRoom:
    """The list, and its changes.

    Args:
        archive: opens it.
        may: asked for every channel of the list.
    """

    def __init__(self, archive: Archive, may: May) -> None:
        self._archive = archive
        self._may = may

    def routes(self) -> list[Route]:
        """List, add, remove."""
        return [
            route(
                "/api/bookmarks",
                self._tell,
                asks=BookmarksQuery,
                answers=list[wire.Bookmark],
                action=Action.SEE_TIMELINE,
                summary="The bookmarks of a window, by instant",
            ),
            change(
                "/api/channels/{channel}/bookmarks",
                self._add,
                asks=InstantQuery,
                takes=wire.Note,
                answers=wire.Bookmark,
                action=Action.MARK,
                summary="Make a bookmark",
            ),
            removal(
                "/api/channels/{channel}/bookmarks/{number}",
                self._remove,
                asks=BookmarkQuery,
                answers=wire.Done,
                action=Action.MARK,
                summary="Remove a bookmark",
            ),
        ]

    async def _tell(self, asked: BookmarksQuery, request: web.Request) -> list[wire.Bookmark]:
        user = user_of(request)
        found = await asyncio.to_thread(self._bookmarks().within, asked.window)
        return [_told(one) for one in found if self._may(user, Action.SEE_TIMELINE, one.channel, asked.window)]

    async def _add(self, asked: InstantQuery, request: web.Request, note: wire.Note) -> wire.Bookmark:
        self._archive.require(asked.track_asked)
        user, now_us = user_of(request), self._archive.clock.wall_us()
        made = await asyncio.to_thread(
            self._bookmarks().add, asked.channel, asked.at_us, note.note, author=user.name, now_us=now_us
        )
        return _told(made)

    async def _remove(self, asked: BookmarkQuery, _request: web.Request) -> wire.Done:
        if not await asyncio.to_thread(self._bookmarks().remove, asked.channel, asked.number):
            raise NoSuchThing("there is no such bookmark", where=f"channel {asked.channel}, bookmark {asked.number}")
        return wire.Done()

    def _bookmarks(self) -> Bookmarks:
        return self._archive.registry().bookmarks


def _told(one: Bookmark) -> wire.Bookmark:
    return wire.Bookmark(one.number, one.channel, one.at_us, one.note, one.author, one.made_us)
