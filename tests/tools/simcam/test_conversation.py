"""Cameras that talk oddly: the door, the description, the transport."""

import time
from pathlib import Path

import pytest

from tests.tools.simcam.conftest import Play
from tests.tools.simcam.reader import Reader
from tools.simcam.fleet import Fleet
from tools.simcam.gate import Account


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_digest_with_either_algorithm_is_let_in(fleet: Fleet, algorithm: str) -> None:
    with Reader(fleet.url(1), fleet.account, algorithm=algorithm) as reader:
        assert reader.play().packets(1)


def test_wrong_password_is_kept_out(fleet: Fleet) -> None:
    with Reader(fleet.url(1), Account(password="guess")) as reader:
        assert reader.request("DESCRIBE", reader.url)[0] == 401


def test_nobody_plays_without_credentials(fleet: Fleet) -> None:
    with Reader(fleet.url(1), fleet.account, answers_unauthorized=False) as reader:
        for method in ("DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER"):
            reader._challenge = {}
            status, headers, _ = reader.request(method, reader.url)
            assert status == 401
            assert "nonce" in headers["www-authenticate"]
        assert reader.request("OPTIONS", reader.url)[0] == 200


def test_wrong_password_fault_cuts_and_keeps_out(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    reader.packets(1)
    fleet.fault(1, "wrong_password")
    with pytest.raises(ConnectionError):
        reader.until(lambda packet: False)
    with Reader(fleet.url(1), fleet.account) as again:
        assert again.request("DESCRIBE", again.url)[0] == 401
    fleet.clear(1)
    assert play(1).packets(1)


def test_stale_nonce_is_used_up_by_every_request(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "stale_nonce")
    reader = play(1)
    refusals = [text for text in reader.texts if text.startswith("RTSP/1.0 401")]
    assert len(refusals) == 3  # the first one, and those of SETUP and PLAY
    assert all("stale=true" in text for text in refusals[1:])
    assert reader.packets(1)


def test_refuse_cuts_the_connection(fleet: Fleet) -> None:
    fleet.fault(1, "refuse")
    with Reader(fleet.url(1), fleet.account) as reader, pytest.raises(ConnectionError):
        reader.describe()
    fleet.clear(1)


def test_mute_never_answers(fleet: Fleet) -> None:
    fleet.fault(1, "mute")
    with Reader(fleet.url(1), fleet.account) as reader:
        reader.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            reader.describe()
    fleet.clear(1)


def test_channels_other_than_asked_are_given(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "channels", first=6)
    reader = play(1)
    assert "interleaved=6-7" in reader.transport
    assert {packet.channel for packet in reader.packets(20)} == {6}


def test_channels_as_asked_are_given(fleet: Fleet) -> None:
    with Reader(fleet.url(1), fleet.account, channels="10-11") as reader:
        assert {packet.channel for packet in reader.play().packets(5)} == {10}


@pytest.mark.parametrize(
    ("kind", "base"), [("missing", None), ("odd", "rtsp://192.0.2.1:554/ch01/main/"), ("bare", "{url}")]
)
def test_content_base_is_odd_as_wanted(fleet: Fleet, play: Play, kind: str, base: str | None) -> None:
    fleet.fault(1, "base", how=kind)
    reader = play(1)
    assert reader.describe_headers.get("content-base") == (base and base.format(url=reader.url))


@pytest.mark.parametrize(("kind", "control"), [("missing", ""), ("absolute", "a=control:{url}/trackID=0\r\n")])
def test_control_of_the_media_is_odd_as_wanted(fleet: Fleet, play: Play, kind: str, control: str) -> None:
    fleet.fault(1, "control", how=kind)
    reader = play(1)
    assert reader.sdp.partition("m=video")[2].count("a=control") == bool(control)
    assert control.format(url=reader.url) in reader.sdp


def test_audio_is_offered_and_cannot_be_set_up(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "audio")
    reader = play(1)
    assert "m=audio" in reader.sdp
    assert reader.request("SETUP", f"{reader.url}/trackID=1", Transport="RTP/AVP/TCP;interleaved=2-3")[0] == 404


def test_teardown_ends_the_stream_and_keeps_the_connection(play: Play) -> None:
    reader = play(1)
    reader.packets(1)
    assert reader.request("TEARDOWN", reader.url)[0] == 200
    assert reader.request("OPTIONS", reader.url)[0] == 200


def test_play_without_setup_is_refused(fleet: Fleet) -> None:
    with Reader(fleet.url(1), fleet.account) as reader:
        reader.describe()
        assert reader.request("PLAY", reader.url)[0] == 455


def test_unknown_method_and_transport_are_refused(fleet: Fleet) -> None:
    with Reader(fleet.url(1), fleet.account) as reader:
        assert reader.request("RECORD", reader.url)[0] == 501
        assert reader.request("SETUP", reader.url, Transport="RTP/AVP;multicast")[0] == 461


def test_requests_cut_into_pieces_are_understood(fleet: Fleet) -> None:
    with Reader(fleet.url(1), fleet.account) as reader:
        for byte in f"OPTIONS {reader.url} RTSP/1.0\r\nCSeq: 7\r\n\r\n".encode():
            reader.socket.sendall(bytes((byte,)))
        assert b"CSeq: 7" in reader.socket.recv(4096)


def test_receiver_reports_between_requests_are_passed_over(fleet: Fleet) -> None:
    with Reader(fleet.url(1), fleet.account) as reader:
        reader.socket.sendall(b"$\1\0\4abcd")
        assert reader.request("OPTIONS", reader.url)[0] == 200


def udp_sockets(pid: int) -> int:
    """How many a process has open."""
    inodes = {row.split()[9] for row in Path("/proc/net/udp").read_text().splitlines()[1:]}
    links = (link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())
    return sum(name.removeprefix("socket:[").removesuffix("]") in inodes for name in links)


def test_udp_ports_are_given_back(fleet: Fleet, play: Play) -> None:
    reader = play(1, udp=True)
    assert udp_sockets(fleet.pid) == 2
    reader.close()
    deadline = time.monotonic() + 5
    while udp_sockets(fleet.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
