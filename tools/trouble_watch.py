"""Keeps the list of troubles true: a thread compares what is the matter now with what was a moment ago."""

from collections.abc import Callable, Mapping

from indexer.troubles import Matter, Trouble, TroubleBook
from nvr.periodic import PeriodicThread
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, Clock

LOOK_S = 1.0  # chosen: a person looks at minutes
SEEN_US = 10 * US_PER_S  # chosen: after a crash the end of the recording is known to so much
SAME_US = US_PER_MINUTE  # chosen: what comes back so soon had not gone
RESTART_US = 15 * US_PER_S  # chosen: longer than SEEN_US and a start take together
KEPT_US = 400 * US_PER_DAY  # chosen: a year and a month, as a yearly report asks for

Now = Mapping[tuple[Matter, int], str]  # what is the matter, each with the words for it


class TroubleWatch(PeriodicThread):
    """The thread.

    Args:
        book: where it is written down; its owner closes it.
        now: what is the matter; any thread may ask.
        last_end: how the recorder ended last time, if that was no stop; for people.
    """

    def __init__(self, book: TroubleBook, now: Callable[[], Now], clock: Clock, last_end: str = "") -> None:
        super().__init__("troubles", LOOK_S)
        self._book = book
        self._now = now
        self._clock = clock
        self._last_end = last_end
        self._lasting: dict[tuple[Matter, int], Trouble] = {}
        self._ended: dict[tuple[Matter, int], Trouble] = {}
        self._noted_us = 0
        self._tidied_us = 0

    def begin(self) -> None:
        """What lasted when the recorder was last seen ended then, as far as anybody knows; and it stood still since.

        Raises:
            StorageError: the book fails.
        """
        now_us, seen_us = self._clock.wall_us(), self._book.seen_us()
        if seen_us is None:
            return
        ended = [one.until(seen_us) for one in self._book.lasting()]
        if now_us - seen_us > RESTART_US or self._last_end:
            ended.append(Trouble(began_us=seen_us, matter=Matter.STOPPED, detail=self._last_end).until(now_us))
        self._ended = {one.subject: one for one in ended if one.matter is not Matter.STOPPED}
        self._note(now_us, ended)

    def look(self) -> None:
        """Once.

        Raises:
            StorageError: the book fails; the next look tries again.
        """
        now_us, now = self._clock.wall_us(), self._now()
        news = [self._begun(subject, words, now_us) for subject, words in now.items() if subject not in self._lasting]
        over = [one.until(now_us) for subject, one in self._lasting.items() if subject not in now]
        if news or over or now_us - self._noted_us >= SEEN_US:
            self._note(now_us, news + over)
        for one in news:
            self._lasting[one.subject] = one
        for one in over:
            del self._lasting[one.subject]
            self._ended[one.subject] = one

    def end(self) -> None:
        """What lasts is not over because the recorder stops; until when it was seen is told.

        Raises:
            StorageError: the book fails.
        """
        self._note(self._clock.wall_us(), [])

    def _begun(self, subject: tuple[Matter, int], words: str, now_us: int) -> Trouble:
        """A new one, or the last of its subject again if that ended a moment ago."""
        last = self._ended.get(subject)
        if last is not None and last.ended_us is not None and 0 <= now_us - last.ended_us < SAME_US:
            return last.until(None)
        return Trouble(began_us=now_us, matter=subject[0], volume=subject[1], detail=words)

    def _note(self, now_us: int, troubles: list[Trouble]) -> None:
        tidy = not 0 <= now_us - self._tidied_us < US_PER_DAY
        self._book.note(now_us, troubles, forget_before_us=now_us - KEPT_US if tidy else 0)
        self._noted_us = now_us
        self._tidied_us = now_us if tidy else self._tidied_us
