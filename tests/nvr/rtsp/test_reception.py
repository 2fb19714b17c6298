import struct
from collections.abc import Iterator

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nvr.channel import Transport
from nvr.codec.nal import split
from nvr.codec.parameters import describe
from nvr.errors import CameraError
from nvr.media import Codec, Sample
from nvr.rtsp.events import Playing
from nvr.rtsp.reception import Reception
from tests.nvr.rtsp.camera import (
    CAPTURES,
    Stream,
    client,
    connected,
    frame,
    fu_a,
    goodbye,
    idr,
    lengths,
    messages,
    received,
    sender_report,
    slice_,
)

SESSIONS = {
    "gst_h264": ("", Codec.H264),
    "gst_h264_digest": ("nvr", Codec.H264),
    "gst_h265": ("", Codec.H265),
    "simcam_h264": ("admin", Codec.H264),  # B-frames, two slices, delimiters
    "simcam_h265": ("admin", Codec.H265),
}


def replayed(data: bytes, username: str, step: int) -> tuple[Reception, list[Sample]]:
    """The samples of a recorded session."""
    reception = Reception(client(username, "p"))
    reception.start()
    samples = received(reception, data, step=step)
    reception.finish()
    return reception, samples + reception.take_samples()


def rtp_packets(data: bytes) -> Iterator[bytes]:
    """The RTP packets of a recorded session, found without the code under test."""
    at = 0
    while at + 4 <= len(data):
        if data[at : at + 1] == b"$":
            end = at + 4 + struct.unpack_from(">H", data, at + 2)[0]
            if data[at + 1] == 0 and end <= len(data):
                yield data[at + 4 : end]
            at = end
            continue
        head = data[at : data.index(b"\r\n\r\n", at) + 4]
        body = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        at += len(head) + int(body[0] if body else 0)


def reference(data: bytes, codec: Codec) -> list[list[bytes]]:
    """NAL units by RTP time, put together in the simplest way that the RFCs allow."""
    units: dict[int, list[bytes]] = {}
    for packet in rtp_packets(data):
        nals, payload = units.setdefault(struct.unpack_from(">I", packet, 4)[0], []), packet[12:]
        header = 1 if codec is Codec.H264 else 2
        kind = payload[0] & 31 if codec is Codec.H264 else payload[0] >> 1 & 63
        if kind in (24, 48):
            at = header
            while at < len(payload):
                size = struct.unpack_from(">H", payload, at)[0]
                nals.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind in (28, 49) and payload[header] & 0x80:
            of = payload[header] & (31 if codec is Codec.H264 else 63)
            start = (
                bytes((payload[0] & 0xE0 | of,)) if header == 1 else bytes((payload[0] & 0x81 | of << 1, payload[1]))
            )
            nals.append(start + payload[header + 1 :])
        elif kind in (28, 49):
            nals[-1] += payload[header + 1 :]
        else:
            nals.append(payload)
    return list(units.values())


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("step", [997, 4344, 131_072])
def test_recorded_session_gives_every_nal_unit_byte_for_byte(name: str, step: int) -> None:
    username, codec = SESSIONS[name]
    data = (CAPTURES / f"{name}.rtsp").read_bytes()
    reception, samples = replayed(data, username, step)
    found = [[sample.data[start:end] for start, end in split(sample.data)] for sample in samples]
    assert found[:-1] == reference(data, codec)[: len(found) - 1]
    assert len(found) >= 40
    assert reception.packets == len(list(rtp_packets(data)))
    assert {sample.lost_packets for sample in samples[:-1]} == {0}  # the recording may end inside the last picture
    assert any(isinstance(event, Playing) for event in reception.take_events())
    assert reception.sender_report is not None
    assert samples[-1].ntp > 0


@pytest.mark.parametrize("name", SESSIONS)
def test_recorded_session_decodes_to_a_picture_a_sample(name: str) -> None:
    username, codec = SESSIONS[name]
    _, samples = replayed((CAPTURES / f"{name}.rtsp").read_bytes(), username, 65_536)
    assert samples[0].parameter_sets is not None
    fmt = describe(samples[0].parameter_sets)
    assert (fmt.codec, fmt.width, fmt.height) == (codec, 320, 180)
    decoder = av.CodecContext.create("h264" if codec is Codec.H264 else "hevc", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    shown = 0
    for sample in samples[:-1]:
        annex_b = b"".join(b"\0\0\0\1" + sample.data[start:end] for start, end in split(sample.data))
        shown += len(decoder.decode(av.Packet(annex_b)))
    shown += len(decoder.decode(None))
    assert shown == len(samples) - 1


def test_receiver_report_over_tcp_is_framed_on_the_agreed_channel() -> None:
    reception, _ = connected()
    assert reception.receiver_report(0) == b""
    received(reception, b"".join(frame(0, packet) for packet in Stream().picture(slice_(), lose=())))
    reception.keep_alive(0)
    output = reception.take_output()
    assert output[output.index(b"\r\n\r\n") + 4 :][:2] == b"$\x01"


def test_receiver_report_counts_what_is_missing_since_the_last() -> None:
    reception, _ = connected()
    stream = Stream(1)
    for lose in ((), (1,)):
        received(reception, b"".join(frame(0, packet) for packet in stream.picture(*[slice_()] * 4, lose=lose)))
        report = reception.receiver_report(0)
    assert struct.unpack_from(">I", report, 12)[0] == (256 // 4) << 24 | 1


# -- UDP


def playing_over_udp() -> Reception:
    reception, _ = connected(Transport.UDP)
    return reception


def pushed(reception: Reception, packets: list[bytes]) -> list[Sample]:
    buffer = bytearray(2048)
    for packet in packets:
        buffer[: len(packet)] = packet
        reception.feed_rtp(memoryview(buffer)[: len(packet)], 0)
        buffer[:] = b"\xee" * len(buffer)
    reception.finish()
    return reception.take_samples()


def test_udp_datagrams_out_of_order_give_the_samples_of_the_camera() -> None:
    stream = Stream()
    packets = [packet for _ in range(3) for packet in stream.picture(*fu_a(idr(400)))]
    shuffled = [packets[0], *[packets[n + (1 if n % 2 else -1)] for n in range(1, len(packets) - 1)], packets[-1]]
    assert sorted(shuffled[:-1]) != shuffled[:-1]
    samples = pushed(playing_over_udp(), [*dict.fromkeys([*shuffled, *packets])])
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(idr(400)), 0)] * 3


