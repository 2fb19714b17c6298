from collections.abc import Callable

import pytest

from nvr.channel import Transport
from nvr.errors import AuthenticationError, CameraError
from nvr.rtsp.client import State
from nvr.rtsp.events import Playing, SetUp
from nvr.rtsp.message import Headers, Request, Response
from nvr.rtsp.reception import Reception
from nvr.rtsp.transport import InterleavedChannels, RtpInfo, ServerPorts
from tests.nvr.rtsp.camera import DIGEST, SDP, URL, Camera, Gate, client, connected, messages, reply, run


def test_start_over_tcp_plays_and_says_so() -> None:
    reception, camera = connected()
    assert camera.methods() == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    set_up, playing = reception.take_events()
    assert isinstance(set_up, SetUp)
    assert isinstance(playing, Playing)
    assert (playing.channels, playing.ports) == (InterleavedChannels(0, 1), None)
    assert (playing.rtp_info, playing.session_timeout_s) == (RtpInfo(65_530, 1000), 40)
    assert reception.client.state is State.PLAYING


def test_start_over_udp_gives_the_ports_of_the_camera() -> None:
    reception, camera = connected(Transport.UDP)
    set_up, _ = reception.take_events()
    assert set_up.ports == ServerPorts(6970, 6971)
    assert camera.requests[2].headers.get("Transport") == "RTP/AVP;unicast;client_port=30000-30001"


def test_urls_come_from_content_base_and_control() -> None:
    _, camera = connected(DESCRIBE=lambda _: reply(SDP.encode(), Content_Base="rtsp://192.0.2.3/other/"))
    assert [request.url for request in camera.requests] == [
        URL,
        URL,
        "rtsp://192.0.2.3/other/trackID=1",
        "rtsp://192.0.2.3/other/",
    ]


@pytest.mark.parametrize(
    "description",
    [
        reply(SDP.encode()),
        reply(SDP.encode(), Content_Base="/nonsense"),
        reply(SDP.encode(), Content_Location="rtsp://:x/"),
    ],
)
def test_urls_without_usable_content_base_come_from_the_request(description: Response) -> None:
    _, camera = connected(DESCRIBE=lambda _: description)
    assert [request.url for request in camera.requests[2:]] == [URL + "/trackID=1", URL]


def test_credentials_in_the_url_are_never_sent() -> None:
    reception = Reception(client(url="rtsp://admin:s3cret@192.0.2.3/live"))
    reception.start()
    assert b"s3cret" not in reception.take_output()


@pytest.mark.parametrize("answer", [reply(status=405), reply(status=501), reply(status=454)])
def test_options_refused_goes_on_with_describe(answer: Response) -> None:
    reception, _ = connected(OPTIONS=lambda _: answer)
    assert reception.client.state is State.PLAYING


def test_channels_other_than_asked_for_are_taken_from_the_reply() -> None:
    reception, _ = connected(SETUP=lambda _: reply(Transport="RTP/AVP/TCP;unicast;interleaved=4-5", Session="1"))
    assert reception.take_events()[0].channels == InterleavedChannels(4, 5)


def test_setup_reply_without_transport_means_what_was_asked() -> None:
    reception, _ = connected(SETUP=lambda _: reply(Session="1"))
    assert reception.take_events()[0].channels == InterleavedChannels(0, 1)


def test_setup_for_udp_answered_with_tcp_raises_with_hint() -> None:
    with pytest.raises(CameraError, match="choose TCP"):
        connected(Transport.UDP, SETUP=lambda _: reply(Transport="RTP/AVP/TCP;interleaved=0-1", Session="1"))


def test_setup_for_tcp_answered_with_udp_raises_with_hint() -> None:
    with pytest.raises(CameraError, match="choose UDP"):
        connected(SETUP=lambda _: reply(Transport="RTP/AVP;unicast;server_port=1-2", Session="1"))


def test_play_with_range_refused_is_tried_without() -> None:
    def picky(request: Request) -> Response:
        return reply(status=457 if request.headers.get("Range") else 200)

    reception, camera = connected(PLAY=picky)
    assert camera.methods()[-2:] == ["PLAY", "PLAY"]
    assert reception.client.state is State.PLAYING


# -- credentials


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "MD5-sess"])
def test_digest_challenge_is_answered_and_kept(algorithm: str) -> None:
    camera = run({"DESCRIBE": Gate("n1", scheme=DIGEST.replace("{}", "n1", 1).replace("{}", algorithm))})
    assert camera.methods() == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]
    assert f"algorithm={algorithm}" in (camera.requests[-1].headers.get("Authorization") or "")
    assert "nc=00000003" in (camera.requests[-1].headers.get("Authorization") or "")


