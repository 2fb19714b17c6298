"""Cameras that connect, answer or send in odd ways: each is recorded, from its sockets to a file."""

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.media import GapReason, Track, TrackKind
from nvr.rtsp.message import Request, Response
from tests.nvr.capture.rig import Rig, recording
from tests.nvr.capture.scripted_camera import ScriptedCamera, client_ports
from tests.nvr.rtsp.camera import DIGEST, frame, reply, rtp

ODD = Track(1, TrackKind.MAIN)


@contextmanager
def recorded(folder: Path, camera: ScriptedCamera, channel: Channel | None = None) -> Iterator[Rig]:
    """Until the camera is being recorded."""
    try:
        with recording(folder, [channel or camera.channel()], reconnect_max_s=1) as rig:
            rig.wait(lambda: ODD in rig.books.reports and state(rig) is TrackState.RECORDING, "a recording")
            rig.wait_for_samples([ODD], 30)
            yield rig
    finally:
        camera.stop()


def state(rig: Rig) -> TrackState:
    return rig.books.reports[ODD].state


class SilentAtOptions(ScriptedCamera):
    def answer(self, request: Request) -> Response | None:
        return None if request.method == "OPTIONS" else super().answer(request)


class ClosesAt401(ScriptedCamera):
    def _take(self, sock: socket.socket, request: Request) -> bool:
        is_known = request.headers.get("Authorization") is not None or request.method == "OPTIONS"
        return super()._take(sock, request) and is_known

    def answer(self, request: Request) -> Response | None:
        if request.method == "OPTIONS" or request.headers.get("Authorization"):
            return super().answer(request)
        return reply(status=401, WWW_Authenticate=DIGEST.format("n1", "MD5"))


class ClosesAtOptions(ScriptedCamera):
    def _take(self, sock: socket.socket, request: Request) -> bool:
        return request.method != "OPTIONS" and super()._take(sock, request)


class Chatty(ScriptedCamera):
    """Sends audio that nobody asked for, and now and then bytes that belong to nothing."""

    count = 0

    def send(self, sock: socket.socket, packets: list[bytes]) -> None:
        self.count += 1
        sock.sendall(frame(2, rtp(self.count, 9, bytes(160), payload_type=8, ssrc=7)))
        super().send(sock, packets)
        if self.count % 20 == 10:
            sock.sendall(bytes(range(100, 200)))


@pytest.mark.parametrize("kind", [SilentAtOptions, ClosesAt401, ClosesAtOptions, Chatty])
def test_odd_camera_is_recorded(kind: Callable[[], ScriptedCamera], tmp_path: Path) -> None:
    camera = kind()
    with recorded(tmp_path, camera, camera.channel(username="u", password="p")) as rig:
        assert rig.books.reports[ODD].reconnects <= 1


class FromElsewhere(ScriptedCamera):
    """Announces one pair of ports and sends from another, or says nothing of its ports."""

    def __init__(self, announced: str) -> None:
        super().__init__()
        self._announced = announced
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._to = ("127.0.0.1", 0)

    def answer(self, request: Request) -> Response | None:
        if request.method != "SETUP":
            return super().answer(request)
        self._to = ("127.0.0.1", client_ports(request)[0])
        return reply(Transport=f"{request.headers.get('Transport')}{self._announced}", Session="7")

    def send(self, sock: socket.socket, packets: list[bytes]) -> None:
        for packet in packets:
            self._udp.sendto(packet, self._to)

    def stop(self) -> None:
        super().stop()
        self._udp.close()


@pytest.mark.parametrize("announced", [";server_port=50000-50001", "", ";server_port=0-0;source=127.0.0.1"])
def test_datagrams_from_a_port_that_was_not_announced_are_recorded(announced: str, tmp_path: Path) -> None:
    camera = FromElsewhere(announced)
    with recorded(tmp_path, camera, camera.channel(transport="udp")):
        pass


