"""What a good simulated camera sends: in time, whole, the same over every way."""

import hashlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from nvr.errors import NvrError
from nvr.media import Codec, TrackKind
from nvr.timebase import us_from_ntp
from tests.tools.simcam.conftest import FPS, FRAMES, TICKS, Play, codec
from tests.tools.simcam.pictures import luma
from tests.tools.simcam.reader import Reader, nal_units
from tools.simcam import blocks
from tools.simcam.fleet import Fleet
from tools.simcam.gate import Account, Scheme
from tools.simcam.options import Join, Manners, Picture, Town

WAYS = [{}, {"udp": True}, {"tls": True}]


@pytest.mark.parametrize("channel", [1, 2])
@pytest.mark.parametrize("way", WAYS, ids=["tcp", "udp", "rtsps"])
def test_every_nal_unit_arrives_as_it_is_told_to_be_sent(
    fleet: Fleet, play: Play, way: dict[str, bool], channel: int
) -> None:
    units = play(channel, **way).access_units(25)
    cadence = fleet.media(channel).cadence
    now = cadence.number_at(time.time_ns() // 1000)
    told = fleet.sent_nal_hashes(channel, first=now - 200)
    by_time = {cadence.rtp_90k(number) % 2**32: hashes for number, hashes in told.items()}
    for packets in units:
        arrived = [hashlib.sha256(unit).hexdigest() for unit in nal_units(codec(channel), packets)]
        assert arrived == by_time[packets[0].time_90k]


@pytest.mark.parametrize(("channel", "way"), [(1, {}), (2, {"udp": True})], ids=["h264-tcp", "h265-udp"])
def test_sequence_numbers_and_times_go_on_over_the_seam_of_the_loop(
    play: Play, channel: int, way: dict[str, bool]
) -> None:
    units = play(channel, **way).access_units(FRAMES + 10)
    packets = [packet for unit in units for packet in unit]
    assert all((b.sequence - a.sequence) % 65536 == 1 for a, b in pairwise(packets))
    assert {(b[0].time_90k - a[0].time_90k) % 2**32 for a, b in pairwise(units)} == {TICKS}
    assert all([packet.marker for packet in unit] == [False] * (len(unit) - 1) + [True] for unit in units)


def test_access_units_are_sent_at_their_instants(fleet: Fleet, play: Play) -> None:
    cadence = fleet.media(3).cadence
    late_us = []
    for unit in play(3).access_units(30):
        number = cadence.number_at(unit[-1].arrived_us)
        number -= (cadence.rtp_90k(number) - unit[0].time_90k) % 2**32 // TICKS
        late_us.append(unit[0].arrived_us - cadence.instant_us(number))
    assert min(late_us) >= 0
    assert sorted(late_us)[15] < 20_000


def test_first_packet_is_the_one_that_play_announced_and_begins_a_sync_picture(play: Play) -> None:
    reader = play(1)
    first = reader.packets(1)[0]
    words = dict(word.split("=", 1) for word in reader.play_headers["rtp-info"].split(";"))
    assert (first.sequence, first.time_90k) == (int(words["seq"]), int(words["rtptime"]))
    assert words["url"].endswith("/ch01/main/trackID=0")
    assert first.payload[0] & 31 == 7  # an SPS leads the sync picture


def test_sender_report_gives_the_wall_time_of_the_rtp_time(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    unit = reader.access_units(1)[0]
    report = reader.reports[0]
    ntp_us, rtp_90k = us_from_ntp(int.from_bytes(report[8:16], "big")), int.from_bytes(report[16:20], "big")
    shown_us = ntp_us - ((rtp_90k - unit[0].time_90k + 2**31) % 2**32 - 2**31) * 100 // 9
    cadence = fleet.media(1).cadence
    assert abs(cadence.instant_us(cadence.number_at(shown_us + 1000)) - shown_us) < 100


@pytest.mark.slow
def test_sender_reports_come_every_two_seconds(play: Play) -> None:
    reader = play(1)
    reader.access_units(2 * FPS + 10)
    assert len(reader.reports) == 2
    assert int.from_bytes(reader.reports[1][20:24], "big") > 0


@pytest.mark.parametrize(("path", "transport"), [("main", "tcp"), ("main", "udp"), ("sub", "tcp")])
@pytest.mark.parametrize("channel", [1, 2])
def test_ffmpeg_reads_and_every_picture_tells_its_instant(
    fleet: Fleet, channel: int, path: str, transport: str
) -> None:
    kind = TrackKind[path.upper()]
    url = fleet.url(channel, kind).replace("://", "://admin:simcam%2055@")
    options = {"rtsp_transport": transport, "analyzeduration": "300000"}
    fps = FPS if kind is TrackKind.MAIN else 10
    with av.open(url, options=options) as container:
        pictures: Iterator[av.VideoFrame] = container.decode(video=0)
        stamps = []
        for picture in pictures:
            stamp = blocks.read(luma(picture))
            assert stamp is not None
            assert (stamp.channel, stamp.kind) == (channel, kind)
            stamps.append(stamp.picture)
            if len(stamps) == 15:
                break
        now_us = time.time_ns() // 1000
        assert stamp is not None
        late_us = now_us - blocks.instant_us(stamp, now_us, fps, 2 * fps)
    assert all((b - a) % (2 * fps) == 1 for a, b in pairwise(stamps))
    assert 0 < late_us < 1_000_000


def test_two_readers_of_one_stream_get_the_same(play: Play) -> None:
    first, second = play(1), play(1)
    later = second.access_units(2)[-1]
    same = first.until(lambda packet: packet.sequence == later[0].sequence)
    assert (same.payload, same.time_90k) == (later[0].payload, later[0].time_90k)


def test_sent_counts_access_units_bytes_and_sessions(fleet: Fleet, play: Play) -> None:
    before = fleet.sent(4)
    play(4).access_units(10)
    after = fleet.sent(4)
    assert after.sessions == before.sessions + 1
    assert after.access_units >= before.access_units + 10
    assert after.bytes > before.bytes
    assert after.first is not None
    assert after.last is not None
    assert after.last >= after.first + 9
    assert after.dropped == 0
    assert fleet.all_sent()[4, TrackKind.MAIN].sessions == after.sessions


def test_channels_are_told_without_credentials_in_their_urls(fleet: Fleet) -> None:
    channels = fleet.channels()
    assert [channel.number for channel in channels] == [1, 2, 3, 4]
    assert channels[0].main_url.endswith("/ch01/main")
    assert channels[0].sub_url.endswith("/ch01/sub")
    assert all("@" not in channel.main_url for channel in channels)


def test_unknown_order_fault_and_argument_are_refused(fleet: Fleet) -> None:
    for wrong in ({"name": "nonsense"}, {"name": "drop", "per_cent": 2}, {"name": "drop", "percent": "many"}):
        name = str(wrong.pop("name"))
        with pytest.raises(NvrError):
            fleet.fault(1, name, **wrong)
    with pytest.raises(NvrError, match="no channel 99"):
        fleet.fault(99, "stop")


@pytest.mark.parametrize(("path", "status"), [("/ch99/main", 404), ("/ch01/other", 404), ("/", 404)])
def test_unknown_path_is_not_found(fleet: Fleet, path: str, status: int) -> None:
    with Reader(fleet.url(1), fleet.account) as reader:
        assert reader.request("DESCRIBE", fleet.url(1).removesuffix("/ch01/main") + path)[0] == status


def test_garbage_closes_the_connection_only(fleet: Fleet, play: Play) -> None:
    good = play(1)
    with socket.create_connection(("127.0.0.1", fleet.ports["rtsp"]), timeout=5) as bad:
        bad.sendall(b"this is not RTSP at all\r\n\r\n")
        assert b"400" in bad.recv(4096)
        assert bad.recv(4096) == b""
    assert good.packets(5)


SMALL = Town(channels=1, main=Picture(320, 180, 20, 400), sub=None, gop_ms=500, loop_s=2)


@pytest.mark.slow
def test_reader_may_join_at_any_picture(loops: Path) -> None:
    with Fleet(replace(SMALL, gop_ms=2000), Manners(cache=loops, join=Join.ANY)) as fleet:
        begun = time.monotonic()
        kinds = set[int]()
        while kinds != {1} and time.monotonic() - begun < 10:  # by chance the next picture is a sync picture
            with Reader(fleet.url(1), fleet.account) as reader:
                kinds = {unit[0] & 31 for unit in nal_units(Codec.H264, reader.play().access_units(1)[0])}
        assert kinds == {1}


def test_trickle_sends_three_packets_at_a_time(loops: Path) -> None:
    with Fleet(SMALL, Manners(cache=loops, trickle=True)) as fleet, Reader(fleet.url(1), fleet.account) as reader:
        units = reader.play().access_units(20)
        largest = max(units, key=len)
        assert len(largest) > 4
        assert largest[-1].arrived_us - largest[0].arrived_us > (len(largest) // 3 - 1) * 900
        packets = [packet for unit in units for packet in unit]
        assert all((b.sequence - a.sequence) % 65536 == 1 for a, b in pairwise(packets))


@pytest.mark.slow
def test_slow_reader_loses_whole_access_units_and_they_are_counted(loops: Path) -> None:
    manners = Manners(cache=loops, most_bytes=60_000)
    town = replace(SMALL, main=Picture(640, 360, 25, 20_000))
    with Fleet(town, manners) as fleet, Reader(fleet.url(1), fleet.account, buffer_bytes=65536) as reader:
        reader.play()
        deadline = time.monotonic() + 20
        while fleet.sent(1).dropped < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        packets = reader.packets(1)
        for packet in reader.stream():
            packets.append(packet)
            if (packet.sequence - packets[-2].sequence) % 65536 != 1:
                break
    last, first = packets[-2:]
    assert last.marker
    assert first.payload[0] & 31 != 28 or first.payload[1] & 0x80


@pytest.mark.slow
def test_session_without_a_word_ends(loops: Path) -> None:
    manners = Manners(cache=loops, session_timeout_s=1)
    with Fleet(SMALL, manners) as fleet:
        with Reader(fleet.url(1), fleet.account) as silent, pytest.raises(ConnectionError):
            silent.play().until(lambda packet: False, timeout_s=6)
        with Reader(fleet.url(1), fleet.account) as lively:
            lively.play()
            deadline = time.monotonic() + 2.5
            while time.monotonic() < deadline:
                lively.packets(10)
                assert lively.request("GET_PARAMETER", lively.url)[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [Scheme.NONE, Scheme.BASIC, Scheme.DIGEST])
def test_ffmpeg_passes_the_door(loops: Path, scheme: Scheme) -> None:
    account = Account("guard", "pass word", scheme)
    with Fleet(SMALL, Manners(cache=loops, account=account)) as fleet:
        url = fleet.url(1).replace("://", "://guard:pass%20word@")
        with av.open(url, options={"rtsp_transport": "tcp", "analyzeduration": "300000"}) as container:
            assert next(container.decode(video=0)).width == 320
        if scheme is not Scheme.NONE:
            with pytest.raises(av.error.HTTPUnauthorizedError):
                av.open(fleet.url(1).replace("://", "://guard:wrong@"), options={"rtsp_transport": "tcp"})
