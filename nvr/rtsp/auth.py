"""Authentication to a camera: Basic (RFC 7617) and Digest (RFC 7616, and RFC 2069 without qop)."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_STRENGTH = ("md5", "sha512_256", "sha256")  # the last is preferred: SHA-512/256 is what cameras get wrong
HEADER_LIMIT = 4096  # characters; chosen: a challenge takes 300
CHALLENGES_LIMIT = 8  # chosen: cameras offer one to three
# A word, and what it is set equal to if anything; or a text in quotes that belongs to nothing. Nothing that was matched
# is given back (`++`), and a text whose closing quote is missing goes to the end: each character is looked at once.
_QUOTED = r"\"((?:[^\"\\]++|\\.)*+)(?:\"|\\?\Z)"
_ITEM = re.compile(rf"([^\s,=\"]++)(?:\s*+(=)\s*+(?:{_QUOTED}|([^\s,\"]*+)))?+|{_QUOTED}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password; the password never shows."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a camera asks for."""

    scheme: str  # "basic" or "digest"
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = ""  # as the camera wrote it, to be given back
    digest: str = ""  # hashlib's name
    session: bool = False  # the -sess variant
    qop: bool = False  # "auth" is offered
    stale: bool = False

    @property
    def strength(self) -> int:
        return _STRENGTH.index(self.digest) + 1 if self.scheme == "digest" else 0


def challenges(values: Sequence[str]) -> list[Challenge]:
    """The challenges in WWW-Authenticate headers that we can answer, the strongest first."""
    found = islice((challenge for value in values for challenge in _parse(value[:HEADER_LIMIT])), CHALLENGES_LIMIT)
    return sorted(found, key=lambda challenge: challenge.strength, reverse=True)


def _parse(value: str) -> Iterator[Challenge]:
    """A word without an equals sign is a scheme (RFC 7235 section 4.1); what follows are its parameters."""
    schemes: list[tuple[str, dict[str, str]]] = []
    for item in _ITEM.finditer(value):
        word, equals, quoted, token, _ = item.groups()
        if word and not equals:
            schemes.append((word.lower(), {}))
        elif word and schemes:
            schemes[-1][1].setdefault(word.lower(), token or _unquote(quoted or ""))
    for scheme, parameters in schemes:
        if scheme == "basic":
            yield Challenge("basic", parameters.get("realm", ""))
        elif scheme == "digest" and (challenge := _digest_challenge(parameters)) is not None:
            yield challenge


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _digest_challenge(parameters: dict[str, str]) -> Challenge | None:
    algorithm = parameters.get("algorithm", "")
    name = algorithm.upper() or "MD5"
    digest = _ALGORITHMS.get(name.removesuffix("-SESS"))
    offers = [offer.strip().lower() for offer in parameters.get("qop", "").split(",") if offer.strip()]
    if digest is None or "nonce" not in parameters or (offers and "auth" not in offers):
        return None
    return Challenge(
        "digest",
        parameters.get("realm", ""),
        parameters["nonce"],
        parameters.get("opaque"),
        algorithm,
        digest,
        name.endswith("-SESS"),
        bool(offers),
        parameters.get("stale", "").lower() == "true",
    )


class Authenticator:
    """Answers challenges for one RTSP session.

    Args:
        credentials: for this camera.
        cnonce: gives a fresh random token for each Digest session; an argument because this room knows no chance.
    """

    def __init__(self, credentials: Credentials, cnonce: Callable[[], str]) -> None:
        self._credentials = credentials
        self._make_cnonce = cnonce
        self._cnonce = ""
        self._challenge: Challenge | None = None
        self._count = 0

    @property
    def nonce(self) -> str:
        """The nonce in use; empty without one."""
        return self._challenge.nonce if self._challenge else ""

    @property
    def answering(self) -> bool:
        """Whether requests carry credentials by now."""
        return self._challenge is not None

    def accept(self, challenge: Challenge) -> None:
        """Use this challenge for all that follows."""
        self._challenge = challenge
        self._count = 0
        self._cnonce = self._make_cnonce()

    def authorization(self, method: str, url: str) -> str | None:
        """The Authorization header for a request, or None where nothing was asked for."""
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            token = f"{self._credentials.username}:{self._credentials.password}".encode()
            return f"Basic {base64.b64encode(token).decode()}"
        return self._digest(challenge, method, url)

    def _digest(self, challenge: Challenge, method: str, url: str) -> str:
        def hashed(*parts: str) -> str:
            return hashlib.new(challenge.digest, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

        self._count += 1
        count = f"{self._count:08x}"
        secret = hashed(self._credentials.username, challenge.realm, self._credentials.password)
        if challenge.session:
            secret = hashed(secret, challenge.nonce, self._cnonce)
        request = hashed(method, url)
        rounds = (count, self._cnonce, "auth") if challenge.qop else ()
        quoted = {
            "username": self._credentials.username,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": url,
            "response": hashed(secret, challenge.nonce, *rounds, request),
        }
        if challenge.opaque is not None:
            quoted["opaque"] = challenge.opaque
        if challenge.qop or challenge.session:
            quoted["cnonce"] = self._cnonce
        fields = [f'{name}="{_quote(value)}"' for name, value in quoted.items()]
        if challenge.algorithm:
            fields.append(f"algorithm={challenge.algorithm}")
        if challenge.qop:
            fields += ["qop=auth", f"nc={count}"]
        return "Digest " + ", ".join(fields)


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
