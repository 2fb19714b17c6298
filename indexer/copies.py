"""Chunks whose file lies on two volumes: what a transaction does with the second one.

The row of a chunk names the volume that its header names; table `copy` names the other. Where only one file is left, it
is the row's.
"""

from dataclasses import replace

from indexer import keys
from indexer.records import ChunkRecord, encode, key_of
from indexer.store import Reading, Writing
from indexer.tally import Tally


def volume_of(txn: Reading, key: bytes) -> int | None:
    """The number of the volume that holds a second file of the chunk with this key; None: there is no second one."""
    value = txn.get(keys.COPY, key)
    return None if value is None else keys.read_volume(value)


def put(txn: Writing, tally: Tally, record: ChunkRecord, volume: int) -> None:
    """Note that a volume holds the same file; a chunk has at most two."""
    key = key_of(record)
    if volume != record.volume and volume_of(txn, key) is None:
        txn.put(keys.COPY, key, keys.volume(volume))
        tally.copied(record, volume)


def take(txn: Writing, tally: Tally, record: ChunkRecord) -> int | None:
    """Forget the second file; gives its volume, None: there was none."""
    key = key_of(record)
    volume = volume_of(txn, key)
    if volume is not None:
        txn.delete(keys.COPY, key)
        tally.uncopied(record, volume)
    return volume


def promote(txn: Writing, tally: Tally, record: ChunkRecord) -> ChunkRecord | None:
    """The first file is gone: the second one becomes the row's. Gives the new row; None: there is no second one."""
    volume = take(txn, tally, record)
    if volume is None:
        return None
    promoted = replace(record, volume=volume, lost=False)
    txn.put(keys.CHUNK, key_of(record), encode(promoted))
    tally.replaced(record, promoted)
    return promoted


def follow(txn: Writing, tally: Tally, old: ChunkRecord, new: ChunkRecord) -> None:
    """A row was written anew. If it has come to name the second file's volume, the first file is the second one."""
    second = volume_of(txn, key_of(new))
    if second is not None:
        now = old.volume if second == new.volume else second
        txn.put(keys.COPY, key_of(new), keys.volume(now))
        tally.uncopied(old, second)
        tally.copied(new, now)
