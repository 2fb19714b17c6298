"""A non-blocking connection to a camera, plain or TLS, tuned for few large reads."""

import errno
import os
import socket
import ssl
import warnings
from dataclasses import dataclass

from nvr.errors import CameraError, NetworkError

_OP_LEGACY_SERVER_CONNECT = 0x4  # ssl.h; servers without secure renegotiation. Named by Python from 3.12 on
DISCARDS = 16  # chosen: reads of a session that is over; more than a receive buffer of the kernel holds
BATCH_BYTES = 512 * 1024  # measured: above what 4 Mbit/s bring between two sweeps, so that they find all at once
WAITING_LIMIT_BYTES = 64 * 1024  # chosen: a handshake has 2 kB, an answer 100 bytes; the kernel holds more than this


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a camera listens. ``address`` is an IP address, so that connecting never waits for a name server."""

    address: str
    port: int
    server_name: str
    tls: bool

    def __str__(self) -> str:
        return f"{self.server_name}:{self.port}"


class Connection:
    """One TCP connection. `start` begins it; it is usable when `finish` has returned True.

    Raises (all methods that touch the network):
        NetworkError: the connection cannot be made or has broken; the message is fit for people.
    """

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._waiting = bytearray()  # bytes the kernel has not taken yet
        self._low_mark_bytes = 1
        family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
        try:
            self._socket: socket.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise self._failure(error) from error
        self.fd = self._socket.fileno()  # stays what it is, also once the socket has been closed
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Requests and reports are small: a camera that reads none of them must not fill the kernel's memory either.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WAITING_LIMIT_BYTES)
        self._connected = False

    @property
    def wants_to_write(self) -> bool:
        """Whether to wait for writability: while connecting, and while output is held back."""
        return bool(self._waiting) or not self._connected

    @property
    def remote_address(self) -> str:
        return self._endpoint.address

    @property
    def local_address(self) -> str:
        return str(self._socket.getsockname()[0])

    def start(self) -> None:
        """Begin to connect; returns at once."""
        try:
            code = self._socket.connect_ex((self._endpoint.address, self._endpoint.port))
        except OSError as error:  # an IPv6 zone that this machine does not have
            raise self._failure(error) from error
        if code not in (0, errno.EINPROGRESS):
            raise self._failure(OSError(code, os.strerror(code)))

    def finish(self) -> bool:
        """Go on connecting after the socket became ready; True when the connection stands."""
        if self._connected:
            return True
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise self._failure(OSError(code, os.strerror(code)))
        self._connected = self._tls is None or self._shake_hands(self._tls)
        return self._connected

    def _shake_hands(self, context: ssl.SSLContext) -> bool:
        try:
            if not isinstance(self._socket, ssl.SSLSocket):
                self._socket = context.wrap_socket(
                    self._socket,
                    server_hostname=self._endpoint.server_name.partition("%")[0],  # the zone is ours alone
                    do_handshake_on_connect=False,
                )
            self._socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            raise self._failure(error) from error
        return True

    def batch(self, low_mark_bytes: int) -> None:
        """Wake for reading only when so many bytes wait (SO_RCVLOWAT, socket(7)); 1 is as soon as possible."""
        if low_mark_bytes != self._low_mark_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, low_mark_bytes)
            self._low_mark_bytes = low_mark_bytes

    def receive_into(self, buffer: memoryview) -> int:
        """Read what waits, as much as fits. 0: nothing waits.

        Raises:
            CameraError: the camera closed the connection.
            NetworkError: it broke.
        """
        try:
            size = self._socket.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError as error:
            raise self._failure(error) from error
        if size == 0:
            raise CameraError("the camera closed the connection", where=str(self._endpoint))
        return size

    def discard(self, buffer: memoryview) -> None:
        """Throw away what waits: closed with unread bytes a connection is reset, and our last word with it."""
        for _ in range(DISCARDS):
            if self.receive_into(buffer) == 0:
                return

    def send(self, data: bytes) -> None:
        """Send, or keep what the kernel does not take for `flush`.

        Raises:
            CameraError: the camera asks and asks, and reads no answer.
        """
        self._waiting += data
        self.flush()
        if len(self._waiting) > WAITING_LIMIT_BYTES:
            raise CameraError("the camera does not read what it is sent", where=str(self._endpoint))

    def flush(self) -> None:
        """Send what was held back."""
        while self._waiting:
            try:
                sent = self._socket.send(self._waiting)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                raise self._failure(error) from error
            del self._waiting[:sent]

    def close(self) -> None:
        self._socket.close()

    def _failure(self, error: OSError) -> NetworkError:
        return NetworkError(
            _plain(error), where=str(self._endpoint), hint="check the camera's power, network and address"
        )


_TLS = {  # what OpenSSL says of cameras that were made before 2018, in words
    "UNSUPPORTED_PROTOCOL": "the camera knows only old versions of TLS; update it, or set tls_verify = false",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the camera knows only old versions of TLS; update it, or set tls_verify = false",
    "DH_KEY_TOO_SMALL": "the camera's keys are too short; update it, or set tls_verify = false",
    "EE_KEY_TOO_SMALL": "the camera's key is too short; give it a new certificate, or set tls_verify = false",
    "CA_MD_TOO_WEAK": "the camera's certificate is signed with SHA-1; give it a new one, or set tls_verify = false",
    "WRONG_VERSION_NUMBER": "the camera speaks no TLS at this port; write rtsp:// instead, or correct the port",
    "CERTIFICATE_VERIFY_FAILED": "nobody vouches for the camera's certificate; see tls_verify",
}


def _plain(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        meaning = _TLS.get(error.reason, "")
        return f"no secure connection: {meaning or error.reason or error}"
    if isinstance(error, socket.gaierror):  # for an address there is nothing else to look up
        return "the address names a network interface that this machine does not have"
    match error.errno:
        case errno.ECONNREFUSED:
            return "the camera refuses the connection"
        case errno.EHOSTUNREACH | errno.ENETUNREACH:
            return "the camera cannot be reached"
        case errno.ETIMEDOUT:
            return "the camera does not answer"
        case errno.ECONNRESET | errno.EPIPE:
            return "the camera broke the connection off"
        case errno.EMFILE | errno.ENFILE:
            return "no file descriptor is left for this camera"
        case errno.EAFNOSUPPORT:
            return "this machine has no IPv6"
        case _:
            return f"the connection failed: {error.strerror or error}"


def tls_context(*, verify: bool) -> ssl.SSLContext:
    """TLS for cameras. Without ``verify`` nobody on the way can read along, but nothing proves who answers.

    Then old versions, short keys and SHA-1 are taken too: cameras of 2015 have nothing else, whoever could break those
    could as well answer in the camera's place, and in the clear is worse.
    """
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
        context.options |= _OP_LEGACY_SERVER_CONNECT
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
    return context
