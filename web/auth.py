"""Who may do what: one function that every route asks before it gives footage or facts about it.

There are no accounts yet and the server listens on loopback only, so whoever reaches it is the local user,
who may do everything. Accounts come later by another `May`, without touching a route.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from aiohttp import web

from nvr.errors import Denied
from nvr.timebase import TimeRange


class Action(Enum):
    """What a route does, in the words of a role's description. Every route names exactly one."""

    OPEN_PAGE = "open_page"  # the user interface's own files and the API's description: no footage, no facts of it
    SEE_SITE = "see_site"  # name, time, health of the recorder
    SEE_CHANNELS = "see_channels"  # which cameras there are and how they are
    SEE_TIMELINE = "see_timeline"  # when footage exists and why it is missing
    MARK = "mark"  # bookmarks: made and removed
    VIEW_RECORDED = "view_recorded"  # recorded pictures
    VIEW_LIVE = "view_live"  # the pictures of now


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who asks."""

    name: str


LOCAL_USER = User("local")


def user_of(_request: web.Request) -> User:
    """Who sends a request: the local user, until there are sessions."""
    return LOCAL_USER


class May(Protocol):
    """The question of DESIGN section 9."""

    def __call__(self, user: User, action: Action, channel: int | None, instant: TimeRange | None, /) -> bool:
        """Whether ``user`` may do ``action`` to ``channel`` (None: to no single one) within ``instant`` (None: any)."""
        ...


def may(user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:  # noqa: ARG001
    """The local user may; nobody else exists yet."""
    return user == LOCAL_USER


MAY: web.RequestKey[May] = web.RequestKey("may", May)  # which `web.door` puts into every request


@dataclass(frozen=True, slots=True)
class Rights:
    """What the one who asks may see of a channel. A role may be limited in time: what lies outside is not told."""

    may: May
    user: User
    action: Action
    channel: int

    def cover(self, time: TimeRange) -> bool:
        """Whether all of a stretch may be seen."""
        return self.may(self.user, self.action, self.channel, time)

    def end(self, instant_us: int | None) -> int | None:
        """Where footage ends, if what is just before may be seen."""
        if instant_us is None or not self.cover(TimeRange(max(0, instant_us - 1), max(1, instant_us))):
            return None
        return instant_us

    def start(self, instant_us: int | None) -> int | None:
        """Where footage starts, if what is there may be seen."""
        if instant_us is None or not self.cover(TimeRange(instant_us, instant_us + 1)):
            return None
        return instant_us


def rights_of(request: web.Request, action: Action, channel: int) -> Rights:
    """The rights of the one who sent a request."""
    return Rights(request[MAY], user_of(request), action, channel)


def demand(may: May, user: User, action: Action, channel: int | None, instant: TimeRange | None) -> None:
    """Ask, and refuse in words.

    Raises:
        Denied: the user may not.
    """
    if not may(user, action, channel, instant):
        where = "" if channel is None else f"channel {channel}"
        raise Denied(f"{user.name} may not do this: {action.value}", where=where, hint="ask for the right role")
