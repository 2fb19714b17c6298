"""The user interface's own files: what Vite built into web/static, and the API's description."""

import mimetypes
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from nvr.errors import StorageError
from web.auth import Action
from web.query import FileQuery, NoQuery
from web.reply import NoSuchThing
from web.route import Media, Route, route
from web.sending import Content, send

STATIC = Path(__file__).parent / "static"
HASHED = "assets/"  # Vite puts the content's hash into the names below it
_UNBUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not built</title></head><body>
<h1>The user interface has not been built</h1>
<p>The recorder and its API work. To build the pages, run <code>make ui</code> in the source folder
(Node 20.19 or newer is needed), then start the server again.</p>
<p><a href="/api/openapi.json">What the API can do</a></p>
</body></html>
"""


class Pages:
    """Serves a folder that was read once, so no text of a request ever becomes a path.

    Args:
        folder: where index.html and its assets are; a missing one means that the interface has not been built.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = _read(folder)

    def routes(self) -> list[Route]:
        """The pages. They hold no footage and no facts of it."""
        html, file = Media("text/html", ranges=True), Media("application/octet-stream", ranges=True)

        def page(path: str, handler: Callable[[FileQuery, web.Request], Awaitable[object]], summary: str) -> Route:
            return route(
                path, handler, asks=FileQuery, answers=file, action=Action.OPEN_PAGE, summary=summary, described=False
            )

        index = route(
            "/", self._index, asks=NoQuery, answers=html, action=Action.OPEN_PAGE, summary="The page", described=False
        )
        return [index, page("/{file}", self._file, "A file"), page("/assets/{file}", self._asset, "A hashed file")]

    async def _index(self, _asked: NoQuery, request: web.Request) -> web.StreamResponse:
        return await self._send("index.html", request)

    async def _file(self, asked: FileQuery, request: web.Request) -> web.StreamResponse:
        return await self._send(asked.file, request)

    async def _asset(self, asked: FileQuery, request: web.Request) -> web.StreamResponse:
        return await self._send(HASHED + asked.file, request)

    async def _send(self, name: str, request: web.Request) -> web.StreamResponse:
        try:
            content = self._files[name]
        except KeyError:
            raise NoSuchThing("there is no such page", where=request.path) from None
        return await send(request, content)


def _read(folder: Path) -> dict[str, Content]:
    """Every file below a folder by its name there, links not followed."""
    files = {"index.html": _content("index.html", _UNBUILT.encode())}
    if not (folder / "index.html").is_file():
        return files
    try:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(folder).as_posix()
                files[name] = _content(name, path.read_bytes())
    except OSError as error:
        raise StorageError(f"the user interface cannot be read: {error}", where=str(folder)) from error
    return files


def _content(name: str, data: bytes) -> Content:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kept = "public, max-age=31536000, immutable" if name.startswith(HASHED) else "no-cache"
    return Content(kind, (data,), sha256(data).hexdigest()[:32], {"Cache-Control": kept})
