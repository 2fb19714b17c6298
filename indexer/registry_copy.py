"""A copy of the registry as one file with a digest: what people told the recorder, for the day its disk dies.

A line of JSON that says what it is (`About`), then all rows of all tables as JSON, keys and values in base64. Passwords
are in it as the registry has them, encrypted; the key is not.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from indexer.bookmarks import TABLE as BOOKMARK
from indexer.holds import TABLE as HOLD
from indexer.store import Store
from nvr.errors import IntegrityError
from nvr.timebase import US_PER_DAY

FORMAT = 1
PREFIX, SUFFIX = "registry-", ".json"
LIMIT_BYTES = 256 << 20  # chosen: more than a registry may hold
CHANNEL = "channel"
NEWEST = 10  # chosen: versions that are kept in any case, each another content
DAYS = 30  # chosen: and the last one of each of so many days, so that many changes in a minute push none of these out
OTHERS = 2  # chosen: copies that are kept of another registry, such as the one before a loss


class Row(msgspec.Struct, frozen=True):
    """A row of any table."""

    table: str
    key: bytes
    value: bytes


class About(msgspec.Struct, frozen=True):
    """What a copy is, in its first line."""

    format: int
    schema: str  # of the registry
    registry: str  # which registry this is: 16 hex digits
    made_us: int  # wall time
    cameras: int
    holds: int
    bookmarks: int
    sha256: str  # of this line with an empty one, and of all that stands behind it


class Snapshot(msgspec.Struct, frozen=True):
    """A registry as it was at one instant."""

    about: About
    rows: tuple[Row, ...]


def take(store: Store, tables: Iterable[str], *, schema: str, registry: str, now_us: int) -> bytes:
    """The registry at this instant, in one transaction, as a file."""
    with store.read() as txn:
        rows = [Row(table, key, value) for table in tables for key, value in txn.rows(table)]
    data = msgspec.json.encode(rows)
    count = Counter(row.table for row in rows)
    about = About(FORMAT, schema, registry, now_us, count[CHANNEL], count[HOLD], count[BOOKMARK], "")
    about = replace(about, sha256=_digest(about, data))
    return msgspec.json.encode(about) + b"\n" + data + b"\n"


def _digest(about: About, data: bytes) -> str:
    return hashlib.sha256(msgspec.json.encode(replace(about, sha256="")) + b"\n" + data).hexdigest()


def _content(data: bytes) -> str:
    """What tells one content from another, whenever it was copied."""
    return hashlib.sha256(data).hexdigest()[:16]


def read(data: bytes, where: str) -> Snapshot:
    """What `take` made.

    Raises:
        IntegrityError: it is damaged, or of a newer version.
    """
    head, _, body = data.partition(b"\n")
    try:
        about = msgspec.json.decode(head, type=About)
    except msgspec.MsgspecError as error:
        raise IntegrityError("this is no copy of a registry, or is damaged", where=where) from error
    if about.format != FORMAT:
        hint = "use the program that wrote it"
        raise IntegrityError(f"this copy has format {about.format}, not {FORMAT}", where=where, hint=hint)
    body = body.removesuffix(b"\n")
    if _digest(about, body) != about.sha256:
        raise IntegrityError("the copy is damaged: its digest does not match", where=where)
    return Snapshot(about, tuple(msgspec.json.decode(body, type=list[Row])))


def name_of(data: bytes) -> str:
    """The name of a copy's file: by it copies sort by time, and the same content is known again."""
    head, _, body = data.partition(b"\n")
    about = msgspec.json.decode(head, type=About)
    return f"{PREFIX}{about.made_us:016d}-{about.registry}-{_content(body)}{SUFFIX}"


def parts_of(name: str) -> tuple[int, str, str] | None:
    """When it was made (wall µs), of which registry, and the beginning of its digest; None: the name of no copy."""
    parts = name.removeprefix(PREFIX).removesuffix(SUFFIX).split("-")
    if len(parts) != 3 or not parts[0].isdigit():
        return None
    return int(parts[0]), parts[1], parts[2]


def surplus(names: Iterable[str], registry: str) -> list[str]:
    """The copies that may go. Pure."""
    kept: set[str] = set()
    known = sorted((parts, name) for name in names if (parts := parts_of(name)) is not None)
    own = [(made_us, name) for (made_us, of, _), name in known if of == registry]
    last_of_day = {made_us // US_PER_DAY: name for made_us, name in own}
    kept |= {name for _, name in own[-NEWEST:]} | {last_of_day[day] for day in sorted(last_of_day)[-DAYS:]}
    for other in {of for (_, of, _), _ in known} - {registry}:
        kept |= set([name for (_, of, _), name in known if of == other][-OTHERS:])
    return [name for _, name in known if name not in kept]
