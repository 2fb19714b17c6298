"""Where the framing of an interleaved stream begins again behind bytes that belong to nothing. Pure.

A "$" alone is no frame: pictures are full of them. A place is believed where several sound frames follow each other,
of the right channels, the right RTP version, payload type and source, with numbers near the last one and in order:
that is above 60 bits that chance would have to hit.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from nvr.rtsp.rtp import HEADER_BYTES
from nvr.timebase import US_PER_S

FRAMES_IN_A_ROW = 3  # chosen: see above
LIMIT_BYTES = 256 << 10  # chosen: half a second of 4 Mbit/s; what has not come back by then is another stream
LIMIT_US = 5 * US_PER_S  # chosen: three frames of a stream of one small picture a second
NEAR = 4096  # chosen: packets that may have been lost meanwhile; more than fit into the bytes searched
RTCP_KINDS = range(200, 208)  # RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 6
_FRAME_BYTES = 4
_RTCP_HEADER_BYTES = 4
_REPLY = b"RTSP/1.0 "


@dataclass(frozen=True, slots=True)
class Expected:
    """What sound frames look like."""

    rtp_channel: int
    rtcp_channel: int
    payload_type: int
    ssrc: int | None  # None: nothing was received yet
    sequence: int  # of the next packet, if the source is known
    others: frozenset[int] = frozenset()  # channels that are passed over


def find(data: bytes | bytearray, start: int, expected: Expected) -> tuple[int | None, int]:
    """Look for sound frames, or a reply of the camera, from ``start`` on.

    Returns:
        where they begin, None if nowhere yet; and from where to look once more has come.
    """
    undecided = len(data)
    for candidate in _candidates(expected.rtp_channel, expected.rtcp_channel).finditer(data, start):
        at = candidate.start()
        is_sound = True if data[at] == _REPLY[0] else _is_sound(data, at, expected)
        if is_sound:
            return at, at
        if is_sound is None:
            undecided = min(undecided, at)
    return None, max(start, min(undecided, len(data) - len(_REPLY)))


@lru_cache(maxsize=64)
def _candidates(rtp_channel: int, rtcp_channel: int) -> re.Pattern[bytes]:
    channels = b"|".join(re.escape(bytes((channel,))) for channel in (rtp_channel, rtcp_channel))
    return re.compile(rb"\$(?:" + channels + rb")(?=..[\x80-\xbf])|RTSP/1\.0 [1-5]", re.DOTALL)  # RTP's version 2


def _is_sound(data: bytes | bytearray, at: int, expected: Expected) -> bool | None:
    """Whether enough sound frames follow; None: not all of them are there yet."""
    source = (expected.ssrc, expected.sequence)
    count = 0
    while count < FRAMES_IN_A_ROW:
        if len(data) - at < _FRAME_BYTES + HEADER_BYTES:
            return None
        if data[at] != 0x24:
            return count > 0 and data.startswith(_REPLY, at)
        channel, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
        at += _FRAME_BYTES
        if channel == expected.rtp_channel:
            following = _follow(data, at, length, expected, source, is_first=source[1] == expected.sequence)
            if following is None:
                return False
            source = following
        elif channel == expected.rtcp_channel:
            if not _is_rtcp(data, at, length):
                return False
        elif channel not in expected.others:
            return False
        count += channel not in expected.others
        at += length
    return True


def _follow(
    data: bytes | bytearray,
    at: int,
    length: int,
    expected: Expected,
    source: tuple[int | None, int],
    *,
    is_first: bool,
) -> tuple[int, int] | None:
    """The source and the number that must come next, None if this packet is none of the stream."""
    if length < HEADER_BYTES or data[at] & 0xC0 != 0x80 or (data[at + 1] ^ expected.payload_type) & 0x7F:
        return None
    ssrc, sequence = int.from_bytes(data[at + 8 : at + 12], "big"), data[at + 2] << 8 | data[at + 3]
    known, wanted = source
    is_near = known is None or (sequence - wanted & 0xFFFF) < (NEAR if is_first else 1)
    return (ssrc, sequence + 1 & 0xFFFF) if known in (None, ssrc) and is_near else None


def _is_rtcp(data: bytes | bytearray, at: int, length: int) -> bool:
    words = data[at + 2] << 8 | data[at + 3]
    is_whole = _RTCP_HEADER_BYTES + 4 * words <= length
    return data[at] & 0xC0 == 0x80 and data[at + 1] in RTCP_KINDS and is_whole
