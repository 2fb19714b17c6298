"""What was the matter with the recorder and its disks, and from when to when: read the morning after.

An environment of its own beside the index: whoever writes to it never waits for a commit of footage, nor that for it.
"""

from dataclasses import dataclass, replace
from enum import Enum

import msgspec

from indexer.book import Book

_TROUBLE = "trouble"
_SEEN = "seen"  # fact: u8 wall microseconds, the last time that somebody looked


class Matter(Enum):
    """What was the matter; the value is the word of the API.

    A volume's are those of `indexer.board.VolumeTrouble`, those of too little room of `nvr.capture.ladder.Rung`.
    """

    AWAY = "away"
    FAILED = "failed"
    FAILING = "failing"
    SHORT = "short"
    SINGLE = "single"
    DAMAGED = "damaged"
    WORN = "worn"
    UNINDEXED = "unindexed"
    SUB_ONLY = "sub_only"
    KEY_FRAMES = "key_frames"
    NOTHING = "nothing"
    STOPPED = "stopped"  # the recorder did not run
    INDEX = "index"  # index or board cannot be written
    REGISTRY = "registry"  # the camera list is lost, or its copies on the volumes are
    CLOCK = "clock"  # the server's clock is doubted, or was put right a moment ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One of them. Times are wall microseconds."""

    began_us: int
    matter: Matter
    volume: int = 0  # 0: none, it concerns the recorder
    detail: str = ""  # for people, in English
    ended_us: int | None = None  # None: it lasts

    @property
    def subject(self) -> tuple[Matter, int]:
        """What it is about: of each subject one trouble lasts at a time."""
        return self.matter, self.volume

    def until(self, ended_us: int | None) -> "Trouble":
        """The same with another end; never before its start, whatever a clock says."""
        return replace(self, ended_us=None if ended_us is None else max(self.began_us, ended_us))


class TroubleBook(Book):
    """The opened book. Raises StorageError everywhere: LMDB fails."""

    SCHEMA = "troubles 1"
    TABLES = (_TROUBLE,)
    MAP_BYTES = 1 << 28
    ROOM_BYTES = 1 << 20  # chosen: some thousand troubles

    def seen_us(self) -> int | None:
        """When somebody looked last; None: never."""
        with self._store.read() as txn:
            value = txn.fact(_SEEN)
        return None if value is None else int.from_bytes(value, "big")

    def lasting(self) -> list[Trouble]:
        """Those that have not ended, by start."""
        return [one for one in self.since(0) if one.ended_us is None]

    def since(self, from_us: int) -> list[Trouble]:
        """Those that lasted at an instant or began after it, by start."""
        with self._store.read() as txn:
            found = [msgspec.msgpack.decode(value, type=Trouble) for _, value in txn.rows(_TROUBLE)]
        return [one for one in found if one.ended_us is None or one.ended_us >= from_us]

    def note(self, now_us: int, troubles: list[Trouble], *, forget_before_us: int = 0) -> None:
        """One durable transaction.

        Args:
            now_us: somebody looked now.
            troubles: new ones, and known ones that are otherwise now.
            forget_before_us: what ended before is deleted.
        """
        with self._store.write() as txn:
            txn.set_fact(_SEEN, now_us.to_bytes(8, "big"))
            for key, value in list(txn.rows(_TROUBLE)) if forget_before_us else []:
                ended_us = msgspec.msgpack.decode(value, type=Trouble).ended_us
                if ended_us is not None and ended_us < forget_before_us:
                    txn.delete(_TROUBLE, key)
            for one in troubles:
                txn.put(_TROUBLE, _key(one), msgspec.msgpack.encode(one))


def _key(one: Trouble) -> bytes:
    return one.began_us.to_bytes(8, "big") + one.volume.to_bytes(2, "big") + one.matter.value.encode()
