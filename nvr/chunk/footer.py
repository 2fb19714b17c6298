"""The footer box: what a finished chunk file holds, sample by sample, and the root of its hashes (FORMAT.md)."""

import struct
import zlib
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt

from nvr.chunk import merkle, tables
from nvr.chunk.sealed import Keyframe
from nvr.chunk.stamp import STAMP_BYTES
from nvr.codec.bmff import mfra
from nvr.codec.box import box
from nvr.errors import IntegrityError
from nvr.media import CutReason

FOOTER_UUID = UUID("6e7672a0-4861-5378-8003-95f0e2c6a87d").bytes
VERSION = 1

_FACTS = struct.Struct(">BBHIIIIQqqI")
_LENGTH = struct.Struct(">I")
_END = struct.Struct(">II")  # length of the whole box, CRC-32 of all before it
END_BYTES = _END.size
LIMIT_BYTES = tables.LIMIT_BYTES
_RECOVERED = 1
_COARSE = 2

# The numbers are part of the format: never change one, never use one again.
CUT_CODES = {
    CutReason.SCHEDULE: 1,
    CutReason.SIZE: 2,
    CutReason.PARAMETER_SETS: 3,
    CutReason.CLOCK: 4,
    CutReason.SESSION: 5,
    CutReason.OVERLOAD: 6,
    CutReason.DISK: 7,
    CutReason.STOP: 8,
    CutReason.RECOVERED: 9,
    CutReason.SILENCE: 10,
}


@dataclass(frozen=True, slots=True, eq=False)
class ChunkFooter:
    """The facts and the tables of a sealed chunk. Not comparable: it holds arrays.

    ``fragments`` has `tables.FRAGMENT_DTYPE`, ``samples`` has `tables.SAMPLE_DTYPE`, both in the order of the file.
    """

    start_us: int
    duration_us: int
    cut: CutReason
    recovered: bool
    lost_packets: int
    preamble_bytes: int
    composition_delay_90k: int
    media_90k: int
    leaves: tuple[bytes, ...]  # Merkle leaves of the preamble and of each stamp; the last leaf is that of `facts`
    root: bytes
    fragments: tables.Array
    samples: tables.Array
    is_coarse: bool = False  # times in at least one fragment are those of receipt

    def facts(self) -> bytes:
        """The fixed part of the box, which the last Merkle leaf covers."""
        return _FACTS.pack(
            VERSION,
            CUT_CODES[self.cut],
            _RECOVERED * self.recovered | _COARSE * self.is_coarse,
            self.preamble_bytes,
            len(self.fragments),
            len(self.samples),
            self.lost_packets,
            self.media_90k,
            self.start_us,
            self.duration_us,
            self.composition_delay_90k,
        )

    def computed_root(self) -> bytes:
        """The Merkle root over preamble, stamps and facts."""
        return merkle.root((*self.leaves, merkle.leaf(FOOTER_UUID + self.facts())))

    def encode(self) -> bytes:
        """The whole box."""
        packed = tables.pack(self.fragments, self.samples)
        parts = (self.facts(), self.root, *self.leaves, _LENGTH.pack(len(packed)), packed)
        whole = box(b"uuid", FOOTER_UUID, *parts, bytes(_END.size))
        body = whole[: -_END.size] + _LENGTH.pack(len(whole))
        return body + _LENGTH.pack(zlib.crc32(body))

    @classmethod
    def decode(cls, data: bytes) -> "ChunkFooter":
        """Read a whole box.

        Raises:
            IntegrityError: not a footer, another version, or it contradicts itself.
        """
        try:
            return cls._decode(data)
        except struct.error as error:
            raise IntegrityError(f"the footer is too short: {error}") from error

    @classmethod
    def _decode(cls, data: bytes) -> "ChunkFooter":
        if data[4:24] != b"uuid" + FOOTER_UUID:
            raise IntegrityError("this is no chunk footer")
        box_bytes, crc = _END.unpack(data[-_END.size :])
        if box_bytes != len(data) or zlib.crc32(data[: -_LENGTH.size]) != crc:
            raise IntegrityError("the footer's length or CRC does not match")
        version, cut_code, flags, preamble, fragments, samples, lost, media, start_us, duration_us, delay = (
            _FACTS.unpack_from(data, 24)
        )
        cut = next((reason for reason, code in CUT_CODES.items() if code == cut_code), None)
        if version != VERSION or cut is None:
            raise IntegrityError(f"the footer has version {version} and cut reason {cut_code}: unknown here")
        root, leaves, position = _hashes(data, 24 + _FACTS.size, fragments + 1)
        (packed_bytes,) = _LENGTH.unpack_from(data, position)
        packed = data[position + _LENGTH.size : -_END.size]
        if packed_bytes != len(packed):
            raise IntegrityError("the footer's tables have another length than it says")
        fragment_table, sample_table = tables.unpack(packed, fragments, samples, preamble)
        recovered = bool(flags & _RECOVERED)
        footer = cls(
            start_us,
            duration_us,
            cut,
            recovered,
            lost,
            preamble,
            delay,
            media,
            leaves,
            root,
            fragment_table,
            sample_table,
            bool(flags & _COARSE),
        )
        if footer.computed_root() != root:
            raise IntegrityError("the Merkle root does not match the footer's facts and leaves")
        return footer

    def random_access(self) -> bytes:
        """The mfra box that ends the file: where players find the sync samples, by presentation time."""
        delay_90k = self.composition_delay_90k
        # A stream that contradicts itself may show a picture before time 0, which tfra cannot say.
        return mfra([(max(0, key.offset_90k + delay_90k), key.file_offset + STAMP_BYTES) for key in self.keyframes()])

    @property
    def first_samples(self) -> npt.NDArray[np.int64]:
        """Index of each fragment's first sample in ``samples``, i8."""
        counts = self.fragments["samples"].astype(np.int64)
        ends: npt.NDArray[np.int64] = np.cumsum(counts)
        return ends - counts

    def keyframes(self) -> tuple[Keyframe, ...]:
        """The fragments that start with a sync sample."""
        first = self.samples[self.first_samples]
        offsets = first["decode_90k"] + first["composition_90k"] - self.composition_delay_90k
        (numbers,) = first["sync"].nonzero()
        rows = zip(offsets[numbers].tolist(), self.fragments["offset"][numbers].tolist(), numbers.tolist(), strict=True)
        return tuple([Keyframe(offset_90k, offset, number + 1) for offset_90k, offset, number in rows])


def _hashes(data: bytes, position: int, count: int) -> tuple[bytes, tuple[bytes, ...], int]:
    size = merkle.HASH_BYTES
    end = position + size * (count + 1)
    if end > len(data):
        raise IntegrityError("the footer is too short for its hashes")
    root, *leaves = (data[at : at + size] for at in range(position, end, size))
    return root, tuple(leaves), end
