import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import CameraError
from nvr.media import Codec, Sample
from nvr.rtsp.depacketize import Depacketizer
from nvr.rtsp.depacketize_h264 import H264Depacketizer
from nvr.rtsp.depacketize_h265 import H265Depacketizer
from nvr.rtsp.interleaved import Deframer
from nvr.rtsp.message import Message, Request, Response
from nvr.rtsp.reception import Reception
from nvr.rtsp.resync import LIMIT_BYTES, LIMIT_US
from nvr.rtsp.transport import InterleavedChannels
from tests.nvr.rtsp.camera import (
    SSRC,
    Camera,
    Stream,
    client,
    connected,
    frame,
    fu_265,
    fu_a,
    goodbye,
    idr,
    lengths,
    media,
    messages,
    nal_265,
    received,
    reply,
    rtp,
    sender_report,
    slice_,
    stap_a,
)

OPTIONS = b"OPTIONS * RTSP/1.0\r\nCSeq: 41\r\n\r\n"
LATE_REPLY = b"RTSP/1.0 200 OK\r\nCSeq: 99\r\nContent-Length: 9\r\n\r\n$\0\0\5$$$$$"


class Wire:
    """A deframer with one stream, and what it gave."""

    def __init__(self, depacketizer: Depacketizer, channels: InterleavedChannels) -> None:
        self.depacketizer = depacketizer
        self.messages: list[Message] = []
        self.reports: list[bytes] = []
        self.deframer = Deframer(self.messages.append)
        self.deframer.attach(channels, depacketizer, self._report)

    def _report(self, view: memoryview, start: int, end: int, _received_us: int) -> None:
        self.reports.append(bytes(view[start:end]))

    def feed(self, data: bytes, step: int = 0) -> list[Sample]:
        buffer = bytearray(max(1, step or len(data)))
        view = memoryview(buffer)
        for at in range(0, len(data), len(buffer)):
            piece = data[at : at + len(buffer)]
            buffer[: len(piece)] = piece
            self.deframer.feed(view[: len(piece)], 0)
            buffer[:] = b"\xee" * len(buffer)
        return self.done()

    def done(self) -> list[Sample]:
        self.depacketizer.finish()
        return self.depacketizer.take()


def wire(codec: Codec = Codec.H264, rtp_channel: int = 0, rtcp_channel: int = 1) -> Wire:
    kind = H264Depacketizer if codec is Codec.H264 else H265Depacketizer
    return Wire(kind(media(codec)), InterleavedChannels(rtp_channel, rtcp_channel))


def pictures(count: int = 3, size: int = 150) -> list[bytes]:
    stream = Stream()
    return [packet for _ in range(count) for packet in stream.picture(*fu_a(slice_(size)))]


# -- frames and messages mixed


MIXED = b"".join(
    [
        frame(0, pictures()[0]),
        OPTIONS,
        *[frame(0, packet) for packet in pictures()[1:9]],
        LATE_REPLY,
        b"\r\n\r\n",
        frame(1, sender_report(7, 8)),
        *[frame(0, packet) for packet in pictures()[9:]],
        OPTIONS,
    ]
)


def test_feed_messages_and_reports_between_frames_split_at_any_byte() -> None:
    for cut in range(1, len(MIXED)):
        split = wire()
        split.deframer.feed(memoryview(bytearray(MIXED[:cut])), 0)
        assert [sample.data for sample in split.feed(MIXED[cut:])] == [lengths(slice_(150))] * 3, cut
        assert split.messages == messages(OPTIONS + LATE_REPLY + OPTIONS), cut
        assert split.reports == [sender_report(7, 8)], cut


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 31, 64, 333])
def test_feed_in_small_steps_gives_the_same_samples(step: int) -> None:
    assert [sample.data for sample in wire().feed(MIXED, step)] == [lengths(slice_(150))] * 3


def test_feed_request_between_frames_is_answered_while_the_stream_goes_on() -> None:
    reception, _ = connected()
    samples = received(reception, MIXED, step=100)
    reception.finish()
    assert [sample.data for sample in samples + reception.take_samples()] == [lengths(slice_(150))] * 3
    assert reception.take_output().count(b"RTSP/1.0 200 OK") == 2


