"""The registry of routes: a route names its path, its parameters, its answer and the action it asks leave for.

`web.app` can only serve what is a `Route`, so a test can enumerate them all, and `web.openapi` describes them all.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import GenericAlias
from typing import Literal, TypeVar

import msgspec
from aiohttp import web

from web.auth import Action
from web.query import Query

Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=msgspec.Struct)
# (asked, request), or (asked, request, body) where a change takes one; `route` and `change` check that they agree.
Handler = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is not JSON."""

    content_type: str
    ranges: bool = False  # answers Range requests with 206


@dataclass(frozen=True, slots=True)
class Socket:
    """A WebSocket; ``messages`` are the structs of its text messages."""

    messages: tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A request that changes something. ``takes`` is the struct of its JSON body; None: it has none."""

    method: Literal["POST", "DELETE"]
    takes: type[msgspec.Struct] | None


Answers = type | GenericAlias | Media | Socket


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the server."""

    path: str
    asks: type[Query]
    answers: Answers
    action: Action
    summary: str
    handler: Handler
    described: bool = True  # False: belongs to the user interface, not to the API
    change: Change | None = None  # None: it only tells

    @property
    def methods(self) -> tuple[str, ...]:
        """GET, and HEAD where the answer is a file; of a change its method."""
        if self.change is not None:
            return (self.change.method,)
        return ("GET", "HEAD") if isinstance(self.answers, Media) else ("GET",)


def route(
    path: str,
    handler: Callable[[Q, web.Request], Awaitable[object]],
    *,
    asks: type[Q],
    answers: Answers,
    action: Action,
    summary: str,
    described: bool = True,
) -> Route:
    """A route whose handler's parameter type and ``asks`` are known to agree."""
    return Route(path, asks, answers, action, summary, handler, described)


def change(
    path: str,
    handler: Callable[[Q, web.Request, B], Awaitable[object]],
    *,
    asks: type[Q],
    takes: type[B],
    answers: Answers,
    action: Action,
    summary: str,
) -> Route:
    """A POST whose handler gets its JSON body besides."""
    return Route(path, asks, answers, action, summary, handler, change=Change("POST", takes))


def removal(
    path: str,
    handler: Callable[[Q, web.Request], Awaitable[object]],
    *,
    asks: type[Q],
    answers: Answers,
    action: Action,
    summary: str,
) -> Route:
    """A DELETE."""
    return Route(path, asks, answers, action, summary, handler, change=Change("DELETE", None))