def test_basic_challenge_is_answered() -> None:
    camera = run({"DESCRIBE": Gate("", scheme='Basic realm="camera"')})
    assert (camera.requests[-1].headers.get("Authorization") or "").startswith("Basic ")


def test_stale_nonce_while_setting_up_is_renewed() -> None:
    gate = Gate("n1", "n2")
    seen: list[str] = []

    def setup(request: Request) -> Response:
        seen.append(request.headers.get("Authorization") or "")
        if len(seen) == 1:
            return reply(status=401, WWW_Authenticate=DIGEST.format("n9", "MD5") + ", stale=true")
        return reply(Transport=request.headers.get("Transport") or "", Session="1")

    camera = run({"DESCRIBE": gate, "SETUP": setup})
    assert 'nonce="n9"' in seen[1]
    assert camera.methods()[-1] == "PLAY"


def test_new_nonce_without_stale_flag_is_accepted_once_the_credentials_have_proved_right() -> None:
    seen: list[str] = []

    def setup(request: Request) -> Response:
        seen.append(request.headers.get("Authorization") or "")
        if len(seen) == 1:
            return reply(status=401, WWW_Authenticate=DIGEST.format("n9", "MD5"))
        return reply(Transport=request.headers.get("Transport") or "", Session="1")

    assert run({"DESCRIBE": Gate("n1"), "SETUP": setup}).methods()[-1] == "PLAY"


def test_wrong_password_is_tried_once_and_raises_authentication_error() -> None:
    gate = Gate("n0", stale=False)

    def refuse(request: Request) -> Response:
        gate.nonces = [f"n{gate.refused}"]
        return gate(Request(request.method, request.url))

    with pytest.raises(AuthenticationError) as caught:
        run({"DESCRIBE": refuse})
    assert gate.refused == 2
    assert "p4ss" not in str(caught.value)


def test_endless_stale_nonces_raise_authentication_error() -> None:
    count = iter(range(100))
    with pytest.raises(AuthenticationError):
        run(
            {
                "DESCRIBE": lambda _: reply(
                    status=401, WWW_Authenticate=DIGEST.format(next(count), "MD5") + ", stale=true"
                )
            }
        )
    assert next(count) < 6


def test_challenge_without_credentials_raises_authentication_error() -> None:
    with pytest.raises(AuthenticationError, match="wants a user name"):
        run({"DESCRIBE": Gate("n1")}, username="")


def test_unknown_authentication_raises_authentication_error() -> None:
    with pytest.raises(AuthenticationError):
        run({"DESCRIBE": lambda _: reply(status=401, WWW_Authenticate="Negotiate")})


def test_forbidden_raises_authentication_error() -> None:
    with pytest.raises(AuthenticationError):
        run({"DESCRIBE": lambda _: reply(status=403)})


# -- errors


@pytest.mark.parametrize(
    ("method", "answer", "words"),
    [
        ("DESCRIBE", reply(status=404, reason="Not Found"), "404 Not Found"),
        ("DESCRIBE", reply(status=302, Location="rtsp://u:s3cret@10.0.0.9/x"), "rtsp://10.0.0.9/x"),
        ("DESCRIBE", reply(), "no stream"),
        ("DESCRIBE", reply(SDP.replace("H264", "JPEG").replace("sprop", "x").encode()), "JPEG"),
        ("DESCRIBE", reply(SDP.replace("/90000", "/8000").encode()), "8000"),
        ("DESCRIBE", reply(SDP.replace("mode=1", "mode=2").encode()), "interleaved mode"),
        ("SETUP", reply(status=461, reason="Unsupported Transport"), "choose UDP"),
        ("SETUP", reply(status=453, reason="Not Enough Bandwidth"), "453"),
        ("PLAY", reply(status=503, reason="Service Unavailable"), "503"),
    ],
)
def test_refusal_raises_camera_error_that_says_why(method: str, answer: Response, words: str) -> None:
    with pytest.raises(CameraError, match=words) as caught:
        run({method: lambda _: answer})
    assert not isinstance(caught.value, AuthenticationError)
    assert "s3cret" not in str(caught.value)


# -- the session


def test_keep_alive_uses_get_parameter_if_the_camera_lists_it() -> None:
    reception, camera = connected()
    assert reception.client.keep_alive_interval_s == 20
    reception.keep_alive(0)
    camera.run()
    assert camera.requests[-1].method == "GET_PARAMETER"
    assert camera.requests[-1].headers.get("Session") == "77"


