"""Lists of cameras are read from CSV and TOML, and refused whole with every mistake and never a password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.camera_list import channel_of, parse
from nvr.channel import Channel, Transport
from nvr.errors import ConfigError

HEAD = "number,name,main_url,sub_url,username,password,transport,enabled\n"
CANARY = "s3cret-canary"


def from_csv(text: str) -> list[Channel]:
    return parse(text, is_toml=False, where="cameras.csv")


def from_toml(text: str) -> list[Channel]:
    return parse(text, is_toml=True, where="cameras.toml")


def mistakes_in(text: str, *, is_toml: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, is_toml=is_toml, where="cameras")
    assert caught.value.hint
    return str(caught.value)


def test_csv_full_row_becomes_a_channel() -> None:
    channels = from_csv(HEAD + "7,Cổng chợ,rtsp://192.0.2.7/main,rtsp://192.0.2.7/sub,nvr,pass word,udp,no\n")
    assert channels == [
        Channel(
            number=7,
            name="Cổng chợ",
            main_url="rtsp://192.0.2.7/main",
            sub_url="rtsp://192.0.2.7/sub",
            username="nvr",
            password="pass word",
            transport=Transport.UDP,
            enabled=False,
        )
    ]


def test_csv_least_columns_takes_the_defaults() -> None:
    assert from_csv("name,number,main_url\nGate,1,rtsps://cam/1\n") == [Channel(1, "Gate", "rtsps://cam/1")]


def test_csv_of_a_spreadsheet_with_mark_semicolons_and_blank_lines_is_read() -> None:
    text = "\ufeffNumber;Name;Main_URL\r\n1;Gate, north;rtsp://cam/1\r\n;;\r\n2;Bridge;rtsp://cam/2\r\n"
    assert [channel.name for channel in from_csv(text)] == ["Gate, north", "Bridge"]


def test_toml_tables_become_channels() -> None:
    text = '[[camera]]\nnumber = 1\nname = "Gate"\nmain_url = "rtsp://cam/1"\nenabled = false\n'
    assert from_toml(text) == [Channel(1, "Gate", "rtsp://cam/1", enabled=False)]


def test_credentials_in_the_url_move_to_their_fields() -> None:
    [channel] = from_csv(f"number,name,main_url\n1,Gate,rtsp://nvr:{CANARY}%40x@cam:8554/1?a=b\n")
    assert channel.main_url == "rtsp://cam:8554/1?a=b"
    assert (channel.username, channel.password) == ("nvr", f"{CANARY}@x")


def test_credentials_that_differ_are_refused_without_showing_them() -> None:
    message = mistakes_in(HEAD + f"1,Gate,rtsp://nvr:{CANARY}@cam/1,,other,{CANARY}2,,\n")
    assert "different credentials" in message
    assert CANARY not in message


def test_csv_without_a_head_is_refused_without_repeating_its_row() -> None:
    assert CANARY not in mistakes_in(f"1,Gate,rtsp://cam/1,,nvr,{CANARY},,\n")


def test_many_mistakes_are_told_at_once_with_their_lines() -> None:
    message = mistakes_in(
        HEAD
        + "0,Gate,rtsp://cam/1,,,,,\n"
        + f"2,,http://nvr:{CANARY}@cam/2,,,,pigeon,maybe\n"
        + "3,Bridge,rtsp://cam/3,,,,,\n"
        + "3,Market,rtsp://cam:port/4,,,,,,,more\n"
    )
    for words in (
        "line 2: number '0'",
        "line 3: name is missing",
        "line 3: main_url does not start with rtsp://",
        "line 3: transport 'pigeon'",
        "line 3: enabled 'maybe'",
        "line 5: main_url has no host, or a wrong host or port",
        "line 5: there are more values than columns",
        "line 5: number 3 is already that of line 4",
    ):
        assert words in message
    assert "8 mistakes" in message
    assert CANARY not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not name the columns"),
        ("number,name\n", "'main_url' is missing"),
        (HEAD, "no camera"),
        ("number,name,url\n1,a,b\n", "'url' is unknown"),
        ("number,number,name,main_url\n", "there twice"),
        (HEAD + "1,Gate,rtsps://cam/1,,,,udp,\n", "write tcp"),
        (HEAD + "1,Gate,rtsp:///1,,,,,\n", "no host"),
        (HEAD + "1,Gate,rtsp://ca m/1,,,,,\n", "spaces"),
        (HEAD + "1,Gate,rtsp://cam/1,http://cam/2,,,,\n", "sub_url does not start"),
        (HEAD + f"1,{'x' * 101},rtsp://cam/1,,,,,\n", "longer than 100"),
        (HEAD + "100000,Gate,rtsp://cam/1,,,,,\n", "99999"),
        (HEAD + "1,Gate\x00,rtsp://cam/1,,,,,\n", "line"),
    ],
)
def test_csv_with_one_mistake_names_it(text: str, words: str) -> None:
    assert words in mistakes_in(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("number =\n", "not TOML"),
        ("camera = 7\n", "[[camera]] tables"),
        ("[[cameras]]\nnumber = 1\n", "'cameras' is unknown"),
        ("\n\n[[camera]]\nnumber = 1\n", "camera 1 (line 3): name is missing"),
        ('[[camera]]\nnumber = 1.5\nname = "a"\nmain_url = "rtsp://c/"\n', "number must be a text"),
        ('[[camera]]\nnumber = 1\nname = "a"\nmain_url = "rtsp://c/"\nurl = "x"\n', "'url' is unknown"),
    ],
)
def test_toml_with_one_mistake_names_it(text: str, words: str) -> None:
    assert words in mistakes_in(text, is_toml=True)


@given(st.dictionaries(st.sampled_from(["number", "name", "main_url", "sub_url", "transport", "enabled"]), st.text()))
def test_channel_of_any_fields_gives_a_channel_or_mistakes(fields: dict[str, str]) -> None:
    channel, mistakes = channel_of(fields)
    assert (channel is None) == bool(mistakes)


@given(st.text(), st.booleans())
def test_parse_any_text_raises_nothing_else(text: str, is_toml: bool) -> None:
    with pytest.raises(ConfigError):
        parse(text, is_toml=is_toml, where="cameras")


@given(st.text(max_size=200))
def test_parse_any_rows_below_a_good_head_raises_nothing_else(rows: str) -> None:
    try:
        channels = from_csv(HEAD + rows)
    except ConfigError:
        return
    assert channels


@pytest.mark.parametrize("secret", ["plain", "p@ss", "pa:ss", "pa%ss", "50%off", "a b", "mật khẩu", "[::1]", "\u00e9"])
@pytest.mark.parametrize("host", ["192.0.2.9:554", "[2001:db8::7]"])
def test_password_in_an_address_is_understood(secret: str, host: str) -> None:
    channel, mistakes = channel_of({"number": "1", "name": "x", "main_url": f"rtsp://admin:{secret}@{host}/live?a=1"})
    assert mistakes == []
    assert channel is not None
    assert (channel.main_url, channel.username, channel.password) == (f"rtsp://{host}/live?a=1", "admin", secret)


@pytest.mark.parametrize("secret", ["2021#a", "554/b", "80?c", "a/b@c", "a@b#c", "#", "50%ff"])
@pytest.mark.parametrize("column", ["main_url", "sub_url"])
@pytest.mark.parametrize("host", ["192.0.2.9", "[2001:db8::7]:554"])
def test_password_that_ends_the_host_is_refused_with_a_word_about_it(secret: str, column: str, host: str) -> None:
    fields = {
        "number": "1",
        "name": "x",
        "main_url": "rtsp://192.0.2.9/a",
        column: f"rtsp://admin:{secret}@{host}/live",
    }
    channel, mistakes = channel_of(fields)
    assert channel is None
    assert len(mistakes) == 1
    assert "password" in mistakes[0]
    assert secret == "#" or secret not in mistakes[0]


@pytest.mark.parametrize(("escaped", "secret"), [("50%25", "50%"), ("p%40ss%23%2F", "p@ss#/"), ("%C3%A9", "é")])
def test_password_in_percent_signs_is_understood(escaped: str, secret: str) -> None:
    channel, _ = channel_of({"number": "1", "name": "x", "main_url": f"rtsp://admin:{escaped}@192.0.2.9/live"})
    assert channel is not None
    assert channel.password == secret


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("number\tname\tmain_url\n1\tChợ\trtsp://192.0.2.1/a\n", ["Chợ"]),
        ("sep=;\nnumber;name;main_url\n1;Chợ;rtsp://192.0.2.1/a\n", ["Chợ"]),
        ('"sep=\t"\nnumber\tname\tmain_url\n1\tChợ\trtsp://192.0.2.1/a\n', ["Chợ"]),
        ("Number, NAME ,Main URL,,\n1,Chợ,rtsp://192.0.2.1/a,,\n,,,,\n", ["Chợ"]),
        ("number,name,main-url\n1,\u201cChợ\u201d,\u201crtsp://192.0.2.1/a\u201d\n", ["Chợ"]),
        ("number,name,main_url\n1,Chợ\u00a0 \u200bHuế\ufeff,\u00a0rtsp://192.0.2.1/a\u200b\n", ["Chợ Huế"]),
        ('number,name,main_url\n1,"Chợ\nHuế",rtsp://192.0.2.1/a\n', ["Chợ Huế"]),
        ("number,name,main_url\n1,\u202eChợ\u202c,rtsp://192.0.2.1/a\n", ["Chợ"]),
        ("number,name,main_url\n1,Cho\u031b\u0323,rtsp://192.0.2.1/a\n", ["Chợ"]),
    ],
)
def test_list_as_a_spreadsheet_leaves_it_is_taken(text: str, names: list[str]) -> None:
    channels = from_csv(text)
    assert [channel.name for channel in channels] == names
    assert channels[0].main_url == "rtsp://192.0.2.1/a"


def test_value_below_a_column_without_a_name_is_a_mistake() -> None:
    assert "line 2: there are more values" in mistakes_in("number,name,main_url,\n1,Gate,rtsp://192.0.2.1/a,secret\n")


def test_line_numbers_count_excels_own_first_line() -> None:
    assert "line 3: number '0'" in mistakes_in("sep=,\nnumber,name,main_url\n0,Gate,rtsp://192.0.2.1/a\n")
