import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from nvr.rtsp.sdp import MediaDescription, _sections, parse, parse_description
from tests.nvr.rtsp.camera import PPS, PPS_265, SDP, SPS, SPS_265, VPS_265

BASE = "rtsp://192.0.2.3/live/"
SDP_265 = """v=0
m=audio 0 RTP/AVP 0
a=control:trackID=0
m=video 0 RTP/AVP 98
a=rtpmap:98 H265/90000
a=fmtp:98 sprop-vps=QAEMAf//BAgAAAMAmAgAAAMAADySgJA=;sprop-sps={sps}; sprop-pps=RAHBcoYMRiQ=
a=control:trackID=1
"""

SPROP = "packetization-mode=1;sprop-parameter-sets=Z0LADNkBQZ+fAWoMDA1KAAADAAIAAAMAPR4oVJA=,aMuMsg=="


def one(text: str) -> MediaDescription:
    (media,) = parse(text, BASE)
    return media


def test_parse_h264_gives_codec_sets_and_control() -> None:
    media = one(SDP)
    assert (media.codec, media.payload_type, media.clock_rate) == (Codec.H264, 96, 90_000)
    assert media.control_url == "rtsp://192.0.2.3/live/trackID=1"
    assert media.parameter_sets == ParameterSets(Codec.H264, (), (SPS,), (PPS,))
    assert media.packetization_mode == 1


def test_parse_h265_gives_sets_and_leaves_audio_alone() -> None:
    import base64

    audio, video = parse(SDP_265.format(sps=base64.b64encode(SPS_265).decode()), BASE)
    assert (audio.kind, audio.codec, audio.control_url) == ("audio", None, BASE + "trackID=0")
    assert video.parameter_sets is not None
    assert (video.parameter_sets.sps, video.parameter_sets.pps) == ((SPS_265,), (PPS_265,))
    assert len(video.parameter_sets.vps) == 1
    assert VPS_265[:2] == video.parameter_sets.vps[0][:2]


@pytest.mark.parametrize(
    ("session", "medium", "control_url", "media_url"),
    [
        ("*", "trackID=1", BASE, BASE + "trackID=1"),
        ("rtsp://10.0.0.1/x", "trackID=1", "rtsp://10.0.0.1/x", "rtsp://10.0.0.1/x/trackID=1"),
        ("*", "*", BASE, BASE),
        ("sub/", "rtsp://192.0.2.3/live/v?y=z", BASE + "sub/", "rtsp://192.0.2.3/live/v?y=z"),
    ],
)
def test_parse_control_attributes_of_session_and_medium(
    session: str, medium: str, control_url: str, media_url: str
) -> None:
    text = SDP.replace("control:*", f"control:{session}").replace("control:trackID=1", f"control:{medium}")
    description = parse_description(text, BASE)
    assert (description.control_url, description.media[0].control_url) == (control_url, media_url)


def test_parse_control_missing_everywhere_is_the_base() -> None:
    text = "\n".join(line for line in SDP.splitlines() if "control" not in line)
    assert one(text).control_url == BASE


def test_parse_without_parameter_sets_leaves_them_to_the_stream() -> None:
    assert one("v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000").parameter_sets is None


def test_parse_sets_with_start_codes_and_stray_zero_bytes_gives_bare_nals() -> None:
    import base64

    sps = base64.b64encode(b"\0\0\0\1" + SPS + b"\0\0").decode()
    pps = base64.b64encode(b"\0\0\1" + PPS).decode()
    text = SDP.replace("Z0LADNkBQZ+fAWoMDA1KAAADAAIAAAMAPR4oVJA=,aMuMsg==", f"{pps},{sps}")
    assert one(text).parameter_sets == ParameterSets(Codec.H264, (), (SPS,), (PPS,))


def test_parse_base64_without_padding_is_read() -> None:
    assert one(SDP.replace("aMuMsg==", "aMuMsg")).parameter_sets == one(SDP).parameter_sets


def test_parse_rtpmap_for_other_payload_type_is_believed() -> None:
    assert one(SDP.replace(":96 ", ":97 ")).codec is Codec.H264


def test_parse_rtpmap_missing_is_guessed_from_the_parameters() -> None:
    assert one(SDP.replace("a=rtpmap:96 H264/90000\r\n", "")).codec is Codec.H264


def test_video_without_usable_format_names_what_there_is() -> None:
    description = parse_description("v=0\nm=video 0 RTP/AVP 26\na=rtpmap:26 JPEG/90000", BASE)
    with pytest.raises(CameraError, match="JPEG"):
        description.video()


@pytest.mark.parametrize("text", ["", "v=0", "<html>no</html>", "a=control:*\nm", "\0\0"])
def test_parse_without_media_raises_camera_error(text: str) -> None:
    with pytest.raises(CameraError):
        parse(text, BASE)


VIDEO = "v=0\r\nm=video 0 RTP/AVP {}\r\n{}\r\na=control:trackID=1\r\n"


