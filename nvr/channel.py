"""A channel: one configured camera input, with one or two tracks."""

from dataclasses import dataclass, field
from enum import Enum

from nvr.media import Track, TrackKind

LARGEST_CHANNEL = 99_999  # chunk files name a channel with five digits


class Transport(Enum):
    """How RTP travels: inside the RTSP connection (RFC 2326 section 10.12), or in datagrams of its own."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class Channel:
    """A camera as the people who own it describe it. URLs never hold credentials.

    ``main_url`` and ``sub_url`` are ``rtsp://`` or ``rtsps://``; an empty ``sub_url`` means no sub stream.
    """

    number: int  # 1…
    name: str
    main_url: str
    sub_url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    transport: Transport = Transport.TCP
    enabled: bool = True

    def tracks(self) -> dict[Track, str]:
        """The tracks that are to be recorded, each with its URL."""
        urls = {TrackKind.MAIN: self.main_url, TrackKind.SUB: self.sub_url}
        return {Track(self.number, kind): url for kind, url in urls.items() if url and self.enabled}
