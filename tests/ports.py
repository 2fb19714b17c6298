"""Ports for servers of tests that want a number in their configuration before they open it."""

import random
import socket

# Below the ports that the kernel hands out by itself (32768 and above): none of these is taken by a connection, or by
# another test's port 0, between the look and the use.
LOWEST, HIGHEST = 10_240, 32_000
_DRAW = random.SystemRandom()  # tests run in several processes


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    while True:
        port = _DRAW.randint(LOWEST, HIGHEST)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
