"""Whatever bytes come: only `CameraError`, whole samples, sets that can be written, work in proportion to the bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.codec.nal import split
from nvr.codec.parameters import decoder_configuration, describe
from nvr.errors import CameraError
from nvr.media import Codec, Sample
from nvr.rtsp import resync
from nvr.rtsp.client import RtspClient
from nvr.rtsp.depacketize_h264 import H264Depacketizer
from nvr.rtsp.depacketize_h265 import H265Depacketizer
from nvr.rtsp.message import Headers, Request, Response
from nvr.rtsp.reorder import ReorderBuffer
from nvr.rtsp.sdp import parse_description
from tests.nvr.rtsp.camera import (
    PPS,
    PPS_265,
    SPS,
    SPS_265,
    SSRC,
    VPS_265,
    aggregation_265,
    client,
    frame,
    fu_265,
    fu_a,
    idr,
    media,
    nal_265,
    rtp,
    slice_,
    stap_a,
)

CODE = b"\0\0\1"
NALS_264 = st.one_of(
    st.sampled_from(
        [SPS, PPS, idr(), slice_(), idr(first=False), SPS[:9], CODE.join([SPS, PPS, idr()]), b"\x06\x06\x01\xc4"]
    ),
    st.binary(min_size=1, max_size=40),
)
NALS_265 = st.one_of(
    st.sampled_from(
        [VPS_265, SPS_265, PPS_265, nal_265(19), nal_265(1), SPS_265[:20], CODE.join([SPS_265, nal_265(20)])]
    ),
    st.binary(min_size=2, max_size=40),
)
PAYLOADS_264 = st.one_of(
    NALS_264.map(lambda nal: [nal]),
    NALS_264.map(lambda nal: fu_a(nal, 7)),
    st.lists(NALS_264, max_size=4).map(lambda nals: [stap_a(*nals)]),
    st.binary(max_size=30).map(lambda data: [b"\x7c" + data]),
)
PAYLOADS_265 = st.one_of(
    NALS_265.map(lambda nal: [nal]),
    NALS_265.map(lambda nal: fu_265(nal, 7)),
    st.lists(NALS_265, max_size=4).map(lambda nals: [aggregation_265(*nals)]),
    st.binary(max_size=30).map(lambda data: [b"\x62\x01" + data]),
)


@st.composite
def packets(draw: st.DrawFn, codec: Codec) -> list[bytes]:
    sequence, timestamp, found = draw(st.sampled_from([0, 65_530])), 0, []
    for payloads in draw(st.lists(PAYLOADS_264 if codec is Codec.H264 else PAYLOADS_265, max_size=10)):
        for n, payload in enumerate(payloads):
            odd = draw(st.integers(0, 30))
            packet = rtp(sequence, timestamp, payload, marker=n == len(payloads) - 1, ssrc=SSRC + (odd == 1))
            sequence += draw(st.sampled_from([1, 1, 1, 1, 1, 0, 2]))
            found.append(bytes((draw(st.integers(0, 255)),)) + packet[1:] if odd == 2 else packet[: odd or None])
        timestamp += draw(st.sampled_from([3600, 3600, 0, -7]))
    return found


@given(st.sampled_from(list(Codec)).flatmap(lambda codec: st.tuples(st.just(codec), packets(codec))))
def test_depacketizers_give_whole_samples_and_sets_that_can_be_written(case: tuple[Codec, list[bytes]]) -> None:
    codec, found = case
    depacketizer = (H264Depacketizer if codec is Codec.H264 else H265Depacketizer)(media(codec))
    samples: list[Sample] = []
    with contextlib.suppress(CameraError):
        for packet in found:
            buffer = bytearray(packet)
            depacketizer.push(memoryview(buffer), 0, len(buffer), 0)
            depacketizer.hold()
            buffer[:] = bytes(len(buffer))
        depacketizer.finish()
    samples += depacketizer.take()
    for sample in samples:
        assert all(start < end for start, end in split(sample.data))
        if sample.parameter_sets is not None:
            assert describe(sample.parameter_sets).width > 0
            assert decoder_configuration(sample.parameter_sets)


@given(st.lists(st.binary(max_size=40).map(lambda tail: b"\x80\x60" + tail), max_size=20))
def test_reorder_any_datagrams_raise_nothing_of_their_own(datagrams: list[bytes]) -> None:
    reorder = ReorderBuffer(lambda *_: None, lambda octet: octet & 0x7F == 0x60, limit=4, delay_us=10)
    for at_us, datagram in enumerate(datagrams):
        reorder.push(memoryview(datagram), at_us)
    reorder.flush()


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)
NAMES = st.sampled_from(
    ["CSeq", "Session", "Transport", "WWW-Authenticate", "Public", "Content-Base", "Location", "RTP-Info"]
)
VALUES = st.one_of(
    TEXTS, st.sampled_from(["1", "2", "3", 'Digest realm="x", nonce="n"', "RTP/AVP/TCP;interleaved=0-1", "7"])
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=5).map(lambda items: Headers(tuple(items)))
BODIES = st.sampled_from([b"", b"\xff\0", b"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n"])
STATUSES = st.sampled_from([100, 200, 200, 200, 301, 401, 403, 404, 453, 454, 461, 503])
MESSAGES = st.one_of(
    st.builds(Response, STATUSES, TEXTS, HEADERS, BODIES),
    st.builds(Request, st.sampled_from(["OPTIONS", "ANNOUNCE", "REDIRECT", "X"]), TEXTS, HEADERS, BODIES),
)


@given(st.lists(st.one_of(MESSAGES, st.sampled_from(["go_on", "keep_alive", "broken"])), max_size=12))
def test_client_any_messages_raise_only_camera_error(steps: list[Response | Request | str]) -> None:
    one: RtspClient = client("user", "password")
    one.start()
    said = ""
    try:
        for step in steps:
            match step:
                case "go_on":
                    one.go_on()
                case "keep_alive":
                    one.keep_alive(1)
                case "broken":
                    one.broken(2)
                case Response() | Request():
                    one.handle(step)
            assert one.take_output().count(b"\r\n\r\n") <= 2
    except CameraError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 600
    one.teardown()


@given(st.text(max_size=400))
def test_descriptions_any_text_raises_only_camera_error(text: str) -> None:
    for line in (
        "",
        "m=video 0 RTP/AVP 96\na=rtpmap:",
        "m=video 0 RTP/AVP 96\na=fmtp:96 ",
        "m=video 0 RTP/AVP ",
        "a=control:",
    ):
        with contextlib.suppress(CameraError):
            parse_description(f"v=0\n{line}{text}\nm=video 0 RTP/AVP 97", "rtsp://h/").video()


EXPECTED = resync.Expected(0, 1, 96, SSRC, 7)


class Counted(bytearray):
    """Bytes that know how many of them were looked at one by one."""

    seen = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        Counted.seen += 1
        return super().__getitem__(key)


@pytest.mark.parametrize(
    "junk", [b"$\0", b"$\0\0\x0c\x80\x60", frame(0, rtp(9, 9, b"")), b"$\1\0\4\x80\xc8\0\0", b"R", b"RTSP/1.0"]
)
def test_resync_looks_at_each_byte_of_rubbish_a_few_times(junk: bytes) -> None:
    looks = []
    for size in (10_000, 80_000):
        Counted.seen = 0
        found, _ = resync.find(Counted((junk * size)[:size]), 0, EXPECTED)
        assert found is None or junk.startswith(b"$\1")
        looks.append(Counted.seen)
    assert looks[1] <= 9 * looks[0] + 100
    assert looks[1] <= 8 * 80_000


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([frame(0, rtp(7, 1, b"x")), b"RTSP/1.0 "])), max_size=8)
)
def test_resync_any_bytes_stay_inside(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    found, following = resync.find(data, 0, EXPECTED)
    assert found is None or 0 <= found < len(data)
    assert 0 <= following <= len(data)