@pytest.mark.parametrize("channels", [(0, 1), (2, 3), (7, 4), (254, 255)])
def test_feed_any_channel_numbers(channels: tuple[int, int]) -> None:
    link = wire(Codec.H264, *channels)
    data = b"".join([frame(channels[1], sender_report(1, 2)), *[frame(channels[0], packet) for packet in pictures()]])
    assert len(link.feed(data)) == 3
    assert len(link.reports) == 1


def test_feed_channels_other_than_agreed_are_adopted_at_the_beginning() -> None:
    reception, _ = connected(SETUP=lambda _: reply(Transport="RTP/AVP/TCP;interleaved=0-1", Session="1"))
    data = b"".join(frame(2, packet) for packet in pictures()) + frame(3, sender_report(5, 6))
    assert len(received(reception, data)) == 2
    assert reception.sender_report is not None


# -- frames that are none of ours


def test_feed_frames_of_a_stream_that_was_not_set_up_are_passed_over() -> None:
    link = wire()
    audio = frame(4, rtp(1, 2, b"$\0\0\5audio", payload_type=0))
    data = b"".join(frame(0, packet) + audio for packet in pictures())
    for step in (0, 1, 7, 50):
        link = wire()
        assert len(link.feed(data + OPTIONS, step)) == 3, step
        assert link.messages == messages(OPTIONS)


@pytest.mark.parametrize(
    "odd",
    [
        frame(0, b"") + frame(1, b"") + frame(7, b""),
        frame(0, rtp(1, 2, b"")[:11]),
        frame(0, b"\x40" + rtp(1, 2, b"of version 1")[1:]),
        frame(0, rtp(1, 2, b"padded", padding=2)[:-1] + b"\xff"),
        frame(1, b"\x80\xc8"),
        frame(1, b"no report"),
        frame(1, b"\x80\xc8\xff\xff"),
        frame(9, pictures()[0]),
        frame(200, b"\0" * 3000),
        b"\r\n\n",
    ],
)
@pytest.mark.parametrize("step", [0, 1, 5])
def test_feed_odd_frames_between_good_ones_cost_nothing(odd: bytes, step: int) -> None:
    packets = [frame(0, packet) for packet in pictures()]
    link = wire()
    link.deframer.feed(memoryview(odd + packets[0]), 0)
    samples = link.feed(b"".join(odd + packet for packet in packets[1:]) + OPTIONS, step)
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(slice_(150)), 0)] * 3
    assert link.messages == messages(OPTIONS)


def test_feed_frames_of_an_older_session_during_the_handshake_are_passed_over() -> None:
    old = frame(0, rtp(7, 7, slice_(90), ssrc=99)) + frame(1, sender_report(1, 2, ssrc=99))
    for cut in range(1, len(old)):
        found: list[Message] = []
        deframer = Deframer(found.append)
        deframer.feed(memoryview(old + LATE_REPLY + old[:cut]), 0)
        deframer.feed(memoryview(old[cut:] + OPTIONS), 0)
        assert found == messages(LATE_REPLY + OPTIONS), cut


def test_feed_frames_of_an_older_session_behind_set_up_make_no_samples_where_the_source_is_announced() -> None:
    reception = Reception(client())
    old = [rtp(9, 9, slice_(), marker=True, ssrc=99), rtp(10, 3609, slice_(), marker=True, ssrc=99)]

    def play(request: Request) -> Response:
        received(reception, b"".join(frame(0, packet) for packet in old))
        return reply()

    def set_up(request: Request) -> Response:
        return reply(Transport=f"RTP/AVP/TCP;interleaved=0-1;ssrc={SSRC:08X}", Session="1")

    camera = Camera(reception, PLAY=play, SETUP=set_up)
    reception.start()
    camera.run()
    samples = received(reception, b"".join(frame(0, packet) for packet in pictures()))
    reception.finish()
    samples += reception.take_samples()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(slice_(150)), 0)] * 3


@pytest.mark.parametrize("step", [0, 1, 3])
def test_feed_frames_between_the_lines_of_a_head_are_taken(step: int) -> None:
    packets = [frame(0, packet) for packet in pictures()]
    lines = LATE_REPLY[: LATE_REPLY.index(b"\r\n\r\n") + 2].splitlines(keepends=True)
    foreign = frame(7, b"$$$")
    head = b"".join(line + b"".join(packets[4 * n : 4 * n + 4]) + foreign for n, line in enumerate(lines))
    rest = b"".join(packets[4 * len(lines) :])
    link = wire()
    samples = link.feed(head + LATE_REPLY[LATE_REPLY.index(b"\r\n\r\n") + 2 :] + rest, step)
    assert [sample.data for sample in samples] == [lengths(slice_(150))] * 3
    assert link.messages == messages(LATE_REPLY)