class BehindFirewall(FromElsewhere):
    """Its datagrams come through only after one of ours has gone out to the port that it sends from."""

    def __init__(self) -> None:
        super().__init__("")
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        self._announced = f";server_port={self._udp.getsockname()[1]}-{self._udp.getsockname()[1] + 1}"
        self.is_open = False

    def send(self, sock: socket.socket, packets: list[bytes]) -> None:
        with suppress(BlockingIOError):
            self.is_open = self.is_open or self._udp.recvfrom(100)[1] == self._to
        if self.is_open:
            super().send(sock, packets)


def test_datagrams_through_a_firewall_are_recorded(tmp_path: Path) -> None:
    camera = BehindFirewall()
    with recorded(tmp_path, camera, camera.channel(transport="udp")):
        assert camera.is_open


class Crowded(ScriptedCamera):
    """Has room for one session, which it frees at TEARDOWN; the first one loses its framing for good."""

    places = 1
    breaks = True

    def answer(self, request: Request) -> Response | None:
        if request.method == "DESCRIBE" and self.places == 0:
            return reply(b"online user amount has reached the threshold", status=403)
        self.places -= request.method == "SETUP"
        self.places += request.method == "TEARDOWN"
        return super().answer(request)

    def send(self, sock: socket.socket, packets: list[bytes]) -> None:
        if self.breaks:
            self.breaks = False
            super().send(sock, packets)
            sock.sendall(b"\xff" * 300_000)
        super().send(sock, packets)


def test_session_that_fails_is_torn_down_so_that_its_place_is_free(tmp_path: Path) -> None:
    camera = Crowded()
    with recorded(tmp_path, camera) as rig:
        assert camera.methods().count("TEARDOWN") == 1
        assert rig.books.reports[ODD].reconnects == 1


class Unplayable(ScriptedCamera):
    def answer(self, request: Request) -> Response | None:
        return reply(status=453, reason="Not Enough Bandwidth") if request.method == "PLAY" else super().answer(request)


def test_handshake_that_fails_behind_set_up_is_torn_down_and_tells_why(tmp_path: Path) -> None:
    camera = Unplayable()
    with recording(tmp_path, [camera.channel()], reconnect_max_s=1) as rig:
        rig.wait(lambda: "TEARDOWN" in camera.methods(), "a TEARDOWN")
        rig.wait(lambda: ODD in rig.books.reports and state(rig) is TrackState.WAITING, "the refusal")
        assert "no place for another viewer: 453" in rig.books.reports[ODD].message
        assert rig.books.reports[ODD].reason is GapReason.CAMERA
    camera.stop()


def test_second_address_of_a_name_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = ScriptedCamera()
    found = [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return list(found)

    monkeypatch.setattr("nvr.capture.resolver.socket.getaddrinfo", look_up)
    with recorded(tmp_path, camera, camera.channel(host="camera.lan")) as rig:
        assert rig.books.reports[ODD].reconnects == 0
    assert asked == ["camera.lan"]


def test_address_with_an_unknown_zone_fails_alone(tmp_path: Path) -> None:
    camera = ScriptedCamera()
    lost = Channel(2, "lost", "rtsp://[fe80::1%25eth99]:554/live")
    with recording(tmp_path, [camera.channel(), lost]) as rig:
        other = Track(2, TrackKind.MAIN)
        rig.wait_for_samples([ODD], 20)
        rig.wait(lambda: rig.books.reports[other].state is TrackState.WAITING, "the failure")
        assert "interface that this machine does not have" in rig.books.reports[other].message
        assert rig.books.reports[other].reason is GapReason.NETWORK
        assert state(rig) is TrackState.RECORDING
    camera.stop()


@pytest.mark.parametrize(
    ("newest", "bits", "digest"), [(ssl.TLSVersion.TLSv1_1, 2048, "sha256"), (ssl.TLSVersion.TLSv1_2, 1024, "sha1")]
)
def test_old_tls_is_taken_where_nothing_is_verified(
    newest: ssl.TLSVersion, bits: int, digest: str, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = f"-x509 -newkey rsa:{bits} -{digest} -nodes -days 30 -subj /CN=camera".split()
    command = ["openssl", "req", *words, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate, key)
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    camera = ScriptedCamera(wrap=lambda plain: context.wrap_socket(plain, server_side=True))
    with recorded(tmp_path, camera, camera.channel(scheme="rtsps")):
        pass
