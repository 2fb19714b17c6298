"""What answers a time range: pieces of chunk files, whether indexed, just sealed or still growing, and the gaps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from indexer.board import TrackStatus
from indexer.reader import IndexReader
from indexer.records import ChunkRecord
from nvr.chunk.name import ChunkName, parse_part
from nvr.chunk.reader import ChunkReader, FragmentSpan
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.media import Gap, Track
from nvr.timebase import US_PER_S, TimeRange, us_from_90k

# What is sealed is indexed a few seconds later, or never until the next start.
UNINDEXED_US = 3600 * US_PER_S


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes ``[offset, end)`` of one chunk file, whole fragments but for the last, which may bring the footer with it.

    The first fragment starts with a sync sample that is shown at or before the range's start (or is the file's first);
    the last ones may be shown after its end.
    """

    track: Track
    start_us: int  # of the chunk
    end_us: int
    run: int
    sequence: int
    volume: int  # number
    path: str  # relative to the volume
    sealed: bool
    preamble_bytes: int  # init segment and header stand before; 0: not known without looking into the file
    offset: int
    end: int

    @property
    def time(self) -> TimeRange:
        return TimeRange(self.start_us, max(self.start_us, self.end_us))


@dataclass(frozen=True, slots=True)
class Clip:
    """The answer: pieces by time, and what is missing with its reason."""

    track: Track
    window: TimeRange
    pieces: tuple[Piece, ...]
    gaps: tuple[Gap, ...]


def clip(
    reader: IndexReader,
    volumes: Mapping[int, Volume],
    track: Track,
    window: TimeRange,
    status: TrackStatus | None = None,
) -> Clip:
    """Everything that was recorded of a track in a window.

    Args:
        reader: the index.
        volumes: by number; read-only will do.
        track: whose footage.
        window: which time.
        status: what the board says of the track; None: the growing chunk is left out.

    Raises:
        StorageError: the index cannot be read. Files that cannot be read are left out.
    """
    pieces = [piece_of(record, window) for record in reader.chunks(track, window) if not record.lost]
    growing = _growing(volumes, track, window, status)
    since_us = reader.last(track) or 0
    if since_us < window.end_us:
        pieces += _unindexed(reader, volumes, track, window, since_us)
    pieces += growing
    by_identity = {(piece.run, piece.sequence): piece for piece in reversed(pieces)}  # an indexed one wins
    ordered = sorted(by_identity.values(), key=lambda piece: piece.start_us)
    return Clip(track, window, tuple(ordered), tuple(reader.gaps(track, window)))


def piece_of(record: ChunkRecord, window: TimeRange) -> Piece:
    """The piece of an indexed chunk; pure."""
    keyframes = record.keyframes
    end_90k = (window.end_us - record.start_us) * 9 // 100
    return Piece(
        record.track,
        record.start_us,
        record.end_us,
        record.run,
        record.sequence,
        record.volume,
        record.name().path(),
        sealed=True,
        preamble_bytes=record.preamble_bytes,
        offset=record.seek(window.start_us),
        end=next((offset for offset_90k, offset in keyframes if offset_90k > end_90k), record.bytes),
    )


def _unindexed(
    reader: IndexReader, volumes: Mapping[int, Volume], track: Track, window: TimeRange, since_us: int
) -> list[Piece]:
    """Files that were sealed after the last commit, by their names."""
    found = []
    from_us = max(since_us, window.start_us - UNINDEXED_US)
    for number, volume in volumes.items():
        for name, size_bytes in _listed(volume, track, from_us):
            time = TimeRange(name.start_us, name.start_us + name.duration_ms * 1000)
            if name.track == track and time.overlaps(window) and reader.chunk(name) is None:
                ends = (time.start_us, time.end_us, name.run, name.sequence)
                found.append(Piece(track, *ends, number, name.path(), True, 0, 0, size_bytes))
    return found


def _listed(volume: Volume, track: Track, from_us: int) -> Iterable[tuple[ChunkName, int]]:
    try:
        return list(volume.chunks(channel=track.channel, since_us=from_us))
    except StorageError:  # a volume that is away holds nothing that can be shown
        return ()


def _growing(volumes: Mapping[int, Volume], track: Track, window: TimeRange, status: TrackStatus | None) -> list[Piece]:
    """The chunk that is being written, if it reaches into the window."""
    part = parse_part(status.part_path) if status is not None and status.part_path else None
    if status is None or part is None or status.volume not in volumes:
        return []
    if status.end_us <= window.start_us or status.start_us >= window.end_us:
        return []
    try:
        with ChunkReader(volumes[status.volume].open_read_path(status.part_path)) as chunk:
            spans, preamble_bytes = chunk.fragments(), chunk.preamble_bytes
            offset, end = bounds(spans, status.start_us, chunk.header.composition_delay_90k, window)
    except (StorageError, IntegrityError):  # sealed meanwhile: then its name is found; or damaged
        return []
    ends = (status.start_us, status.end_us, part.run, part.sequence)
    end = min(end, status.committed_bytes)
    return [Piece(track, *ends, status.volume, status.part_path, False, preamble_bytes, offset, end)]


def bounds(spans: list[FragmentSpan], start_us: int, delay_90k: int, window: TimeRange) -> tuple[int, int]:
    """From the last sync fragment shown at or before the window up to its end; pure."""
    offset = end = spans[0].offset if spans else 0
    for span in spans:
        shown_us = start_us + us_from_90k(span.presentation_90k - delay_90k)
        if span.sync_start and shown_us <= window.start_us:
            offset = span.offset
        if shown_us < window.end_us:
            end = span.end
    return offset, end
