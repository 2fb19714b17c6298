"""From simulated cameras, over real sockets, to files: every NAL unit, byte for byte."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.capture.report import TrackState
from nvr.channel import Channel, Transport
from nvr.media import Codec, Track, TrackKind
from tests.nvr.capture.rig import Rig, recording
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Picture, Town

H264, H265, SLICED, B_FRAMES = 1, 2, 3, 4  # channels
ODDITIES: dict[str, dict[str, int]] = {
    "no_markers": {},
    "padding": {"bytes": 7},
    "csrc": {"count": 2},
    "extension": {},
    "parameter_sets": {},  # only in the SDP
    "trailing_bytes": {},
    "aggregate": {},
    "requests": {"every": 5},
    "no_reports": {},
    "channels": {"first": 6},
    "base": {},  # no Content-Base
    "control": {},  # no a=control
    "stale_nonce": {},
    "audio": {},
    "wrap": {"s": 3},
}
ODD = {name: number for number, name in enumerate(ODDITIES, 5)}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    odd_h265 = {ODD["aggregate"], ODD["trailing_bytes"]}
    town = Town(
        channels=4 + len(ODDITIES),
        main=Picture(320, 180, 25, 300),
        sub=None,
        h265_channels=frozenset({H265} | odd_h265),
    )
    with Fleet(town, Manners(tls_port=0)) as fleet:
        fleet.fault(SLICED, "slices", count=4)
        fleet.fault(B_FRAMES, "b_frames", count=2)
        for name, arguments in ODDITIES.items():
            fleet.fault(ODD[name], name, **arguments)  # type: ignore[arg-type]
        yield fleet


def cameras(fleet: Fleet, *numbers: int, transport: Transport = Transport.TCP, tls: bool = False) -> list[Channel]:
    return [one for one in fleet.channels(transport=transport, tls=tls) if one.number in numbers]


def main_of(channel: int) -> Track:
    return Track(channel, TrackKind.MAIN)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def assert_recorded_as_sent(rig: Rig, fleet: Fleet, channel: int) -> None:
    """The recorded access units are a stretch of those sent, none missing, none changed, none twice."""
    recorded = [[sha256(nal) for nal in unit] for unit in rig.nal_units(main_of(channel))]
    units = fleet.sent_nal_hashes(channel)
    sent = [units[number] for number in sorted(units)]
    assert len(recorded) >= 50
    starts = [index for index, unit in enumerate(sent) if unit == recorded[0]]
    assert any(sent[start : start + len(recorded)] == recorded for start in starts)


@pytest.mark.parametrize("way", ["tcp", "udp", "rtsps"])
def test_recorded_nal_units_equal_those_sent(fleet: Fleet, tmp_path: Path, way: str) -> None:
    numbers = (H264, H265, SLICED, B_FRAMES)
    transport = Transport.UDP if way == "udp" else Transport.TCP
    with recording(tmp_path, cameras(fleet, *numbers, transport=transport, tls=way == "rtsps")) as rig:
        rig.wait_for_samples([main_of(number) for number in numbers], 125)
        rig.stop()
        for number in numbers:
            assert_recorded_as_sent(rig, fleet, number)
            assert sum(1 for _ in rig.readers(main_of(number))) >= 2
            for reader in rig.readers(main_of(number)):
                assert list(reader.problems()) == []
    assert rig.books.gaps == []


@pytest.fixture(scope="module")
def odd_rig(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """All odd cameras at once, recorded for some seconds."""
    # a busy machine may keep a camera waiting, and none of these is silent
    folder = tmp_path_factory.mktemp("odd")
    with recording(folder, cameras(fleet, *ODD.values()), silence_s=30) as rig:
        rig.wait_for_samples([main_of(number) for number in ODD.values()], 125)
        rig.stop()
        yield rig


@pytest.mark.parametrize("oddity", ODDITIES)
def test_odd_camera_is_recorded_without_loss(fleet: Fleet, odd_rig: Rig, oddity: str) -> None:
    track = main_of(ODD[oddity])
    assert_recorded_as_sent(odd_rig, fleet, track.channel)
    assert odd_rig.books.reports[track].reconnects == 0
    assert [gap for gap in odd_rig.books.gaps if gap.track == track] == []


def test_new_size_while_recording_begins_a_new_file_and_loses_nothing(fleet: Fleet, tmp_path: Path) -> None:
    track = main_of(H264)
    try:
        with recording(tmp_path, cameras(fleet, H264), main_chunk_s=60) as rig:
            rig.wait_for_samples([track], 40)
            fleet.fault(H264, "size", width=480, height=270)
            rig.wait(lambda: rig.books.reports[track].width == 480, "the new size")
            rig.wait_for_samples([track], 40)
            rig.stop()
            sets = [reader.header.parameter_sets for reader in rig.readers(track)]
            assert len(sets) == 2
            assert sets[0] != sets[1]
            assert all(s.codec is Codec.H264 for s in sets)
            assert_recorded_as_sent(rig, fleet, H264)
    finally:
        fleet.clear(H264)
    assert rig.books.gaps == []


def test_report_tells_state_picture_and_camera_clock(fleet: Fleet, tmp_path: Path) -> None:
    track = main_of(H264)
    with recording(tmp_path, cameras(fleet, H264)) as rig:
        rig.wait(lambda: (r := rig.report(track)) is not None and r.clock_offset_us is not None, "a sender report")
        rig.wait_for_samples([track], 50)
        report = rig.books.reports[track]
        assert report.state is TrackState.RECORDING
        assert (report.codec[:5], report.width, report.height) == ("avc1.", 320, 180)
        assert report.clock_offset_us is not None
        assert abs(report.clock_offset_us) < 200_000
        assert report.lost_packets == 0
        rig.stop()
        assert rig.books.reports[track].state is TrackState.OFF


def test_volume_that_drains_takes_no_new_file_while_another_does(fleet: Fleet, tmp_path: Path) -> None:
    channels = [channel for channel in fleet.channels() if channel.number == 1]
    with recording(tmp_path, channels, volumes=2, main_chunk_s=2) as rig:
        rig.wait(lambda: len(rig.books.sealed) >= 1, "a file")
        used = {chunk.header.volume_uuid for chunk in rig.books.sealed}
        drained = next(volume for volume in rig.volumes if volume.uuid in used)
        rig.engine.pool.draining = frozenset({drained.number})
        count = len(rig.books.sealed)
        rig.wait(lambda: len(rig.books.sealed) >= count + 4, "files elsewhere")
        assert drained.uuid not in {chunk.header.volume_uuid for chunk in rig.books.sealed[-2:]}
        rig.engine.pool.draining = frozenset({1, 2})
        count = len(rig.books.sealed)
        rig.wait(lambda: len(rig.books.sealed) >= count + 3, "files, for recording comes first")
