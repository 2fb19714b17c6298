"""Text files as editors, spreadsheets and chat programs leave them: taken where their encoding is certain."""

import re

from nvr.errors import ConfigError

LONGEST_BYTES = 16 << 20  # chosen: a list of 100,000 cameras
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip: xlsx, ods; compound file: xls
_SAMPLE_BYTES = 4096  # chosen: enough to tell UTF-16, of whose Latin letters every second byte is zero
AS_UTF8 = "save it as UTF-8: in Excel as CSV UTF-8, in Notepad with the encoding UTF-8"


def decoded(data: bytes, where: str) -> str:
    """The text of a file, without a byte order mark and with plain line ends.

    UTF-8 and UTF-16 are certain. A code page (Windows-1258 or 1252) is not: the same bytes are other Vietnamese letters
    in each, and a wrong name of a camera would be kept. So such a file is refused.

    Raises:
        ConfigError: it is too long, no text, or in a code page.
    """
    if len(data) > LONGEST_BYTES:
        raise ConfigError(f"the file is longer than {LONGEST_BYTES >> 20} MiB", where=where, hint="give the right file")
    if data.startswith(_SPREADSHEETS):
        hint = "open it and save it as CSV UTF-8"
        raise ConfigError("this is a spreadsheet (xlsx, ods or xls), not text", where=where, hint=hint)
    mark, encoding = next(((m, name) for m, name in _MARKS if data.startswith(m)), (b"", _without_mark(data)))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"this is not UTF-8 text, from line {line} on; perhaps it is Windows-1258 or Windows-1252"
        raise ConfigError(what, where=where, hint=AS_UTF8) from error
    if "\0" in text:
        raise ConfigError("there are zero bytes in it: this is no text file", where=where, hint=AS_UTF8)
    return re.sub(r"\r\n?", "\n", text)


def _without_mark(data: bytes) -> str:
    """The encoding of a file without a byte order mark."""
    sample = data[:_SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 4 < len(sample):  # of UTF-16 half of the bytes are zero, with Vietnamese some fewer
        return "utf-8"
    return "utf-16-be" if even > odd else "utf-16-le"
