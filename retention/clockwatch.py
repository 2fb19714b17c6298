"""The thread that watches the server's clock: keeps what is believed of it over restarts, says when it is doubted."""

import threading
from collections.abc import Callable, Iterable

from indexer.clockbook import ClockBook, decode, encode
from nvr import log as logging
from nvr.believedclock import Belief, Confirmation, Reading, begin, observe
from nvr.chunk import mirror
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from nvr.periodic import PeriodicThread
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, Clock, format_utc

log = logging.get_logger()

LOOK_S = 1.0  # chosen: a step is noticed by whoever asks anyway; this is for the person who looks at the page
NOTE_US = 10 * US_PER_S  # chosen: after a power cut so much of the machine's time is not known
MIRROR_US = 10 * US_PER_MINUTE  # chosen: within one start of the machine an old note says as much as a new one
TELL_US = 10 * US_PER_MINUTE  # chosen: how long a clock that was put right stays among what is the matter


class ClockWatch(PeriodicThread):
    """It is itself a clock: the believed one, for whoever judges ages.

    Args:
        book: where the belief is kept; its owner closes it.
        reading: reads the machine.
        clock: the server's.
        volumes: those that are open at the start: each may have a copy; replace `volumes` where they come and go.
        floor_us: the newest time that the disks bear; asked only where nothing else is known.
    """

    def __init__(
        self,
        book: ClockBook,
        reading: Callable[[], Reading],
        clock: Clock,
        *,
        volumes: Iterable[Volume],
        floor_us: Callable[[], int | None],
    ) -> None:
        super().__init__("clock", LOOK_S)
        self._book = book
        self._reading = reading
        self._clock = clock
        self.volumes: Callable[[], Iterable[Volume]] = lambda: volumes  # those that are open now
        self._lock = threading.Lock()
        self._confirmed: Confirmation | None = None
        known = book.belief() or self._mirrored()
        self._belief = begin(reading(), floor_us()) if known is None else observe(known, reading())
        self._noted: Belief | None = None
        self._mirrored_at: dict[int, tuple[int, object]] = {}
        self.on_believed: Callable[[int], None] = lambda _: None  # told, by this thread, the time that is believed anew
        self._told = False  # whether that was told of this belief

    # -- what is believed (any thread) -----------------------------------------------------------------------------

    def belief(self) -> Belief:
        """What is believed now: the machine is read anew."""
        with self._lock:
            before = self._belief
            self._belief = observe(before, self._reading(), self._confirmed)
            if before.is_believed and not self._belief.is_believed:
                self._told = False
            return self._belief

    def wall_us(self) -> int:
        """The believed time."""
        return self.belief().now_us

    def monotonic_us(self) -> int:
        return self._clock.monotonic_us()

    def is_doubtful(self) -> bool:
        """Whether what is recorded now is to be marked."""
        return self.belief().is_doubtful

    @property
    def trouble(self) -> str:
        """What is the matter with the clock, for people; empty: nothing."""
        return words(self._belief)

    # -- the thread ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        self.look()

    def end(self) -> None:
        self.look()

    def look(self) -> None:
        """Once: what a person said is heard, the belief is kept, and whoever waits for a believed clock is told.

        Raises:
            StorageError: the book fails.
        """
        said, before = self._book.confirmation(), self._noted
        with self._lock:
            self._confirmed = said
        belief = self.belief()
        is_news = before is None or _lasting(belief) != _lasting(before)
        if is_news and words(belief):
            log.error("clock", trouble=words(belief))
        if is_news or belief.boot_us - before.boot_us >= NOTE_US or self._stopping.is_set():  # type: ignore[union-attr]
            self._book.note(belief)
            self._noted = belief
        self._mirror(belief)
        if belief.is_believed and not self._told:
            self.on_believed(belief.line_us)
            self._told = True

    def _mirror(self, belief: Belief) -> None:
        """Whoever looks after a volume says so if it fails."""
        for volume in list(self.volumes()):
            at_us, lasting = self._mirrored_at.get(volume.number, (-MIRROR_US, None))
            if lasting == _lasting(belief) and 0 <= belief.boot_us - at_us < MIRROR_US:
                continue
            try:
                volume.write_mirror(mirror.CLOCK, encode(belief))
            except StorageError as error:
                log.warning("what is believed of the clock cannot be mirrored", volume=volume.number, error=str(error))
            self._mirrored_at[volume.number] = belief.boot_us, _lasting(belief)

    def _mirrored(self) -> Belief | None:
        """The newest that a volume knows."""
        found = []
        for volume in self.volumes():
            try:
                data = volume.read_mirror(mirror.CLOCK)
            except StorageError:
                continue
            belief = None if data is None else decode(data)
            if belief is not None:
                found.append(belief)
        return max(found, key=lambda belief: belief.line_us, default=None)


def _lasting(belief: Belief) -> object:
    """What is news when it changes."""
    return belief.boot, belief.off_us, belief.is_sure, belief.is_floor, belief.corrections


def words(belief: Belief) -> str:
    """What is the matter with the clock, and what to do; empty: nothing."""
    if belief.off_us is not None:
        return (
            f"the server's clock says {format_utc(belief.line_us + belief.off_us)[:19]}Z, {span(belief.off_us)} "
            f"{'ahead of' if belief.off_us > 0 else 'behind'} what can be believed: footage is recorded and marked, "
            "and none is deleted for its age (set the clock; if it is right: nvr clock confirm)"
        )
    if belief.stepped_us is not None and belief.boot_us - belief.stepped_us < TELL_US:
        return (
            f"the server's clock was {span(belief.step_us)} {'behind' if belief.step_us > 0 else 'ahead'} and is right "
            "again; what was recorded meanwhile is marked and kept"
        )
    return ""


def span(duration_us: int) -> str:
    """About how long, in days, hours or minutes."""
    for unit_us, unit in ((2 * US_PER_DAY, "days"), (2 * 60 * US_PER_MINUTE, "hours")):
        if abs(duration_us) >= unit_us:
            return f"{abs(duration_us) * 2 / unit_us:.1f} {unit}"
    return f"{abs(duration_us) / US_PER_MINUTE:.0f} minutes"
