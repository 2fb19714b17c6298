"""The one place that turns answers, and our errors, into HTTP."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from nvr.errors import (
    CameraError,
    Denied,
    Held,
    IntegrityError,
    LimitReached,
    NotRecorded,
    NvrError,
    StorageError,
)
from web.wire import Problem


class BadParameters(NvrError):
    """A request's parameters cannot be used; the sentence lists every mistake."""


class NoSuchThing(NvrError):
    """There is no such channel, file or address."""


_STATUS: tuple[tuple[type[NvrError], HTTPStatus], ...] = (
    (BadParameters, HTTPStatus.BAD_REQUEST),
    (Denied, HTTPStatus.FORBIDDEN),
    (NotRecorded, HTTPStatus.NOT_FOUND),
    (NoSuchThing, HTTPStatus.NOT_FOUND),
    (Held, HTTPStatus.CONFLICT),
    (LimitReached, HTTPStatus.CONFLICT),
    (IntegrityError, HTTPStatus.BAD_GATEWAY),  # the disk, behind us, gave bytes that cannot be used
    (CameraError, HTTPStatus.BAD_GATEWAY),  # so did the camera, when it was recorded
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: NvrError) -> HTTPStatus:
    """The HTTP status that stands for an error of ours; 500 for one that no request should meet."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def encode(answer: object) -> bytes:
    """An answer struct, or a list of them, as JSON."""
    return msgspec.json.encode(answer)


def json_response(answer: object, status: int = HTTPStatus.OK) -> web.Response:
    """JSON that nobody may keep: live facts, or facts that a role may lose tomorrow."""
    return web.Response(
        body=encode(answer), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def problem_response(error: NvrError) -> web.Response:
    """An error of ours as its HTTP answer."""
    return json_response(Problem(error.what, error.where, error.hint), status_of(error))
