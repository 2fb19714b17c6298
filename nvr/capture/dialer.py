"""Which address of a camera's name to connect to: one after the other, until one takes the connection."""

from ssl import SSLContext
from urllib.parse import unquote, urlsplit

from nvr.capture.connection import Connection, Endpoint
from nvr.errors import CameraError, NetworkError
from nvr.rtsp.url import is_secure
from nvr.timebase import US_PER_S

CONNECT_US = 10 * US_PER_S  # of an address; chosen: the kernel asks three times in that time
CONNECT_OTHERS_US = 5 * US_PER_S  # of one while others of the name are left
DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}


class Dialer:
    """Makes the connections of one attempt at a camera.

    Args:
        url: of the stream; checked when the camera was entered, but not by us: all methods raise ValueError if it is
            none.
        tls: for ``rtsps://``.
    """

    def __init__(self, url: str, tls: SSLContext) -> None:
        self._url = url
        self._tls = tls
        self.is_secure = is_secure(url)
        self._addresses: list[str] = []  # not tried yet

    @property
    def host(self) -> str:
        """The name or address; the zone of a link-local one is escaped in a URL (RFC 6874)."""
        return unquote(urlsplit(self._url).hostname or "")

    @property
    def place(self) -> str:
        """Host and port, for messages; empty for an address that cannot even be read."""
        try:
            port = urlsplit(self._url).port
        except ValueError:
            return ""
        return f"{self.host}:{port}" if port else self.host

    def found(self, answer: list[str] | CameraError) -> None:
        """The name was looked up.

        Raises:
            NetworkError: in vain.
        """
        if isinstance(answer, CameraError):
            raise NetworkError(answer.what, where=answer.where, hint=answer.hint)
        self._addresses = answer

    def next(self, error: CameraError) -> tuple[Connection, int]:
        """A connection to the next address, and how long to wait for it, in µs.

        Args:
            error: what went wrong with the address before.

        Raises:
            CameraError: no address is left; it is ``error``, or what went wrong since.
        """
        parts = urlsplit(self._url)
        while self._addresses:
            address = self._addresses.pop(0)
            endpoint = Endpoint(address, parts.port or DEFAULT_PORTS[parts.scheme], self.host, self.is_secure)
            try:
                connection = Connection(endpoint, self._tls if self.is_secure else None)
            except NetworkError as failed:
                error = failed
                continue
            try:
                connection.start()
            except NetworkError as failed:
                error = failed
                connection.close()
            else:
                return connection, CONNECT_OTHERS_US if self._addresses else CONNECT_US
        raise error
