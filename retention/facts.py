"""The facts on which `retention.plan` decides, from the index and the volumes."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

from indexer.expiry import AgedChunk, Expiry
from indexer.reader import IndexReader
from indexer.store import Store
from nvr.chunk.volume import Volume
from nvr.config import RetentionSettings
from nvr.errors import StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, Clock
from retention.plan import StoredChunk, VolumeRoom
from retention.policy import volume_room

INGEST_US = 10 * US_PER_S  # chosen: the mark stands for minutes; measuring costs 1 ms, and each volume asks each second
REMEMBER_US = 6 * 3600 * US_PER_S  # chosen: what recovery puts back in front of the remembered place waits no longer


class Facts:
    """Gathers facts. Belongs to one thread.

    Where volumes differ in size, the oldest chunk on the small one may lie behind a million rows of the large one: to
    walk there takes a second. So the small one's folders are asked where to begin, and the place is remembered.

    Args:
        store: the index.
        settings: the retention defaults.
        ingest_bps: bits that all cameras bring in a second, as measured; may raise StorageError.
        clock: tells how long a place has been remembered.

    Raises, everywhere:
        StorageError: the index or a volume cannot be read.
    """

    def __init__(self, store: Store, settings: RetentionSettings, ingest_bps: Callable[[], int], clock: Clock) -> None:
        self._reader = IndexReader(store)
        self._expiry = Expiry(store)
        self._settings = settings
        self._ingest_bps = ingest_bps
        self._clock = clock
        self._last_bps = 0
        self._measure_us = 0
        self._begins_us: dict[tuple[Track, int], int] = {}
        self._forget_us = 0
        self._volumes: dict[int, Volume] = {}  # as they were asked for their room

    def usage_bytes(self) -> dict[tuple[Track, int], int]:
        """What each track occupies on each volume."""
        return {place: usage.bytes for place, usage in self._reader.usage().items()}

    def room(self, volume: Volume, *, said_full: bool) -> VolumeRoom:
        """How full a volume is."""
        self._volumes[volume.number] = volume
        return volume_room(
            self._settings,
            volume.number,
            free_bytes=volume.free_bytes(),
            total_bytes=volume.total_bytes(),
            ingest_bps=self._ingest(),
            said_full=said_full,
        )

    def _ingest(self) -> int:
        """What was measured in the last seconds; where measuring fails, what was measured last: room must be made."""
        now_us = self._clock.monotonic_us()
        if now_us >= self._measure_us:
            with suppress(StorageError):
                self._last_bps = self._ingest_bps()
                self._measure_us = now_us + INGEST_US
        return self._last_bps

    def oldest(self, track: Track, volume: int | None) -> Iterator[StoredChunk]:
        """A track's chunks, oldest first, read as they are asked for: `retention.plan.Oldest`."""
        chunks = self._expiry.oldest(track) if volume is None else self._on_volume(track, volume)
        for chunk in chunks:
            yield _stored(chunk)

    def doubles(self, track: Track, volume: int | None) -> Iterator[StoredChunk]:
        """A track's chunks of which this volume holds one of two files, oldest first: `retention.plan.Oldest`."""
        return map(_stored, self._expiry.doubles(track, volume) if volume is not None else ())

    def forget(self) -> None:
        """Look anew where the footage of each volume begins: something was put in front of it. Any thread."""
        self._begins_us = {}

    def _on_volume(self, track: Track, volume: int) -> Iterator[AgedChunk]:
        now_us = self._clock.monotonic_us()
        if now_us >= self._forget_us:
            self._begins_us.clear()
            self._forget_us = now_us + REMEMBER_US
        begins_us = self._begins_us.get((track, volume))
        if begins_us is None:
            begins_us = self._oldest_folder_us(track.channel, volume)
        chunks = self._expiry.oldest(track, begins_us, volume=volume)
        first = next(chunks, None)
        if first is None:
            return iter(())
        self._begins_us[track, volume] = first.start_us
        return chain((first,), chunks)

    def _oldest_folder_us(self, channel: int, volume: int) -> int:
        """Before that no file of the channel lies there; rows whose files are missing make no room anyway."""
        with suppress(StorageError, KeyError):  # then all rows are walked over
            return self._volumes[volume].oldest_us(channel) or 0
        return 0


def _stored(chunk: AgedChunk) -> StoredChunk:
    return StoredChunk(
        chunk.track, chunk.start_us, chunk.end_us, chunk.sequence, chunk.volume, chunk.bytes, chunk.second
    )
