"""One attempt at a camera: name, connection, RTSP handshake, media, until something fails. Sockets and timers only."""

import secrets
from collections.abc import Callable

from nvr.capture.budget import Budget
from nvr.capture.connection import BATCH_BYTES, Connection
from nvr.capture.datagrams import DATAGRAM_BYTES, FIRST_PORT, DatagramPair
from nvr.capture.dialer import Dialer
from nvr.capture.linklistener import LinkListener, LinkSettings
from nvr.capture.reactor import READABLE, WRITABLE, Reactor, Timer
from nvr.capture.resolver import Resolver
from nvr.channel import Channel, Transport
from nvr.errors import CameraError, NetworkError, unforeseen
from nvr.log import get_logger
from nvr.rtsp.client import RtspClient
from nvr.rtsp.events import Playing, SetUp
from nvr.rtsp.habits import Habits
from nvr.rtsp.reception import Reception
from nvr.timebase import US_PER_S

HANDSHAKE_US = 45 * US_PER_S  # the whole of it; chosen: old recorders take 12 to 30 s for a description
OPTIONS_US = 4 * US_PER_S  # chosen: then the description is asked for without it
PROMPT_US = 3 * US_PER_S  # a session is read at once for so long, to learn well when its pictures arrive
# DESIGN section 3: every 0.25–0.5 s whatever lies below the mark. Out of step with every usual frame rate: were it
# 500 ms, a camera's pictures would all be read equally late, and the run clock, which trusts the least delayed ones,
# was wrong by up to a frame time after some minutes (36 ms at 30 pictures a second, 50 ms at 20).
SWEEP_US = 487_000
EXPIRE_US = US_PER_S // 20
REPORT_US = 5 * US_PER_S  # RFC 3550 section 6.2: receiver reports

