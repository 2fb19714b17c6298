import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.rtsp.text import LIMIT, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Not Found", "Not Found"),
        ("online user amount has reached the threshold", "online user amount has reached the threshold"),
        ("\x1b[2J\x07\u202eevil\u2066\u200f\x9b", "[2J  evil"),
        ("Đường số 5", "Đường số 5"),
        (" \t\r\n", ""),
        ("a" * 201, "a" * 199 + "…"),
    ],
)
def test_plain_keeps_words_and_nothing_that_steers(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(max_size=400))
def test_plain_any_text_prints_and_is_short(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) <= LIMIT
