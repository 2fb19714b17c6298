"""Cameras as people write them down: one row each in CSV, or one ``[[camera]]`` table each in TOML.

Pure: text in, channels out. A list is taken whole or not at all: every mistake in it is told at once, with its
place and the mend. URLs and nameless values may hold a password, so no message repeats them.
"""

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from nvr.camera_address import Address, parse_address
from nvr.channel import LARGEST_CHANNEL, Channel, Transport
from nvr.errors import ConfigError

COLUMNS = ("number", "name", "main_url", "sub_url", "username", "password", "transport", "enabled")
REQUIRED = ("number", "name", "main_url")
LONGEST_NAME = 100  # chosen: fits one line of the operator's list
TRUE_WORDS = {"true", "yes", "1", "on", ""}
FALSE_WORDS = {"false", "no", "0", "off"}
_QUOTES = "\u201c\u201d\u201e\u00ab\u00bb"  # typographic double quotes: English, German, French


@dataclass(frozen=True, slots=True)
class CameraRow:
    """One camera as written: its place in the file for messages, and its fields as text."""

    place: str
    fields: Mapping[str, str]


def parse(text: str, *, is_toml: bool, where: str) -> list[Channel]:
    """Read a list of cameras; ``where`` is the file's name for messages.

    Raises:
        ConfigError: with every mistake of the file, one a line.
    """
    rows, mistakes = _toml_rows(text, where) if is_toml else _csv_rows(text)
    channels = []
    for row in rows:
        channel, wrong = channel_of(row.fields)
        mistakes += [f"{row.place}: {what}" for what in wrong]
        channels += [channel] if channel else []
    mistakes += _numbers_given_twice(rows)
    if not rows and not mistakes:
        mistakes.append("there is no camera in it")
    if mistakes:
        raise refusal(mistakes, where)
    return channels


def refusal(mistakes: list[str], where: str) -> ConfigError:
    """The error that tells all of ``mistakes``."""
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    lines = "\n".join(f"  {mistake}" for mistake in mistakes)
    return ConfigError(f"{count}, so no camera was taken over:\n{lines}", where=where, hint="mend each line above")


def channel_of(fields: Mapping[str, str]) -> tuple[Channel | None, list[str]]:
    """One camera from its fields, or what is wrong with them. Credentials inside a URL move to their own fields."""
    given = {name: _tidy(fields.get(name, "")) for name in COLUMNS if name != "password"}
    mistakes = [f"{name} is missing: {_mend_of(name)}" for name in REQUIRED if not given[name]]
    transport = given["transport"].lower() or Transport.TCP.value
    mistakes += _mistakes_in_words(given, transport)
    main, main_mistakes = parse_address(given["main_url"], "main_url")
    sub, sub_mistakes = parse_address(given["sub_url"], "sub_url")
    mistakes += main_mistakes + sub_mistakes
    credentials = _credentials(given["username"], fields.get("password", ""), main, sub)
    if credentials is None:
        mistakes.append("the URLs and the columns give different credentials: keep them only in username and password")
    if not mistakes and transport == Transport.UDP.value and "rtsps" in (main.scheme, sub.scheme):
        mistakes.append("transport udp cannot carry rtsps, whose pictures stay inside the connection: write tcp")
    if mistakes or credentials is None:
        return None, mistakes
    return (
        Channel(
            number=int(given["number"]),
            name=given["name"],
            main_url=main.url,
            sub_url=sub.url,
            username=credentials[0],
            password=credentials[1],
            transport=Transport(transport),
            enabled=given["enabled"].lower() in TRUE_WORDS,
        ),
        [],
    )


def _tidy(text: str) -> str:
    """A value without what nobody sees: every kind of blank is one blank, signs without a picture go (Word, Zalo).

    Letters with their accents apart, as macOS writes them, become one letter each.
    """
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", visible.strip()))


def _mend_of(name: str) -> str:
    mends = {"number": "write 1 to 99999", "name": "write where the camera stands", "main_url": "write rtsp://…"}
    return mends[name]


def _mistakes_in_words(given: Mapping[str, str], transport: str) -> list[str]:
    mistakes = []
    number = given["number"]
    if number and not (re.fullmatch(r"[0-9]{1,5}", number) and 1 <= int(number) <= LARGEST_CHANNEL):
        mistakes.append(f"number {number!r} is not a whole number from 1 to {LARGEST_CHANNEL}")
    if len(given["name"]) > LONGEST_NAME or not given["name"].isprintable():
        mistakes.append(f"name is longer than {LONGEST_NAME} letters or has unprintable ones: shorten it")
    if transport not in {choice.value for choice in Transport}:
        mistakes.append(f"transport {transport!r} is unknown: write tcp or udp")
    if given["enabled"].lower() not in TRUE_WORDS | FALSE_WORDS:
        mistakes.append(f"enabled {given['enabled']!r} is unknown: write yes or no")
    return mistakes


