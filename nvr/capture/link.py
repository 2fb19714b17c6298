"""One attempt at a camera: name, connection, RTSP handshake, media, until something fails. Sockets and timers only."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLContext
from typing import Protocol
from urllib.parse import urlsplit

from nvr.capture.connection import BATCH_BYTES, Connection, Endpoint
from nvr.capture.datagrams import DATAGRAM_BYTES, FIRST_PORT, DatagramPair
from nvr.capture.reactor import READABLE, WRITABLE, Reactor, Timer
from nvr.capture.resolver import Resolver
from nvr.channel import Channel, Transport
from nvr.errors import CameraError, NetworkError, unforeseen
from nvr.log import get_logger
from nvr.media import Sample
from nvr.rtsp.client import RtspClient
from nvr.rtsp.events import Playing, SetUp
from nvr.rtsp.reception import Reception
from nvr.timebase import US_PER_S

BUFFER_BYTES = 512 * 1024
HANDSHAKE_US = 10 * US_PER_S
PROMPT_US = 3 * US_PER_S  # a session is read at once for so long, to learn well when its pictures arrive
# DESIGN section 3: every 0.25–0.5 s whatever lies below the mark. Out of step with every usual frame rate: were it
# 500 ms, a camera's pictures would all be read equally late, and the run clock, which trusts the least delayed ones,
# was wrong by up to a frame time after some minutes (36 ms at 30 pictures a second, 50 ms at 20).
SWEEP_US = 487_000
EXPIRE_US = US_PER_S // 20
REPORT_US = 5 * US_PER_S  # RFC 3550 section 6.2: receiver reports
READS_A_TURN = 32  # a camera that sends without end must not keep the others waiting
DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}

log = get_logger()


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What all links share. ``buffer`` is the one receive buffer: it stays in the processor's cache."""

    silence_us: int
    tls: SSLContext
    buffer: memoryview


class LinkListener(Protocol):
    """Whom a link reports to; called from the reactor's thread."""

    def link_plays(self) -> None:
        """The handshake succeeded; media follows."""

    def link_received(self, samples: list[Sample]) -> None:
        """Access units arrived, in decoding order."""

    def link_failed(self, error: CameraError) -> None:
        """The attempt is over; the link is closed."""


