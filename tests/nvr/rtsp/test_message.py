import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import CameraError
from nvr.rtsp.message import PIECE_BYTES, Headers, MessageReader, Request, Response, format_message
from tests.nvr.rtsp.camera import messages

REPLY = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"


def test_feed_whole_reply_gives_status_headers_and_body() -> None:
    message, taken = MessageReader().feed(REPLY + b"$rest")
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.body, taken) == (200, "OK", b"v=0\r\n", len(REPLY))
    assert message.headers.get("cseq") == "3"


@pytest.mark.parametrize("cut", range(1, len(REPLY)))
def test_feed_split_at_any_byte_gives_same_message(cut: int) -> None:
    reader = MessageReader()
    assert reader.feed(REPLY[:cut]) == (None, cut)
    assert reader.inside
    message, taken = reader.feed(REPLY[cut:] + b"$")
    assert message == messages(REPLY)[0]
    assert taken == len(REPLY) - cut
    assert not reader.inside


def test_feed_bare_line_feeds_are_line_ends() -> None:
    (message,) = messages(REPLY.replace(b"\r\nC", b"\nC").replace(b"\r\n\r\n", b"\n\n"))
    assert isinstance(message, Response)
    assert message.body == b"v=0\r\n"


def test_feed_folded_header_is_joined() -> None:
    (message,) = messages(b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="a",\r\n\tnonce="b"\r\n\r\n')
    assert message.headers.get("www-authenticate") == 'Digest realm="a", nonce="b"'


def test_feed_repeated_header_keeps_all_values() -> None:
    (message,) = messages(b"RTSP/1.0 401 No\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\n\r\n")
    assert message.headers.all("WWW-Authenticate") == ["Basic", "Digest"]


def test_feed_request_of_camera_gives_request() -> None:
    assert messages(b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n") == [Request("OPTIONS", "*", Headers((("CSeq", "9"),)))]


def test_feed_status_without_reason_and_lines_without_colon_are_accepted() -> None:
    (message,) = messages(b"\r\nRTSP/1.0 200\r\nrubbish\r\nCSeq:1\r\n\r\n")
    assert message == Response(200, "", Headers((("CSeq", "1"),)))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"RTSP/1.0 2xx OK\r\n\r\n",
        b"RTSP/1.0\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"R" * 9000,
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 9000,
        b"R\x00\x01\x02",
    ],
)
def test_feed_what_is_no_message_raises_camera_error(data: bytes) -> None:
    with pytest.raises(CameraError):
        MessageReader().feed(data)


class Counted(bytes):
    """Bytes that know how much of them was copied out."""

    copied = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        piece = super().__getitem__(key)
        if isinstance(key, slice):
            Counted.copied += len(piece)
            return Counted(piece)
        return piece


@pytest.mark.parametrize("message", [b"OPTIONS * RTSP/1.0\r\n\r\n", b"A B RTSP/1.0\n\n", REPLY, b"X" * 8000 + b"\n\n"])
def test_feed_copies_little_more_than_a_message_has(message: bytes) -> None:
    data = Counted(message + bytes(1_000_000))
    Counted.copied = 0
    with contextlib.suppress(CameraError):
        MessageReader().feed(data)
    assert Counted.copied <= 2 * (len(message) + PIECE_BYTES)


def test_feed_frame_between_header_lines_is_left_to_the_caller() -> None:
    reader = MessageReader()
    head, frame, rest = REPLY[:26], b"$\0\0\1x", REPLY[26:]
    assert reader.feed(head + frame + rest) == (None, len(head))
    assert reader.between_lines
    message, taken = reader.feed(rest)
    assert (message, taken) == (messages(REPLY)[0], len(rest))


def test_abandon_gives_the_head_back_and_begins_anew() -> None:
    reader = MessageReader()
    reader.feed(REPLY[:40])
    assert reader.abandon() == REPLY[:40]
    assert not reader.inside
    assert reader.feed(REPLY)[0] == messages(REPLY)[0]


@pytest.mark.parametrize(
    "head",
    [
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 129,
        b"RTSP/1.0 200 OK\r\nX: " + b"y" * 8200 + b"\r\n",
        b"RTSP/1.0 200 OK\r\nX: y\r\n" + b" z\r\n" * 129,
    ],
)
def test_feed_headers_beyond_the_limits_raise_camera_error(head: bytes) -> None:
    with pytest.raises(CameraError, match="header"):
        MessageReader().feed(head + b"\r\n")


def test_feed_reason_that_steers_a_terminal_is_made_plain() -> None:
    (message,) = messages(b"RTSP/1.0 404 \x1b[2J\x1b]0;owned\x07\xe2\x80\xaeevil" + b"x" * 300 + b"\r\n\r\n")
    assert isinstance(message, Response)
    assert message.reason.isprintable()
    assert len(message.reason) == 200


def test_format_header_with_line_break_raises_camera_error() -> None:
    with pytest.raises(CameraError):
        format_message(Request("PLAY", "rtsp://a/b", Headers((("X", "a\r\nY: b"),))))


@given(st.binary(max_size=300), st.integers(1, 50))
def test_feed_any_bytes_raise_only_camera_error(data: bytes, step: int) -> None:
    reader = MessageReader()
    try:
        for at in range(0, len(data), step):
            rest = data[at : at + step]
            while rest:
                _, taken = reader.feed(rest)
                assert 0 < taken <= len(rest)
                rest = rest[taken:]
    except CameraError:
        pass


@given(st.sampled_from(["OPTIONS", "SET_PARAMETER"]), st.binary(max_size=200))
def test_format_then_feed_round_trips(method: str, body: bytes) -> None:
    (message,) = messages(format_message(Request(method, "rtsp://a/b", Headers((("CSeq", "1"),)), body)))
    assert (message.headers.get("CSeq"), message.body) == ("1", body)