log = get_logger()


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
        habits: Habits | None = None,
    ) -> None:
        self._channel = channel
        self._habits = habits
        self._dialer = Dialer(url, settings.tls)
        self._url = url
        self._settings = settings
        self._reactor = reactor
        self._resolver = resolver
        self._listener = listener
        self._clock = reactor.clock
        self._connection: Connection | None = None
        self._datagrams: DatagramPair | None = None
        self._timers: list[Timer] = []
        self._closed = False
        self._playing = False
        self._settled = False
        self._watched = False
        self._heard_us = self._pictured_us = self._clock.monotonic_us()
        self._budget = Budget()
        self._pause: Timer | None = None  # until the others have had their turn
        self._client: RtspClient | None = None
        self.reception: Reception | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._after(HANDSHAKE_US, self._handshake_is_late)
        self._try(
            lambda: self._resolver.resolve(self._dialer.host, lambda found: self._try(lambda: self._connect(found)))
        )

    def close(self) -> None:
        """Say goodbye and close; nothing is reported any more."""
        if self._closed:
            return
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

    def _connect(self, found: list[str] | CameraError) -> None:
        self._dialer.found(found)
        self._connect_to_next(NetworkError("the name has no address", where=self._place))

    def _connect_to_next(self, error: CameraError) -> None:
        """Connect to the name's next address; ``error`` is what went wrong with the one before."""
        self._drop_connection()
        connection, limit_us = self._dialer.next(error)
        self._connection = connection
        self._watch_connection()
        self._after(limit_us, lambda: self._connecting_is_late(connection))

    def _connecting_is_late(self, connection: Connection) -> None:
        if self.reception is None and self._connection is connection:
            late = NetworkError("the camera does not answer", where=self._place, hint="check power and network")
            self._connect_to_next(late)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._reactor.forget(self._connection.fd)
            self._connection.close()
            self._connection = None

    def _watch_connection(self) -> None:
        if self._connection is not None and not self._closed and self._pause is None:
            events = READABLE | WRITABLE if self._connection.wants_to_write else READABLE
            self._reactor.watch(self._connection.fd, events, self._ready)

    def _watch_datagrams(self) -> None:
        if self._datagrams is not None:
            rtp, rtcp = self._receive_rtp, self._receive_rtcp
            self._datagrams.watch(self._reactor, lambda _: self._try(rtp), lambda _: self._try(rtcp))

    def _ready(self, _happened: int) -> None:
        self._try(self._advance)

    def _advance(self) -> None:
        connection = self._connection
        assert connection is not None
        try:
            is_connected = connection.finish()
        except NetworkError as error:
            self._connect_to_next(error)
            return
        if is_connected:
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
            habits=self._habits,
            basic_in_clear=self._settings.basic_in_clear,
        )
        self.reception = Reception(self._client)
        self.reception.start()
        self._send()
        self._after(OPTIONS_US, self._go_on)

    def _go_on(self) -> None:
        assert self._client is not None
        self._client.go_on()
        self._send()

    # -- receiving -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        connection, reception = self._connection, self.reception
        assert connection is not None
        assert reception is not None
        buffer, turn = self._settings.buffer, self._budget.turn()
        while turn.goes_on:
            size = self._receive(connection, buffer[: self._budget.piece_bytes])
            if size == 0:
                break
            self._heard_us = self._clock.monotonic_us()
            reception.feed(buffer[:size], self._heard_us)
            if turn.took(size) and not self._dialer.is_secure:  # TLS gives one record at a time
                break
        self._deliver()
        self._let_others(turn.rest_us(self._clock.monotonic_us()))

    def _let_others(self, rest_us: int) -> None:
        """Read nothing for so long: a camera that sends too much is slowed down by TCP, or loses datagrams."""
        if rest_us > 0 and not self._closed:
            self._reactor.forget(*self._fds())
            self._pause = self._reactor.call_after(rest_us, lambda: self._try(self._read_on))

    def _read_on(self) -> None:
        self._pause = None
        self._watch_connection()
        self._watch_datagrams()

    def _fds(self) -> list[int]:
        fds = [self._connection.fd] if self._connection is not None else []
        return fds + (self._datagrams.fds if self._datagrams is not None else [])

    def _receive(self, connection: Connection, buffer: memoryview) -> int:
        """Read; the client learns from a camera that breaks the connection off."""
        assert self._client is not None
        try:
            return connection.receive_into(buffer)
        except CameraError:
            self._client.broken(self._clock.monotonic_us())
            raise

    def _receive_rtp(self) -> None:
        assert self._datagrams is not None
        assert self.reception is not None
        buffer = self._settings.buffer[:DATAGRAM_BYTES]
        turn = self._budget.turn()
        for size in self._datagrams.receive(self._datagrams.rtp, buffer):
            self._heard_us = self._clock.monotonic_us()
            self.reception.feed_rtp(buffer[:size], self._heard_us)
            turn.took(size)
        self._deliver()
        self._let_others(turn.rest_us(self._clock.monotonic_us()))

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
                case SetUp() if self._datagrams is not None:
                    self._listen(event, self._datagrams)
                case Playing():
                    self._play()
        samples = self.reception.take_samples()
        if samples:
            self._pictured_us = self._clock.monotonic_us()
            self._listener.link_received(samples)

    def _listen(self, set_up: SetUp, datagrams: DatagramPair) -> None:
        datagrams.expect(set_up.ports, set_up.source)
        datagrams.punch()
        self._watch_datagrams()
        self._every(EXPIRE_US, self._expire)

    def _play(self) -> None:
        assert self._client is not None
        self._playing = True
        self._pictured_us = self._clock.monotonic_us()
        self._every(int(self._client.keep_alive_interval_s * US_PER_S), self._keep_alive)
        self._every(SWEEP_US, self._sweep)
        self._every(REPORT_US, self._report)
        self._after(PROMPT_US, self._settle)
        self._listener.link_plays()

    # -- timers --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._settled = True
        self._set_mark()

    def _sweep(self) -> None:
        """Read what lies below the mark, and notice silence."""
        if self._datagrams is None and self._batching and self._pause is None:
            self._read()
        now_us = self._clock.monotonic_us()
        silent_us, heard_us = now_us - self._pictured_us, now_us - self._heard_us
        if silent_us <= self._settings.silence_us * 19 // 20:  # the last picture may have lain unread for a sweep
            return
        if heard_us <= self._settings.silence_us // 2:  # reports, answers, sound: it is there, and its encoder is not
            raise CameraError(f"the camera has sent no picture for {silent_us // US_PER_S} s", where=self._place)
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
        assert self.reception is not None
        now_us = self._clock.monotonic_us()
        if self._datagrams is None:
            self.reception.report(now_us)
            self._send()
        elif report := self.reception.receiver_report(now_us):
            self._datagrams.send_rtcp(report)
        else:  # nothing has come yet: perhaps the first punch was lost
            self._datagrams.punch()

    def _handshake_is_late(self) -> None:
        if not self._playing:
            waited_s = HANDSHAKE_US // US_PER_S
            what = f"the camera does not answer: {waited_s} s have passed and it does not play"
            self._fail(NetworkError(what, where=self._place, hint="check power and network"))

    def _after(self, delay_us: int, action: Callable[[], None]) -> None:
        self._timers.append(self._reactor.call_after(delay_us, lambda: self._try(action)))

    def _every(self, interval_us: int, action: Callable[[], None]) -> None:
        self._timers.append(self._reactor.call_every(interval_us, lambda: self._try(action)))

    # -- ending --------------------------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return self._dialer.place or f"channel {self._channel.number}"

    def _send(self) -> None:
        assert self._connection is not None
        assert self.reception is not None
        output = self.reception.take_output()
        if output:
            self._connection.send(output)
            self._watch_connection()

    def _say_goodbye(self) -> None:
        """End the session at the camera, whatever it ends for: many have room for a few, and keep it for a minute."""
        if self.reception is None or self._connection is None:
            return
        self.reception.teardown()
        output = self.reception.take_output()
        if output:
            self._connection.send(output)
            self._connection.discard(self._settings.buffer)

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
        self._quietly(self._say_goodbye)
        self._shut()
        self._listener.link_failed(error)

    def _shut(self) -> None:
        """Give back every resource, and the last whole access unit."""
        self._closed = True
        for timer in (*self._timers, *filter(None, [self._pause])):
            timer.cancel()
        self._quietly(self._hand_over_rest)
        self._reactor.forget(*self._fds())
        if self._datagrams is not None:
            self._datagrams.close()
        self._drop_connection()

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
