"""How much moved: counted from the sample tables of sealed chunks in the background, and told to the timeline.

The counting is a thread of the web server, not of the recorder, which has better to do. What is adopted later than
newer footage (a disk that was away) is not counted: the strip is a help for the eye, not a fact for a court.
"""

import threading
from collections import Counter
from typing import Self

import numpy as np
import numpy.typing as npt

from indexer.activity import ActivityBook, minute_of
from indexer.records import ChunkRecord
from nvr.errors import IntegrityError, StorageError
from nvr.log import get_logger
from nvr.media import Track
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, TimeRange
from web.archive import Archive
from web.footage import Footage, FootageReader

log = get_logger()

LOOK_S = 10.0  # chosen: main streams seal a file a minute
AT_ONCE = 50  # chosen: chunks of a track in one transaction
REST = 4.0  # chosen: of the thread's time four fifths are rest, so that viewers do not feel it
QUIET, BUSY = 10, 98  # percentiles of a camera's minutes that are drawn as nothing and as full; chosen
SOME = 4000  # chosen: minutes among which the usual ones are sought; of a month every tenth
COARSE_US = 10 * US_PER_MINUTE  # chosen: cells longer than this show their mean minute
LEAST_SPREAD = 0.25  # chosen: a camera whose minutes differ less than this is drawn as quiet throughout

Bytes = npt.NDArray[np.int64]
Levels = npt.NDArray[np.uint8]


def seconds_of(footage: Footage, window: TimeRange) -> tuple[int, Bytes]:
    """The bytes of the samples that are no sync samples, second by second.

    Returns:
        the first second (since 1970) of the window, and one value for each that the window touches.
    """
    first, end = window.start_us // US_PER_S, -(-window.end_us // US_PER_S)
    sizes = np.where(footage.samples["sync"], 0, footage.samples["size"]).astype(np.int64)
    place = footage.shown_us // US_PER_S - first
    inside = (place >= 0) & (place < end - first)
    return first, np.bincount(place[inside], sizes[inside], end - first).astype(np.int64)


def minutes_of(footage: Footage) -> dict[int, int]:
    """The same, minute by minute, of a whole chunk: minute since 1970 → bytes."""
    if not len(footage.samples):
        return {}
    span = TimeRange(int(footage.shown_us.min()), int(footage.shown_us.max()) + 1)
    first, seconds = seconds_of(footage, span)
    found: Counter[int] = Counter()
    for second, size in enumerate(seconds.tolist(), first):
        found[minute_of(second * US_PER_S)] += size
    return dict(found)


def levels(values: Bytes, usual: Bytes) -> Levels:
    """Activity as it is drawn, 0 to 255, against what is usual for the camera.

    Args:
        values: bytes of equal stretches of time.
        usual: bytes of stretches of the same length; those without footage are 0 and do not count.
    """
    known = usual[usual > 0]
    if not len(known):
        return np.zeros(len(values), np.uint8)
    quiet, busy = np.percentile(known, [QUIET, BUSY])
    spread = max(busy - quiet, LEAST_SPREAD * busy, 1.0)
    drawn: Levels = np.clip((values - quiet) * (255 / spread), 0, 255).astype(np.uint8)
    return drawn


class ActivityKeeper(threading.Thread):
    """Counts what has been recorded. ``with`` starts and stops it.

    Args:
        archive: what there is, and the book where it is noted.
    """

    def __init__(self, archive: Archive) -> None:
        super().__init__(name="activity")
        self._archive = archive
        self._footage = FootageReader(archive, limit_bytes=0)
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        tidied_us = 0
        while not self._stopping.is_set():
            try:
                more = self.look()
                now_us = self._archive.clock.wall_us()
                if now_us - tidied_us > US_PER_DAY:
                    self.tidy()
                    tidied_us = now_us
            except (StorageError, IntegrityError) as error:  # the recorder has not made its index yet, or a disk fails
                log.info("what moved cannot be counted now", error=str(error))
                more = False
            except Exception:  # the outermost loop of a thread that must go on
                log.exception("activity")
                more = False
            if not more and self._stopping.wait(LOOK_S):
                return

    def look(self) -> bool:
        """Once round all tracks; whether there is more to count at once."""
        tracks = self._archive.index().tracks()
        return sum(self._count(track) for track in tracks if not self._stopping.is_set()) > 0

    def tidy(self) -> None:
        """Forget the days whose footage is gone."""
        index = self._archive.index()
        for track in index.tracks():
            first_us = index.first(track)
            if first_us is not None:
                self._archive.activity().forget_before(track, first_us)

    def _count(self, track: Track) -> bool:
        clock, book = self._archive.clock, self._archive.activity()
        began_us = clock.monotonic_us()
        page = next(self._archive.index().pages(track, book.cursor_us(track)), [])[:AT_ONCE]
        if not page:
            return False
        found: Counter[int] = Counter()
        for record in page:
            found.update(self._minutes(record))
        book.add(track, found, page[-1].start_us + 1)
        self._stopping.wait((clock.monotonic_us() - began_us) / US_PER_S * REST)
        return len(page) == AT_ONCE

    def _minutes(self, record: ChunkRecord) -> dict[int, int]:
        chunk = self._archive.stored(record)
        if chunk is None:
            return {}
        try:
            return minutes_of(self._footage.read(chunk))
        except (StorageError, IntegrityError) as error:  # deleted, or damaged: others tell of that
            log.debug("a file was not counted", path=chunk.path, error=str(error))
            return {}


def minute_levels(book: ActivityBook, track: Track, window: TimeRange, edges_us: Bytes) -> Levels:
    """Activity of each cell of a window, against the usual minutes of the days around it.

    Args:
        book: where the minutes stand.
        track: whose.
        window: from the first to the last edge.
        edges_us: where cells begin, and where the last one ends.
    """
    start_us, minutes = book.minutes(track, window)
    firsts = np.clip((edges_us[:-1] - start_us) // US_PER_MINUTE, 0, len(minutes) - 1)
    ends = np.clip(-(-(edges_us[1:] - start_us) // US_PER_MINUTE), firsts + 1, len(minutes))
    # The busiest minute is what one looks for, a mean would hide it; but a month would have nothing quiet left.
    gather = np.maximum if edges_us[1] - edges_us[0] <= COARSE_US else np.add
    found = gather.reduceat(np.append(minutes, 0), np.column_stack((firsts, ends)).reshape(-1))[::2]
    drawn = found if gather is np.maximum else found // (ends - firsts)
    return levels(drawn, minutes[:: max(1, len(minutes) // SOME)])