def test_keep_alive_uses_options_if_get_parameter_is_not_listed() -> None:
    reception, camera = connected(OPTIONS=lambda _: reply(Public="DESCRIBE, SETUP, PLAY"))
    reception.keep_alive(0)
    camera.run()
    assert camera.methods()[-1] == "OPTIONS"


def test_keep_alive_refused_falls_back_to_options() -> None:
    reception, camera = connected(GET_PARAMETER=lambda _: reply(status=501))
    for _ in range(2):
        reception.keep_alive(0)
        camera.run()
    assert camera.methods()[-2:] == ["GET_PARAMETER", "OPTIONS"]


def test_keep_alive_with_stale_nonce_is_authenticated_anew() -> None:
    reception, camera = Reception(client("u", "p")), None
    count: list[str] = []

    def parameter(request: Request) -> Response:
        count.append(request.headers.get("Authorization") or "")
        return reply(status=401, WWW_Authenticate=DIGEST.format("n5", "MD5")) if len(count) == 1 else reply()

    camera = Camera(reception, DESCRIBE=Gate("n1"), GET_PARAMETER=parameter)
    reception.start()
    camera.run()
    reception.keep_alive(0)
    camera.run()
    assert 'nonce="n5"' in count[1]


def test_keep_alive_never_answered_does_no_harm() -> None:
    reception, _ = connected()
    for _ in range(50):
        reception.keep_alive(0)
        assert b"GET_PARAMETER" in reception.take_output()
    assert reception.client.state is State.PLAYING


def test_session_timeout_missing_is_sixty_seconds() -> None:
    reception, _ = connected(SETUP=lambda r: reply(Transport=r.headers.get("Transport") or "", Session="5"))
    assert reception.client.session_timeout_s == 60
    assert reception.client.keep_alive_interval_s == 30


@pytest.mark.parametrize("method", ["OPTIONS", "SET_PARAMETER", "GET_PARAMETER", "ANNOUNCE"])
def test_request_of_the_camera_is_granted(method: str) -> None:
    reception, _ = connected()
    reception.feed(memoryview(f"{method} * RTSP/1.0\r\nCSeq: 12\r\nContent-Length: 3\r\n\r\n$a\n".encode()), 0)
    (answer,) = messages(reception.take_output())
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers.get("CSeq"), answer.headers.get("Session")) == (200, "12", "77")


def test_request_of_the_camera_that_is_unknown_is_refused() -> None:
    reception, _ = connected()
    reception.feed(memoryview(b"DANCE * RTSP/1.0\r\nCSeq: 12\r\n\r\n"), 0)
    (answer,) = messages(reception.take_output())
    assert isinstance(answer, Response)
    assert answer.status == 501


@pytest.mark.parametrize("method", ["TEARDOWN", "REDIRECT"])
def test_request_of_the_camera_that_ends_the_session_raises_camera_error(method: str) -> None:
    reception, _ = connected()
    with pytest.raises(CameraError):
        reception.feed(memoryview(f"{method} * RTSP/1.0\r\nCSeq: 12\r\n\r\n".encode()), 0)


def test_reply_without_cseq_belongs_to_the_oldest_request() -> None:
    reception = Reception(client())
    reception.start()
    reception.take_output()
    reception.feed(memoryview(b"RTSP/1.0 200 OK\r\nPublic: PLAY\r\n\r\n"), 0)
    assert reception.take_output().startswith(b"DESCRIBE")


@pytest.mark.parametrize("odd", [lambda n: n - 1, lambda n: n + 1, lambda n: 1, lambda n: 0, lambda n: 10**8])
def test_replies_with_wrong_numbers_are_taken_in_order(odd: Callable[[int], int]) -> None:
    class Miscounting(Camera):
        def answer(self, request: Request) -> Response:
            told = super().answer(request)
            number = odd(int(request.headers.get("CSeq") or "0"))
            items = (("CSeq", str(number)), *[item for item in told.headers.items if item[0] != "CSeq"])
            return Response(told.status, told.reason, Headers(items), told.body)

    reception = Reception(client("u", "p"))
    camera = Miscounting(reception, DESCRIBE=Gate("n1"))
    reception.start()
    camera.run()
    assert reception.client.state is State.PLAYING
    assert camera.methods() == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]


def test_provisional_reply_is_ignored() -> None:
    reception = Reception(client())
    reception.start()
    reception.take_output()
    reception.feed(memoryview(b"RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n"), 0)
    assert reception.take_output() == b""


def test_teardown_sends_it_once() -> None:
    reception, _ = connected()
    reception.teardown()
    reception.teardown()
    (request,) = messages(reception.take_output())
    assert isinstance(request, Request)
    assert (request.method, request.headers.get("Session")) == ("TEARDOWN", "77")
