"""Volumes that were taken out of the configuration: what lies on them alone is told as lost, until they are back."""

from collections.abc import Callable, Collection
from itertools import islice
from time import monotonic

from indexer.reader import IndexReader
from indexer.writer import IndexWriter

BATCH = 200  # chosen: a commit of some 10 ms, so that those of the recorder do not wait


def departed(writer: IndexWriter, wanted: Collection[int]) -> set[int]:
    """The volumes that the index knows and nobody wants any more, as far as that is not told yet.

    Raises:
        StorageError: the index fails.
    """
    known = set(IndexReader(writer.store).volumes())
    return known - set(wanted) - writer.departed()


def tell(writer: IndexWriter, volume: int, rest: Callable[[float], bool]) -> bool:
    """Mark the rows of a departed volume as lost, with a gap that says why; whether it came to the end.

    Raises:
        StorageError: the index fails; it goes on where it was when it is done again.
    """
    detail = f"it lay on disk {volume}, which was taken out"
    reader = IndexReader(writer.store)
    tracks = sorted({track for track, number in reader.usage() if number == volume})
    rows = (record for track in tracks for page in reader.pages(track) for record in page)
    alone = (record for record in rows if record.volume == volume and not record.lost)
    while piece := list(islice(alone, BATCH)):
        began_s = monotonic()
        writer.mark_lost(piece, detail=detail)
        if rest(monotonic() - began_s):
            return False
    for track in tracks:
        for page in reader.pages(track):
            writer.forget_copies([record for record in page if reader.second_volume(record.name()) == volume])
    writer.set_departed(writer.departed() | {volume})
    return True
