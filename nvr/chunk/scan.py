"""Walking through the fragments of a chunk file, sealed or still growing, by their stamps."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from nvr.chunk import merkle, tables
from nvr.chunk.header import ChunkHeader
from nvr.chunk.sealing import Contents
from nvr.chunk.source import ByteSource
from nvr.chunk.stamp import LEAF_START, STAMP_BYTES, FragmentStamp, StampFlags
from nvr.codec.bmff import MovieFragment, parse_moof
from nvr.errors import IntegrityError

PREAMBLE_LIMIT_BYTES = 1 << 20
FRAGMENT_LIMIT_BYTES = 64 << 20  # chosen: 16 times what the segmenter makes; a longer one is nonsense
_LATEST_90K = 1 << 62  # later decode times do not fit the tables; a chunk's begin at 0
_FIRST_READ_BYTES = 4096  # stamp and moof of some 300 samples


@dataclass(frozen=True, slots=True)
class Preamble:
    """What stands before the first fragment."""

    init_segment: bytes  # ftyp and moov
    header: ChunkHeader
    data: bytes  # all of it: init segment and header box

    @property
    def leaf(self) -> bytes:
        """Its Merkle leaf, the first of the tree."""
        return merkle.leaf(self.data)


@dataclass(frozen=True, slots=True)
class FragmentSpan:
    """Where a fragment lies and when it plays."""

    offset: int  # of the stamp box
    moof_offset: int
    data_offset: int  # of the first sample's bytes
    end: int  # of the mdat box: the next fragment's stamp stands here
    decode_90k: int  # of the first sample, on the file's media timeline (tfdt)
    duration_90k: int
    presentation_90k: int  # decode + composition time of the first sample, on the same timeline
    sync_start: bool
    samples: int
    stamp: FragmentStamp


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """A fragment with all that its stamp and moof say."""

    span: FragmentSpan
    moof: MovieFragment
    leaf: bytes  # Merkle leaf of the stamp


def read_preamble(source: ByteSource) -> Preamble:
    """Read ftyp, moov and header.

    Raises:
        IntegrityError: they are not there, not whole or not what was written.
        StorageError: the disk cannot read them.
    """
    size = source.size()
    data = source.read(0, min(size, 16384))
    start, spans = 0, []
    for kind in (b"ftyp", b"moov", b"uuid"):
        if len(data) - start < 8:
            raise IntegrityError(f"the file ends before its {kind.decode()}", where=source.where)
        end = start + int.from_bytes(data[start : start + 4], "big")
        if data[start + 4 : start + 8] != kind or not start + 8 <= end <= min(size, PREAMBLE_LIMIT_BYTES):
            raise IntegrityError(f"no whole {kind.decode()} stands at byte {start}", where=source.where)
        if end + 8 > len(data):
            data += source.read(len(data), min(size, end + 16384) - len(data))
        spans.append((start, end))
        start = end
    header_start = spans[2][0]
    return Preamble(data[:header_start], ChunkHeader.decode(data[:start], header_start), data[:start])


def scan(fd: int, start: int = 0, *, end: int | None = None, verify: bool = False) -> Iterator[FragmentSpan]:
    """The whole fragments from byte ``start`` on, until the first that is incomplete or bad.

    For a file that grows: go on at the last span's ``end``. The descriptor stays open.

    Args:
        fd: of a chunk file.
        start: where a fragment's stamp stands; 0: the first fragment.
        end: bytes behind this do not count, such as those that are not committed yet; by default the file's length.
        verify: read the media too and check its hash.

    Raises:
        IntegrityError: ``start`` is 0 and the file does not begin as a chunk file.
        StorageError: the disk cannot read it.
    """
    source = ByteSource(fd)
    for scanned in fragments(source, start or len(read_preamble(source).data), end=end, verify=verify):
        yield scanned.span


def fragments(source: ByteSource, start: int, *, end: int | None = None, verify: bool = True) -> Iterator[Scanned]:
    """The whole fragments from the stamp at ``start`` on, until the first that is incomplete, bad or out of turn."""
    end = source.size() if end is None else min(end, source.size())
    number = None
    while start < end:
        try:
            scanned = read_fragment(source, start, end, verify=verify)
        except IntegrityError:
            return
        if number is not None and scanned.span.stamp.sequence != number + 1:
            return
        number = scanned.span.stamp.sequence
        yield scanned
        start = scanned.span.end


def read_fragment(source: ByteSource, start: int, end: int, *, verify: bool) -> Scanned:
    """The fragment whose stamp stands at ``start``.

    Args:
        source: a chunk file.
        start: offset of the stamp.
        end: the fragment must end here or before.
        verify: read the media too and check its hash.

    Raises:
        IntegrityError: it is incomplete or not what was written.
        StorageError: the disk cannot read it.
    """
    head = source.read(start, min(end - start, _FIRST_READ_BYTES))
    stamp = FragmentStamp.decode(head)
    fragment_bytes = STAMP_BYTES + stamp.media_bytes
    if fragment_bytes > min(end - start, FRAGMENT_LIMIT_BYTES):
        raise IntegrityError("the fragment is not whole", where=f"byte {start}")
    moof_bytes = int.from_bytes(head[STAMP_BYTES : STAMP_BYTES + 4], "big")
    wanted_bytes = fragment_bytes if verify else min(fragment_bytes, STAMP_BYTES + moof_bytes + 16)
    head += source.read(start + len(head), max(0, wanted_bytes - len(head)))
    if len(head) < wanted_bytes:
        raise IntegrityError("the file was cut while it was read", where=f"byte {start}")
    if verify and sha256(memoryview(head)[STAMP_BYTES:fragment_bytes]).digest() != stamp.media_sha256:
        raise IntegrityError("the fragment's hash does not match", where=f"byte {start}")
    moof = parse_moof(head, STAMP_BYTES, min(len(head), STAMP_BYTES + moof_bytes))
    return Scanned(_span(head, start, stamp, moof, moof_bytes), moof, merkle.leaf(head[LEAF_START:STAMP_BYTES]))


def _span(head: bytes, start: int, stamp: FragmentStamp, moof: MovieFragment, moof_bytes: int) -> FragmentSpan:
    """Check that stamp, moof and mdat agree, and place them in the file."""
    mdat = STAMP_BYTES + moof_bytes
    large = head[mdat : mdat + 4] == b"\0\0\0\1"
    header_bytes = 16 if large else 8
    mdat_bytes = int.from_bytes(head[mdat + 8 : mdat + 16] if large else head[mdat : mdat + 4], "big")
    payload_bytes = int(moof.sizes.sum(dtype=np.int64))
    if head[mdat + 4 : mdat + 8] != b"mdat" or moof_bytes + mdat_bytes != stamp.media_bytes:
        raise IntegrityError("moof and mdat are not as long as the stamp says", where=f"byte {start}")
    if payload_bytes != mdat_bytes - header_bytes or not payload_bytes or moof.sequence != stamp.sequence:
        raise IntegrityError("stamp, moof and mdat contradict each other", where=f"byte {start}")
    if moof.data_offset != moof_bytes + header_bytes or moof.decode_90k > _LATEST_90K:
        raise IntegrityError("moof points somewhere else than its mdat, or to another age", where=f"byte {start}")
    return FragmentSpan(
        offset=start,
        moof_offset=start + STAMP_BYTES,
        data_offset=start + mdat + header_bytes,
        end=start + STAMP_BYTES + stamp.media_bytes,
        decode_90k=moof.decode_90k,
        duration_90k=int(moof.durations_90k.sum(dtype=np.int64)),
        presentation_90k=moof.decode_90k + int(moof.compositions_90k[0]),
        sync_start=bool(stamp.flags & StampFlags.SYNC_START),
        samples=len(moof.sizes),
        stamp=stamp,
    )


def contents(preamble: Preamble, scanned: list[Scanned]) -> Contents:
    """The tables of what was scanned, as the writer would have made them."""
    rows = [_row(fragment) for fragment in scanned]
    table = np.array(rows, tables.FRAGMENT_DTYPE)
    samples = np.zeros(int(table["samples"].sum(dtype=np.int64)), tables.SAMPLE_DTYPE)
    if scanned:
        samples["size"] = np.concatenate([fragment.moof.sizes for fragment in scanned])
        samples["duration_90k"] = np.concatenate([fragment.moof.durations_90k for fragment in scanned])
        samples["composition_90k"] = np.concatenate([fragment.moof.compositions_90k for fragment in scanned])
        samples["sync"] = np.concatenate([fragment.moof.sync for fragment in scanned])
    tables.place(table, samples, table["data_offset"] - table["offset"], len(preamble.data))
    leaves = (preamble.leaf, *(fragment.leaf for fragment in scanned))
    is_coarse = any(fragment.span.stamp.flags & StampFlags.COARSE for fragment in scanned)
    return Contents(preamble.header, len(preamble.data), leaves, table, samples, is_coarse)


def _row(fragment: Scanned) -> tuple[int, ...]:
    span, stamp = fragment.span, fragment.span.stamp
    places = (span.offset, span.data_offset, span.end, span.samples, span.decode_90k)
    return (
        *places,
        stamp.wall_us,
        stamp.monotonic_us,
        stamp.presentation_rtp_90k,
        stamp.ntp,
        stamp.lost_packets,
    )