def test_udp_datagram_missing_is_waited_for_and_then_counted() -> None:
    reception, stream = playing_over_udp(), Stream()
    for lose in ((), (2,), ()):
        for packet in stream.picture(*fu_a(idr(100)), lose=lose):
            reception.feed_rtp(memoryview(packet), 0)
    assert reception.lost_packets == 0
    reception.expire(200_000)
    assert reception.lost_packets == 1
    reception.finish()
    assert [sample.lost_packets for sample in reception.take_samples()] == [0, 1]


def test_udp_rubbish_from_anybody_is_ignored() -> None:
    reception = playing_over_udp()
    assert pushed(reception, [b"", b"rubbish", bytes(100)]) == []
    reception.feed_rtcp(memoryview(b"rubbish"), 0)


def test_udp_reports_are_read() -> None:
    reception = playing_over_udp()
    reception.feed_rtcp(memoryview(sender_report(5, 6)), 9)
    assert reception.sender_report is not None
    assert reception.sender_report.received_us == 9
    with pytest.raises(CameraError):
        reception.feed_rtcp(memoryview(goodbye(0)), 9)


def test_datagrams_before_set_up_are_ignored() -> None:
    reception = Reception(client(transport=Transport.UDP))
    assert pushed(reception, list(Stream().picture(slice_()))) == []


# -- bad input


def survive(data: bytes, step: int, username: str = "") -> None:
    reception = Reception(client(username, "p"))
    reception.start()
    try:
        received(reception, data, step=step)
    except CameraError:
        pass
    finally:
        reception.finish()
        reception.take_samples()
        messages(reception.client.take_output())


WHOLE = {name: (CAPTURES / f"{name}.rtsp").read_bytes()[:24_000] for name in SESSIONS}
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "double", "insert", "zero"]),
        st.integers(0, 23_999),
        st.integers(1, 200),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, mutations: list[tuple[str, int, int, bytes]]) -> bytes:
    for kind, at, size, noise in mutations:
        head, middle, tail = data[:at], data[at : at + size], data[at + size :]
        match kind:
            case "flip":
                data = head + bytes(octet ^ noise[n % len(noise)] for n, octet in enumerate(middle)) + tail
            case "cut":
                data = head + tail
            case "double":
                data = head + middle * 2 + tail
            case "insert":
                data = head + noise + middle + tail
            case "zero":
                data = head + bytes(len(middle)) + tail
    return data


@settings(max_examples=300, deadline=None)
@example("simcam_h264", [("insert", 791, 1, b"\t")], 700)
@given(st.sampled_from(list(SESSIONS)), MUTATIONS, st.sampled_from([700, 9000, 131_072]))
def test_mutated_session_raises_only_camera_error(
    name: str, mutations: list[tuple[str, int, int, bytes]], step: int
) -> None:
    survive(mutated(WHOLE[name], mutations), step, SESSIONS[name][0])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=60)), max_size=30), st.booleans())
def test_any_packets_raise_only_camera_error(packets: list[tuple[int, bytes]], as_video: bool) -> None:
    reception, _ = connected()
    head = b"\x80\x60" if as_video else b""
    try:
        received(reception, b"".join(frame(channel, head + packet) for channel, packet in packets), step=50)
    except CameraError:
        pass
    finally:
        reception.finish()


@given(st.binary(max_size=400), st.integers(1, 60))
def test_any_bytes_raise_only_camera_error(data: bytes, step: int) -> None:
    survive(data, step)
    survive(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" + data, step)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_datagrams_raise_only_camera_error(datagrams: list[bytes]) -> None:
    reception = playing_over_udp()
    try:
        pushed(reception, [*datagrams, *[b"\x80\x60" + datagram for datagram in datagrams]])
        for datagram in datagrams:
            reception.feed_rtcp(memoryview(datagram), 0)
    except CameraError:
        pass
