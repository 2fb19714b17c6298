"""What is believed of the server's clock, kept over restarts, and what a person said of it.

An environment of its own: a clock is believed or not before the index is opened, and after it was lost. Each volume
has a copy, as it has of the holds.
"""

import msgspec

from indexer.book import Book
from nvr.believedclock import Belief, Confirmation

_BELIEF = "belief"
_CONFIRMED = "confirmed"


class ClockBook(Book):
    """The opened book. Raises StorageError everywhere: LMDB fails."""

    SCHEMA = "clock 1"
    TABLES = ("clock",)  # all of it is facts; an environment wants a table
    MAP_BYTES = 1 << 24

    def belief(self) -> Belief | None:
        """What was noted last; None: nothing, or by a program of another version."""
        with self._store.read() as txn:
            value = txn.fact(_BELIEF)
        return None if value is None else decode(value)

    def note(self, belief: Belief) -> None:
        """One durable transaction."""
        with self._store.write() as txn:
            txn.set_fact(_BELIEF, encode(belief))

    def confirmation(self) -> Confirmation | None:
        """What a person said last; None: nobody did."""
        with self._store.read() as txn:
            value = txn.fact(_CONFIRMED)
        return None if value is None else msgspec.json.decode(value, type=Confirmation)

    def confirm(self, confirmation: Confirmation) -> None:
        """A person vouches for the server's clock."""
        with self._store.write() as txn:
            txn.set_fact(_CONFIRMED, msgspec.json.encode(confirmation))


def encode(belief: Belief) -> bytes:
    """A belief as JSON."""
    return msgspec.json.encode(belief)


def decode(data: bytes) -> Belief | None:
    """What `encode` made; None: it is something else."""
    try:
        return msgspec.json.decode(data, type=Belief)
    except (msgspec.MsgspecError, ValueError):
        return None
