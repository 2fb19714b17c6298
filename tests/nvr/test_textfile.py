"""Files of other programs are read where their encoding is certain, and refused with the mend where it is not."""

import pytest

from nvr.errors import ConfigError
from nvr.textfile import LONGEST_BYTES, decoded

TEXT = "number;name\n1;Trường Tiểu học Hồ Xá\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_decoded_certain_encoding_is_read(encoding: str, line_end: str) -> None:
    assert decoded(TEXT.replace("\n", line_end).encode(encoding), "x") == TEXT


def test_decoded_utf_16_with_its_mark_big_end_first_is_read() -> None:
    assert decoded(b"\xfe\xff" + TEXT.encode("utf-16-be"), "x") == TEXT


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name\nC\xf4\xccng\n", "line 2"),
        (b"PK\x03\x04" + bytes(2000), "spreadsheet"),
        (b"\xd0\xcf\x11\xe0" + bytes(2000), "spreadsheet"),
        (b"a,b\n" * 99 + b"\0", "zero bytes"),
        (bytes(LONGEST_BYTES + 1), "longer"),
        (b"\xff\xfea\0b", "not UTF-8"),
    ],
)
def test_decoded_other_file_is_refused_with_the_mend(data: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        decoded(data, "x")
    assert caught.value.where == "x"
    assert caught.value.hint