def _credentials(username: str, password: str, *addresses: Address) -> tuple[str, str] | None:
    """The one pair of credentials that a row gives, or nothing where it gives several."""
    pairs = {(a.username, a.password) for a in addresses if a.username or a.password}
    if username or password:
        pairs.add((username, password))
    return None if len(pairs) > 1 else (pairs or {("", "")}).pop()


def _numbers_given_twice(rows: list[CameraRow]) -> list[str]:
    first_places: dict[str, str] = {}
    mistakes = []
    for row in rows:
        number = row.fields.get("number", "").strip().lstrip("0")
        if number in first_places:
            mistakes.append(f"{row.place}: number {number} is already that of {first_places[number]}")
        elif number:
            first_places[number] = row.place
    return mistakes


def _csv_rows(text: str) -> tuple[list[CameraRow], list[str]]:
    """Comma, semicolon or tab, as spreadsheets write it, with a line that names the columns."""
    text, delimiter, skipped = _separated(text.removeprefix("\ufeff"))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [re.sub(r"[\s-]+", "_", _unquoted(name).strip().lower()) for name in next(reader, [])]
        lines = [(reader.line_num + skipped, values) for values in reader if any(value.strip() for value in values)]
    except csv.Error as error:
        return [], [f"line {reader.line_num + skipped}: this is not CSV: {error}"]
    while names and not names[-1]:
        names.pop()
    mistakes = _mistakes_in_columns(names)
    if mistakes:
        return [], mistakes
    too_long = [number for number, values in lines if any(value.strip() for value in values[len(names) :])]
    mistakes = [f"line {number}: there are more values than columns: put quotes around commas" for number in too_long]
    rows = [
        CameraRow(f"line {number}", dict(zip(names, map(_unquoted, values), strict=False))) for number, values in lines
    ]
    return rows, mistakes


def _separated(text: str) -> tuple[str, str, int]:
    """The text from the line on that names the columns, what separates them, and how many lines were left out."""
    head, _, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=(.)"?;*\s*', head.strip(" "), re.IGNORECASE)  # Excel's own first line
    if told:
        return rest, told[1], 1
    return text, max(",;\t", key=head.count), 0


def _unquoted(value: str) -> str:
    """A value without the typographic quotes that a word processor has made of plain ones."""
    match = re.fullmatch(rf"\s*[{_QUOTES}](.*)[{_QUOTES}]\s*", value, re.DOTALL)
    return match[1] if match else value


def _mistakes_in_columns(names: list[str]) -> list[str]:
    if not {*REQUIRED} & {*names}:
        return [f"line 1 does not name the columns: write {','.join(COLUMNS)}"]
    unknown = [name for name in names if name not in COLUMNS]
    lacking = [name for name in REQUIRED if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    mistakes = [f"line 1: the column {name!r} is unknown: the columns are {', '.join(COLUMNS)}" for name in unknown]
    mistakes += [f"line 1: the column {name!r} is missing: the columns are {', '.join(COLUMNS)}" for name in lacking]
    return mistakes + [f"line 1: the column {name!r} is there twice: remove one" for name in twice]


def mend_of_toml(text: str) -> str:
    """What may help where a text is not TOML."""
    if re.search(rf"=\s*[{_QUOTES}\u2018\u2019]", text):
        return 'the quotes are typographic ones, as word processors make them: write " instead'
    return "mend that line"


def _toml_rows(text: str, where: str) -> tuple[list[CameraRow], list[str]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}", where=where, hint=mend_of_toml(text)) from error
    mistakes = [f"{name!r} is unknown: every camera is a [[camera]] table" for name in document if name != "camera"]
    tables = document.get("camera", [])
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        return [], [*mistakes, "camera must be written as [[camera]] tables"]
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*camera\s*\]\]", line)]
    rows = []
    for index, table in enumerate(tables):
        place = f"camera {index + 1}" + (f" (line {lines[index]})" if len(lines) == len(tables) else "")
        mistakes += [
            f"{place}: {name!r} is unknown: write {', '.join(COLUMNS)}" for name in table if name not in COLUMNS
        ]
        fields, wrong = _texts_of(table)
        mistakes += [f"{place}: {what}" for what in wrong]
        rows.append(CameraRow(place, fields))
    return rows, mistakes


def _texts_of(table: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """A TOML table's values as the text that CSV would have, so that both are judged by the same rules."""
    fields, mistakes = {}, []
    for name, value in table.items():
        match value:
            case bool():
                fields[name] = "yes" if value else "no"
            case str() | int():
                fields[name] = str(value)
            case _:
                mistakes.append(f"{name} must be a text, a number, true or false")
    return fields, mistakes