class Link:
    """Carries one RTSP session. Use once: `start`, then `close` or `LinkListener.link_failed` ends it.

    A boundary: whatever its camera's bytes, its address or its listener make of it, `link_failed` is called, and
    nothing reaches the reactor and the other cameras.
    """

    def __init__(
        self,
        channel: Channel,
        url: str,
        settings: LinkSettings,
        reactor: Reactor,
        resolver: Resolver,
        listener: LinkListener,
    ) -> None:
        self._channel = channel
        self._url = url
        self._settings = settings
        self._reactor = reactor
        self._resolver = resolver
        self._listener = listener
        self._clock = reactor.clock
        self._connection: Connection | None = None
        self._datagrams: DatagramPair | None = None
        self._rtcp_port = 0
        self._tls = False
        self._timers: list[Timer] = []
        self._closed = False
        self._playing = False
        self._settled = False
        self._watched = False
        self._heard_us = self._clock.monotonic_us()
        self._client: RtspClient | None = None
        self.reception: Reception | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._after(HANDSHAKE_US, self._handshake_is_late)
        self._try(lambda: self._resolver.resolve(urlsplit(self._url).hostname or "", self._resolved))

    def close(self) -> None:
        """Say goodbye and close; nothing is reported any more."""
        if self._closed:
            return
        if self._playing and self.reception is not None and self._connection is not None:
            self._quietly(self._say_goodbye)
        self._shut()

    @property
    def watched(self) -> bool:
        """Whether somebody watches: then pictures are read as soon as they arrive, at a higher cost."""
        return self._watched

    @watched.setter
    def watched(self, watched: bool) -> None:
        self._watched = watched
        self._try(self._set_mark)

    def _set_mark(self) -> None:
        if self._connection is not None and self._playing:
            self._connection.batch(BATCH_BYTES if self._batching else 1)

    @property
    def _batching(self) -> bool:
        return self._settled and not self._watched

    # -- connecting ----------------------------------------------------------------------------------------------

    def _resolved(self, address: str | CameraError) -> None:
        self._try(lambda: self._connect(address))

    def _connect(self, address: str | CameraError) -> None:
        if isinstance(address, CameraError):
            raise NetworkError(address.what, where=address.where, hint=address.hint)
        parts = urlsplit(self._url)
        self._tls = parts.scheme == "rtsps"
        endpoint = Endpoint(address, parts.port or DEFAULT_PORTS[parts.scheme], parts.hostname or "", self._tls)
        self._connection = Connection(endpoint, self._settings.tls if self._tls else None)
        self._connection.start()
        self._watch_connection()

    def _watch_connection(self) -> None:
        if self._connection is not None and not self._closed:
            events = READABLE | WRITABLE if self._connection.wants_to_write else READABLE
            self._reactor.watch(self._connection.fd, events, self._ready)

    def _ready(self, _happened: int) -> None:
        self._try(self._advance)

    def _advance(self) -> None:
        connection = self._connection
        assert connection is not None
        if connection.finish():
            if self.reception is None:
                self._begin(connection)
            connection.flush()
            self._read()
        self._watch_connection()

    def _begin(self, connection: Connection) -> None:
        """The connection stands: start the handshake."""
        channel = self._channel
        ports = None
        if channel.transport is Transport.UDP:
            address = connection.local_address
            first = FIRST_PORT + channel.number * 16
            self._datagrams = DatagramPair(address, connection.remote_address, first)
            ports = self._datagrams.ports
        self._client = RtspClient(
            self._url,
            channel.username,
            channel.password,
            channel.transport,
            cnonce=lambda: secrets.token_hex(8),
            udp_ports=ports,
        )
        self.reception = Reception(self._client)
        self.reception.start()
        self._send()

    # -- receiving -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        connection, reception = self._connection, self.reception
        assert connection is not None
        assert reception is not None
        buffer = self._settings.buffer
        for _ in range(READS_A_TURN):
            size = connection.receive_into(buffer)
            if size == 0:
                break
            self._heard_us = self._clock.monotonic_us()
            reception.feed(buffer[:size], self._heard_us)
            if size < BUFFER_BYTES and not self._tls:  # TLS gives one record at a time
                break
        self._deliver()

    def _read_rtp(self, _happened: int) -> None:
        self._try(self._receive_rtp)

    def _receive_rtp(self) -> None:
        assert self._datagrams is not None
        assert self.reception is not None
        buffer = self._settings.buffer[:DATAGRAM_BYTES]
        for size in self._datagrams.receive(self._datagrams.rtp, buffer):
            self._heard_us = self._clock.monotonic_us()
            self.reception.feed_rtp(buffer[:size], self._heard_us)
        self._deliver()

    def _read_rtcp(self, _happened: int) -> None:
        self._try(self._receive_rtcp)

    def _receive_rtcp(self) -> None:
        assert self._datagrams is not None
        assert self.reception is not None
        buffer = self._settings.buffer[:DATAGRAM_BYTES]
        for size in self._datagrams.receive(self._datagrams.rtcp, buffer):
            self.reception.feed_rtcp(buffer[:size], self._clock.monotonic_us())

    def _deliver(self) -> None:
        """Hand over what has come out of the protocol, and send what it wants to say."""
        assert self.reception is not None
        self._send()
        for event in self.reception.take_events():
            match event:
                case SetUp(ports=ports) if self._datagrams is not None:
                    self._listen(ports.rtp if ports else 0, ports.rtcp if ports else 0)
                case Playing():
                    self._play()
        samples = self.reception.take_samples()
        if samples:
            self._listener.link_received(samples)

    def _listen(self, rtp_port: int, rtcp_port: int) -> None:
        assert self._datagrams is not None
        self._rtcp_port = rtcp_port
        self._datagrams.connect(rtp_port, rtcp_port)
        self._reactor.watch(self._datagrams.rtp.fileno(), READABLE, self._read_rtp)
        self._reactor.watch(self._datagrams.rtcp.fileno(), READABLE, self._read_rtcp)
        self._every(EXPIRE_US, self._expire)
        self._every(REPORT_US, self._report)

    def _play(self) -> None:
        assert self._client is not None
        self._playing = True
        self._every(int(self._client.keep_alive_interval_s * US_PER_S), self._keep_alive)
        self._every(SWEEP_US, self._sweep)
        self._after(PROMPT_US, self._settle)
        self._listener.link_plays()

    # -- timers --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._settled = True
        self._set_mark()

    def _sweep(self) -> None:
        """Read what lies below the mark, and notice silence."""
        if self._datagrams is None and self._batching:
            self._read()
        silent_us = self._clock.monotonic_us() - self._heard_us
        if silent_us > self._settings.silence_us:
            raise NetworkError(f"the camera has been silent for {silent_us // US_PER_S} s", where=self._place)

    def _keep_alive(self) -> None:
        assert self.reception is not None
        self.reception.keep_alive(self._clock.monotonic_us())
        self._send()

    def _expire(self) -> None:
        assert self.reception is not None
        self.reception.expire(self._clock.monotonic_us())
        self._deliver()

    def _report(self) -> None:
        assert self._datagrams is not None
        assert self.reception is not None
        report = self.reception.receiver_report(self._clock.monotonic_us())
        if report:
            self._datagrams.send_rtcp(report, self._rtcp_port)

    def _handshake_is_late(self) -> None:
        if not self._playing:
            self._fail(NetworkError("the camera does not answer", where=self._place, hint="check power and network"))

    def _after(self, delay_us: int, action: Callable[[], None]) -> None:
        self._timers.append(self._reactor.call_after(delay_us, lambda: self._try(action)))

    def _every(self, interval_us: int, action: Callable[[], None]) -> None:
        self._timers.append(self._reactor.call_every(interval_us, lambda: self._try(action)))

    # -- ending --------------------------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        try:
            parts = urlsplit(self._url)
            return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        except ValueError:  # an address that cannot even be read
            return f"channel {self._channel.number}"

    def _send(self) -> None:
        assert self._connection is not None
        assert self.reception is not None
        output = self.reception.take_output()
        if output:
            self._connection.send(output)
            self._watch_connection()

    def _say_goodbye(self) -> None:
        assert self.reception is not None
        self.reception.teardown()
        self._send()

    def _try(self, action: Callable[[], None]) -> None:
        """Do something that may find the session broken."""
        if self._closed:
            return
        try:
            action()
        except CameraError as error:
            self._fail(error)
        except Exception as error:  # whatever it is, this session fails alone
            log.exception("a session failed in a way that nobody foresaw", channel=self._channel.number)
            self._fail(CameraError(unforeseen(error), where=self._place))

    def _fail(self, error: CameraError) -> None:
        if self._closed:
            return
        self._shut()
        self._listener.link_failed(error)

    def _shut(self) -> None:
        """Give back every resource, and the last whole access unit."""
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        self._quietly(self._hand_over_rest)
        if self._datagrams is not None:
            for sock in (self._datagrams.rtp, self._datagrams.rtcp):
                self._reactor.forget(sock.fileno())
            self._datagrams.close()
        if self._connection is not None:
            self._reactor.forget(self._connection.fd)
            self._connection.close()

    def _quietly(self, action: Callable[[], None]) -> None:
        """Do something for a session that is over already: what it finds broken matters to nobody any more."""
        try:
            action()
        except CameraError:
            pass
        except Exception:  # whatever it is, this last word fails alone
            log.exception("a session ended in a way that nobody foresaw", channel=self._channel.number)

    def _hand_over_rest(self) -> None:
        if self.reception is None:
            return
        self.reception.finish()
        samples = self.reception.take_samples()
        if samples:
            self._listener.link_received(samples)
