"""What people mark and look for."""

from typing import Annotated, Literal

from msgspec import Meta

from web.wire.coverage import Gap
from web.wire.words import Answer


class Bookmark(Answer, frozen=True):
    """An instant that somebody wants to find again."""

    number: int
    channel: int
    at_us: int
    note: str
    author: str
    made_us: int


class Note(Answer, frozen=True, forbid_unknown_fields=True):
    """The body that makes a bookmark."""

    note: Annotated[str, Meta(max_length=500)] = ""


class BisectProgress(Answer, tag_field="type", tag="progress", frozen=True):
    """Text on a search's socket: it looks at an instant; the change lies between two others."""

    at_us: int
    low_us: int
    high_us: int
    decodes: int
    limit: int


class BisectFinding(Answer, tag_field="type", tag="finding", frozen=True):
    """The last text on a search's socket. The change lies between the pictures of two instants."""

    verdict: Literal["found", "unsure", "alike", "unlike", "dark", "nothing"]
    before_us: int
    after_us: int
    decodes: int
    gaps: list[Gap]  # footage that is missing between them
