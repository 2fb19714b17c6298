"""The address of a camera as people write it, taken apart: what may be shown, and the credentials that may not.

Pure. No message repeats an address, for it may hold a password.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_SCHEMES = ("rtsp", "rtsps")
_AUTHORITY_END = re.compile(r"[/?#]")
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]")
EXAMPLE = "write it as rtsp://192.0.2.7:554/path"
APART = (
    "give user name and password apart from the address, or write in the password # as %23, ? as %3F, / as %2F, "
    "@ as %40, % as %25 (an @ in the path as %40)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says."""

    url: str = ""  # without credentials
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Address({self.url!r})"

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]


def parse_address(text: str, name: str) -> tuple[Address, list[str]]:
    """Take an address apart; what is wrong with it; an empty one is fine.

    User name and password reach to the last @ before the first of ``/ ? #``, which end the host (RFC 3986 section 3.2).
    Where another @ follows, the password may hold one of these signs and what stands before it is not the host: then
    the address is refused, for guessing would send the password to a wrong host and show it.

    Args:
        text: as written.
        name: what messages call it.
    """
    if not text:
        return Address(), []
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        return Address(), [f"{name} does not start with rtsp:// or rtsps://"]
    end = match.start() if (match := _AUTHORITY_END.search(rest)) else len(rest)
    credentials, at, host = rest[:end].rpartition("@")
    path = rest[end:]
    if "@" in path:
        return Address(), [f"{name} has an @ behind its host, perhaps from a password with # ? or / in it: {APART}"]
    mistake = _mistake_in_host(host, path)
    if mistake:
        return Address(), [
            f"{name} {mistake}" + (f"; or its password has signs in it that end it: {APART}" if at else "")
        ]
    username, _, password = (unquote(part) for part in credentials.partition(":"))
    if "\ufffd" in username + password:
        return Address(), [f"{name} has a % in user name or password that stands for no letter: {APART}"]
    return Address(f"{scheme.lower()}://{host}{path}", username, password), []


def _mistake_in_host(host: str, path: str) -> str:
    if _SPACES.search(host + path):
        return f"has spaces in it: {EXAMPLE}"
    try:
        parts = urlsplit(f"rtsp://{host}")
        is_usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    return "" if is_usable else f"has no host, or a wrong host or port: {EXAMPLE}"


def shown(url: str) -> str:
    """An address as it may be shown: what could be a password in it is left out.

    Some cameras take the password in path or query (``user=admin&password=…``), and an older list may hold one in front
    of an @ that was taken for a path.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    rest = "…@" + rest.rpartition("@")[2] if "@" in rest else rest
    return f"{scheme}://" + re.sub(r"(?i)\b((?:password|passwd|passwort|pass|pwd|psw)=)[^&/?;#]+", r"\1…", rest)
