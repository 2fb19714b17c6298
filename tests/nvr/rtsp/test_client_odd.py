"""Cameras that speak RTSP against the book, and what is learned of them from one connection to the next."""

from contextlib import nullcontext

import pytest

from nvr.channel import Transport
from nvr.errors import AuthenticationError, CameraError
from nvr.rtsp.auth import challenges
from nvr.rtsp.client import MESSAGES_LIMIT, RtspClient, State
from nvr.rtsp.habits import Habits
from nvr.rtsp.message import Headers, Request, Response, format_message
from nvr.rtsp.reception import Reception
from tests.nvr.rtsp.camera import DIGEST, SDP, URL, Camera, Gate, client, connected, reply, run

# -- keep-alives


@pytest.mark.parametrize("status", [401, 403, 454, 500, 302])
def test_keep_alive_refused_in_any_way_ends_no_session(status: int) -> None:
    def refuse(_: Request) -> Response:
        return reply(status=status, Location="rtsp://192.0.2.9/")

    reception, camera = connected(GET_PARAMETER=refuse)
    camera._answers["OPTIONS"] = refuse
    for _ in range(3):
        reception.keep_alive(0)
        camera.run()
    assert reception.client.state is State.PLAYING


def test_keep_alive_that_ends_the_session_twice_gives_way_to_another_and_then_to_none() -> None:
    habits, methods = Habits(), []
    for _ in range(6):
        reception, camera = connected(habits=habits)
        reception.keep_alive(50_000_000)
        camera.run()
        reception.client.broken(50_500_000)
        methods.append(camera.methods()[-1])
    assert methods == ["GET_PARAMETER", "GET_PARAMETER", "OPTIONS", "OPTIONS", "PLAY", "PLAY"]


def test_keep_alive_that_a_session_outlives_is_not_blamed() -> None:
    habits = Habits()
    for _ in range(4):
        reception, camera = connected(habits=habits)
        for second in (20, 40):
            reception.keep_alive(second * 1_000_000)
            camera.run()
        reception.client.broken(59_000_000)
    assert camera.methods()[-1] == "GET_PARAMETER"


@pytest.mark.parametrize(
    ("public", "method"),
    [
        ("OPTIONS DESCRIBE SETUP GET_PARAMETER", "GET_PARAMETER"),
        ("options;get_parameter", "GET_PARAMETER"),
        (",, ,", "OPTIONS"),
        ("X" * 8000, "OPTIONS"),
    ],
)
def test_keep_alive_method_is_found_in_an_odd_public_header(public: str, method: str) -> None:
    reception, camera = connected(OPTIONS=lambda _: reply(Public=public))
    reception.keep_alive(0)
    camera.run()
    assert camera.requests[-1].method == method


def test_keep_alive_by_a_method_that_is_not_listed_where_the_others_do_not_keep_the_session() -> None:
    habits = Habits(ends={"OPTIONS": 2})
    assert habits.keep_alive({"PLAY"}) == "GET_PARAMETER"
    habits.ends["GET_PARAMETER"] = 2
    assert habits.keep_alive({"PLAY"}) is None


# -- OPTIONS is a courtesy


