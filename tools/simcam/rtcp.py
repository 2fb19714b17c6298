"""The RTCP that a camera sends (RFC 3550 section 6)."""

import struct

SENDER_REPORT, DESCRIPTION, BYE = 200, 202, 203
CNAME = b"simcam"


def sender_report(ssrc: int, ntp: int, rtp_90k: int, packets: int, octets: int) -> bytes:
    """A compound packet: a sender report without blocks, and the source's name."""
    words = 6
    report = struct.pack(">BBHIQIII", 0x80, SENDER_REPORT, words, ssrc, ntp, rtp_90k, packets % 2**32, octets % 2**32)
    return report + _description(ssrc)


def goodbye(ssrc: int, ntp: int, rtp_90k: int) -> bytes:
    """A compound packet that ends the stream; it begins with a report, as every compound packet must."""
    return sender_report(ssrc, ntp, rtp_90k, 0, 0) + struct.pack(">BBHI", 0x81, BYE, 1, ssrc)


def _description(ssrc: int) -> bytes:
    items = bytes((1, len(CNAME))) + CNAME + b"\0"
    items += bytes(-len(items) % 4)
    return struct.pack(">BBHI", 0x81, DESCRIPTION, 1 + len(items) // 4, ssrc) + items
