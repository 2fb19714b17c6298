import base64
import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.rtsp.auth import _ITEM, CHALLENGES_LIMIT, HEADER_LIMIT, Authenticator, Credentials, challenges

CIRCLE = Credentials("Mufasa", "Circle of Life")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def answered(challenge: str, credentials: Credentials, url: str = "/dir/index.html", cnonce: str = CNONCE) -> str:
    authenticator = Authenticator(credentials, lambda: cnonce)
    authenticator.accept(challenges([challenge])[0])
    header = authenticator.authorization("GET", url)
    assert header is not None
    return header


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_with_qop_gives_the_response_of_rfc_7616(algorithm: str, response: str) -> None:
    header = answered(RFC_7616.format(algorithm), CIRCLE)
    assert f'response="{response}"' in header
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in header
    assert 'opaque="FQhe/' in header


def test_digest_without_qop_gives_the_response_of_rfc_2069() -> None:
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    header = answered(challenge, Credentials("Mufasa", "CircleOfLife"))
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header
    assert "qop" not in header
    assert "cnonce" not in header


def test_digest_md5_sess_hashes_nonce_and_cnonce_into_the_secret() -> None:
    header = answered('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess', Credentials("u", "p"), "/x", "c")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    secret = md5(f"{md5('u:r:p')}:n:c")
    assert md5(f"{secret}:n:00000001:c:auth:{md5('GET:/x')}") in header


def test_authorization_twice_counts_up() -> None:
    authenticator = Authenticator(CIRCLE, lambda: CNONCE)
    authenticator.accept(challenges([RFC_7616.format("MD5")])[0])
    headers = [authenticator.authorization("GET", "/") or "" for _ in range(2)]
    assert ["nc=00000001" in headers[0], "nc=00000002" in headers[1]] == [True, True]


def test_basic_gives_base64_of_both() -> None:
    header = answered('Basic realm="camera"', Credentials("operator", "mật khẩu"))
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "operator:mật khẩu"


def test_challenges_several_gives_the_strongest_first() -> None:
    offers = ['Basic realm="x"', RFC_7616.format("MD5"), RFC_7616.format("SHA-256")]
    assert [offer.digest for offer in challenges(offers)] == ["sha256", "md5", ""]


def test_challenges_two_in_one_header_are_told_apart() -> None:
    found = challenges(['Basic realm="x", Digest realm="y", nonce="n", algorithm="MD5", stale="TRUE"'])
    assert [(offer.scheme, offer.realm, offer.stale) for offer in found] == [
        ("digest", "y", True),
        ("basic", "x", False),
    ]


def test_challenges_scheme_word_inside_a_realm_is_not_a_scheme() -> None:
    assert [offer.realm for offer in challenges(['Digest realm="Cam, Basic 1", nonce="n"'])] == ["Cam, Basic 1"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Negotiate",
        "Digest",
        'Digest realm="x"',
        'Digest nonce="n", algorithm=FOO',
        'Digest nonce="n", qop="auth-int"',
    ],
)
def test_challenges_that_cannot_be_answered_are_left_out(value: str) -> None:
    assert challenges([value]) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('Digest realm = "a\\"b" , nonce= n=1', ('a\\"b'.replace('\\"', '"'), "n=1")),
        ('DIGEST realm="x", nonce="open', ("x", "open")),
        ('"stray, Basic" Digest realm="x",nonce="n"', ("x", "n")),
        ('Negotiate abc==, Digest realm="x" nonce="n" realm="y"', ("x", "n")),
    ],
)
def test_challenges_in_odd_words_are_read(value: str, expected: tuple[str, str]) -> None:
    assert [(offer.realm, offer.nonce) for offer in challenges([value])] == [expected]


@pytest.mark.parametrize(
    "junk", ["a-", '"', '\\"', 'a="', "a=", " ", "a ", '"\\', "basic ", "digest realm=x,", "=", ",", 'a="\\"']
)
def test_challenges_hostile_header_is_looked_at_once(junk: str) -> None:
    """What is matched is never longer than what was there, and there are few matches: no part is looked at again."""
    value = ('Digest realm="x", nonce="y", ' + junk * 20_000)[:HEADER_LIMIT]
    matches = list(_ITEM.finditer(value))
    assert all(before.end() <= after.start() for before, after in pairwise(matches))
    assert len(challenges(['Digest realm="x", nonce="y", ' + junk * 20_000] * 50)) <= CHALLENGES_LIMIT


def test_item_never_gives_back_what_it_has_matched() -> None:
    """Possessive throughout: with a repetition that may be shortened a hostile header takes quadratic time."""
    assert not re.search(r"(?<![\\+*?])[+*](?!\+)", _ITEM.pattern)


def test_credentials_repr_never_shows_the_password() -> None:
    assert "Circle" not in repr(CIRCLE)
    assert "Circle" not in str(CIRCLE)


@given(st.text(max_size=200))
def test_challenges_any_text_raises_nothing(text: str) -> None:
    for offer in challenges([text, "Digest " + text]):
        authenticator = Authenticator(CIRCLE, lambda: "c")
        authenticator.accept(offer)
        assert authenticator.authorization("PLAY", "rtsp://a/b")
