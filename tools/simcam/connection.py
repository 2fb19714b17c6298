"""One reader's RTSP connection and the one session that it may have (RFC 2326)."""

import asyncio
import contextlib
import re
import secrets
import socket
from typing import Protocol
from urllib.parse import urlsplit

from nvr.media import TrackKind
from nvr.timebase import Clock
from tools.simcam import sdp
from tools.simcam.delivery import TRICKLE_PACKETS, UDP_PACKETS, Pump, TcpDelivery, UdpDelivery, port_pair
from tools.simcam.gate import Gate
from tools.simcam.options import Join, Manners
from tools.simcam.pacer import Pacer
from tools.simcam.request import BadRequest, Request, RequestReader, reply
from tools.simcam.stream import TIMES, Stream

METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_PATH = re.compile(r"/ch(\d+)/(main|sub)(?:/trackID=0)?")
SEND_BUFFER_BYTES = 1 << 20  # asked of the kernel: a sync picture goes in one call


class Studio(Protocol):
    """What connections share."""

    manners: Manners
    clock: Clock
    pacer: Pacer
    pump: Pump
    connections: "set[Connection]"

    def stream(self, channel: int, kind: TrackKind) -> Stream | None:
        """The stream of a channel, if there is one."""
        ...


class Connection(asyncio.Protocol):
    """Answers one reader. Everything but the pictures is sent here."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._reader = RequestReader()
        self._gate = Gate(studio.manners.account)
        self._session = secrets.token_hex(4)
        self.stream: Stream | None = None
        self.delivery: TcpDelivery | UdpDelivery | None = None
        self.seen_us = studio.clock.monotonic_us()
        self.cseq = "0"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._studio.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._leave()
        self._studio.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.seen_us = self._studio.clock.monotonic_us()
        try:
            for request in self._reader.feed(data):
                if request is not None and not self._transport.is_closing():
                    self._answer(request)
        except BadRequest:
            self._transport.write(reply(400, "Bad Request", [("CSeq", self.cseq)]))
            self._transport.close()

    def abort(self) -> None:
        """Cut the line without a word."""
        self._leave()
        self._transport.abort()

    def _answer(self, request: Request) -> None:
        self.cseq = request.headers.get("cseq", "0")
        stream = self._stream_of(request)
        behaviour = stream.behaviour if stream else None
        if behaviour and behaviour.refuses:
            self.abort()
            return
        if behaviour and behaviour.mute:
            return
        if request.method == "OPTIONS":
            self._reply(200, "OK", ("Public", METHODS))
            return
        wrong, one_shot = (behaviour.wrong_password, behaviour.stale_nonce) if behaviour else (False, False)
        if not self._gate.admits(request, wrong_password=wrong, one_shot=one_shot):
            self._reply(401, "Unauthorized", *self._gate.challenges())
        elif request.method in ("GET_PARAMETER", "SET_PARAMETER"):
            self._reply(200, "OK", ("Session", self._session))
        elif request.method == "TEARDOWN":
            self._leave()
            self._reply(200, "OK", ("Session", self._session))
        elif stream is None:
            self._reply(404, "Not Found")
        else:
            self._answer_about(stream, request)

    def _answer_about(self, stream: Stream, request: Request) -> None:
        match request.method:
            case "DESCRIBE":
                self._describe(stream, request)
            case "SETUP":
                self._set_up(stream, request)
            case "PLAY":
                self._play(stream, request)
            case _:
                self._reply(501, "Not Implemented", ("Allow", METHODS))

    def _stream_of(self, request: Request) -> Stream | None:
        match = _PATH.fullmatch(request.path)
        if match:
            return self._studio.stream(int(match[1]), TrackKind[match[2].upper()])
        return None

    def _describe(self, stream: Stream, request: Request) -> None:
        url = request.url.rstrip("/")
        body = sdp.describe(stream.loop.recipe, stream.loop.parameter_sets(), stream.behaviour, url)
        bases = {"right": f"{url}/", "odd": f"rtsp://192.0.2.1:554{urlsplit(url).path}/", "bare": url}
        base = bases.get(stream.behaviour.base)
        headers = [("Content-Type", "application/sdp"), *([("Content-Base", base)] if base else [])]
        self._transport.write(reply(200, "OK", [("CSeq", self.cseq), *headers], body))

    def _set_up(self, stream: Stream, request: Request) -> None:
        self._leave()
        wish = request.headers.get("transport", "")
        answer = self._set_up_tcp(stream, wish) if "RTP/AVP/TCP" in wish else self._set_up_udp(wish)
        if answer is None:
            self._reply(461, "Unsupported Transport")
            return
        self.stream = stream
        session = f"{self._session};timeout={self._studio.manners.session_timeout_s}"
        self._reply(200, "OK", ("Transport", f"{answer};ssrc={stream.ssrc:08X}"), ("Session", session))

    def _set_up_tcp(self, stream: Stream, wish: str) -> str | None:
        match = re.search(r"interleaved=(\d+)", wish)
        first = stream.behaviour.channels_from
        channel = first if first is not None else int(match[1]) if match else 0
        if not 0 <= channel < 255:
            return None
        manners = self._studio.manners
        piece = TRICKLE_PACKETS if manners.trickle else 0
        self.delivery = TcpDelivery(
            self._transport,
            self._studio.pump,
            manners.most_bytes,
            piece,
            channel,
            channel + 1,
            manners.join is Join.KEY,
        )
        return f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"

    def _set_up_udp(self, wish: str) -> str | None:
        match = re.search(r"client_port=(\d+)(?:-(\d+))?", wish)
        if not match or "multicast" in wish:
            return None
        ports = int(match[1]), int(match[2] or int(match[1]) + 1)
        here, there = (self._transport.get_extra_info(name)[0] for name in ("sockname", "peername"))
        rtp, rtcp = port_pair(here)
        for sock, port in zip((rtp, rtcp), ports, strict=True):
            sock.connect((there, port))
        asyncio.get_running_loop().add_reader(rtcp, self._hear, rtcp)
        manners = self._studio.manners
        piece = TRICKLE_PACKETS if manners.trickle else UDP_PACKETS
        self.delivery = UdpDelivery(
            self._transport, rtp, rtcp, self._studio.pump, piece, waits_for_sync=manners.join is Join.KEY
        )
        server_ports = "-".join(str(sock.getsockname()[1]) for sock in (rtp, rtcp))
        return f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]};server_port={server_ports}"

    def _hear(self, rtcp: socket.socket) -> None:
        """A receiver report: the reader lives."""
        with contextlib.suppress(OSError):
            rtcp.recv(2048)
            self.seen_us = self._studio.clock.monotonic_us()

    def _play(self, stream: Stream, request: Request) -> None:
        if self.delivery is None or self.stream is not stream:
            self._reply(455, "Method Not Valid in This State")
            return
        upcoming = self._studio.pacer.add(stream)
        first = stream.next_start(upcoming, waits_for_sync=self.delivery.waits_for_sync)
        time_90k = stream.rtp_90k(first) % TIMES
        url = f"{request.url.rstrip('/').removesuffix('/' + sdp.CONTROL)}/{sdp.CONTROL}"
        info = f"url={url};seq={stream.sequence(first) % 65536};rtptime={time_90k}"
        self._reply(200, "OK", ("Session", self._session), ("Range", "npt=now-"), ("RTP-Info", info))
        if self.delivery not in stream.deliveries:
            stream.deliveries.append(self.delivery)
            stream.tally.sessions += 1

    def _reply(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        data = reply(status, reason, [("CSeq", self.cseq), *headers])
        if isinstance(self.delivery, TcpDelivery):
            self.delivery.request(data)
        else:
            self._transport.write(data)

    def _leave(self) -> None:
        """End the session."""
        if self.stream is not None and self.delivery in self.stream.deliveries:
            self.stream.deliveries.remove(self.delivery)
        if isinstance(self.delivery, UdpDelivery):
            asyncio.get_running_loop().remove_reader(self.delivery.rtcp)
            self.delivery.close()
        elif self.delivery is not None:
            self._studio.pump.forget(self.delivery.queue)
        self.stream = self.delivery = None
