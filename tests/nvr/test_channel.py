"""A channel gives the tracks that are to be recorded, and keeps its password to itself."""

from nvr.channel import Channel, Transport
from nvr.media import Track, TrackKind

GATE = Channel(3, "Gate", "rtsp://192.0.2.3/main", "rtsp://192.0.2.3/sub", username="nvr", password="s3cret-canary")


def test_tracks_of_a_channel_with_sub_stream_are_two() -> None:
    assert GATE.tracks() == {
        Track(3, TrackKind.MAIN): "rtsp://192.0.2.3/main",
        Track(3, TrackKind.SUB): "rtsp://192.0.2.3/sub",
    }


def test_tracks_of_a_channel_without_sub_url_are_one() -> None:
    assert list(Channel(3, "Gate", "rtsp://192.0.2.3/main").tracks()) == [Track(3, TrackKind.MAIN)]


def test_tracks_of_a_disabled_channel_are_none() -> None:
    assert Channel(3, "Gate", "rtsp://192.0.2.3/main", enabled=False).tracks() == {}


def test_channel_printed_never_shows_the_password() -> None:
    assert "s3cret-canary" not in f"{GATE} {GATE!r}"


def test_channel_by_default_uses_tcp() -> None:
    assert GATE.transport is Transport.TCP
