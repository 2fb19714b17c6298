"""What a link is given, and whom it reports to."""

from dataclasses import dataclass
from ssl import SSLContext
from typing import Protocol

from nvr.errors import CameraError
from nvr.media import Sample


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What all links share. ``buffer`` is the one receive buffer: it stays in the processor's cache."""

    silence_us: int
    tls: SSLContext
    buffer: memoryview
    basic_in_clear: bool = True  # as in `RtspClient`


class LinkListener(Protocol):
    """Whom a link reports to; called from the reactor's thread."""

    def link_plays(self) -> None:
        """The handshake succeeded; media follows."""

    def link_received(self, samples: list[Sample]) -> None:
        """Access units arrived, in decoding order."""

    def link_failed(self, error: CameraError) -> None:
        """The attempt is over; the link is closed."""
