"""What a camera's refusals mean, in words for people."""

import re

from nvr.errors import AuthenticationError, CameraError
from nvr.rtsp.message import Headers, Response
from nvr.rtsp.text import plain
from nvr.rtsp.url import without_credentials

_CROWDED = (453, 503)  # RFC 2326 section 7.1.1: Not Enough Bandwidth, Service Unavailable
_CROWD = re.compile(r"user|session|connection|client|threshold|maxim|limit|busy|too many", re.IGNORECASE)
_BODY_BYTES = 1024  # as much of a refusal's body as may be repeated


def refused(url: str, what: str, response: Response, hint: str = "") -> CameraError:
    """A request was refused.

    Args:
        url: of the stream.
        what: what was asked for: "the camera does not …".
        response: the refusal.
        hint: how to mend it, if the status says no better.
    """
    said = f"{response.status} {plain(response.reason, 80)}".rstrip()
    if response.status in _CROWDED:
        return _crowded(url, said)
    return CameraError(f"the camera does not {what}: {said}", where=url, hint=hint)


def forbidden(url: str, response: Response, *, has_played: bool) -> CameraError:
    """403 is what Dahua's cameras say when they have too many viewers, and others to a user without the right.

    Args:
        url: of the stream.
        response: the refusal.
        has_played: the same user has watched this stream before, so it is not the right that is missing.
    """
    words = plain(f"{response.reason} {response.body[:_BODY_BYTES].decode('utf-8', 'replace')}")
    if has_played or _CROWD.search(words):
        return _crowded(url, f"403 {words}")
    hint = "give the user the right to watch in the camera, or close other viewers if there are too many"
    return AuthenticationError("the camera forbids access", where=url, hint=hint)


def redirected(url: str, headers: Headers) -> CameraError:
    """A redirect is not followed: another host would get our credentials, and the operator should know."""
    try:
        location = without_credentials(headers.get("Location") or "")
    except CameraError:
        location = "another address"
    hint = "enter that URL for this channel if it is right"
    return CameraError(f"the camera sends us to {plain(location)}", where=url, hint=hint)


def in_clear(url: str, what: str) -> AuthenticationError:
    """The password is not given: whoever answers or listens could read it."""
    hint = "look who answers there; choose Digest in the camera, or rtsps://, or set basic_in_clear in nvr.toml"
    return AuthenticationError(what, where=url, hint=hint)


def _crowded(url: str, said: str) -> CameraError:
    hint = "close other viewers of it, or raise its limit"
    return CameraError(f"the camera has no place for another viewer: {plain(said, 120)}", where=url, hint=hint)
