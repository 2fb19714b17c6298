from hypothesis import given
from hypothesis import strategies as st

from nvr.rtsp.transport import (
    InterleavedChannels,
    RtpInfo,
    ServerPorts,
    parse_rtp_info,
    parse_session,
    parse_transport,
)


def test_parse_transport_tcp_gives_channels_and_ssrc() -> None:
    reply = parse_transport('RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=0A1b2C3d;mode="PLAY"')
    assert reply.channels == InterleavedChannels(2, 3)
    assert reply.ssrc == 0x0A1B2C3D
    assert reply.interleaved


def test_parse_transport_one_channel_implies_the_next() -> None:
    assert parse_transport("RTP/AVP/TCP; interleaved=4").channels == InterleavedChannels(4, 5)


def test_parse_transport_udp_gives_server_ports() -> None:
    reply = parse_transport("RTP/AVP;unicast;client_port=30000-30001;server_port=6970-6971;ssrc=zz")
    assert (reply.ports, reply.ssrc, reply.interleaved) == (ServerPorts(6970, 6971), None, False)


def test_parse_transport_nonsense_numbers_are_none() -> None:
    reply = parse_transport("RTP/AVP/TCP;interleaved=300-301;server_port=x-y")
    assert (reply.channels, reply.ports) == (None, None)


def test_parse_session_with_timeout() -> None:
    assert parse_session("12AB;timeout=30") == ("12AB", 30)


def test_parse_session_odd_timeouts_are_none() -> None:
    assert parse_session("12AB") == ("12AB", None)
    assert parse_session("12AB;timeout=0") == ("12AB", None)
    assert parse_session("12AB;timeout=soon") == ("12AB", None)


def test_parse_rtp_info_takes_the_entry_of_our_stream() -> None:
    value = "url=rtsp://h/a/trackID=2;seq=7;rtptime=8, url=rtsp://h/a/trackID=1;seq=45102;rtptime=12345678"
    assert parse_rtp_info(value, "rtsp://h/a/trackID=1") == RtpInfo(45102, 12345678)


def test_parse_rtp_info_only_entry_is_ours_whatever_its_url() -> None:
    assert parse_rtp_info("url=rtsp://10.0.0.1/x;seq=1;rtptime=99999999999", "rtsp://h/a") == RtpInfo(1, None)


def test_parse_rtp_info_missing_is_none() -> None:
    assert parse_rtp_info(None, "rtsp://h/a") is None


@given(st.text(max_size=100))
def test_parsers_any_text_raise_nothing(text: str) -> None:
    parse_transport(text)
    parse_transport("RTP/AVP/TCP;interleaved=" + text)
    parse_session(text)
    parse_session("1;timeout=" + text)
    parse_rtp_info(text, "rtsp://h/a")
    parse_rtp_info("url=x;seq=" + text, "rtsp://h/a")
