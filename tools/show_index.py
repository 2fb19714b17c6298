"""What ``nvr show --channel`` prints: rows of the index, and the gaps between them."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.reader import IndexReader
from indexer.records import ChunkRecord
from nvr.config import Settings
from nvr.errors import NotRecorded
from nvr.media import Gap, Track
from nvr.timebase import US_PER_S, TimeRange, format_utc

COLUMNS = ("start", "seconds", "volume", "run", "chunk", "MB", "samples", "key frames", "lost packets", "root", "file")


def print_rows(settings: Settings, track: Track, span: TimeRange) -> None:
    """Print what is known of a track in a stretch of time.

    Raises:
        NotRecorded: nothing at all.
        StorageError: there is no index, or it cannot be read.
    """
    with IndexReader.open(settings.index_path) as reader:
        rows, gaps = reader.chunks(track, span), reader.gaps(track, span)
    if not rows and not gaps:
        words = f"nothing is known from {format_utc(span.start_us)} to {format_utc(span.end_us)}"
        raise NotRecorded(words, where=str(track), hint="times are UTC unless they carry an offset")
    Console(soft_wrap=True).print(table(track, rows, gaps))


def table(track: Track, rows: Sequence[ChunkRecord], gaps: Sequence[Gap]) -> Table:
    """Chunks and gaps in the order of time."""
    found = Table(*COLUMNS, title=f"{track}: {len(rows)} chunks, {len(gaps)} gaps", title_justify="left", box=None)
    lines = [(row.start_us, _chunk_words(row)) for row in rows] + [(gap.start_us, _gap_words(gap)) for gap in gaps]
    for _, words in sorted(lines, key=lambda line: line[0]):
        found.add_row(*words)
    return found


def _chunk_words(row: ChunkRecord) -> list[str]:
    state = " (the file is lost)" if row.lost else " (known by its name only)" if row.by_name else ""
    state += " (the server's clock was not believed)" if row.is_clock_doubtful else ""
    return [
        format_utc(row.start_us),
        _seconds(row.duration_us),
        str(row.volume),
        str(row.run),
        str(row.sequence),
        f"{row.bytes / 1_000_000:.1f}",
        str(row.samples),
        str(len(row.keyframes)),
        str(row.lost_packets or ""),
        row.root.hex()[:16],
        row.name().path() + state,
    ]


def _gap_words(gap: Gap) -> list[str]:
    words = f"gap, {gap.reason.value}" + (f": {gap.detail}" if gap.detail else "")
    empty = [""] * (len(COLUMNS) - 3)
    return [format_utc(gap.start_us), _seconds(gap.end_us - gap.start_us), *empty, escape(words)]


def _seconds(duration_us: int) -> str:
    return f"{duration_us // US_PER_S}.{duration_us // 1000 % 1000:03}"
