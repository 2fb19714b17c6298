"""The door: what every request passes before and after its route, whichever it is.

Before: the Host header (a foreign page that has its name resolve to 127.0.0.1 must not read footage), where the browser
says that the request comes from, the Origin of a WebSocket and of a change (browsers do not keep other origins from
sending one), the parameters, `may`, and the body of a change, which must be JSON: a foreign page's form cannot say
that. After: the security headers, and errors as JSON. DESIGN section 9; OWASP ASVS 5.0 sections 3.4, 3.5 and 4.4.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from nvr.errors import Denied, NvrError
from web.auth import MAY, May, demand, user_of
from web.query import parse
from web.reply import BadParameters, NoSuchThing, json_response, problem_response
from web.route import Route, Socket

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_BYTES = 16 << 10  # chosen: a note of 500 characters and much to spare
BODY_S = 10.0  # chosen: within it such a body comes over the slowest connection, at 16 kbit/s
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",  # of what does not say otherwise: facts that a role may lose tomorrow
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SERVER = {"Server": "nvr"}  # aiohttp would tell its own and Python's version


class Door:
    """Guards every route with one question.

    Args:
        may: the question.
        names: host names and addresses that the server answers to, whatever the port, beside the local ones.
    """

    def __init__(self, may: May, names: frozenset[str] = frozenset()) -> None:
        self._may = may
        self._names = LOCAL_NAMES | names

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What aiohttp calls for a route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            request[MAY] = self._may
            _check_site(request)
            if isinstance(route.answers, Socket) or route.change is not None:
                _check_origin(request)
            asked = parse(route.asks, request.match_info, request.query.items())
            demand(self._may, user_of(request), route.action, asked.channel_asked(), asked.range_asked())
            if route.change is not None and route.change.takes is not None:
                answer = await route.handler(asked, request, await _body(request, route.change.takes))
            else:
                answer = await route.handler(asked, request)
            return answer if isinstance(answer, web.StreamResponse) else json_response(answer)

        return handle

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the Host, and turn what a route raises into its JSON answer."""
        try:
            self._check_host(request)
            return await handler(request)
        except NvrError as error:
            return problem_response(error)
        except web.HTTPNotFound:
            return problem_response(NoSuchThing("there is no such address", where=request.path))
        except web.HTTPMethodNotAllowed as error:
            problem = BadParameters(f"{error.method} is not for this address", where=request.path)
            answer = problem_response(problem)
            answer.set_status(error.status)
            answer.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
            return answer
        except web.HTTPException as error:
            return json_response({"error": error.reason, "where": request.path, "hint": ""}, error.status)

    def _check_host(self, request: web.Request) -> None:
        host = _host_of(request)
        if host not in self._names:
            hint = "open the address that the server printed at its start"
            raise Denied("the server does not answer to this host name", where=host[:100], hint=hint)


def _check_site(request: web.Request) -> None:
    """Refuse what a page of another origin has a browser send: its answer could not be read, but it would cost all.

    A person who follows a link comes from another origin as well: that is a navigation of a whole window by GET.
    W3C Fetch Metadata; the rule is the Resource Isolation Policy of its authors.
    """
    said = request.headers
    site = said.get("Sec-Fetch-Site", "none")
    if site in {"same-origin", "none"}:
        return
    if (request.method, said.get("Sec-Fetch-Mode"), said.get("Sec-Fetch-Dest")) != ("GET", "navigate", "document"):
        raise Denied("a page of another origin may not open this", where=site[:100])


def _check_origin(request: web.Request) -> None:
    """Refuse a socket or a change for a page of another origin, a link that somebody follows included."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in {"same-origin", "none"}:
        raise Denied("a page of another origin may not open this", where=site[:100])
    origin = request.headers.get("Origin")
    if origin is None:  # not a browser: a browser always sends it
        return
    if origin.split("://", 1)[-1].lower() != request.headers.get("Host", "").lower():
        raise Denied("a page of another origin may not open this", where=origin[:100])


def _host_of(request: web.Request) -> str:
    """The Host header's name without its port, lower case; empty when there is none to be read."""
    try:
        return (URL(f"http://{request.headers.get('Host', '')}").host or "").lower()
    except ValueError:
        return ""


async def _body(request: web.Request, takes: type[msgspec.Struct]) -> msgspec.Struct:
    """The body of a change.

    Raises:
        BadParameters: it is no JSON, or other JSON, or compressed, or does not come.
    """
    if request.content_type != "application/json":
        hint = "send JSON, and say so: Content-Type: application/json"
        raise BadParameters("the body is not said to be JSON", where=request.path, hint=hint)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadParameters("the body is compressed", where=request.path, hint="send it as it is")
    try:
        async with asyncio.timeout(BODY_S):
            return msgspec.json.decode(await request.read(), type=takes)
    except (msgspec.MsgspecError, UnicodeDecodeError, web.RequestPayloadError) as error:
        raise BadParameters(f"the body cannot be used: {error}", where=request.path) from error
    except TimeoutError as error:
        raise BadParameters("the body does not come", where=request.path, hint="send all of it at once") from error


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """The signal that puts the security headers on every answer, files and sockets included."""
    for name, text in SECURITY_HEADERS.items():
        response.headers.setdefault(name, text)
    response.headers.update(SERVER)
