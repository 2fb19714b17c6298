"""RTSP messages: reading them from a byte stream, and writing them (RFC 2326 sections 4 to 7)."""

from dataclasses import dataclass, field

from nvr.errors import CameraError
from nvr.rtsp.text import plain

VERSION = "RTSP/1.0"
LINE_LIMIT_BYTES = 8192  # chosen: a Digest challenge takes 300
HEAD_LIMIT_BYTES = 32768
HEADERS_LIMIT = 128  # chosen: lines of a head; replies have 5 to 15
BODY_LIMIT_BYTES = 256 << 10  # chosen: session descriptions take 1 kB; a camera with 256 kB to say is not one
PIECE_BYTES = 512  # chosen: of a head at once; what follows a short message is then not copied with it
DOLLAR = 0x24  # begins a frame, section 10.12
_BLANK = b"\r\n"


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a message, in order; names are compared without regard to case."""

    items: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The value of the first header of that name."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """The values of all headers of that name."""
        wanted = name.lower()
        return [value for key, value in self.items if key.lower() == wanted]


@dataclass(frozen=True, slots=True)
class Response:
    """A reply of the camera to a request of ours."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: ours to the camera, or the camera's to us."""

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


Message = Request | Response


def format_message(message: Message) -> bytes:
    """The message as bytes; a body gets its Content-Length.

    Raises:
        CameraError: a header holds a line break, so it would smuggle in another one.
    """
    match message:
        case Request(method, url):
            lines = [f"{method} {url} {VERSION}"]
        case Response(status, reason):
            lines = [f"{VERSION} {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in message.headers.items]
    if message.body:
        lines.append(f"Content-Length: {len(message.body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise CameraError("a header of a request would hold a line break")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + message.body


class MessageReader:
    """Takes messages out of a byte stream that may be split at any byte.

    Both CRLF and bare LF end a line (many cameras), folded headers are joined, lines without a colon are ignored, and
    empty lines before a message are skipped (RFC 2326 section 4.1).
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._message: Message | None = None  # complete but for its body
        self._body = bytearray()
        self._body_bytes = 0

    @property
    def inside(self) -> bool:
        """Whether a message has begun and is not complete: whatever comes next belongs to it."""
        return bool(self._head) or self._message is not None

    @property
    def between_lines(self) -> bool:
        """Whether a head has begun and stands at the beginning of a line: some cameras put a frame there."""
        return self._message is None and self._head.endswith(b"\n")

    @property
    def head_bytes(self) -> int:
        """How much of a head was taken so far."""
        return len(self._head)

    def abandon(self) -> bytes:
        """Forget the message that has begun; gives what was taken of its head."""
        head, self._message, self._body_bytes = bytes(self._head), None, 0
        self._head.clear()
        self._body.clear()
        return head

    def feed(self, data: memoryview | bytes) -> tuple[Message | None, int]:
        """Take bytes up to the end of one message, or up to a "$" at the beginning of a line of its head.

        Returns:
            the message, or None while it is incomplete, and how many bytes were taken: at least one of any.

        Raises:
            CameraError: this is no RTSP, or a message is too large; `abandon` gives what was taken of its head.
        """
        taken = 0
        while self._message is None:
            if taken == len(data) or (taken and self.between_lines and data[taken] == DOLLAR):
                return None, taken
            taken += self._feed_head(data[taken : taken + PIECE_BYTES])
        missing = self._body_bytes - len(self._body)
        self._body += data[taken : taken + missing]
        taken = min(len(data), taken + missing)
        return (self._finish() if len(self._body) == self._body_bytes else None), taken

    def _feed_head(self, data: memoryview | bytes) -> int:
        before = len(self._head)
        window = bytes(data)
        skipped = 0
        if not before:
            skipped = len(window) - len(window.lstrip(_BLANK))
            window = window[skipped:]
        self._head += window
        end = _head_end(self._head, max(0, before - 3))
        frame = self._head.find(b"\n$", before)
        if 0 <= frame < end - 1 or (end < 0 <= frame):  # not a line of this head, but a frame between two
            del self._head[frame + 1 :]
            self._check_partial(before)
            return skipped + len(self._head) - before
        if end < 0:
            self._check_partial(before)
            return skipped + len(window)
        head = bytes(self._head[:end])
        self._message = _parse_head(head)
        self._body_bytes = _content_length(self._message.headers)
        self._head.clear()
        return skipped + end - before

    def _check_partial(self, before: int) -> None:
        """Fail early on what cannot become a message, so that binary rubbish is not waited for.

        Args:
            before: so many bytes have been looked at already.
        """
        line_end = self._head.find(b"\n")
        line_bytes = len(self._head) if line_end < 0 else line_end
        if line_bytes > LINE_LIMIT_BYTES or len(self._head) > HEAD_LIMIT_BYTES:
            raise CameraError("the camera sends an RTSP message without end")
        if any(octet < 0x20 and octet not in b"\t\r" for octet in self._head[before:line_bytes]):
            raise CameraError("the camera sends binary data where an RTSP message should be")
        if line_end >= before:
            _check_first_line(self._head[:line_end].decode("utf-8", "replace").split(None, 2))

    def _finish(self) -> Message:
        message, body = self._message, bytes(self._body)
        assert message is not None
        self._message, self._body_bytes = None, 0
        self._body.clear()
        match message:
            case Request(method, url, headers):
                return Request(method, url, headers, body)
            case Response(status, reason, headers):
                return Response(status, reason, headers, body)


def _head_end(head: bytearray, start: int) -> int:
    """The index behind the empty line that ends the head, or -1."""
    ends = [
        position + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if (position := head.find(mark, start)) >= 0
    ]
    return min(ends, default=-1)


def _check_first_line(words: list[str]) -> None:
    is_response = bool(words) and words[0].upper().startswith("RTSP/")
    is_request = len(words) == 3 and words[2].upper().startswith("RTSP/") and words[0].isascii()
    if not is_response and not is_request:
        raise CameraError("the camera answers with something that is not RTSP", hint="check the port in the URL")


def _parse_head(head: bytes) -> Message:
    lines = head.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n", HEADERS_LIMIT + 1)
    if len(lines) > HEADERS_LIMIT + 1:
        raise CameraError(f"the camera sends an RTSP message with more than {HEADERS_LIMIT} headers")
    headers = Headers(tuple(_headers(lines[1:])))
    words = lines[0].strip().split(None, 2)
    _check_first_line(words)
    if words[0].upper().startswith("RTSP/"):
        return _response(words, headers)
    return Request(words[0].upper(), words[1], headers)


def _response(words: list[str], headers: Headers) -> Response:
    if len(words) < 2 or not (words[1].isascii() and words[1].isdigit() and len(words[1]) == 3):
        raise CameraError("the camera answers without a status code")
    return Response(int(words[1]), plain(words[2]) if len(words) > 2 else "", headers)


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    unfolded: list[tuple[str, list[str]]] = []
    for line in lines:
        if len(line) > LINE_LIMIT_BYTES:
            raise CameraError(f"the camera sends a header of more than {LINE_LIMIT_BYTES} bytes")
        if line[:1] in (" ", "\t") and unfolded:  # folded, RFC 2326 section 4.2 by RFC 2068 section 4.2
            unfolded[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        if colon:
            unfolded.append((name.strip(), [value.strip()]))
    return [(name, " ".join(parts).strip()) for name, parts in unfolded]


def _content_length(headers: Headers) -> int:
    text = headers.get("Content-Length")
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > BODY_LIMIT_BYTES:
        raise CameraError(f"the camera announces a body of {text[:20]!r} bytes")
    return int(text)
