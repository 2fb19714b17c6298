import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.errors import CameraError
from nvr.rtsp.url import base_url, join_control, without_credentials, without_zone

ASKED = "rtsp://192.0.2.3/cam/realmonitor?channel=1&subtype=0"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("rtsp://host/a", "rtsp://host/a"),
        ("rtsp://user:p%40ss@host:8554/a?b=c@d", "rtsp://host:8554/a?b=c@d"),
        ("rtsps://user:p@ss@[2001:db8::1]:322/x", "rtsps://[2001:db8::1]:322/x"),
        ("rtsp://user@host", "rtsp://host"),
    ],
)
def test_without_credentials_keeps_the_rest(url: str, clean: str) -> None:
    assert without_credentials(url) == clean


@pytest.mark.parametrize(
    "url", ["", "http://host/", "rtsp:///path", "rtsp://[::1/x", "rtsp://h:99999/", "rtsp://h/a b", "rtsp://h/\r\nX: y"]
)
def test_without_credentials_of_no_rtsp_url_raises_camera_error(url: str) -> None:
    with pytest.raises(CameraError):
        without_credentials(url)


@pytest.mark.parametrize(
    ("base", "control", "joined"),
    [
        ("rtsp://h/live", None, "rtsp://h/live"),
        ("rtsp://h/live/", "*", "rtsp://h/live/"),
        ("rtsp://h/live", "trackID=1", "rtsp://h/live/trackID=1"),
        ("rtsp://h/live/", "trackID=1", "rtsp://h/live/trackID=1"),
        ("rtsp://h/live/", "/trackID=1", "rtsp://h/live/trackID=1"),
        (ASKED, "trackID=0", ASKED + "/trackID=0"),
        (ASKED + "/", "trackID=0", ASKED + "/trackID=0"),
        ("rtsp://h/live/", "rtsp://h:554/live/video?x=1", "rtsp://h:554/live/video?x=1"),
        ("rtsp://h/live/", "RTSP://u:p@h/v", "RTSP://h/v"),
        ("rtsp://h/live", "t\tracks ID=1 ", "rtsp://h/live/t%09racks%20ID=1"),
    ],
)
def test_join_control_absolute_relative_star_query_and_slashes(base: str, control: str | None, joined: str) -> None:
    assert join_control(base, control) == joined


@pytest.mark.parametrize(
    ("offered", "base"),
    [
        (None, ASKED),
        ("", ASKED),
        ("/cam/", ASKED),
        ("192.0.2.3/cam", ASKED),
        ("rtsp://:0", ASKED),
        ("rtsp://10.0.0.9/cam/", "rtsp://10.0.0.9/cam/"),
        ("rtsp://rtsp://10.0.0.9/cam/", "rtsp://10.0.0.9/cam/"),
        ("rtsp://RTSP://rtsps://10.0.0.9/cam/", "rtsps://10.0.0.9/cam/"),
        (" rtsp://10.0.0.9/cam/ ", "rtsp://10.0.0.9/cam/"),
        ("rtsp://rtsp://", ASKED),
    ],
)
def test_base_url_missing_or_odd_content_base_falls_back_to_the_request(offered: str | None, base: str) -> None:
    assert base_url(offered, ASKED) == base


@given(st.text(max_size=80))
def test_without_credentials_any_text_raises_only_camera_error(text: str) -> None:
    for url in (text, f"rtsp://{text}", f"rtsp://h{text}"):
        with contextlib.suppress(CameraError):
            assert without_credentials(without_credentials(url))


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("rtsp://[fe80::1%25eth0]:554/a%20b", "rtsp://[fe80::1]:554/a%20b"),
        ("rtsp://[fe80::1%eth0]/", "rtsp://[fe80::1]/"),
        ("rtsp://[2001:db8::1]:554/x%25y]", "rtsp://[2001:db8::1]:554/x%25y]"),
        ("rtsp://h/a%25b", "rtsp://h/a%25b"),
        ("rtsp://[fe80", "rtsp://[fe80"),
    ],
)
def test_without_zone_leaves_the_rest(url: str, clean: str) -> None:
    assert without_zone(url) == clean
