"""RTSP URLs: without credentials, and joined the way cameras mean it."""

from urllib.parse import quote, urlsplit

from nvr.errors import CameraError

SCHEMES = ("rtsp", "rtsps")


def without_credentials(url: str) -> str:
    """The URL without a user name and password, fit to be sent, stored and shown.

    Raises:
        CameraError: this is no RTSP URL.
    """
    if any(octet <= " " or octet == "\x7f" for octet in url):
        raise CameraError("the URL holds a blank or a control character", hint="write a blank as %20")
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CameraError("not an RTSP URL", hint="write it as rtsp://host/path")
    scheme, _, rest = url.partition("://")
    authority_end = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
    authority = rest[:authority_end].rpartition("@")[2]
    return f"{scheme}://{authority}{rest[authority_end:]}"


def without_zone(url: str) -> str:
    """The URL without the zone of a link-local address, which means nothing to anybody else (RFC 6874 section 4)."""
    scheme, mark, rest = url.partition("://[")
    address, end, path = rest.partition("]")
    return f"{scheme}{mark}{address.partition('%')[0]}{end}{path}" if end else url


def is_absolute(url: str) -> bool:
    """Whether this is a whole RTSP URL."""
    return url.lower().startswith(("rtsp://", "rtsps://"))


def is_secure(url: str) -> bool:
    """Whether nobody on the way can read along."""
    return url.lower().startswith("rtsps://")


def _undoubled(url: str) -> str:
    """Some cameras write the scheme twice, ``rtsp://rtsp://host/``."""
    while is_absolute(url) and is_absolute(rest := url.partition("://")[2]):
        url = rest
    return url


def base_url(offered: str | None, requested: str) -> str:
    """What relative control URLs are relative to: Content-Base if it makes sense, else the URL that was asked for."""
    if offered is None or not is_absolute(offered.strip()):
        return requested
    try:
        return without_credentials(_undoubled(offered.strip()))
    except CameraError:
        return requested


def join_control(base: str, control: str | None) -> str:
    """The URL of an ``a=control`` attribute (RFC 2326 section C.1.1).

    Relative ones are appended behind a slash, also where the base has a query string, as cameras with such URLs expect;
    RFC 3986 would throw the query away. Blanks and control characters, which would break the request line, are escaped.
    An absolute one that is none, such as ``rtsp://`` alone, says as little as a missing one.
    """
    if not control or control == "*":
        return base
    path = "".join(one if one.isprintable() and not one.isspace() else quote(one) for one in control.strip())
    if is_absolute(path):
        return base_url(path, base)
    return f"{base.removesuffix('/')}/{path.removeprefix('/')}"