# -- lost framing

GARBAGE = [
    bytes(range(100, 200)),
    b"\x00\x01\x02",
    b"\xff" * 3000,
    b"$\x00\xff\xff\x00\x00",
    b"$\x00" * 50,
    b"$\x00\x00\x10\x80\x60",
    b"hello, this is binary \x00\x01",
    b"ABCDEFGH",
    b"ABC DEF\r\n",
    b"RTSP/9",
    frame(0, pictures()[0])[20:],
    frame(0, pictures()[0])[:-3],
    frame(7, bytes(40))[:-3],
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("step", [0, 1, 100])
def test_feed_garbage_between_frames_costs_no_whole_frame(garbage: bytes, step: int) -> None:
    stream = Stream()
    before = b"".join(frame(0, packet) for packet in stream.picture(*fu_a(slice_(150))))
    after = b"".join(frame(0, packet) for _ in range(3) for packet in stream.picture(*fu_a(slice_(150))))
    link = wire()
    samples = link.feed(before + garbage + after + OPTIONS, step)
    whole = [sample for sample in samples if sample.data == lengths(slice_(150))]
    cut_in_two = garbage in (frame(0, pictures()[0])[:-3], b"$\x00\x00\x10\x80\x60")  # ours, but for their end
    assert len(whole) >= (3 if cut_in_two else 4)
    assert link.messages == messages(OPTIONS)


def test_feed_garbage_again_and_again_is_no_end() -> None:
    stream, link = Stream(), wire()
    data = b""
    for _ in range(40):
        data += b"".join(frame(0, packet) for packet in stream.picture(*fu_a(slice_(150)))) + GARBAGE[0]
    samples = link.feed(data + b"".join(frame(0, packet) for packet in stream.picture(*fu_a(slice_(150)))), 700)
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(slice_(150)), 0)] * 41


def test_feed_reply_behind_garbage_is_found() -> None:
    link = wire()
    link.feed(b"\x00garbage" + LATE_REPLY)
    assert link.messages == messages(LATE_REPLY)


def test_feed_frames_that_only_look_like_ours_are_not_believed() -> None:
    link = wire()
    link.deframer.feed(memoryview(b"".join(frame(0, packet) for packet in pictures())), 0)
    of_another = [frame(0, rtp(n, 9, slice_(), ssrc=99)) for n in range(4)]
    far_away = [frame(0, rtp(30_000 + n, 9, slice_())) for n in range(4)]
    out_of_order = [frame(0, rtp(65_530 + 30 - 3 * n, 9, slice_())) for n in range(4)]
    for frames in (of_another, far_away, out_of_order):
        link.deframer.feed(memoryview(b"\x00" + b"".join(frames)), 0)
    assert len(link.done()) == 3


def test_feed_lost_framing_beyond_the_bound_of_bytes_raises_and_keeps_what_came_before() -> None:
    link = wire()
    link.deframer.feed(memoryview(b"".join(frame(0, packet) for packet in pictures())), 0)
    for _ in range(LIMIT_BYTES // 10_000):
        link.deframer.feed(memoryview(b"\x00" * 10_000), 0)
    with pytest.raises(CameraError, match="framing"):
        link.deframer.feed(memoryview(b"\x00" * 10_000), 0)
    assert [sample.data for sample in link.done()] == [lengths(slice_(150))] * 3


def test_feed_lost_framing_beyond_the_bound_of_time_raises() -> None:
    link = wire()
    link.deframer.feed(memoryview(b"\x00"), 1_000_000)
    link.deframer.feed(memoryview(b"\x00"), 1_000_000 + LIMIT_US)
    with pytest.raises(CameraError, match="framing"):
        link.deframer.feed(memoryview(b"\x00"), 1_000_001 + LIMIT_US)


def test_feed_rubbish_before_any_set_up_raises_camera_error() -> None:
    for rubbish in (b"\0\1", b"HTTP/1.1 400 Bad Request\r\n\r\n", frame(0, b"x" * 9) + b"\0\0"):
        with pytest.raises(CameraError):
            Deframer(print).feed(memoryview(rubbish), 0)


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(GARBAGE), st.just(MIXED)), max_size=8),
    st.integers(1, 90),
)
def test_feed_any_bytes_raise_only_camera_error(pieces: list[bytes], step: int) -> None:
    reception, _ = connected()
    with contextlib.suppress(CameraError):
        received(reception, b"".join(pieces), step=step)
    with contextlib.suppress(CameraError):
        reception.finish()


