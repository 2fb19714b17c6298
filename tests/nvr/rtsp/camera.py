"""A camera in bytes: RTP packets, frames, descriptions and a scripted RTSP server for the tests of this room."""

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nvr.channel import Transport
from nvr.media import Codec, Sample
from nvr.rtsp.client import RtspClient
from nvr.rtsp.habits import Habits
from nvr.rtsp.message import Headers, Message, MessageReader, Request, Response, format_message
from nvr.rtsp.reception import Reception
from nvr.rtsp.sdp import MediaDescription

URL = "rtsp://192.0.2.3/live"
SSRC = 0x1234ABCD
CAPTURES = Path(__file__).parent / "captures"

# The sets of Debian's x264 and x265 at 320×180, as gst-rtsp-server sends them.
SPS = bytes.fromhex("6742c00cd901419f9f016a0c0c0d4a000003000200000300 3d1e285490".replace(" ", ""))
PPS = bytes.fromhex("68cb8cb2")
OTHER_SPS = bytes.fromhex("6742c01ed901419f9f016a0c0c0d4a0000030002000003003d1e285490")
VPS_265 = bytes.fromhex("40010c01ffff0408000003009808000003000 03c928090".replace(" ", ""))
SPS_265 = bytes.fromhex(
    "420101040800000300980800000300003c90014101 73e5294b25492657ff80008000b506060604000003000400000300 3c20".replace(
        " ", ""
    )
)
PPS_265 = bytes.fromhex("4401c172860c4624")

SPROPS = "Z0LADNkBQZ+fAWoMDA1KAAADAAIAAAMAPR4oVJA=,aMuMsg=="
SDP = f"""v=0\r
o=- 1 1 IN IP4 192.0.2.3\r
s=Live\r
c=IN IP4 0.0.0.0\r
t=0 0\r
a=control:*\r
m=video 0 RTP/AVP 96\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1;profile-level-id=42c00c;sprop-parameter-sets={SPROPS}\r
a=control:trackID=1\r
"""


def idr(size: int = 60, *, first: bool = True, fill: int = 0x11) -> bytes:
    """An IDR slice: one that begins a picture, or a further one."""
    return bytes((0x65, 0x88 if first else 0x40)) + bytes((fill,)) * (size - 2)


def slice_(size: int = 40, *, first: bool = True, fill: int = 0x22) -> bytes:
    """A slice of a P picture."""
    return bytes((0x41, 0x9A if first else 0x40)) + bytes((fill,)) * (size - 2)


def nal_265(kind: int, size: int = 40, *, first: bool = True) -> bytes:
    """An H.265 NAL unit of layer 0, temporal id 0."""
    return bytes((kind << 1, 1, 0x80 if first else 0x00)) + bytes((kind,)) * (size - 3)


