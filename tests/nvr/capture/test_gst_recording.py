"""Recording from Debian's gst-rtsp-server, a camera that nobody here wrote, and reading the files with ffmpeg."""

import hashlib
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nvr.channel import Channel, Transport
from nvr.media import Codec, Track, TrackKind
from tests.gst import GstCameras, gst_cameras
from tests.nvr.capture.rig import Rig, recording
from tools.simcam.cache import LoopCache
from tools.simcam.loop import Loop, is_parameter_set, nal_type
from tools.simcam.recipe import Recipe

STREAMS = ("h264", "h265", "h264-slices")
WAYS = ("tcp", "udp", "rtsps")
BOTH = pytest.mark.parametrize(("way", "stream"), list(itertools.product(WAYS, STREAMS)))
DELIMITER = {Codec.H264: 9, Codec.H265: 35}
SAMPLES = 175  # 7 s: at least two files

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed: apt-get install ffmpeg")


def track_of(way: str, stream: str) -> Track:
    """A channel for each way and stream."""
    return Track(1 + WAYS.index(way) * len(STREAMS) + STREAMS.index(stream), TrackKind.MAIN)


ALL = [track_of(way, stream) for way in WAYS for stream in STREAMS]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is on the disk, and what was sent."""

    rig: Rig
    loops: dict[str, Loop]

    def files(self, track: Track) -> list[Path]:
        return sorted(
            volume.resolve(name) for volume in self.rig.volumes for name, _ in volume.chunks() if name.track == track
        )


def loops() -> dict[str, Loop]:
    """No B-frames: gst-rtsp-server's pipeline is fed with presentation times only."""
    recipe = Recipe(1, TrackKind.MAIN, Codec.H264, 320, 180, 25, 300)
    recipes = (recipe, replace(recipe, channel=2, codec=Codec.H265), replace(recipe, channel=3, slices=4))
    return {stream: LoopCache().load(one) for stream, one in zip(STREAMS, recipes, strict=True)}


def channels(cameras: GstCameras, way: str) -> list[Channel]:
    assert cameras.account is not None
    who = (cameras.account.username, cameras.account.password)
    transport = Transport.UDP if way == "udp" else Transport.TCP
    return [
        Channel(track_of(way, stream).channel, "", cameras.url(mount), "", *who, transport)
        for mount, stream in enumerate(STREAMS)
    ]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Three servers behind Digest, one for each way and allowing no other, recorded at once for some seconds."""
    media, folder = loops(), tmp_path_factory.mktemp("gst")
    with ExitStack() as stack:
        cameras = []
        for way in WAYS:
            place = folder / way
            place.mkdir()
            server = gst_cameras(
                list(media.values()), place, tls=way == "rtsps", transport="udp" if way == "udp" else "tcp"
            )
            cameras += channels(stack.enter_context(server), way)
        rig = stack.enter_context(recording(folder, cameras))
        rig.wait_for_samples(ALL, SAMPLES)
        rig.stop()
        yield Recorded(rig, media)


def own(codec: Codec, unit: list[bytes]) -> list[str]:
    """Hashes of what a payloader has no business with, slices and SEI; parameter sets and delimiters it may add."""
    return [
        hashlib.sha256(nal).hexdigest()
        for nal in unit
        if not is_parameter_set(codec, nal) and nal_type(codec, nal) != DELIMITER[codec]
    ]


@BOTH
def test_recorded_nal_units_are_a_gapless_stretch_of_those_sent(recorded: Recorded, way: str, stream: str) -> None:
    loop = recorded.loops[stream]
    codec = loop.recipe.codec
    units = [own(codec, unit) for unit in recorded.rig.nal_units(track_of(way, stream))]
    sent = [own(codec, loop.units_at(place)) for place in range(loop.frames)]
    assert len(units) >= SAMPLES
    assert units[0] in sent
    first = sent.index(units[0])
    assert units == [sent[(first + step) % loop.frames] for step in range(len(units))]
    if stream == "h264-slices":
        assert min(map(len, units)) >= 4


@BOTH
def test_parameter_sets_are_those_of_the_stream(recorded: Recorded, way: str, stream: str) -> None:
    loop, track = recorded.loops[stream], track_of(way, stream)
    codec, sets = loop.recipe.codec, loop.parameter_sets()
    found = {nal for unit in recorded.rig.nal_units(track) for nal in unit if is_parameter_set(codec, nal)}
    assert found == {*sets.vps, *sets.sps, *sets.pps}
    assert all(reader.header.parameter_sets == sets for reader in recorded.rig.readers(track))


@BOTH
def test_nothing_is_lost_and_every_file_verifies(recorded: Recorded, way: str, stream: str) -> None:
    track = track_of(way, stream)
    assert [gap for gap in recorded.rig.books.gaps if gap.track == track] == []
    report = recorded.rig.books.reports[track]
    assert (report.reconnects, report.lost_packets) == (0, 0)
    problems = [list(reader.problems()) for reader in recorded.rig.readers(track)]
    assert len(problems) >= 2
    assert problems == [[]] * len(problems)
    assert len({reader.header.run for reader in recorded.rig.readers(track)}) == 1


@BOTH
def test_pictures_keep_their_distance(recorded: Recorded, way: str, stream: str) -> None:
    """The server's time stamps at 25 pictures a second are 3600 ticks apart, but for its own rounding."""
    times_90k = recorded.rig.presentation_90k(track_of(way, stream)).tolist()
    assert {later - earlier for earlier, later in itertools.pairwise(times_90k)} <= {3599, 3600, 3601}


@BOTH
def test_ffprobe_reads_every_file_alone(recorded: Recorded, way: str, stream: str) -> None:
    recipe, track = recorded.loops[stream].recipe, track_of(way, stream)
    samples = 0
    for path in recorded.files(track):
        words = ["-v", "error", "-count_packets", "-show_format", "-show_streams", "-of", "json"]
        answer = subprocess.run(["ffprobe", *words, str(path)], capture_output=True, text=True, check=True)
        assert answer.stderr == ""
        facts = json.loads(answer.stdout)
        (video,) = facts["streams"]
        assert video["codec_name"] == {Codec.H264: "h264", Codec.H265: "hevc"}[recipe.codec]
        assert (video["width"], video["height"]) == (recipe.width, recipe.height)
        count = int(video["nb_read_packets"])
        assert abs(float(facts["format"]["duration"]) - count / recipe.fps) < 0.002
        samples += count
    assert samples == len(recorded.rig.nal_units(track))


@BOTH
def test_ffmpeg_decodes_every_file_alone_without_a_word(recorded: Recorded, way: str, stream: str) -> None:
    files = recorded.files(track_of(way, stream))
    assert len(files) >= 2
    for path in files:
        command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
