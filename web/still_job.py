"""What the web server and a decoder process say to each other: bytes with their length, never objects to be unpickled.

A decoder works on what a camera sent. Were it taken over by that, it must not take over who asks it: so its answers are
read as data, of bounded length and within bounded time. No decoder is imported here.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from nvr.timebase import US_PER_S, Clock
from web.finding.likeness import Box

ANSWER_BYTES = 64 << 20  # a JPEG of 8192×8192 at the quality that is used has some 30 MB
SAMPLE_BYTES = 1 << 30
GIVEN_UP = 2**32 - 1  # in place of a length: the rest of the job does not come
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class View:
    """A part of the picture in shades of grey, small: what a search compares."""

    box: Box
    size: tuple[int, int]  # width and height of the answer


@dataclass(frozen=True, slots=True)
class StillJob:
    """What is needed to decode one picture and no more.

    ``samples`` are length-prefixed access units in decoding order from a sync sample; the last one, and the one that
    is wanted, is shown at ``presentations_90k[-1]``. They are gone through once, and may be read as one goes.
    """

    decoder: str  # ffmpeg's name: h264, hevc
    configuration: bytes  # the payload of avcC or hvcC
    samples: Iterable[bytes]
    presentations_90k: tuple[int, ...]
    width: int | None  # of the answer; None: as it is
    view: View | None = None  # wanted in place of a JPEG

    def order(self) -> "Order":
        return Order(self.decoder, self.configuration, self.presentations_90k, self.width, self.view)


class Order(msgspec.Struct, frozen=True):
    """A job without its samples."""

    decoder: str
    configuration: bytes
    presentations_90k: tuple[int, ...]
    width: int | None
    view: View | None


class StillPicture(msgspec.Struct, frozen=True):
    """A JPEG, or the grey bytes of a view, row by row; or the sentence that says why there is none."""

    data: bytes
    failure: str = ""


class Ready(msgspec.Struct, frozen=True):
    """What a decoder says first: which of its bonds the kernel refused, in words; empty: none."""

    refused: str


class GivenUp(Exception):
    """The rest of the job does not come."""


class Link:
    """One end of the socket between the two.

    Args:
        end: the socket.
        clock: for `until`; None: every operation takes as long as it takes.
    """

    def __init__(self, end: socket.socket, clock: Clock | None = None) -> None:
        self._end = end
        self._clock = clock
        self._due_us = 0

    def until(self, seconds: float) -> None:
        """All that follows must be done within so many seconds from now."""
        if self._clock is not None:
            self._due_us = self._clock.monotonic_us() + round(seconds * US_PER_S)

    def send(self, data: bytes) -> None:
        """A frame.

        Raises:
            TimeoutError: the time is over.
            OSError: the other end is gone.
        """
        self._send(_LENGTH.pack(len(data)))
        self._send(data)

    def give_up(self) -> None:
        """Instead of a frame: no more of this job."""
        self._send(_LENGTH.pack(GIVEN_UP))

    def receive(self, most_bytes: int) -> bytes:
        """A frame.

        Raises:
            TimeoutError: the time is over.
            EOFError: the other end is gone.
            OSError: the frame is longer than may be.
            GivenUp: there is none.
        """
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size))
        if length == GIVEN_UP:
            raise GivenUp
        if length > most_bytes:
            raise OSError(f"a frame of {length} bytes")
        return self._receive(length)

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._bound()
            view = view[self._end.send(view) :]

    def _receive(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length:
            self._bound()
            piece = self._end.recv(min(length - len(found), 1 << 20))
            if not piece:
                raise EOFError
            found += piece
        return bytes(found)

    def _bound(self) -> None:
        if self._clock is None:
            return
        left_us = self._due_us - self._clock.monotonic_us()
        if left_us <= 0:
            raise TimeoutError
        self._end.settimeout(left_us / US_PER_S)
