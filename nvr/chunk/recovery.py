"""After a crash: seals the parts that were left behind, and the sealed files that a power cut has torn."""

from nvr.chunk.footer import FOOTER_UUID
from nvr.chunk.name import ChunkName
from nvr.chunk.reader import ChunkReader, start_us
from nvr.chunk.scan import FRAGMENT_LIMIT_BYTES, Preamble, Scanned, contents, fragments, read_fragment, read_preamble
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.sealing import seal, summary
from nvr.chunk.source import ByteSource
from nvr.chunk.stamp import STAMP_BYTES, STAMP_UUID, FragmentStamp
from nvr.chunk.verification import read_footer
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError
from nvr.media import CutReason
from nvr.timebase import us_from_90k

_SEARCH_BYTES = 1 << 20


def recover(volume: Volume, part_path: str, *, from_disk: bool = False) -> SealedChunk | None:
    """Seal a part that nobody writes any more: what stands behind its last whole fragment is cut off.

    A part that was sealed but not yet renamed only gets its name. One without a single whole fragment is removed.
    One whose beginning is damaged while fragments stand behind it is left as it is, for a person to look at.

    Args:
        volume: opened for writing.
        part_path: relative to the volume.
        from_disk: believe the disk only, not what the kernel remembers of the file.

    Returns:
        the sealed chunk; it is durable only after the volume's next sync. None: there is nothing to seal.

    Raises:
        VolumeFull: there is no room for the footer; it can be tried again.
        StorageError: the disk does not take it.
    """
    source = ByteSource(volume.open_read_path(part_path, from_disk=from_disk), str(volume.resolve(part_path)))
    try:
        preamble = read_preamble(source)
        found = list(fragments(source, len(preamble.data), verify=True))
        finished = _finished(source, preamble, found)
        keep = bool(found)
    except IntegrityError:
        preamble, found, finished = None, [], None
        keep = _holds_a_fragment(source)
    finally:
        source.close()
    if finished is not None:
        volume.adopt(part_path, ChunkName.of(finished))
        return finished
    if preamble is not None and found:
        return _seal(volume, part_path, preamble, found)
    if not keep:
        volume.unlink_part(part_path)
    return None


def is_torn(volume: Volume, path: str) -> bool:
    """Whether a file has lost its end and nothing else, so that `recover` would cut off no footage of it.

    What stands behind the last whole fragment must be the beginning of one that is not all there, a footer, zeros, or
    less than a stamp. A fragment that is all there but damaged may still be shown: that is for a person to decide.

    Raises:
        StorageError: the disk cannot read it.
    """
    source = volume.source(path)
    try:
        start = len(read_preamble(source).data)
        end = max((found.span.end for found in fragments(source, start, verify=True)), default=start)
        return end > start and _is_no_footage(source, end)
    except IntegrityError:
        return False
    finally:
        source.close()


def _is_no_footage(source: ByteSource, start: int) -> bool:
    """Whether a file's end, from ``start`` on, can hold no fragment."""
    size_bytes = source.size() - start
    tail = source.read(start, min(size_bytes, FRAGMENT_LIMIT_BYTES))
    if len(tail) < size_bytes or tail.find(b"uuid" + STAMP_UUID, STAMP_BYTES) >= 0:
        return False
    if len(tail) < STAMP_BYTES or tail[4:24] == b"uuid" + FOOTER_UUID or not any(tail):
        return True
    try:
        return STAMP_BYTES + FragmentStamp.decode(tail[:STAMP_BYTES]).media_bytes > size_bytes
    except IntegrityError:
        return False


def adopt(volume: Volume, name: ChunkName, *, synced: bool = False, from_disk: bool = False) -> SealedChunk | None:
    """Take over a sealed file whose commit was not reached, and which perhaps was never synced.

    A file system may keep the new name of a file and lose what was written before it: a whole file is left as it is,
    any other becomes a part again and is recovered as one.

    Args:
        volume: opened for writing.
        name: of the file; nobody else uses it.
        synced: it is so old that it was synced: its footer speaks for it, and the rest need not be read.
        from_disk: as for `recover`.

    Returns and raises as `recover`.
    """
    with ChunkReader(volume.open_read_path(name.path(), from_disk=from_disk)) as reader:
        whole = reader.sealed if synced else next(reader.problems(), None) is None
        if whole and ChunkName.of(reader.summary()) == name:  # a crash may keep a new name and an old footer
            return reader.summary()
    return recover(volume, volume.unseal(name), from_disk=from_disk)


def _finished(source: ByteSource, preamble: Preamble, found: list[Scanned]) -> SealedChunk | None:
    """The chunk, if the crash came between its seal and its renaming."""
    try:
        footer, footer_end = read_footer(source)
    except IntegrityError:
        return None
    size = source.size()
    leaves = (preamble.leaf, *(fragment.leaf for fragment in found))
    if leaves != footer.leaves or source.read(footer_end, size - footer_end) != footer.random_access():
        return None
    return summary(preamble.header, footer, size)


def _seal(volume: Volume, part_path: str, preamble: Preamble, found: list[Scanned]) -> SealedChunk:
    last = found[-1].span
    media_90k = last.decode_90k + last.duration_90k
    tail, sealed = seal(
        contents(preamble, found),
        start_us=start_us(preamble.header, last),
        duration_us=us_from_90k(media_90k),
        cut=CutReason.RECOVERED,
        recovered=True,
    )
    volume.reopen(part_path, last.end).seal(tail, ChunkName.of(sealed))
    return sealed


def _holds_a_fragment(source: ByteSource) -> bool:
    """Whether a whole fragment stands anywhere in a file whose beginning is damaged."""
    size = source.size()
    position = 0
    while position < size:
        window = source.read(position, _SEARCH_BYTES + STAMP_BYTES)
        at = window.find(b"uuid" + STAMP_UUID)
        while at >= 0:
            try:
                read_fragment(source, position + at - 4, size, verify=True)
            except IntegrityError:
                at = window.find(b"uuid" + STAMP_UUID, at + 1)
            else:
                return True
        position += _SEARCH_BYTES
    return False