# -- the camera ends it


def test_feed_goodbye_raises_camera_error() -> None:
    reception, _ = connected()
    received(reception, frame(0, pictures()[0]))
    with pytest.raises(CameraError, match="ended the stream"):
        received(reception, frame(1, goodbye()))


def test_feed_goodbye_of_another_source_is_none_of_ours() -> None:
    reception, _ = connected()
    received(reception, frame(0, pictures()[0]) + frame(1, goodbye(ssrc=99)))


# -- skimming takes nothing that push would treat otherwise


PAYLOADS_264 = st.one_of(
    st.integers(3, 90).map(lambda size: fu_a(idr(size), 12)),
    st.integers(30, 90).map(lambda size: fu_a(slice_(size, first=False), 9)),
    st.just([stap_a(b"\x09\xf0", slice_(9))]),
    st.just([slice_()]),
    st.just([b"\x7c\x05" + bytes(12)] * 3),
)
PAYLOADS_265 = st.one_of(
    st.integers(8, 90).map(lambda size: fu_265(nal_265(19, size), 12)),
    st.integers(30, 90).map(lambda size: fu_265(nal_265(1, size, first=False), 9)),
    st.just([nal_265(1)]),
    st.just([b"\x62\x01\x13" + bytes(12)] * 3),
)


@st.composite
def packets(draw: st.DrawFn, codec: Codec) -> list[bytes]:
    """Packets that are mostly in order, with everything that can be odd about the one or the other."""
    sequence, timestamp, found = draw(st.sampled_from([0, 65_530])), draw(st.sampled_from([0, 0xFFFFF000])), []
    for payloads in draw(st.lists(PAYLOADS_264 if codec is Codec.H264 else PAYLOADS_265, min_size=1, max_size=8)):
        for n, payload in enumerate(payloads):
            odd = draw(st.integers(0, 40))
            packet = rtp(
                sequence,
                timestamp + (odd == 1),
                payload,
                marker=n == len(payloads) - 1 or odd == 2,
                ssrc=5 + (odd == 3),
                padding=3 * (odd == 4),
                extension=b"abcd" if odd == 5 else None,
                payload_type=97 if odd == 6 else 96,
                csrcs=(1,) if odd == 7 else (),
            )
            sequence = sequence + 1 & 0xFFFF
            if odd != 8:
                found += [packet] * (2 if odd == 9 else 1)
        timestamp = timestamp + draw(st.sampled_from([3600, 3600, 0, -3600])) & 0xFFFFFFFF
    return found


@given(
    st.sampled_from(list(Codec)).flatmap(lambda codec: st.tuples(st.just(codec), packets(codec))), st.integers(1, 400)
)
def test_feed_gives_what_push_alone_gives(case: tuple[Codec, list[bytes]], step: int) -> None:
    codec, found = case
    link, alone = wire(codec), wire(codec).depacketizer
    for packet in found:
        alone.push(memoryview(packet), 0, len(packet), 0)
    alone.finish()
    assert link.feed(b"".join(frame(0, packet) for packet in found), step) == alone.take()
    assert (link.depacketizer.sequence.packets, link.depacketizer.sequence.lost) == (
        alone.sequence.packets,
        alone.sequence.lost,
    )


def test_skim_stops_at_another_payload_type_behind_the_sequence_wrap() -> None:
    found = list(Stream(65_533).picture(*fu_a(idr(100), 12)))
    found[3] = found[3][:1] + bytes((found[3][1] + 1,)) + found[3][2:]  # as a carry out of 65535 would look
    link, alone = wire(), wire()
    for packet in found:
        alone.depacketizer.push(memoryview(packet), 0, len(packet), 0)
    assert link.feed(b"".join(frame(0, packet) for packet in found)) == alone.done()


def test_skim_takes_the_middle_of_a_nal_unit_over_the_sequence_wrap() -> None:
    found = [frame(0, packet) for packet in Stream(65_530).picture(*fu_a(idr(400)))]
    assert [sample.data for sample in wire().feed(b"".join(found))] == [lengths(idr(400))]
