"""The header box: whose footage a chunk file holds. It stands between moov and the first fragment (FORMAT.md)."""

import struct
import zlib
from dataclasses import dataclass
from uuid import UUID

from nvr.codec.box import Bytes, box
from nvr.errors import IntegrityError
from nvr.media import Codec, ParameterSets, Track, TrackKind

HEADER_UUID = UUID("6e7672a0-4861-5378-8001-c10e5d9b7a31").bytes
VERSION = 2  # 1 had neither flags nor the camera's name
NO_ROOT = bytes(32)  # the previous chunk of the track is not known

_FIXED = struct.Struct(">BBHIIIqI16s32s")  # version, kind, flags … previous_root
_CRC = struct.Struct(">I")
_CODECS = {Codec.H264: 1, Codec.H265: 2}
_CLOCK_DOUBTFUL = 1


@dataclass(frozen=True, slots=True)
class ChunkHeader:
    """What is known of a chunk when its file is made."""

    site: str
    volume_uuid: bytes  # 16 bytes
    track: Track
    run: int  # u32
    sequence: int  # u32; the chunk's number in its run, from 1
    start_us: int  # an estimate; the footer and the name say it finally
    parameter_sets: ParameterSets
    composition_delay_90k: int  # of the first sample: the edit list hides so much
    engine: str
    previous_root: bytes = NO_ROOT  # 32 bytes: Merkle root of the track's chunk before
    name: str = ""  # of the camera, when the file was made; empty: not known
    is_clock_doubtful: bool = False  # the server's clock was not believed when the file was made

    def encode(self, before: bytes) -> bytes:
        """The whole box. Its CRC-32 also covers ``before``: all that stands before it in the file (ftyp and moov)."""
        fixed = _FIXED.pack(
            VERSION,
            self.track.kind,
            _CLOCK_DOUBTFUL if self.is_clock_doubtful else 0,
            self.track.channel,
            self.run,
            self.sequence,
            self.start_us,
            self.composition_delay_90k,
            self.volume_uuid,
            self.previous_root,
        )
        rest = (_text(self.site), _text(self.engine), _text(self.name), _encode_sets(self.parameter_sets))
        whole = box(b"uuid", HEADER_UUID, fixed, *rest, bytes(_CRC.size))
        return whole[: -_CRC.size] + _CRC.pack(zlib.crc32(whole[: -_CRC.size], zlib.crc32(before)))

    @classmethod
    def decode(cls, preamble: Bytes, start: int) -> "ChunkHeader":
        """Read the box that begins at byte ``start`` and ends with ``preamble``, which begins with the file.

        Raises:
            IntegrityError: not such a box, another version, or the CRC does not match.
        """
        try:
            return cls._decode(bytes(preamble), start)
        except (struct.error, IndexError, ValueError) as error:  # UnicodeDecodeError is a ValueError
            raise IntegrityError(f"the chunk header cannot be read: {error}", where=f"byte {start}") from error

    @classmethod
    def _decode(cls, preamble: bytes, start: int) -> "ChunkHeader":
        if preamble[start + 4 : start + 24] != b"uuid" + HEADER_UUID:
            raise IntegrityError("no chunk header stands behind moov", where=f"byte {start}")
        if zlib.crc32(preamble[: -_CRC.size]) != _CRC.unpack(preamble[-_CRC.size :])[0]:
            raise IntegrityError("the CRC of ftyp, moov and header does not match", where=f"byte {start}")
        version, kind, flags, channel, run, sequence, start_us, delay_90k, volume, root = _FIXED.unpack_from(
            preamble, start + 24
        )
        if version not in (1, VERSION):
            raise IntegrityError(
                f"the file has format version {version}, this program knows {VERSION}",
                where=f"byte {start}",
                hint="read it with a newer program",
            )
        reader = _Reader(preamble, start + 24 + _FIXED.size, len(preamble) - _CRC.size)
        site, engine = reader.text(), reader.text()
        name = reader.text() if version > 1 else ""
        sets = reader.parameter_sets()
        track = Track(channel, TrackKind(kind))
        doubtful = version > 1 and bool(flags & _CLOCK_DOUBTFUL)
        return cls(site, volume, track, run, sequence, start_us, sets, delay_90k, engine, root, name, doubtful)


def _text(text: str) -> bytes:
    """UTF-8 behind its length in two bytes."""
    return _prefixed(text.encode())


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _encode_sets(sets: ParameterSets) -> bytes:
    counts = bytes((_CODECS[sets.codec], len(sets.vps), len(sets.sps), len(sets.pps)))
    return counts + b"".join(map(_prefixed, (*sets.vps, *sets.sps, *sets.pps)))


class _Reader:
    """Reads the variable part of a header."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data = data
        self._position = position
        self._end = end

    def take(self, count: int) -> bytes:
        piece = self._data[self._position : self._position + count]
        self._position += count
        if self._position > self._end:
            raise ValueError("a field reaches beyond the box")
        return piece

    def prefixed(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))

    def text(self) -> str:
        return self.prefixed().decode()

    def parameter_sets(self) -> ParameterSets:
        number, *counts = self.take(4)
        codec = next((codec for codec, code in _CODECS.items() if code == number), None)
        if codec is None:
            raise ValueError(f"there is no codec number {number}")
        vps, sps, pps = (tuple([self.prefixed() for _ in range(count)]) for count in counts)
        return ParameterSets(codec, vps, sps, pps)
