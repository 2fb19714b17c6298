"""The headers Transport, Session and RTP-Info (RFC 2326 sections 12.33, 12.37, 12.39)."""

import ipaddress
import re
from dataclasses import dataclass

DEFAULT_TIMEOUT_S = 60  # RFC 2326 section 12.37


@dataclass(frozen=True, slots=True)
class InterleavedChannels:
    """The channel numbers of RTP and RTCP inside the RTSP connection."""

    rtp: int
    rtcp: int


@dataclass(frozen=True, slots=True)
class ServerPorts:
    """The camera's UDP ports; 0 where it does not say."""

    rtp: int
    rtcp: int


@dataclass(frozen=True, slots=True)
class RtpInfo:
    """With what the stream starts, as PLAY promises it; None where it does not."""

    sequence: int | None
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class TransportReply:
    """What a camera answered to SETUP."""

    interleaved: bool
    channels: InterleavedChannels | None
    ports: ServerPorts | None
    ssrc: int | None
    source: str = ""  # an IP address
    multicast: bool = False


def parse_transport(value: str) -> TransportReply:
    """Read a Transport header; what is missing or makes no sense is None."""
    fields = value.split(",")[0].split(";")
    parameters = {name.strip().lower(): text.strip(' "') for name, _, text in (part.partition("=") for part in fields)}
    channels = _pair(parameters.get("interleaved"), 255)
    ports = _pair(parameters.get("server_port"), 65535)
    return TransportReply(
        interleaved="TCP" in fields[0].upper() or channels is not None,
        channels=None if channels is None else InterleavedChannels(*channels),
        ports=None if ports is None else ServerPorts(*ports),
        ssrc=_hexadecimal(parameters.get("ssrc", "")),
        source=_address(parameters.get("source", "")),
        multicast="multicast" in parameters,
    )


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:  # a name: it is not looked up, the camera's own address stays
        return ""


def _pair(text: str | None, limit: int) -> tuple[int, int] | None:
    numbers = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", text or "", re.ASCII)
    if numbers is None:
        return None
    first = int(numbers[1])
    second = int(numbers[2]) if numbers[2] else first + 1
    return (first, second) if max(first, second) <= limit and first != second else None


def _hexadecimal(text: str) -> int | None:
    digits = re.fullmatch(r"(?:0[xX])?([0-9a-fA-F]{1,8})", text)
    return int(digits[1], 16) if digits else None


def parse_session(value: str) -> tuple[str, int | None]:
    """The session's id, and its timeout in seconds if the header names one."""
    session, *parameters = value.split(";")
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        digits = re.match(r"\s*(\d{1,6})", text, re.ASCII)
        if name.strip().lower() == "timeout" and digits and int(digits[1]) > 0:
            return session.strip(), int(digits[1])
    return session.strip(), None


def parse_rtp_info(value: str | None, control_url: str) -> RtpInfo | None:
    """What RTP-Info says about the stream of ``control_url``, or about the only one it names."""
    entries = [entry for entry in re.split(r",\s*(?=url\s*=)", value or "", flags=re.IGNORECASE) if entry.strip()]
    for entry in entries:
        fields = {name.strip().lower(): text.strip() for name, _, text in (f.partition("=") for f in entry.split(";"))}
        if len(entries) == 1 or control_url.endswith(fields.get("url", "?")):
            return RtpInfo(_number(fields.get("seq"), 0xFFFF), _number(fields.get("rtptime"), 0xFFFFFFFF))
    return None


def _number(text: str | None, limit: int) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > limit:
        return None
    return int(text)
