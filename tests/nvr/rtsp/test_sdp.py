import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from nvr.rtsp.sdp import MediaDescription, parse, parse_description
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