def test_options_unanswered_the_description_is_asked_for_and_a_late_answer_does_no_harm() -> None:
    habits = Habits()
    reception = Reception(client(habits=habits))
    reception.start()
    assert reception.take_output().startswith(b"OPTIONS")
    reception.client.go_on()
    reception.client.go_on()
    camera = Camera(reception)
    assert reception.client._output[0].startswith(b"DESCRIBE")
    reception.feed(memoryview(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: PLAY\r\n\r\n"), 0)
    camera.run()
    assert camera.methods() == ["DESCRIBE", "SETUP", "PLAY"]
    assert habits.dislikes_options


def test_options_refused_late_is_not_taken_for_the_answer_to_the_description() -> None:
    reception = Reception(client("u", "p"))
    reception.start()
    reception.take_output()
    reception.client.go_on()
    late = format_message(reply(status=401, CSeq="1", WWW_Authenticate=DIGEST.format("n1", "MD5")))
    reception.feed(memoryview(late), 0)
    camera = Camera(reception, DESCRIBE=Gate("n1"))
    camera.run()
    assert camera.methods() == ["DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]


def test_go_on_while_something_else_is_awaited_does_nothing() -> None:
    reception, _ = connected()
    reception.client.go_on()
    assert reception.take_output() == b""


def test_options_that_ends_the_connection_is_left_out_of_the_next_one() -> None:
    habits = Habits()
    reception = Reception(client(habits=habits))
    reception.start()
    reception.take_output()
    reception.client.broken(1)
    reception, camera = connected(habits=habits)
    reception.keep_alive(0)
    camera.run()
    assert camera.methods() == ["DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER"]


# -- a challenge is kept from one connection to the next


def test_challenge_is_kept_for_a_camera_that_closes_behind_each_401() -> None:
    habits = Habits()
    first = Reception(client("u", "p", habits=habits))
    camera = Camera(first, DESCRIBE=lambda _: reply(status=401, WWW_Authenticate=DIGEST.format("n1", "MD5")))
    first.start()
    for request in camera._read(first.take_output()):
        first.feed(memoryview(format_message(camera.answer(request))), 0)
    for request in camera._read(first.take_output()):
        first.feed(memoryview(format_message(camera.answer(request))), 0)  # and now it closes
    second = Reception(client("u", "p", habits=habits))
    camera = Camera(second, DESCRIBE=Gate("n1"))
    second.start()
    camera.run()
    assert camera.methods() == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert 'nonce="n1"' in (camera.requests[0].headers.get("Authorization") or "")


def test_kept_challenge_that_is_out_of_date_is_renewed() -> None:
    habits = Habits(challenge=challenges([DIGEST.format("old", "MD5")])[0])
    camera = run({"DESCRIBE": Gate("new", stale=False)}, habits=habits)
    assert camera.methods()[-1] == "PLAY"
    assert habits.refusals == 0


def test_nonces_for_one_request_each_are_answered() -> None:
    given = ["n0"]

    class OneTime(Camera):
        def answer(self, request: Request) -> Response:
            if f'nonce="{given[-1]}"' in (request.headers.get("Authorization") or ""):
                given.append(f"n{len(given)}")  # spent
                return super().answer(request)
            told = reply(status=401, WWW_Authenticate=DIGEST.format(given[-1], "MD5"))
            return Response(401, "", Headers((("CSeq", request.headers.get("CSeq") or ""), *told.headers.items)))

    habits = Habits()
    for _ in range(2):
        reception = Reception(client("u", "p", habits=habits))
        camera = OneTime(reception)
        reception.start()
        camera.run()
        assert reception.client.state is State.PLAYING


def test_wrong_password_is_not_tried_without_end_at_a_camera_that_closes_behind_each_401() -> None:
    habits, count = Habits(), iter(range(100))

    def try_once() -> None:
        reception = Reception(client("u", "wrong", habits=habits))
        camera = Camera(
            reception, DESCRIBE=lambda _: reply(status=401, WWW_Authenticate=DIGEST.format(next(count), "MD5"))
        )
        reception.start()
        for _ in range(2):  # OPTIONS, DESCRIBE; what follows is never heard
            for request in camera._read(reception.take_output()):
                reception.feed(memoryview(format_message(camera.answer(request))), 0)

    try_once()
    try_once()
    with pytest.raises(AuthenticationError, match="refuses"):
        try_once()
    assert habits.challenge is None


# -- the password in the clear

BASIC = 'Basic realm="camera"'


def test_basic_is_refused_over_plain_rtsp_once_the_camera_has_offered_digest() -> None:
    habits = Habits()
    run({"DESCRIBE": Gate("n1")}, habits=habits)
    sent: list[Request] = []

    def ask(request: Request) -> Response:
        sent.append(request)
        return reply(status=401, WWW_Authenticate=BASIC)

    with pytest.raises(AuthenticationError, match="in the clear"):
        run({"OPTIONS": ask, "DESCRIBE": ask}, habits=habits)
    assert not any((request.headers.get("Authorization") or "").startswith("Basic") for request in sent)


def test_basic_alone_is_refused_over_plain_rtsp_where_that_is_forbidden() -> None:
    for url, is_given in ((URL, False), (URL.replace("rtsp:", "rtsps:"), True)):
        one = RtspClient(url, "u", "p", Transport.TCP, cnonce=lambda: "c", basic_in_clear=False)
        reception = Reception(one)
        camera = Camera(reception, DESCRIBE=Gate("", scheme=BASIC))
        reception.start()
        with nullcontext() if is_given else pytest.raises(AuthenticationError, match="in the clear"):
            camera.run()
        sent = [request.headers.get("Authorization") or "" for request in camera.requests]
        assert any(header.startswith("Basic ") for header in sent) is is_given


def test_basic_beside_digest_is_not_chosen() -> None:
    def both(request: Request) -> Response:
        if request.headers.get("Authorization"):
            return reply(SDP.encode(), Content_Base=URL + "/")
        headers = (("WWW-Authenticate", BASIC), ("WWW-Authenticate", DIGEST.format("n", "MD5")))
        return Response(401, "", Headers(headers))

    assert (run({"DESCRIBE": both}).requests[-1].headers.get("Authorization") or "").startswith("Digest ")


def test_basic_after_digest_is_given_over_tls() -> None:
    reception = Reception(client("u", "p", url=URL.replace("rtsp:", "rtsps:"), habits=Habits(offered_digest=True)))
    camera = Camera(reception, DESCRIBE=Gate("", scheme=BASIC))
    reception.start()
    camera.run()
    assert reception.client.state is State.PLAYING


# -- too many viewers


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("DESCRIBE", reply(b"online user amount has reached the threshold", status=403)),
        ("SETUP", reply(status=403, reason="Maximum number of sessions reached")),
        ("SETUP", reply(status=453, reason="Not Enough Bandwidth")),
        ("PLAY", reply(status=503, reason="\x1b[2JService Unavailable")),
        ("DESCRIBE", reply(b"too many clients\x07\xff" * 500, status=503)),
    ],
)
def test_too_many_viewers_is_told_as_that_and_is_no_matter_of_credentials(method: str, answer: Response) -> None:
    with pytest.raises(CameraError, match="no place for another viewer") as caught:
        run({method: lambda _: answer})
    assert not isinstance(caught.value, AuthenticationError)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_forbidden_to_a_user_who_has_watched_before_means_too_many_viewers() -> None:
    habits = Habits()
    run({}, habits=habits)
    with pytest.raises(CameraError, match="no place for another viewer"):
        run({"DESCRIBE": lambda _: reply(status=403)}, habits=habits)


def test_multicast_is_told_as_that() -> None:
    with pytest.raises(CameraError, match="multicast"):
        connected(
            SETUP=lambda _: reply(Transport="RTP/AVP;multicast;destination=224.2.0.1;port=3456-3457", Session="1")
        )


# -- bounds


def test_requests_of_the_camera_without_end_end_the_session() -> None:
    reception, _ = connected()
    flood = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * (MESSAGES_LIMIT + 1)
    with pytest.raises(CameraError, match="without end"):
        reception.feed(memoryview(flood), 0)
    assert len(reception.take_output()) < 200 * MESSAGES_LIMIT


def test_requests_that_are_answered_in_between_are_welcome() -> None:
    reception, _ = connected()
    for _ in range(3 * MESSAGES_LIMIT):
        reception.feed(memoryview(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), 0)
        assert reception.take_output()


@pytest.mark.parametrize("session", ["x" * 300, "a\x01b"])
def test_session_that_cannot_be_sent_back_raises_camera_error(session: str) -> None:
    with pytest.raises(CameraError, match="session"):
        connected(SETUP=lambda r: reply(Transport=r.headers.get("Transport") or "", Session=session))


@pytest.mark.parametrize("session", ["77 ; timeout = 40", "77;timeout=40s", "77;TIMEOUT=40;x", " 77 ;;timeout=40"])
def test_session_header_in_odd_words_is_read(session: str) -> None:
    reception, camera = connected(SETUP=lambda r: reply(Transport=r.headers.get("Transport") or "", Session=session))
    assert (reception.client.session_timeout_s, camera.requests[-1].headers.get("Session")) == (40, "77")
