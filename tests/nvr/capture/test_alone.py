"""Whatever one camera's address or bytes bring about, that camera alone fails, with words for it; the others record."""

import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.capture.descriptors import RESERVED_DESCRIPTORS, free_descriptors
from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.media import GapReason, Track, TrackKind
from tests.nvr.capture.odd_camera import PPS, SPS, Media, OddCamera, number_of, steady
from tests.nvr.capture.rig import Rig, recording

GOOD = Track(1, TrackKind.MAIN)
ADDRESSES = (
    "rtsp://[fe80::1%eth99]:554/x",
    "rtsps://[fe80::1%eth99]/x",
    "rtsp://[fe80::1%25eth99]/x",
    "rtsp://[::1/x",
    "rtsp://127.0.0.1:99999/x",
    "rtsp://127.0.0.1:nonsense/x",
    "rtsp://.:554/x",
    "rtsp://" + "a" * 70 + ".example/x",
    "rtsp://a..b/x",
    "rtsp:///x",
    "http://127.0.0.1/x",
    "rtsp://255.255.255.255/x",
    "rtsp://224.0.0.1/x",
    "rtsp://[::ffff:127.0.0.1]:9/x",
    "rtsp://0/x",
    "\0",
)


def failed(rig: Rig, track: Track) -> bool:
    report = rig.report(track)
    return report is not None and report.state is TrackState.WAITING


def assert_unharmed(rig: Rig, track: Track = GOOD) -> None:
    report = rig.report(track)
    assert report is not None
    assert (report.state, report.reconnects) == (TrackState.RECORDING, 0)
    rig.stop()
    assert [gap for gap in rig.books.gaps if gap.track == track] == []
    numbers = [number_of(unit[-1]) for unit in rig.nal_units(track)]
    assert numbers == list(range(1, len(numbers) + 1)), "every picture is there, once"


def test_addresses_that_cannot_be_used_stop_their_own_cameras_alone(tmp_path: Path) -> None:
    odd = [Channel(number, "odd", url) for number, url in enumerate(ADDRESSES, 2)]
    # The limit of 10 s stands for a machine without a route, where some of these are never answered.
    with OddCamera(steady) as good, recording(tmp_path, [good.channel(1), *odd]) as rig:
        for channel in odd:
            track = Track(channel.number, TrackKind.MAIN)
            rig.wait(lambda track=track: failed(rig, track), f"the failure of {channel.main_url}")  # type: ignore[misc]
            report = rig.report(track)
            assert report is not None
            assert report.message
        rig.wait_for_samples([GOOD], 25)
        assert_unharmed(rig)


def test_channel_that_cannot_be_used_says_why_and_the_other_records(tmp_path: Path) -> None:
    why = "the password was encrypted with another key"
    with OddCamera(steady) as good, recording(tmp_path, [good.channel(1)]) as rig:
        rig.wait_for_samples([GOOD], 25)
        channels = [good.channel(1), Channel(2, "bad", good.url)]
        rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(channels, {2: why}))
        bad = Track(2, TrackKind.MAIN)
        rig.wait(lambda: rig.report(bad) is not None, "a report of the channel that cannot be used")
        report = rig.report(bad)
        assert report is not None
        assert (report.state, report.message) == (TrackState.WAITING, why)
        assert report.reason is GapReason.SETTINGS, "no camera has refused a password"
        rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(channels))  # mended
        rig.wait_for_samples([bad], 25)
        rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(channels, {1: why}))
        rig.wait_for_samples([GOOD], 50)  # what is recorded goes on with what it was told before
        assert_unharmed(rig)


def only_reports(media: Media) -> bytes:
    return media.sender_report()


def only_parameter_sets(media: Media) -> bytes:
    return media.packet(SPS) + media.packet(PPS)


def only_answers(media: Media) -> bytes:
    return b"RTSP/1.0 200 OK\r\nCSeq: 99\r\nSession: 42\r\n\r\n"


def only_questions(media: Media) -> bytes:
    return b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n"


