import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.capture.cameraclock import CameraClock
from nvr.rtsp.rtcp import Goodbye, ReceptionFigures, SenderReport, parse, receiver_report
from nvr.timebase import ntp_from_us, us_from_ntp
from tests.nvr.rtsp.camera import SSRC, goodbye, sender_report

WALL_US = 1_763_464_000_000_000


def read(packet: bytes) -> list[SenderReport | Goodbye]:
    return parse(memoryview(packet), 0, len(packet), 7)


def test_parse_compound_gives_report_and_goodbye() -> None:
    assert read(sender_report(99, 1234) + goodbye()) == [SenderReport(SSRC, 99, 1234, 7), Goodbye((SSRC,))]


def test_parse_cut_packet_gives_what_is_whole() -> None:
    assert read(sender_report(99, 1234) + goodbye()[:-1]) == [SenderReport(SSRC, 99, 1234, 7)]


def test_ntp_at_interpolates_by_rtp_time_over_the_wrap() -> None:
    report = SenderReport(SSRC, ntp_from_us(WALL_US), 0xFFFFFF00, 0)
    assert abs(us_from_ntp(report.ntp_at(0xFFFFFF00 + 90_000 & 0xFFFFFFFF)) - (WALL_US + 1_000_000)) <= 1
    assert abs(us_from_ntp(report.ntp_at(0xFFFFFF00 - 45_000)) - (WALL_US - 500_000)) <= 1


def test_ntp_at_of_camera_without_clock_is_zero() -> None:
    assert SenderReport(SSRC, 0, 5, 0).ntp_at(5) == 0


@pytest.mark.parametrize("ntp", [0, 1, 3600 << 32, ntp_from_us(3_600_000_000), ntp_from_us(946_684_799_000_000)])
def test_ntp_of_a_clock_that_was_never_set_is_not_known(ntp: int) -> None:
    report = SenderReport(SSRC, ntp, 5, 0)
    assert not report.has_clock
    assert report.ntp_at(95) == 0
    clock = CameraClock()
    clock.observe(report, 0)
    assert clock.offset_us is None


def test_receiver_report_holds_what_rfc_3550_wants() -> None:
    report = SenderReport(SSRC, 0x1111_2222_3333_4444, 5, 1_000_000)
    data = receiver_report(9, ReceptionFigures(SSRC, 100, 3, 8, 0x1_0005), report, 1_500_000)
    first, kind, words, ours, source, lost, highest, jitter, middle, delay = struct.unpack_from(">BBHIIIIIII", data)
    assert (first, kind, words, ours, source) == (0x81, 201, 7, 9, SSRC)
    assert (lost, highest, jitter) == (8 << 24 | 3, 0x1_0005, 0)
    assert (middle, delay) == (0x2222_3333, 32_768)
    assert (data[32], data[33], struct.unpack_from(">H", data, 34)[0] * 4 + 4) == (0x81, 202, len(data) - 32)


@given(st.binary(max_size=120))
def test_parse_any_bytes_raise_nothing(data: bytes) -> None:
    read(data)
    read(sender_report(1, 2) + data)
    read(b"\x81\xcb" + data)
