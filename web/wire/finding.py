"""What people mark and look for."""

from typing import Annotated

from msgspec import Meta

from web.wire.coverage import Gap
from web.wire.words import Answer, VerdictWord


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

    verdict: VerdictWord
    before_us: int
    after_us: int
    decodes: int
    gaps: list[Gap]  # footage that is missing between them


class MotionProgress(Answer, tag_field="type", tag="progress", frozen=True):
    """Text on a motion search's socket: it looks at an instant, in the order of time."""

    at_us: int
    decodes: int
    planned: int  # how many it will have looked at in the end
    key_frames: int  # that there are in the window


class MotionStretch(Answer, tag_field="type", tag="stretch", frozen=True):
    """Something moved, came or went in the box. The picture that shows it best is that of ``picture_us``."""

    start_us: int
    end_us: int
    picture_us: int


class MotionEnd(Answer, tag_field="type", tag="end", frozen=True):
    """The last text on a motion search's socket."""

    decodes: int
    key_frames: int
    gaps: list[Gap]  # footage that is missing in the window
