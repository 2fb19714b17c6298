"""The numbers and words of the media types, which files, index and API rely on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.media import Codec, CutReason, Fragment, GapReason, Track, TrackKind


def fragment(*data: bytes) -> Fragment:
    count = len(data)
    return Fragment(
        data=data,
        durations_90k=(3600,) * count,
        composition_90k=(0,) * count,
        sync=(True,) + (False,) * (count - 1),
        decode_90k=0,
        presentation_rtp_90k=0,
        wall_us=0,
        monotonic_us=0,
        ntp=0,
        lost_packets=0,
    )


def test_track_id_of_channel_7_sub_is_113() -> None:
    assert Track(7, TrackKind.SUB).id == 113


@given(st.integers(1, 99_999), st.sampled_from(TrackKind))
def test_track_from_id_any_track_round_trips(channel: int, kind: TrackKind) -> None:
    track = Track(channel, kind)
    assert Track.from_id(track.id) == track
    assert track.id < 2**32


def test_track_ids_sort_by_channel_then_kind() -> None:
    tracks = [Track(channel, kind) for channel in (1, 2, 300) for kind in TrackKind]
    assert sorted(tracks) == tracks
    assert sorted(track.id for track in tracks) == [track.id for track in tracks]


def test_track_from_id_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="TrackKind"):
        Track.from_id(7 << 4 | 9)


def test_track_in_words_names_channel_and_kind() -> None:
    assert str(Track(12, TrackKind.MAIN)) == "channel 12 main"


def test_fragment_payload_and_duration_sum_its_samples() -> None:
    assert fragment(b"abc", b"de").payload_bytes == 5
    assert fragment(b"abc", b"de").duration_90k == 7200


def test_stored_words_never_change() -> None:
    """They are in files and rows that outlive this version: a changed word is a changed format."""
    assert {codec.value for codec in Codec} == {"h264", "h265"}
    assert {kind.word: int(kind) for kind in TrackKind} == {"main": 0, "sub": 1}
    assert {reason.value for reason in CutReason} >= {
        *("schedule", "size", "parameter_sets", "clock", "session", "overload", "disk", "stop", "recovered")
    }
    assert {reason.value for reason in GapReason} >= {
        *("camera", "network", "authentication", "restart", "disk", "overload", "operator", "clock", "retention")
    }