@pytest.mark.parametrize(
    ("types", "lines", "codec", "payload_type"),
    [
        ("96", "a=rtpmap:96\tH264/90000", Codec.H264, 96),
        ("96", "a=rtpmap:96   H265/90000", Codec.H265, 96),
        ("96", "a=rtpmap:96 h264/90000/1", Codec.H264, 96),
        ("96", "a=rtpmap:96 H264", Codec.H264, 96),
        ("26 96", "a=rtpmap:26 JPEG/90000\na=rtpmap:96 H264/90000", Codec.H264, 96),
        ("26 97", "a=rtpmap:97 HEVC/90000", Codec.H265, 97),
        ("96 97", "a=rtpmap:97 H264/90000\na=rtpmap:96 MP4V-ES/90000", Codec.H264, 97),
        ("96", "a=fmtp:96 profile-level-id=42001f", Codec.H264, 96),
        ("98", "a=fmtp:98 profile-id=1;sprop-sps=AA==", Codec.H265, 98),
        ("96", "a=x", Codec.H264, 96),  # nothing is said: the usual one
        ("96", "a=rtpmap:96 H264/90000\nc=IN IP4 '&\ufffd\ufffd", Codec.H264, 96),
    ],
)
def test_video_in_odd_words_is_found(types: str, lines: str, codec: Codec, payload_type: int) -> None:
    video = parse_description(VIDEO.format(types, lines), BASE).video()
    assert (video.codec, video.payload_type, video.clock_rate) == (codec, payload_type, 90_000)
    assert video.control_url == BASE + "trackID=1"


@pytest.mark.parametrize(
    "fmtp",
    [
        f"a=fmtp:{SPROP}",
        f"a=fmtp:96\t{SPROP}",
        f"a=fmtp:99 {SPROP}",
        f"a=fmtp:96 {SPROP.replace('=Z0', '= Z0')}",
        f"a=fmtp:96 {SPROP};",
        f"a=FMTP:96 {SPROP.upper().split('=')[0]}={SPROP.partition('=')[2]}",
    ],
)
def test_parse_parameters_in_odd_words_are_read(fmtp: str) -> None:
    text = VIDEO.format("96", f"a=rtpmap:96 H264/90000\n{fmtp}")
    assert one(text).parameter_sets == ParameterSets(Codec.H264, (), (SPS,), (PPS,))


@pytest.mark.parametrize("sprop", ["", "=", "=,,,", "=!!!!", "=AAAA,BBBB", "=Z0,aA"])
def test_parse_broken_parameter_sets_leave_them_to_the_stream(sprop: str) -> None:
    video = one(VIDEO.format("96", f"a=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets{sprop}"))
    assert (video.codec, video.parameter_sets) == (Codec.H264, None)


@pytest.mark.parametrize(
    ("control", "url"),
    [
        ("rtsp://", BASE),
        ("rtsp:// ", BASE),
        ("rtsp://10.0.0.1/live/trackID=1", "rtsp://10.0.0.1/live/trackID=1"),
        ("rtsp://rtsp://192.0.2.3/live/trackID=1", "rtsp://192.0.2.3/live/trackID=1"),
        ("rtsp://192.0.2.3/the live", "rtsp://192.0.2.3/the%20live"),
        ("", BASE),
    ],
)
def test_parse_control_that_is_odd_still_leads_to_the_camera(control: str, url: str) -> None:
    text = f"v=0\na=control:*\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:{control}"
    assert one(text).control_url == url


@pytest.mark.parametrize(
    "text",
    [
        "v=0\r" + "m=video 0 RTP/AVP 96\r" + "a=rtpmap:96 H264/90000\r",
        "v=0\r\n\r\n\r\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n\r\n",
        "\ufeffv=0\n m=video -1353744643 RTP/AVP 96 \n a=rtpmap:96 H264/90000",
        "v=0\nm=application 0 RTP/AVP smart/1/90000\nm=audio 0 RTP/AVP (null)\na=rtpmap\nm=video 0 RTP/AVP 96",
        "v=0\nm=video 0 RTP/AVP 26\na=rtpmap:26 JPEG/90000\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000",
    ],
)
def test_video_among_odd_lines_is_found(text: str) -> None:
    assert parse_description(text, BASE).video().codec is Codec.H264


def test_video_message_is_short_and_steers_no_terminal() -> None:
    name = "\x1b[2J\x07\u202eevil" + "X" * 900_000
    with pytest.raises(CameraError) as caught:
        parse_description(f"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 {name}/90000", BASE).video()
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


def test_parse_text_without_end_keeps_a_bounded_part() -> None:
    text = "m=video 0 RTP/AVP " + "96 " * 10_000 + "\n" + "a=rtpmap:96 H264/90000\n" * 10_000
    sections = _sections(text + "m=audio 0 RTP/AVP 0\n" * 10_000)
    assert len(sections) <= 34
    assert max(len(section.attributes) for section in sections) == 256
    assert parse_description(text, BASE).video().payload_type == 96


LINES = st.lists(
    st.one_of(
        st.sampled_from(SDP.splitlines()),
        st.builds(str.__add__, st.sampled_from(["m=", "a=fmtp:96 ", "a=rtpmap:", "a=control:"]), st.text(max_size=40)),
        st.text(max_size=20),
    ),
    max_size=12,
)


@given(LINES)
def test_parse_any_lines_raise_only_camera_error(lines: list[str]) -> None:
    try:
        description = parse_description("\n".join(lines), BASE)
        assert description.video().codec is not None
    except CameraError:
        pass
