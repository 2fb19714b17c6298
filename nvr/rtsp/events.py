"""What the RTSP client says while it sets a stream up."""

from dataclasses import dataclass

from nvr.rtsp.sdp import MediaDescription
from nvr.rtsp.transport import InterleavedChannels, RtpInfo, ServerPorts


@dataclass(frozen=True, slots=True)
class SetUp:
    """The camera agreed to a transport; PLAY is on its way. RTP may come from now on."""

    media: MediaDescription
    channels: InterleavedChannels | None  # over TCP
    ports: ServerPorts | None  # over UDP: where the camera sends from and wants reports, if it says so
    ssrc: int | None
    source: str = ""  # over UDP: another address that the camera sends from


@dataclass(frozen=True, slots=True)
class Playing:
    """The camera plays."""

    media: MediaDescription
    channels: InterleavedChannels | None
    ports: ServerPorts | None
    ssrc: int | None
    rtp_info: RtpInfo | None
    session_timeout_s: int


Event = SetUp | Playing
