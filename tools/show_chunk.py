"""What ``nvr show FILE`` prints: a chunk file's boxes, header, fragments and footer."""

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nvr.chunk.footer import FOOTER_UUID
from nvr.chunk.header import HEADER_UUID, ChunkHeader
from nvr.chunk.reader import ChunkReader, FragmentSpan
from nvr.chunk.stamp import STAMP_UUID
from nvr.codec.box import walk
from nvr.errors import IntegrityError, StorageError
from nvr.timebase import format_utc, us_from_90k

SERIES = ("stamp", "moof", "mdat")  # the boxes of one fragment
OUR_BOXES = {HEADER_UUID: "header", STAMP_UUID: "stamp", FOOTER_UUID: "footer"}
SHOWN_AT_EACH_END = 10  # chosen: a chunk of 120 fragments then fits a screen
EMPTY_FILE = "the file is empty"


@dataclass(frozen=True, slots=True)
class NamedBox:
    """A box, or an unbroken series of them, and its name: ISO's, or ours for a ``uuid``."""

    start: int
    end: int
    name: str


def print_chunk(path: Path, *, every_fragment: bool) -> None:
    """Print a chunk, sealed or not.

    Raises:
        StorageError: the file cannot be read.
        IntegrityError: its beginning is not a chunk's.
    """
    console = Console(soft_wrap=True)
    found, damage = boxes(path)
    console.print(_boxes(found))
    if damage:
        console.print(f"then: {escape(damage)}")
    with ChunkReader(path) as chunk:
        console.print(_facts("Header", _header_facts(chunk.header)))
        fragments = chunk.fragments()
        console.print(_fragments(fragments, every_fragment=every_fragment))
        console.print(_facts("Footer", _footer_facts(chunk)) if chunk.sealed else "No footer: the chunk is not sealed.")


def boxes(path: Path) -> tuple[list[NamedBox], str]:
    """The boxes of a file, and what is wrong behind the last whole one."""
    found: list[NamedBox] = []
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as view,
        ):
            return found, _walked(view, found)
    except ValueError:  # mmap cannot map nothing
        return found, EMPTY_FILE
    except OSError as error:
        raise StorageError(f"the file cannot be read: {error.strerror}", where=str(path)) from error


def _walked(view: memoryview, found: list[NamedBox]) -> str:
    try:
        for span in walk(view):
            uuid = bytes(view[span.payload : span.payload + 16]) if span.kind == b"uuid" else b""
            found.append(NamedBox(span.start, span.end, OUR_BOXES.get(uuid, span.kind.decode("latin-1"))))
    except IntegrityError as error:
        return str(error)
    return ""


def gathered(found: Sequence[NamedBox]) -> Iterator[NamedBox]:
    """The boxes, each unbroken series of fragments as one."""
    index = 0
    while index < len(found):
        first, count = index, 0
        while tuple(box.name for box in found[index : index + 3]) == SERIES:
            index, count = index + 3, count + 1
        if count:
            yield NamedBox(found[first].start, found[index - 1].end, f"{count} × ({', '.join(SERIES)})")
        else:
            yield found[index]
            index += 1


def _header_facts(header: ChunkHeader) -> list[tuple[str, str]]:
    sets = header.parameter_sets
    counts = f"{len(sets.vps)} VPS, {len(sets.sps)} SPS, {len(sets.pps)} PPS"
    return [
        ("site", header.site),
        ("camera", header.name or "not known"),
        ("volume", header.volume_uuid.hex()),
        ("track", str(header.track)),
        ("run, chunk in it", f"{header.run}, {header.sequence}"),
        ("start, as estimated", format_utc(header.start_us)),
        ("server's clock", "not believed" if header.is_clock_doubtful else "believed"),
        ("codec", f"{sets.codec.value}, {counts}"),
        ("composition delay", f"{header.composition_delay_90k} ticks"),
        ("written by", header.engine),
        ("root of the chunk before", header.previous_root.hex()),
    ]


def _footer_facts(chunk: ChunkReader) -> list[tuple[str, str]]:
    footer = chunk.footer
    if footer is None:
        return []
    return [
        ("start", format_utc(footer.start_us)),
        ("end", format_utc(footer.start_us + footer.duration_us)),
        ("ended because of", footer.cut.value),
        ("samples", str(len(chunk.samples()))),
        ("lost packets", str(footer.lost_packets)),
        ("times", "coarse: those of receipt" if footer.is_coarse else "the camera's, placed by receipt"),
        ("Merkle root", footer.root.hex()),
    ]


def _fragments(fragments: Sequence[FragmentSpan], *, every_fragment: bool) -> Table:
    columns = ("fragment", "offset", "bytes", "wall time", "decode", "ms", "samples", "sync", "lost", "SHA-256")
    table = Table(*columns, title=f"{len(fragments)} fragments", title_justify="left", box=None)
    hidden = 0 if every_fragment else max(0, len(fragments) - 2 * SHOWN_AT_EACH_END)
    for index, span in enumerate(fragments):
        if hidden and SHOWN_AT_EACH_END <= index < SHOWN_AT_EACH_END + hidden:
            if index == SHOWN_AT_EACH_END:
                table.add_row("…", f"{hidden} more", "--all")
            continue
        table.add_row(*_fragment_words(span))
    return table


def _fragment_words(span: FragmentSpan) -> list[str]:
    stamp = span.stamp
    return [
        str(stamp.sequence),
        str(span.offset),
        str(span.end - span.offset),
        format_utc(stamp.wall_us),
        str(span.decode_90k),
        str(us_from_90k(span.duration_90k) // 1000),
        str(span.samples),
        "sync" if span.sync_start else "",
        str(stamp.lost_packets or ""),
        stamp.media_sha256.hex()[:16],
    ]


def _boxes(found: Sequence[NamedBox]) -> Table:
    table = Table(title="Boxes", title_justify="left", box=None)
    table.add_column("offset", justify="right")
    table.add_column("bytes", justify="right")
    table.add_column("box")
    for box in gathered(found):
        table.add_row(str(box.start), str(box.end - box.start), escape(box.name))
    return table


def _facts(title: str, facts: Sequence[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, show_header=False)
    for name, value in facts:
        table.add_row(name, escape(value))
    return table
