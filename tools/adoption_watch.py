"""The thread that looks through each volume once, beside recording, for footage that the index does not know."""

from collections.abc import Callable, Collection, Mapping
from time import monotonic

from indexer.adoption import Adoption
from indexer.departed import departed, tell
from indexer.writer import IndexWriter
from nvr.chunk.filesystem import be_idle
from nvr.chunk.volume import Volume
from nvr.log import get_logger
from nvr.periodic import PeriodicThread

log = get_logger()

LOOK_S = 1.0  # chosen: an operator who starts on an old disk sees within seconds that it is known
RETRY_S = 60.0  # chosen: a disk or an index that fails is told by those who need it more
LONGEST_REST_S = 2.0  # chosen: otherwise as long as the work took, so that recording has half of a disk's time at least


class AdoptionWatch(PeriodicThread):
    """The thread.

    Args:
        writer: of the index.
        at_work: the volumes that are open now, by number.
        ready: whether what the last crash left is recovered: those files are read, not only listed.
        on_found: called now and then while footage is found: retention is to look again.
        on_known: called when all of it is in the index.
        wanted: the volumes that nvr.toml has now; what lies on others alone is told as lost.
    """

    def __init__(
        self,
        writer: IndexWriter,
        at_work: Callable[[], Mapping[int, Volume]],
        *,
        ready: Callable[[], bool],
        on_found: Callable[[], None],
        on_known: Callable[[], None] = lambda: None,
        wanted: Callable[[], Collection[int]] = lambda: (),
    ) -> None:
        super().__init__("adoption", LOOK_S)
        self._adoption = Adoption(writer, self._rest)
        self._at_work = at_work
        self._ready = ready
        self._on_found = on_found
        self._on_known = on_known
        self._writer = writer
        self._wanted = wanted
        self._looked_through: dict[int, Volume] = {}
        self._told: dict[int, int] = {}
        self._is_reading = True  # what an earlier start left
        self._next_s = 0.0
        self.trouble: dict[int, str] = {}  # volume number → what is being done there, for people; replaced, not changed

    def begin(self) -> None:
        be_idle()

    def failed(self, error: Exception) -> None:
        super().failed(error)
        self._next_s = monotonic() + RETRY_S

    def look(self) -> None:
        """Look through the volumes that have come since, then read what was found.

        Raises:
            StorageError: a volume or the index fails.
        """
        if not self._ready() or monotonic() < self._next_s:
            return
        for number, volume in self._at_work().items():
            if self._looked_through.get(number) is not volume:
                if not self._adoption.names(volume):
                    return
                self._looked_through[number] = volume
                self._is_reading = True
                self._tell()
        if self._is_reading and self._adoption.contents(self._at_work()):
            self._is_reading = False
            for number, files in self.trouble.items():
                log.info("footage that was not in the index was taken in", volume=number, what=files)
            if self.trouble:
                self._on_known()
            self.trouble = {}
        self._look_who_left()

    def _look_who_left(self) -> None:
        wanted = self._wanted()
        for number in departed(self._writer, wanted) - self._at_work().keys() if wanted else ():
            log.warning("a disk was taken out: what lies on it alone is told as lost", volume=number)
            if not tell(self._writer, number, self._rest):
                return

    def _rest(self, took_s: float) -> bool:
        self._tell()
        return self._stopping.wait(min(took_s, LONGEST_REST_S))

    def _tell(self) -> None:
        taken = self._adoption.taken
        if taken != self._told:
            for number in taken.keys() - self._told.keys():
                log.warning("there is footage that the index does not know: it is taken in", volume=number)
            self._told = taken
            self.trouble = {number: _words(files) for number, files in taken.items()}
            self._on_found()


def _words(files: int) -> str:
    return (
        f"the index did not know {files} files with footage here: it was lost, or an old one was put back; they are "
        "taken in while recording goes on"
    )
