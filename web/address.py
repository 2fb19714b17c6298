"""The address of the web server, opened before the rest of it is loaded: who comes early waits, and is not refused.

Only the standard library is imported here, so that the address is open a second of CPU before the server is ready.
"""

import os
import socket

from nvr.errors import ConfigError

WAITING = 128  # connections that the kernel keeps until they are taken; chosen: a wall of 55 tiles and some pages


def opened(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Args:
        host: an IP address.
        port: 0: any that is free.

    Raises:
        ConfigError: the address is taken, or not ours.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=WAITING
        )
    except OSError as error:
        why, hint = os.strerror(error.errno or 0), "another server runs there, or web.port wants another number"
        raise ConfigError(f"the address cannot be opened: {why}", where=f"{host}:{port}", hint=hint) from error