def rtp(
    sequence: int,
    timestamp: int,
    payload: bytes,
    *,
    marker: bool = False,
    payload_type: int = 96,
    ssrc: int = SSRC,
    csrcs: Sequence[int] = (),
    extension: bytes | None = None,
    padding: int = 0,
) -> bytes:
    """An RTP packet."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension is not None else 0) | len(csrcs)
    head = struct.pack(
        ">BBHII", first, payload_type | marker << 7, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    ) + struct.pack(f">{len(csrcs)}I", *csrcs)
    if extension is not None:
        head += struct.pack(">HH", 0xBEDE, len(extension) // 4) + extension
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return head + payload + tail


def fu_a(nal: bytes, size: int = 20) -> list[bytes]:
    """A NAL unit as FU-A payloads (RFC 6184 section 5.8)."""
    pieces = [nal[at : at + size] for at in range(1, len(nal), size)]
    last = len(pieces) - 1
    return [
        bytes((nal[0] & 0xE0 | 28, nal[0] & 31 | (n == 0) << 7 | (n == last) << 6)) + piece
        for n, piece in enumerate(pieces)
    ]


def fu_265(nal: bytes, size: int = 20) -> list[bytes]:
    """A NAL unit as H.265 fragmentation units (RFC 7798 section 4.4.3)."""
    pieces = [nal[at : at + size] for at in range(2, len(nal), size)]
    kind, last = nal[0] >> 1 & 63, len(pieces) - 1
    return [
        bytes((nal[0] & 0x81 | 49 << 1, nal[1], kind | (n == 0) << 7 | (n == last) << 6)) + piece
        for n, piece in enumerate(pieces)
    ]


def stap_a(*nals: bytes) -> bytes:
    """NAL units in one packet (RFC 6184 section 5.7.1)."""
    return b"\x78" + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)


def aggregation_265(*nals: bytes) -> bytes:
    """NAL units in one packet (RFC 7798 section 4.4.2)."""
    return b"\x60\x01" + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)


def frame(channel: int, packet: bytes) -> bytes:
    """A packet inside the RTSP connection."""
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


def sender_report(ntp: int, timestamp: int, ssrc: int = SSRC) -> bytes:
    """An RTCP sender report with a source description behind it."""
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp, 10, 1000)
    return report + struct.pack(">BBHI", 0x81, 202, 2, ssrc) + b"\x01\x01x\x00"


def goodbye(ssrc: int = SSRC) -> bytes:
    """An RTCP BYE."""
    return struct.pack(">BBHI", 0x81, 203, 1, ssrc)


def lengths(*nals: bytes) -> bytes:
    """What the data of a sample with these NAL units must be."""
    return b"".join(struct.pack(">I", len(nal)) + nal for nal in nals)


def media(codec: Codec = Codec.H264, nals: Sequence[bytes] = ()) -> MediaDescription:
    """A description of video, with these parameter sets."""
    return MediaDescription("video", codec, codec.name, 96, 90_000, URL, None, tuple(nals))


class Stream:
    """Numbers and stamps packets as a camera does."""

    def __init__(self, sequence: int = 65_530, timestamp: int = 1000) -> None:
        self.sequence = sequence
        self.timestamp = timestamp

    def picture(
        self, *payloads: bytes, marker: bool = True, ticks: int = 3600, lose: Sequence[int] = ()
    ) -> Iterator[bytes]:
        """The packets of one access unit, without those whose places are in ``lose``."""
        for n, payload in enumerate(payloads):
            packet = rtp(self.sequence, self.timestamp, payload, marker=marker and n == len(payloads) - 1)
            self.sequence = self.sequence + 1 & 0xFFFF
            if n not in lose:
                yield packet
        self.timestamp = self.timestamp + ticks & 0xFFFFFFFF


Answer = Callable[[Request], Response]


class Camera:
    """A scripted RTSP server: answers what comes out of a `Reception`. Override an answer by its method."""

    def __init__(self, reception: Reception, **answers: Answer) -> None:
        self.reception = reception
        self.requests: list[Request] = []
        self._answers = answers
        self._reader = MessageReader()

    def run(self) -> None:
        """Answer until nothing is asked any more."""
        while output := self.reception.take_output():
            for request in self._read(output):
                self.requests.append(request)
                self.reception.feed(memoryview(format_message(self.answer(request))), 0)

    def answer(self, request: Request) -> Response:
        override = self._answers.get(request.method)
        reply = override(request) if override else self._usual(request)
        cseq = request.headers.get("CSeq") or ""
        return Response(reply.status, reply.reason, Headers((("CSeq", cseq), *reply.headers.items)), reply.body)

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def _read(self, data: bytes) -> Iterator[Request]:
        while data:
            if data[:1] == b"$":
                data = data[4 + struct.unpack_from(">H", data, 2)[0] :]
                continue
            message, taken = self._reader.feed(data)
            data = data[taken:]
            if isinstance(message, Request):
                yield message

    def _usual(self, request: Request) -> Response:
        match request.method:
            case "OPTIONS":
                return reply(Public="OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")
            case "DESCRIBE":
                return reply(SDP.encode(), Content_Base=request.url + "/")
            case "SETUP":
                asked = request.headers.get("Transport") or ""
                return reply(Transport=asked + ";server_port=6970-6971", Session="77;timeout=40")
            case "PLAY":
                return reply(Session="77", RTP_Info=f"url={request.url}trackID=1;seq=65530;rtptime=1000")
            case _:
                return reply()


def reply(body: bytes = b"", status: int = 200, reason: str = "OK", **headers: str) -> Response:
    """A response; underscores in header names stand for hyphens."""
    return Response(
        status, reason, Headers(tuple((name.replace("_", "-"), text) for name, text in headers.items())), body
    )


def client(
    username: str = "",
    password: str = "",
    transport: Transport = Transport.TCP,
    url: str = URL,
    habits: Habits | None = None,
) -> RtspClient:
    ports = (30_000, 30_001) if transport is Transport.UDP else None
    return RtspClient(url, username, password, transport, cnonce=lambda: "c0ffee", udp_ports=ports, habits=habits)


def connected(
    transport: Transport = Transport.TCP, habits: Habits | None = None, **answers: Answer
) -> tuple[Reception, Camera]:
    """A reception that plays."""
    reception = Reception(client(transport=transport, habits=habits))
    camera = Camera(reception, **answers)
    reception.start()
    camera.run()
    return reception, camera


DIGEST = 'Digest realm="r", nonce="{}", qop="auth", algorithm={}'


class Gate:
    """Refuses requests whose Authorization header does not name the nonce in force."""

    def __init__(self, *nonces: str, stale: bool = True, scheme: str = DIGEST) -> None:
        self.nonces = list(nonces)
        self.stale = stale
        self.scheme = scheme
        self.refused = 0

    def __call__(self, request: Request) -> Response:
        header = request.headers.get("Authorization") or ""
        if header.startswith("Basic ") or f'nonce="{self.nonces[0]}"' in header:
            return reply(SDP.encode(), Content_Base=URL + "/")
        self.refused += 1
        stale = ", stale=true" if header and self.stale else ""
        if header and len(self.nonces) > 1:
            del self.nonces[0]
        return reply(status=401, WWW_Authenticate=self.scheme.format(self.nonces[0], "MD5") + stale)


def run(
    answers: dict[str, Answer], username: str = "u", password: str = "p4ss", habits: Habits | None = None
) -> Camera:
    reception = Reception(client(username, password, habits=habits))
    camera = Camera(reception, **answers)
    reception.start()
    camera.run()
    return camera


def received(reception: Reception, data: bytes, *, step: int = 0, received_us: int = 5) -> list[Sample]:
    """What comes out of these bytes, read in steps into one buffer that is spoiled after each."""
    buffer = bytearray(max(1, step or len(data)))
    view = memoryview(buffer)
    samples = []
    for at in range(0, len(data), len(buffer)):
        piece = data[at : at + len(buffer)]
        buffer[: len(piece)] = piece
        reception.feed(view[: len(piece)], received_us)
        buffer[:] = b"\xee" * len(buffer)
        samples += reception.take_samples()
    return samples


def messages(data: bytes) -> list[Message]:
    """All messages in these bytes."""
    reader, found = MessageReader(), []
    while data:
        message, taken = reader.feed(data)
        data = data[taken:]
        found += [message] if message is not None else []
    return found
