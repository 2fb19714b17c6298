"""The RTSP client of one stream, as a pure state machine (RFC 2326): messages in, events and bytes out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from nvr.channel import Transport
from nvr.errors import AuthenticationError, CameraError
from nvr.rtsp.auth import Authenticator, Challenge, Credentials, challenges
from nvr.rtsp.events import Event, Playing, SetUp
from nvr.rtsp.habits import Habits
from nvr.rtsp.message import Headers, Message, Request, Response, format_message
from nvr.rtsp.refusal import forbidden, in_clear, redirected, refused
from nvr.rtsp.sdp import CLOCK_RATES, VIDEO_CLOCK_RATE, parse_description
from nvr.rtsp.text import plain
from nvr.rtsp.transport import (
    DEFAULT_TIMEOUT_S,
    InterleavedChannels,
    parse_rtp_info,
    parse_session,
    parse_transport,
)
from nvr.rtsp.url import base_url, is_secure, without_credentials, without_zone

USER_AGENT = "hoxa-nvr"
ASKED_CHANNELS = InterleavedChannels(0, 1)
KEEP_ALIVE_LIMIT_S = 30  # chosen: routers forget connections that are quiet for minutes
ATTEMPTS_LIMIT = 3  # of one request, with nonces that the camera called stale
SESSION_LIMIT = 256  # characters of a session's name; chosen: cameras use 8 to 40
UNANSWERED_LIMIT = 8  # chosen: some cameras never answer a keep-alive while they play
MESSAGES_LIMIT = 64  # chosen: of a camera between two sendings of ours; they send one in a minute
_GRANTED = ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "PLAY_NOTIFY")  # requests of cameras we say yes to


class State(Enum):
    """How far the session is."""

    IDLE = auto()
    SETTING_UP = auto()
    PLAYING = auto()
    CLOSED = auto()


@dataclass(slots=True)
class _Pending:
    """A request that waits for its reply."""

    method: str
    url: str
    extra: tuple[tuple[str, str], ...]
    nonce: str | None = None  # it was sent with; None: without credentials
    attempts: int = 0


class RtspClient:
    """Sets up and keeps the video of one URL.

    Args:
        url: ``rtsp://`` or ``rtsps://``; credentials in it are thrown away.
        username: empty where the camera wants none.
        password: only ever sent hashed, or by Basic if the camera offers nothing better; never shown.
        transport: how RTP is to travel.
        cnonce: gives a random token for Digest.
        udp_ports: ours for RTP and RTCP, if the transport is UDP.
        habits: what earlier sessions have taught; it learns from this one.
        basic_in_clear: whether a camera that has only ever offered Basic gets the password readable over plain RTSP.

    Raises (all methods):
        AuthenticationError: the camera refuses the credentials.
        CameraError: the camera cannot be used this way. In both cases the session is over.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        transport: Transport,
        *,
        cnonce: Callable[[], str],
        udp_ports: tuple[int, int] | None = None,
        habits: Habits | None = None,
        basic_in_clear: bool = True,
    ) -> None:
        if (transport is Transport.UDP) != (udp_ports is not None):
            raise ValueError("UDP ports go with UDP, and only with it")
        self.url = without_zone(without_credentials(url))
        self.state = State.IDLE
        self.session_timeout_s = DEFAULT_TIMEOUT_S
        self._habits = habits or Habits()
        self._basic_in_clear = basic_in_clear or is_secure(url)
        self._has_credentials = bool(username)
        self._authenticator = Authenticator(Credentials(username, password), cnonce)
        self._accepted = False  # a request with credentials has succeeded
        self._guards_options = False  # OPTIONS was answered by a challenge
        self._kept_nonce: str | None = None  # of the session before, with which this one began
        self._udp_ports = udp_ports
        self._sequence = 0
        self._pending: dict[int, _Pending] = {}
        self._given_up: set[str] = set()  # numbers of requests whose replies may still come
        self._output: list[bytes] = []
        self._events: list[Event] = []
        self._methods: frozenset[str] = frozenset()  # what the camera says it understands
        self._control_url = self.url
        self._session = ""
        self._set_up: SetUp | None = None
        self._messages = 0  # since output was taken
        self._kept_alive_by: tuple[str, int] | None = None  # the last keep-alive: its method and monotonic time

    @property
    def keep_alive_interval_s(self) -> int:
        """How often to call `keep_alive`."""
        return max(1, min(self.session_timeout_s // 2, KEEP_ALIVE_LIMIT_S))

    def start(self) -> None:
        """Begin; the first request is in `take_output`."""
        self.state = State.SETTING_UP
        if self._habits.challenge is not None and self._has_credentials:
            self._authenticator.accept(self._habits.challenge)
            self._kept_nonce = self._habits.challenge.nonce
        if self._habits.dislikes_options:
            self._describe()
        else:
            self._send("OPTIONS", self.url)

    def go_on(self) -> None:
        """Time has passed: where OPTIONS, which is a courtesy, is not answered, ask for the description."""
        if self.state is State.SETTING_UP and [one.method for one in self._pending.values()] == ["OPTIONS"]:
            self._habits.dislikes_options = True
            self._given_up = {str(number) for number in self._pending}
            self._pending.clear()
            self._describe()

    def broken(self, now_us: int) -> None:
        """The camera closed the connection: learn what it may have disliked."""
        methods = {one.method for one in self._pending.values()}
        if self.state is State.SETTING_UP and methods == {"OPTIONS"}:
            self._habits.dislikes_options = True
        if self.state is State.PLAYING and self._kept_alive_by is not None:
            method, sent_us = self._kept_alive_by
            self._habits.session_ended(method, now_us - sent_us)

    def take_output(self) -> bytes:
        """The bytes to be sent to the camera."""
        data = b"".join(self._output)
        self._output.clear()
        self._messages = 0
        return data

    def take_events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def keep_alive(self, now_us: int) -> None:
        """Tell the camera that somebody is still there (RFC 2326 sections 10.8 and 12.37)."""
        if self.state is not State.PLAYING:
            return
        if self._kept_alive_by is not None:
            self._habits.ends.pop(self._kept_alive_by[0], None)  # the session has outlived it
        method = self._habits.keep_alive(self._methods)
        self._kept_alive_by = (method, now_us) if method else None
        if method:
            self._send(method, self._control_url)

    def teardown(self) -> None:
        """End the session; nothing is expected of the camera any more."""
        if self._session and self.state is not State.CLOSED:
            self._send("TEARDOWN", self._control_url)
        self.state = State.CLOSED

    def handle(self, message: Message) -> None:
        """Take a message of the camera."""
        self._messages += 1
        if self._messages > MESSAGES_LIMIT:
            raise self._error("the camera sends messages without end")
        match message:
            case Request():
                self._answer(message)
            case Response():
                self._take_response(message)

    # -- requests of the camera ----------------------------------------------------------------------------------

    def _answer(self, request: Request) -> None:
        granted = request.method in _GRANTED or request.method == "TEARDOWN"
        headers = [("CSeq", plain(request.headers.get("CSeq") or "0", 20))]
        if self._session:
            headers.append(("Session", self._session))
        if request.method == "OPTIONS":
            headers.append(("Public", "OPTIONS, GET_PARAMETER, SET_PARAMETER, ANNOUNCE"))
        status = (200, "OK") if granted else (501, "Not Implemented")
        self._output.append(format_message(Response(*status, Headers(tuple(headers)))))
        if request.method == "TEARDOWN":
            raise self._error("the camera ended the session")
        if request.method == "REDIRECT":
            raise redirected(self.url, request.headers)

    # -- replies -------------------------------------------------------------------------------------------------

    def _take_response(self, response: Response) -> None:
        pending = self._claim(response)
        if pending is None or self.state is State.CLOSED:
            return
        if response.status == 401:
            self._authenticate(pending, response)
            return
        proves = pending.method != "OPTIONS" or self._guards_options  # many let everybody ask for those
        if pending.nonce is not None and proves and 200 <= response.status < 300:
            self._accepted = True
            self._habits.refusals = 0
        if self.state is State.PLAYING:
            self._kept_alive(pending, response)
            return
        if 300 <= response.status < 400:
            raise redirected(self.url, response.headers)
        if response.status == 403:
            raise forbidden(self.url, response, has_played=self._habits.has_played)
        match pending.method:
            case "OPTIONS":
                self._take_options(response)
            case "DESCRIBE":
                self._take_description(response)
            case "SETUP":
                self._take_setup(response)
            case "PLAY":
                self._take_play(pending, response)

    def _claim(self, response: Response) -> _Pending | None:
        """The request that a reply is for: by its number, else the oldest, for replies come in order (section 9.1).

        Some cameras number their replies wrongly, or not at all (retina's issues 133 and 136).
        """
        if response.status < 200 or not self._pending:
            return None
        number = (response.headers.get("CSeq") or "").strip()
        if number.isascii() and number.isdigit() and len(number) < 10 and int(number) in self._pending:
            return self._pending.pop(int(number))
        oldest = min(self._pending)
        needs_body = self._pending[oldest].method == "DESCRIBE" and response.status == 200
        if (needs_body or number in self._given_up) and not response.body:
            return None  # of an earlier request that was given up
        return self._pending.pop(oldest)

    def _take_options(self, response: Response) -> None:
        if response.status == 200:  # without it we go on: OPTIONS is a courtesy
            offered = " ".join(response.headers.all("Public") + response.headers.all("Allow"))
            self._methods = frozenset(word.upper() for word in re.split(r"[\s,;]+", offered) if word)
        self._describe()

    def _describe(self) -> None:
        self._send("DESCRIBE", self.url, ("Accept", "application/sdp"))

    def _take_description(self, response: Response) -> None:
        if response.status != 200:
            hint = "check the path in the URL" if response.status in (400, 404, 454) else ""
            raise self._refused("describe the stream", response, hint)
        base = response.headers.get("Content-Base") or response.headers.get("Content-Location")
        text = response.body.decode("utf-8", "replace")
        description = parse_description(text, base_url(base, self.url))
        media = description.video()
        if media.packetization_mode > 1:
            raise self._error("the camera sends H.264 in interleaved mode (packetization-mode=2)")
        if media.clock_rate not in CLOCK_RATES:
            raise self._error(f"the camera's RTP clock runs at {media.clock_rate} Hz instead of {VIDEO_CLOCK_RATE}")
        self._control_url = description.control_url
        self._set_up = SetUp(media, None, None, None)
        self._send("SETUP", media.control_url, ("Transport", self._asked_transport()))

    def _asked_transport(self) -> str:
        if self._udp_ports is None:
            return f"RTP/AVP/TCP;unicast;interleaved={ASKED_CHANNELS.rtp}-{ASKED_CHANNELS.rtcp}"
        rtp, rtcp = self._udp_ports
        return f"RTP/AVP;unicast;client_port={rtp}-{rtcp}"

    def _take_setup(self, response: Response) -> None:
        over_tcp = self._udp_ports is None
        if response.status != 200:
            other = "choose UDP for this camera" if over_tcp else "choose TCP for this camera"
            raise self._refused("set up the stream", response, other if response.status == 461 else "")
        assert self._set_up is not None
        reply = parse_transport(response.headers.get("Transport") or self._asked_transport())
        if reply.multicast:
            raise self._error("the camera insists on multicast", "switch it off in the camera, or choose TCP")
        if over_tcp and reply.channels is None and reply.ports is not None:
            raise self._error("the camera insists on UDP", "choose UDP for this camera")
        if not over_tcp and reply.interleaved:
            raise self._error("the camera insists on TCP", "choose TCP for this camera")
        channels = (reply.channels or ASKED_CHANNELS) if over_tcp else None
        self._take_session(response)
        ports = None if over_tcp else reply.ports
        self._set_up = SetUp(self._set_up.media, channels, ports, reply.ssrc, "" if over_tcp else reply.source)
        self._events.append(self._set_up)
        self._send("PLAY", self._control_url, ("Range", "npt=0.000-"))

    def _take_session(self, response: Response) -> None:
        value = response.headers.get("Session")
        if value is None:
            return
        session, timeout_s = parse_session(value)
        if len(session) > SESSION_LIMIT or not session.isprintable():
            raise self._error("the camera names its session by something that cannot be sent back")
        self._session = self._session or session
        if timeout_s is not None:
            self.session_timeout_s = timeout_s

    def _take_play(self, pending: _Pending, response: Response) -> None:
        if response.status != 200:
            if pending.extra and response.status in (400, 456, 457, 501, 551):  # the Range may be what it dislikes
                self._send("PLAY", self._control_url)
                return
            raise self._refused("play the stream", response)
        assert self._set_up is not None
        self._take_session(response)
        media, channels, ports, ssrc = self._set_up.media, self._set_up.channels, self._set_up.ports, self._set_up.ssrc
        info = parse_rtp_info(response.headers.get("RTP-Info"), media.control_url)
        self.state = State.PLAYING
        self._habits.has_played = True
        self._pending.clear()
        self._events.append(Playing(media, channels, ports, ssrc, info, self.session_timeout_s))

    def _kept_alive(self, pending: _Pending, response: Response) -> None:
        """Whatever it says, 454 Session Not Found too: as long as pictures come there is a session."""
        if response.status >= 300:
            self._methods -= {pending.method}  # it lists what it cannot do: another one from now on

    # -- credentials ---------------------------------------------------------------------------------------------

    def _authenticate(self, pending: _Pending, response: Response) -> None:
        offers = challenges(response.headers.all("WWW-Authenticate"))
        try:
            best = self._chosen(offers)
            self._check_renewal(pending, best)
        except AuthenticationError:
            self._habits.challenge, self._habits.refusals = None, 0
            if self.state is State.PLAYING:  # a keep-alive that is not believed: pictures tell whether it matters
                return
            raise
        self._guards_options = self._guards_options or pending.method == "OPTIONS"
        self._habits.challenge = best
        self._authenticator.accept(best)
        self._send(pending.method, pending.url, *pending.extra, attempts=pending.attempts + 1)

    def _chosen(self, offers: list[Challenge]) -> Challenge:
        if not self._has_credentials:
            raise AuthenticationError(
                "the camera wants a user name and a password", where=self.url, hint="enter them for this channel"
            )
        if not offers:
            raise AuthenticationError("the camera wants an authentication that is not known here", where=self.url)
        best = offers[0]
        if best.scheme == "basic" and not self._basic_in_clear:
            raise in_clear(self.url, "the camera, or who answers there, wants the password in the clear")
        if best.scheme == "basic" and self._habits.offered_digest and not is_secure(self.url):
            raise in_clear(
                self.url,
                "the camera wants the password in the clear, though it took it hashed before: it may be another",
            )
        self._habits.offered_digest = self._habits.offered_digest or best.scheme == "digest"
        return best

    def _check_renewal(self, pending: _Pending, best: Challenge) -> None:
        """Credentials were sent and refused: that is the end of it, unless only the nonce was out of date.

        Each further try is counted, also across connections: cameras lock users out.
        """
        if pending.nonce is None:
            return
        self._habits.refusals += 1
        is_newer = best.stale or (self._accepted and best.nonce != pending.nonce)
        was_kept = pending.nonce == self._kept_nonce and self._habits.refusals == 1
        if not (is_newer or was_kept) or max(pending.attempts, self._habits.refusals) > ATTEMPTS_LIMIT:
            raise AuthenticationError(
                "the camera refuses the user name or the password", where=self.url, hint="correct them for this channel"
            )

    # -- sending -------------------------------------------------------------------------------------------------

    def _send(self, method: str, url: str, *extra: tuple[str, str], attempts: int = 0) -> None:
        self._sequence += 1
        headers = [("CSeq", str(self._sequence)), ("User-Agent", USER_AGENT)]
        authorization = self._authenticator.authorization(method, url)
        if authorization is not None:
            headers.append(("Authorization", authorization))
        if self._session:
            headers.append(("Session", self._session))
        nonce = self._authenticator.nonce if authorization is not None else None
        self._pending[self._sequence] = _Pending(method, url, extra, nonce, attempts)
        if len(self._pending) > UNANSWERED_LIMIT:
            del self._pending[min(self._pending)]
        self._output.append(format_message(Request(method, url, Headers((*headers, *extra)))))

    # -- errors --------------------------------------------------------------------------------------------------

    def _error(self, what: str, hint: str = "") -> CameraError:
        return CameraError(what, where=self.url, hint=hint)

    def _refused(self, what: str, response: Response, hint: str = "") -> CameraError:
        return refused(self.url, what, response, hint)
