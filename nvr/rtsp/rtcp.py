"""RTCP: the camera's reports, and ours to it (RFC 3550 section 6)."""

import struct
from dataclasses import dataclass

from nvr.rtsp.rtp import signed_32
from nvr.timebase import TICKS_PER_S, US_PER_S, ntp_from_us

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
_HEADER_BYTES = 4
_REPORT = struct.Struct(">IQI")  # SSRC, NTP time, RTP time
_BLOCK = struct.Struct(">IIIIII")
_CUMULATIVE_LIMIT = 0x7FFFFF  # a signed 24-bit field
FIRST_NTP = ntp_from_us(946_684_800 * US_PER_S)  # chosen: 2000; who says less counts from its start, or was never set


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The camera's clock at an RTP time."""

    ssrc: int
    ntp: int  # 64-bit NTP time as sent; 0: the camera has no clock (RFC 3550 section 6.4.1)
    timestamp: int  # 32-bit RTP time
    received_us: int  # monotonic

    @property
    def has_clock(self) -> bool:
        """Whether the NTP time can be one that somebody or something has set."""
        return self.ntp >= FIRST_NTP

    def ntp_at(self, timestamp: int, clock_rate: int = TICKS_PER_S) -> int:
        """The camera's clock at another RTP time, at most 6.6 hours away; 0 if it has none.

        Args:
            timestamp: that time, 32 bits.
            clock_rate: of RTP, in Hz.
        """
        if not self.has_clock:
            return 0
        ntp = self.ntp + (signed_32(timestamp - self.timestamp) << 32) // clock_rate
        return ntp if 0 < ntp < 1 << 64 else 0


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Sources that end."""

    ssrcs: tuple[int, ...]


def parse(view: memoryview, start: int, end: int, received_us: int) -> list[SenderReport | Goodbye]:
    """What a compound packet says of interest; one that makes no sense ends the reading: reports are no footage."""
    found: list[SenderReport | Goodbye] = []
    while start + _HEADER_BYTES <= end and view[start] & 0xC0 == 0x80:
        count, kind = view[start] & 31, view[start + 1]
        body = start + _HEADER_BYTES
        start = body + 4 * (view[start + 2] << 8 | view[start + 3])
        if start > end:
            break
        if kind == SENDER_REPORT and start - body >= _REPORT.size:
            ssrc, ntp, timestamp = _REPORT.unpack_from(view, body)
            found.append(SenderReport(ssrc, ntp, timestamp, received_us))
        elif kind == GOODBYE and start - body >= 4 * count:
            found.append(Goodbye(struct.unpack_from(f">{count}I", view, body)))
    return found


@dataclass(frozen=True, slots=True)
class ReceptionFigures:
    """How well a source was received, for a report."""

    ssrc: int
    packets: int
    lost: int
    lost_fraction_256: int
    highest_sequence: int  # extended to 32 bits


def receiver_report(ours: int, reception: ReceptionFigures, report: SenderReport | None, now_us: int) -> bytes:
    """A receiver report with an SDES CNAME, as section 6.1 wants it. Interarrival jitter is not measured: 0."""
    ntp_middle = report.ntp >> 16 & 0xFFFFFFFF if report else 0
    delay = (now_us - report.received_us) * 65536 // US_PER_S & 0xFFFFFFFF if report else 0
    lost = min(255, reception.lost_fraction_256) << 24 | min(reception.lost, _CUMULATIVE_LIMIT)
    block = _BLOCK.pack(reception.ssrc, lost, reception.highest_sequence & 0xFFFFFFFF, 0, ntp_middle, delay)
    name = b"\x01\x03nvr\0\0\0"  # CNAME, padded to a whole word with at least one zero
    return b"".join(
        (
            struct.pack(">BBHI", 0x81, RECEIVER_REPORT, 7, ours),
            block,
            struct.pack(">BBHI", 0x81, SOURCE_DESCRIPTION, 1 + len(name) // 4, ours),
            name,
        )
    )
