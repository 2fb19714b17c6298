"""The stamp box before each fragment: when it was recorded, and the hash of what follows (FORMAT.md)."""

import struct
import zlib
from dataclasses import dataclass
from enum import IntFlag
from uuid import UUID

from nvr.codec.box import Bytes
from nvr.errors import IntegrityError

STAMP_UUID = UUID("6e7672a0-4861-5378-8002-4b7ad3c11e52").bytes

_PREFIX = struct.Struct(">I4s16s")
_LAYOUT = struct.Struct(">I4s16sIHHqqqQII32s")  # all but the CRC
_CRC = struct.Struct(">I")
STAMP_BYTES = _LAYOUT.size + _CRC.size
LEAF_START = 8  # the Merkle leaf covers the box from here: usertype, payload, CRC

_PREFIX_BYTES = _PREFIX.pack(STAMP_BYTES, b"uuid", STAMP_UUID)


class StampFlags(IntFlag):
    """What a reader should know of a fragment before it decodes it."""

    NONE = 0
    SYNC_START = 1  # the first sample is a sync sample
    LOSS = 2  # RTP packets were lost before or inside this fragment
    COARSE = 4  # its times are those of receipt: the media time of the camera cannot be believed


@dataclass(frozen=True, slots=True)
class FragmentStamp:
    """The facts of one fragment that MP4 has no place for."""

    sequence: int  # the fragment's number in the chunk, from 1; also in mfhd
    flags: StampFlags
    wall_us: int  # estimated wall time at which the first sample is shown
    monotonic_us: int  # when the first sample was received
    presentation_rtp_90k: int  # RTP time of the first sample, unwrapped to 64 bit
    ntp: int  # the camera's own clock at the first sample, 64-bit NTP; 0: not known
    lost_packets: int
    media_bytes: int  # length of moof and mdat, which follow at once
    media_sha256: bytes  # of moof and mdat

    def encode(self) -> bytes:
        """The whole box, `STAMP_BYTES` long."""
        return encode(
            self.sequence,
            self.flags,
            self.wall_us,
            self.monotonic_us,
            self.presentation_rtp_90k,
            self.ntp,
            self.lost_packets,
            self.media_bytes,
            self.media_sha256,
        )

    @classmethod
    def decode(cls, data: Bytes, start: int = 0) -> "FragmentStamp":
        """Read the box at byte ``start``.

        Raises:
            IntegrityError: too short, not a stamp, or the CRC does not match.
        """
        if len(data) - start < STAMP_BYTES:
            raise IntegrityError("too short for a fragment stamp", where=f"byte {start}")
        if data[start : start + len(_PREFIX_BYTES)] != _PREFIX_BYTES:
            raise IntegrityError("no fragment stamp stands here", where=f"byte {start}")
        end = start + _LAYOUT.size
        if zlib.crc32(data[start:end]) != _CRC.unpack_from(data, end)[0]:
            raise IntegrityError("the CRC of the fragment stamp does not match", where=f"byte {start}")
        _, _, _, sequence, flags, _, wall_us, monotonic_us, rtp_90k, ntp, lost, media_bytes, sha256 = (
            _LAYOUT.unpack_from(data, start)
        )
        return cls(sequence, StampFlags(flags), wall_us, monotonic_us, rtp_90k, ntp, lost, media_bytes, sha256)


def encode(
    sequence: int,
    flags: int,
    wall_us: int,
    monotonic_us: int,
    presentation_rtp_90k: int,
    ntp: int,
    lost_packets: int,
    media_bytes: int,
    media_sha256: bytes,
) -> bytes:
    """A stamp box from bare values: the writer makes 220 a second and needs no object for them."""
    head = _LAYOUT.pack(
        STAMP_BYTES,
        b"uuid",
        STAMP_UUID,
        sequence,
        flags,
        0,
        wall_us,
        monotonic_us,
        presentation_rtp_90k,
        ntp,
        lost_packets,
        media_bytes,
        media_sha256,
    )
    return head + _CRC.pack(zlib.crc32(head))
