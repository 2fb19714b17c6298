"""An address is taken apart, and what is shown of one holds no password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.camera_address import parse_address, shown


@given(st.text(min_size=1).filter(lambda secret: "\ufffd" not in secret and "%" not in secret))
def test_password_never_becomes_part_of_the_shown_address(secret: str) -> None:
    address, mistakes = parse_address(f"rtsp://admin:{secret}@192.0.2.9:554/live", "main_url")
    if mistakes:
        assert address.url == ""
    else:
        assert (address.url, address.username, address.password) == ("rtsp://192.0.2.9:554/live", "admin", secret)


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    address, mistakes = parse_address(text, "main_url")
    assert bool(address.url) is (bool(text) and not mistakes)
    assert "@" not in address.url


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("rtsp://192.0.2.9/live", "rtsp://192.0.2.9/live"),
        ("rtsp://admin:2021#a@192.0.2.9/live", "rtsp://…@192.0.2.9/live"),
        ("rtsp://192.0.2.9/user=a&password=b&channel=1", "rtsp://192.0.2.9/user=a&password=…&channel=1"),
        ("rtsp://192.0.2.9/x?PWD=b", "rtsp://192.0.2.9/x?PWD=…"),
        ("", ""),
    ],
)
def test_shown_leaves_out_what_may_be_a_password(url: str, seen: str) -> None:
    assert shown(url) == seen
