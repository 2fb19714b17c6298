"""How the volumes are, gathered from everybody who looks after them: one answer for the board and for the troubles."""

from contextlib import ExitStack
from typing import Self

from indexer.board import VolumeStatus, VolumeTrouble
from indexer.troubles import Matter
from nvr.capture.engine import Engine
from nvr.capture.ladder import Rung
from retention.copier import Copier
from retention.diskhealth import DiskHealth, Health
from retention.scrub import Scrub
from retention.smartctl import SmartWatch
from retention.sweeper import Sweeper
from tools.adoption_watch import AdoptionWatch
from tools.volume_watch import VolumeWatch


class VolumeHealth:
    """``with`` starts and stops the threads that look after the volumes."""

    def __init__(
        self,
        engine: Engine,
        sweeper: Sweeper,
        copier: Copier,
        scrub: Scrub,
        watch: VolumeWatch,
        smart: SmartWatch,
        adoption: AdoptionWatch,
    ) -> None:
        self._engine = engine
        self.sweeper = sweeper
        self._copier = copier
        self.scrub = scrub
        self._watch = watch
        self._smart = smart
        self._adoption = adoption
        self._started = ExitStack()

    def __enter__(self) -> Self:
        for thread in (self.sweeper, self._watch, self.scrub, self._copier, self._smart, self._adoption):
            self._started.enter_context(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def volumes(self) -> list[VolumeStatus]:
        """Every configured volume, as it is posted."""
        return [self._status(number) for number in sorted(self._watch.wanted)]

    def matters(self, index_trouble: str) -> dict[tuple[Matter, int], str]:
        """All that is the matter now, with the volume (0: none) and the words for it. Any thread."""
        found = {
            (Matter(kind.value), number): words
            for number in list(self._watch.wanted)
            for kind, words in self._troubles(number).items()
        }
        rung = self.sweeper.rung
        if rung is not Rung.ALL:
            found[Matter(rung.word), 0] = ""
        if index_trouble:
            found[Matter.INDEX, 0] = index_trouble
        return found

    def _troubles(self, number: int) -> dict[VolumeTrouble, str]:
        """What is the matter with one volume, the gravest first."""
        told = {
            VolumeTrouble.AWAY: self._watch.opener.trouble,
            VolumeTrouble.FAILED: self._engine.pool.trouble,
            VolumeTrouble.FAILING: self._smart.troubles(Health.FAILING),
            VolumeTrouble.SHORT: self.sweeper.trouble,
            VolumeTrouble.SINGLE: self._copier.trouble,
            VolumeTrouble.DAMAGED: self.scrub.trouble,
            VolumeTrouble.WORN: self._smart.troubles(Health.WORN),
            VolumeTrouble.UNINDEXED: self._adoption.trouble,
        }
        return {kind: words for kind, known in told.items() if (words := known.get(number))}

    def _status(self, number: int) -> VolumeStatus:
        found = self._troubles(number)
        trouble, kind = "; ".join(found.values()), next(iter(found), None)
        rooms = (disk.room for disk in self._engine.disks if disk.volume.number == number)
        free_bytes, total_bytes = next(rooms, (0, 0))
        return VolumeStatus(
            number=number,
            free_bytes=free_bytes,
            total_bytes=total_bytes,
            trouble=trouble,
            kind=kind,
            path=str(self._watch.wanted[number].path),
            disk=_words(self._smart.health.get(number)),
        )


def _words(known: DiskHealth | None) -> str:
    """A disk's health in one line."""
    if known is None:
        return ""
    if known.health is Health.UNKNOWN:
        return f"its health is not known: {known.words or 'it does not say'}"
    facts = [known.model, f"SMART: {known.health.value}", known.words]
    facts += [f"{known.temperature_c} °C"] if known.temperature_c is not None else []
    facts += [f"{known.power_on_hours} h of work"] if known.power_on_hours is not None else []
    return ", ".join(fact for fact in facts if fact)
