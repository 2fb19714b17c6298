"""Makes the bytes of a chunk file: fragments in, buffers out. Pure; the hot path of the disk threads."""

from array import array
from hashlib import sha256

import numpy as np

from nvr.chunk import merkle, stamp, tables
from nvr.chunk.header import ChunkHeader
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.sealing import Contents, seal
from nvr.codec.bmff import init_segment, mdat_header, movie_fragment
from nvr.codec.parameters import describe
from nvr.media import CutReason, Fragment

__all__ = ["ChunkWriter", "SealedChunk"]

_U32 = 0xFFFFFFFF
_SYNC_START = int(stamp.StampFlags.SYNC_START)
_LOSS = int(stamp.StampFlags.LOSS)
_COARSE = int(stamp.StampFlags.COARSE)

_FragmentRow = tuple[int, int, int, int, int, int, int, int, int, int]  # as tables.FRAGMENT_DTYPE


class ChunkWriter:
    """Writes one chunk: `preamble` first, then `append` for each fragment, `seal` last.

    Raises:
        CameraError: the header's parameter sets cannot be read.
    """

    def __init__(self, header: ChunkHeader) -> None:
        self.header = header
        sets = header.parameter_sets
        init = init_segment(sets, describe(sets), composition_delay_90k=header.composition_delay_90k)
        self._preamble = init + header.encode(init)
        self.written_bytes = len(self._preamble)
        self._leaves = [merkle.leaf(self._preamble)]
        self._head_bytes = array("I")  # per fragment: stamp, moof and mdat header
        self._rows: list[_FragmentRow] = []
        # One entry a sample, as C integers: lists would take 30 MB for 110 tracks.
        self._sizes = array("I")
        self._durations_90k = array("I")
        self._composition_90k = array("i")
        self._sync = array("B")
        self._is_coarse = False

    def preamble(self) -> bytes:
        """What the file begins with: ftyp, moov, header."""
        return self._preamble

    def append(self, f: Fragment) -> list[bytes]:
        """The next fragment, of at least one sample, as buffers for one ``writev``.

        The first buffer holds stamp, moof and mdat header, the others are the samples' data as they came.
        """
        number = len(self._rows) + 1
        sizes = list(map(len, f.data))
        payload_bytes = sum(sizes)
        head = movie_fragment(number, f.decode_90k, sizes, f.durations_90k, f.composition_90k, f.sync)
        head += mdat_header(payload_bytes)
        digest = sha256(head)
        for data in f.data:
            digest.update(data)
        mark = self._stamp(number, f, len(head) + payload_bytes, digest.digest())
        self._leaves.append(sha256(merkle.LEAF + mark[stamp.LEAF_START :]).digest())
        head = mark + head
        self._remember(f, sizes, len(head))
        self.written_bytes += len(head) + payload_bytes
        return [head, *f.data]

    def _stamp(self, number: int, f: Fragment, media_bytes: int, media_sha256: bytes) -> bytes:
        return stamp.encode(
            number,
            (_SYNC_START if f.sync[0] else 0) | (_LOSS if f.lost_packets else 0) | (_COARSE if f.is_coarse else 0),
            f.wall_us,
            f.monotonic_us,
            f.presentation_rtp_90k,
            f.ntp,
            min(f.lost_packets, _U32),
            media_bytes,
            media_sha256,
        )

    def _remember(self, f: Fragment, sizes: list[int], head_bytes: int) -> None:
        """What the footer will say; offsets are worked out at the seal, for all fragments at once."""
        self._head_bytes.append(head_bytes)
        lost = min(f.lost_packets, _U32)
        times = (f.decode_90k, f.wall_us, f.monotonic_us, f.presentation_rtp_90k, f.ntp, lost)
        self._rows.append((0, 0, 0, len(sizes), *times))
        self._sizes.extend(sizes)
        self._durations_90k.extend(f.durations_90k)
        self._composition_90k.extend(f.composition_90k)
        self._sync.extend(f.sync)
        self._is_coarse = self._is_coarse or f.is_coarse

    def seal(
        self, *, start_us: int, duration_us: int, cut: CutReason, recovered: bool = False
    ) -> tuple[bytes, SealedChunk]:
        """The end of the file, footer and mfra, and what the index is to know.

        Args:
            start_us: final start, wall time.
            duration_us: wall time up to where the next chunk may start.
            cut: why the chunk ends.
            recovered: sealed after a crash.
        """
        samples = np.zeros(len(self._sizes), tables.SAMPLE_DTYPE)
        samples["size"] = self._sizes
        samples["duration_90k"] = self._durations_90k
        samples["composition_90k"] = self._composition_90k
        samples["sync"] = self._sync
        fragments = np.array(self._rows, tables.FRAGMENT_DTYPE)
        tables.place(fragments, samples, np.array(self._head_bytes, np.int64), len(self._preamble))
        leaves = tuple(self._leaves)
        contents = Contents(self.header, len(self._preamble), leaves, fragments, samples, self._is_coarse)
        return seal(contents, start_us=start_us, duration_us=duration_us, cut=cut, recovered=recovered)
