"""Whatever one camera's address or bytes bring about, that camera alone fails, with words for it; the others record."""

import itertools
from pathlib import Path

from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.media import Track, TrackKind
from tests.nvr.capture.odd_camera import OddCamera, steady
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
    return report is not None and report.state is TrackState.WAITING and report.reconnects > 0


def assert_unharmed(rig: Rig, track: Track = GOOD) -> None:
    report = rig.report(track)
    assert report is not None
    assert (report.state, report.reconnects) == (TrackState.RECORDING, 0)
    rig.stop()
    assert [gap for gap in rig.books.gaps if gap.track == track] == []
    times_90k = sorted(rig.presentation_90k(track))
    assert {b - a for a, b in itertools.pairwise(times_90k)} == {3600}


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
        rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(channels))  # mended
        rig.wait_for_samples([bad], 25)
        rig.engine.reactor.call_from_thread(lambda: rig.engine.configure(channels, {1: why}))
        rig.wait_for_samples([GOOD], 50)  # what is recorded goes on with what it was told before
        assert_unharmed(rig)
