"""What waits to be sent is bounded."""

import socket

import pytest

from nvr.capture.connection import Connection, Endpoint
from nvr.errors import CameraError, NetworkError


def test_camera_that_reads_nothing_is_given_up_before_much_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = Connection(Endpoint("127.0.0.1", server.getsockname()[1], "camera", False), None)
        connection.start()
        peer, _ = server.accept()
        assert connection.finish()
        with peer, pytest.raises(CameraError, match="does not read") as caught:
            send_for_ever(connection)
        assert not isinstance(caught.value, NetworkError), "it is the camera's doing"
        connection.close()


def send_for_ever(connection: Connection) -> None:
    for _ in range(64 << 10):
        connection.send(bytes(1000))


@pytest.mark.parametrize("address", ["fe80::1%eth99", "::1%nothing", "not an address"])
def test_address_that_cannot_be_used_is_a_network_error(address: str) -> None:
    connection = Connection(Endpoint(address, 554, "camera", False), None)
    with pytest.raises(NetworkError):
        connection.start()
    connection.close()
