"""The door of a simulated camera: Basic and Digest (RFC 7616, RFC 2617) as a server asks for them."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tools.simcam.request import Request

REALM = "simcam"
_FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Scheme(Enum):
    """What a camera asks for."""

    NONE = "none"
    BASIC = "basic"
    MD5 = "md5"  # Digest with MD5 only
    SHA256 = "sha256"  # Digest with SHA-256 only
    DIGEST = "digest"  # both, the stronger one first (RFC 7616 section 3.7)

    @property
    def algorithms(self) -> tuple[str, ...]:
        match self:
            case Scheme.MD5:
                return ("MD5",)
            case Scheme.SHA256:
                return ("SHA-256",)
            case Scheme.DIGEST:
                return ("SHA-256", "MD5")
            case _:
                return ()


@dataclass(frozen=True, slots=True)
class Account:
    """Who may play."""

    username: str = "admin"
    password: str = field(default="simcam 55", repr=False)
    scheme: Scheme = Scheme.DIGEST


@dataclass(slots=True)
class Gate:
    """The door of one connection. Each nonce counts up (nc), so that a request cannot be replayed."""

    account: Account
    _nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    _count: int = 0
    _stale: bool = False

    def admits(self, request: Request, *, wrong_password: bool, one_shot: bool) -> bool:
        """Whether ``request`` carries the right credentials. ``one_shot``: the nonce is used up by it."""
        header = request.headers.get("authorization", "")
        scheme, _, rest = header.partition(" ")
        self._stale = False
        if self.account.scheme is Scheme.NONE:
            return True
        if self.account.scheme is Scheme.BASIC:
            word = f"{self.account.username}:{self.account.password}".encode()
            right = scheme.lower() == "basic" and rest.strip() == base64.b64encode(word).decode()
        else:
            right = scheme.lower() == "digest" and self._digest_is_right(request.method, rest)
        right = right and not wrong_password
        if right and one_shot:
            self._renew()
        return right

    def challenges(self) -> list[tuple[str, str]]:
        """The headers of a 401."""
        if self.account.scheme is Scheme.BASIC:
            return [("WWW-Authenticate", f'Basic realm="{REALM}"')]
        stale = ", stale=true" if self._stale else ""
        return [
            ("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{self._nonce}", qop="auth", algorithm={name}{stale}')
            for name in self.account.scheme.algorithms
        ]

    def _renew(self) -> None:
        self._nonce, self._count = secrets.token_hex(16), 0

    def _digest_is_right(self, method: str, text: str) -> bool:
        fields = {name: quoted or bare for name, quoted, bare in _FIELD.findall(text)}
        algorithm = fields.get("algorithm", "MD5")
        if algorithm not in self.account.scheme.algorithms or fields.get("username") != self.account.username:
            return False
        if not secrets.compare_digest(fields.get("response", ""), self._expected(method, fields, algorithm)):
            return False
        count = int(fields.get("nc", "0"), 16) if re.fullmatch("[0-9a-fA-F]{1,8}", fields.get("nc", "0")) else 0
        self._stale = fields.get("nonce") != self._nonce or ("qop" in fields and count <= self._count)
        if self._stale:
            self._renew()
            return False
        self._count = count
        return True

    def _expected(self, method: str, fields: dict[str, str], algorithm: str) -> str:
        def digest(text: str) -> str:
            return _HASHES[algorithm](text.encode()).hexdigest()

        secret = digest(f"{self.account.username}:{REALM}:{self.account.password}")
        target = digest(f"{method}:{fields.get('uri', '')}")
        nonce = fields.get("nonce", "")
        if "qop" not in fields:  # RFC 2069
            return digest(f"{secret}:{nonce}:{target}")
        return digest(f"{secret}:{nonce}:{fields.get('nc', '')}:{fields.get('cnonce', '')}:{fields['qop']}:{target}")
