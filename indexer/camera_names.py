"""What a camera was called when a run was recorded: the table `name`, made from the headers of the chunk files.

A camera list that was lost may be entered anew in another order, and a camera may be moved or renamed: what was
recorded before keeps the name of its time. A run has one name, since a change of a camera's settings ends its runs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from indexer import keys
from indexer.rows import decode_run
from indexer.store import Reading, Store, Writing
from nvr.channel import Channel
from nvr.media import Track, TrackKind
from nvr.timebase import TimeRange


@dataclass(frozen=True, slots=True)
class Called:
    """A stretch of a track that was recorded under one name."""

    name: str
    start_us: int
    end_us: int


def put(txn: Writing, track: Track, run: int, name: str) -> None:
    """Note a run's name, unless it is known or empty (files of format 1 tell none)."""
    key = keys.run(track, run)
    if name and txn.get(keys.NAME, key) is None:
        txn.put(keys.NAME, key, name.encode())


def between(store: Store, track: Track, window: TimeRange) -> list[Called]:
    """What a track was called in a window, by start: runs one after the other under the same name are one stretch.

    Raises:
        StorageError: LMDB fails.
        IntegrityError: a row cannot be read.
    """
    with store.read() as txn:
        runs = sorted(_runs(txn, track, window), key=lambda called: called.start_us)
    found: list[Called] = []
    for called in runs:
        if found and found[-1].name == called.name:
            found[-1] = Called(called.name, found[-1].start_us, max(found[-1].end_us, called.end_us))
        else:
            found.append(called)
    return found


def last(store: Store, track: Track) -> str:
    """What a track was called last; empty: not known."""
    with store.read() as txn:
        row = txn.before(keys.NAME, keys.after_track(track))
    return row[1].decode(errors="replace") if row is not None and keys.track_of(row[0]) == track else ""


def renamed(store: Store, channels: Iterable[Channel]) -> Iterator[tuple[Channel, str]]:
    """The cameras of which there is footage under another name than they have in the list, with the newest of these."""
    for channel in channels:
        track = Track(channel.number, TrackKind.MAIN)
        with store.read() as txn:
            rows = txn.rows_back(keys.NAME, keys.after_track(track), keys.track(track))
            names = (value.decode(errors="replace") for _, value in rows)
            other = next((name for name in names if name != channel.name), "")
        if other:
            yield channel, other


def _runs(txn: Reading, track: Track, window: TimeRange) -> Iterator[Called]:
    for key, value in txn.rows(keys.NAME, keys.track(track), keys.after_track(track)):
        row = txn.get(keys.RUN, key)
        run = None if row is None else decode_run(key, row)
        if run is not None and run.start_us < window.end_us and run.end_us > window.start_us:
            yield Called(value.decode(errors="replace"), run.start_us, run.end_us)