def only_empty_packets(media: Media) -> bytes:
    return media.packet(b"\x0c" + bytes(20))  # filler data, ISO/IEC 14496-10 section 7.4.1


@pytest.mark.parametrize("noise", [only_reports, only_parameter_sets, only_answers, only_questions, only_empty_packets])
def test_session_without_pictures_is_silent_whatever_else_comes(
    tmp_path: Path, noise: Callable[[Media], bytes]
) -> None:
    def play(camera: OddCamera, connection: socket.socket) -> None:
        media = Media()
        connection.sendall(media.group())
        while camera.pause(0.1):
            connection.sendall(noise(media))

    with OddCamera(play) as camera, recording(tmp_path, [camera.channel(1)], silence_s=1) as rig:
        rig.wait(lambda: camera.sessions > 1, "another session")
        rig.wait(lambda: failed(rig, GOOD), "the failure")
        report = rig.report(GOOD)
        assert report is not None
        assert report.reason is GapReason.CAMERA
        assert "no picture" in report.message


def endless_pictures(camera: OddCamera, connection: socket.socket) -> None:
    media = Media()
    while not camera.stopped.is_set():
        connection.sendall(b"".join([media.key(1000), *(media.inter(1300) for _ in range(200))]))


def endless_crumbs(camera: OddCamera, connection: socket.socket) -> None:
    media = Media()
    while not camera.stopped.is_set():
        connection.sendall(b"".join([media.key(), *(media.packet(b"\x41\x9a\x22") for _ in range(2000))]))


@pytest.mark.parametrize("flood", [endless_pictures, endless_crumbs])
def test_camera_that_sends_without_end_takes_its_share_and_no_more(
    tmp_path: Path, flood: Callable[[OddCamera, socket.socket], None]
) -> None:
    with (
        OddCamera(steady) as good,
        OddCamera(flood) as bad,
        recording(tmp_path, [good.channel(1), bad.channel(2)], silence_s=10) as rig,
    ):
        rig.wait_for_samples([GOOD], 100)
        report = rig.report(Track(2, TrackKind.MAIN))
        assert report is not None
        assert report.bytes > 0
        assert_unharmed(rig)


def test_camera_that_asks_without_end_and_reads_no_answer_is_given_up(tmp_path: Path) -> None:
    def ask(camera: OddCamera, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        question = b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 7\r\n\r\n" * 1000
        while not camera.stopped.is_set():
            connection.sendall(question)

    track = Track(2, TrackKind.MAIN)
    with (
        OddCamera(steady) as good,
        OddCamera(ask) as bad,
        recording(tmp_path, [good.channel(1), bad.channel(2)], silence_s=60) as rig,
    ):
        rig.wait(lambda: failed(rig, track), "the end of the session")
        report = rig.report(track)
        assert report is not None
        assert "without end" in report.message
        rig.wait_for_samples([GOOD], 25)
        assert_unharmed(rig)


def test_camera_for_which_no_descriptor_is_left_says_so_and_the_other_records(tmp_path: Path) -> None:
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    second = Track(2, TrackKind.MAIN)
    # a busy machine may keep the good camera waiting: were its session given up, it would find no descriptor either
    with OddCamera(steady) as good, recording(tmp_path, [good.channel(1)], silence_s=30) as rig:
        rig.wait_for_samples([GOOD], 25)
        open_now = kept[0] - free_descriptors()
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + RESERVED_DESCRIPTORS - 2, kept[1]))
            channels = [good.channel(1), good.channel(2)]
            rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(channels))
            rig.wait(lambda: failed(rig, second), "the refusal")
            report = rig.report(second)
            assert report is not None
            assert "no file descriptor is left" in report.message
            assert "LimitNOFILE" in report.message
            rig.wait_for_samples([GOOD], 100)  # over the start of a new file
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, kept)
        before = rig.samples(second)
        # the waits between its attempts have grown meanwhile, up to a minute
        rig.wait(lambda: rig.samples(second) >= before + 25, "the second camera is recorded", deadline_s=110)
        assert_unharmed(rig)
