"""The chunk files on their volumes, opened for reading: the chunk that was asked for, or nothing."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from nvr.chunk.filesystem import explained
from nvr.chunk.name import ChunkName
from nvr.chunk.scan import read_preamble
from nvr.chunk.source import ByteSource
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, Clock
from web.stored import Signature, StoredChunk, signature_of
from web.volume_threads import VolumeFile, VolumeThreads

LOOK_US = 2 * US_PER_S  # chosen: so long a look at whether a volume is there counts
GLANCE_S = 0.5  # chosen: nobody who asks for a timeline waits longer for a disk; then what was known counts


class ChunkFiles:
    """Opens chunk files. Safe between threads.

    Args:
        volumes: the folder of each configured volume, by number.
        added: the folders that the recorder posts: a volume may be added while we run.
        disks: the threads of the volumes.
        clock: tells the time.
    """

    def __init__(
        self,
        volumes: Mapping[int, Path],
        added: Callable[[], Mapping[int, Path]],
        disks: VolumeThreads,
        clock: Clock,
    ) -> None:
        self._paths = dict(volumes)
        self._added = added
        self._disks = disks
        self._clock = clock
        self._looks: dict[int, tuple[int, bool]] = {}  # by volume: when, on the monotonic clock, and whether it is away
        self._looking: set[int] = set()

    def away(self, numbers: Collection[int]) -> frozenset[int]:
        """Those of these volumes that are not there: not mounted, or taken out of the configuration.

        Of one that does not answer at once, what the last look told.
        """
        now_us = self._clock.monotonic_us()
        for number in numbers:
            at_us, _ = self._looks.get(number, (-LOOK_US, False))
            if now_us - at_us >= LOOK_US and number not in self._looking:
                self._look(number)
        return frozenset(number for number in numbers if self._looks.get(number, (0, False))[1])

    def _look(self, number: int) -> None:
        answered = threading.Event()
        self._looking.add(number)

        def work() -> None:
            try:
                self._volume(number).close()
                is_away = False
            except StorageError:
                is_away = True
            self._looks[number] = self._clock.monotonic_us(), is_away
            self._looking.discard(number)
            answered.set()

        self._disks.later(number, work)
        answered.wait(GLANCE_S)

    def open(self, chunk: StoredChunk, volume: int) -> VolumeFile:
        """A chunk's file on a volume, seen to be this chunk's: whatever else lies in its place is never sent.

        Raises:
            StorageError: the file or its volume cannot be read.
            IntegrityError: another file lies in its place, or its beginning is damaged.
        """
        return self._disks.call(volume, partial(self._open, chunk, volume))

    def _open(self, chunk: StoredChunk, volume: int) -> VolumeFile:
        with self._volume(volume) as opened:
            file = VolumeFile(opened.open_read_path(chunk.path), volume, self._disks)
        header = read_preamble(ByteSource(file.fd, chunk.path)).header
        if (header.track, header.run, header.sequence) != (chunk.track, chunk.run, chunk.sequence):
            hint = "nvr check tells what is wrong"
            raise IntegrityError("another chunk lies in the place of this one", where=chunk.path, hint=hint)
        return file

    def signature(self, chunk: StoredChunk, volume: int) -> Signature:
        """What tells a sealed chunk's file from any other that may take its place.

        By its path alone: that takes 5 µs, and a day's clip asks for 1,440.

        Raises:
            StorageError: the file or its volume cannot be read.
        """
        path = self._path(volume) / chunk.path
        try:
            return self._disks.call(volume, lambda: signature_of(path.stat(follow_symlinks=False)))
        except OSError as error:
            raise explained(error, chunk.path) from error

    def names(self, track: Track, since_us: int) -> Iterator[tuple[int, ChunkName, int]]:
        """The sealed files of a track in the folders of that hour or later: volume, name, bytes."""
        self._look_for_added()
        for number in self._paths:
            # A volume that is away holds nothing that can be shown.
            with suppress(StorageError):
                for name, size_bytes in self._disks.call(number, partial(self._listed, number, track, since_us)):
                    yield number, name, size_bytes

    def _listed(self, number: int, track: Track, since_us: int) -> list[tuple[ChunkName, int]]:
        with self._volume(number) as volume:
            return [row for row in volume.chunks(channel=track.channel, since_us=since_us) if row[0].track == track]

    def _volume(self, number: int) -> Volume:
        """Opened for one use, which costs 33 µs: one that stays open cannot be unmounted, nor mended when it fails."""
        return Volume.open(number, self._path(number), create=False, clock=self._clock, read_only=True)

    def _path(self, number: int) -> Path:
        if number not in self._paths:
            self._look_for_added()
        try:
            return self._paths[number]
        except KeyError:
            hint = "add it to nvr.toml again"
            raise StorageError("the volume is not configured", where=f"volume {number}", hint=hint) from None

    def _look_for_added(self) -> None:
        with suppress(StorageError):
            self._paths = {**self._added(), **self._paths}
