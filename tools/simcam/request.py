"""What a reader sends: RTSP requests (RFC 2326 section 6), with interleaved RTCP and replies between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST_HEAD = 16 * 1024


class BadRequest(ValueError):
    """What came is not RTSP; the connection is closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path.rstrip("/")


class RequestReader:
    """Cuts a byte stream into requests. RTCP and replies of the reader are passed over."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Request | None]:
        """Each request that is complete; None for anything else that shows that the reader lives.

        Raises:
            BadRequest: this is no RTSP.
        """
        self._buffer += data
        while self._buffer:
            if self._buffer[0] == 0x24:
                if not self._skip_interleaved():
                    return
                yield None
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > LONGEST_HEAD:
                    raise BadRequest("the head of a request is too long")
                return
            start_line, headers = _head(bytes(self._buffer[:end]))
            body_end = end + 4 + _content_length(headers)
            if len(self._buffer) < body_end:
                return
            body = bytes(self._buffer[end + 4 : body_end])
            del self._buffer[:body_end]
            yield _request(start_line, headers, body)

    def _skip_interleaved(self) -> bool:
        if len(self._buffer) < 4:
            return False
        size = 4 + int.from_bytes(self._buffer[2:4], "big")
        if len(self._buffer) < size:
            return False
        del self._buffer[:size]
        return True


def _head(head: bytes) -> tuple[str, dict[str, str]]:
    lines = head.decode("latin-1").lstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(f"{line!r} is no header")
        headers[name.strip().lower()] = value.strip()
    return lines[0], headers


def _content_length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not text.isdecimal() or int(text) > LONGEST_HEAD:
        raise BadRequest(f"{text!r} is no length")
    return int(text)


def _request(start_line: str, headers: Mapping[str, str], body: bytes) -> Request | None:
    if start_line.startswith("RTSP/"):
        return None
    words = start_line.split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/1."):
        raise BadRequest(f"{start_line!r} is no request")
    return Request(words[0].upper(), words[1], headers, body)


def reply(status: int, reason: str, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """A reply as bytes; the same header may be there twice."""
    lines = [f"RTSP/1.0 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
