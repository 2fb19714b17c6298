"""A second file of a chunk, byte for byte, on another volume."""

from contextlib import suppress

from nvr.chunk.name import ChunkName
from nvr.chunk.partfile import PartFile
from nvr.chunk.source import ByteSource
from nvr.chunk.verification import problems, read_footer
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError, StorageError

PIECE_BYTES = 1 << 20  # chosen: beyond it a read takes no less time


def duplicate(source: Volume, target: Volume, name: ChunkName, *, replaces: bool = False) -> None:
    """Copy a sealed chunk to another volume. It is durable there only after that volume's next sync.

    Args:
        source: holds the chunk.
        target: opened for writing; its drafts of the same name are the caller's.
        name: the chunk's.
        replaces: a damaged file of that name on the target makes place for it.

    Raises:
        VolumeFull: there is no room.
        StorageError: one of the disks fails, or the file exists; nothing of it stays on the target.
    """
    opened = source.source(name)
    try:
        part = target.draft(name, opened.size(), replaces=replaces)
        try:
            _pour(opened, part)
            part.seal(b"", name)
        except StorageError:
            part.abandon()
            with suppress(StorageError):  # the disk has failed: what is left is cleared at the next start
                target.clear_draft(name)
            raise
    finally:
        opened.forget_cached()
        opened.close()


def _pour(source: ByteSource, part: PartFile) -> None:
    while piece := source.read(part.size_bytes, PIECE_BYTES):
        part.append([piece])


def holds_whole(volume: Volume, name: ChunkName, root: bytes) -> bool | None:
    """Whether a volume holds this very chunk, and whole; None: it has no file of that name.

    Args:
        volume: where to look.
        name: the chunk's.
        root: the beginning of its Merkle root.

    Raises:
        StorageError: the disk cannot be read.
    """
    try:
        source = volume.source(name)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    try:
        footer, _ = read_footer(source)
        return footer.root.startswith(root) and next(problems(source), None) is None
    except IntegrityError:
        return False
    finally:
        source.close()
