"""The segmenter: every sample comes out once, in order, in pieces that begin and end where they should."""

from collections.abc import Iterable
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.capture.cadence import CHUNK_LIMIT_BYTES, Cadence, expected_chunk_bytes
from nvr.capture.events import ChunkEnded, ChunkOpened, Event, FragmentClosed
from nvr.capture.segmenter import Segmenter
from nvr.media import Codec, CutReason, Fragment, ParameterSets, Sample, Track, TrackKind
from nvr.timebase import US_PER_S, us_from_90k

TRACK = Track(3, TrackKind.MAIN)
WALL_US = 1_763_900_000 * US_PER_S  # divisible by 60 s and less 20 s
FRAME = 3600
PLAIN = ParameterSets(
    Codec.H264,
    (),
    (bytes.fromhex("6742c01eda0280bfe584000003000400000300c83c58ba80"),),  # 640×360, no reordering
    (bytes.fromhex("68ce0fc8"),),
)
B_FRAMES = ParameterSets(
    Codec.H264,
    (),
    (bytes.fromhex("6764001eacd940a02ff961000003000100000300320f162d96"),),  # 640×360, two reordered
    (bytes.fromhex("68ef8fcb"),),
)
SMALL = ParameterSets(
    Codec.H264,
    (),
    (bytes.fromhex("6742c00cda05067e7840000003004000000c83c50aa8"),),  # 320×180
    (bytes.fromhex("68ce0fc8"),),
)


def segmenter(cadence: Cadence | None = None) -> Segmenter:
    runs = count(1)
    return Segmenter(TRACK, cadence or Cadence(500_000, 60 * US_PER_S, 0), lambda: next(runs))


def sample(
    index: int, *, gop: int = 50, sets: ParameterSets | None = None, size: int = 100, at: int | None = None
) -> Sample:
    """The index-th picture of a 25 fps stream; received 5 ms after it was taken; its data tells its index."""
    position = index if at is None else at
    return Sample(
        data=index.to_bytes(4, "big") + bytes(size - 4),
        presentation_90k=(1 << 32) + position * FRAME,
        is_sync=index % gop == 0,
        received_us=position * 40_000 + 5_000,
        parameter_sets=sets if sets is not None else (PLAIN if index == 0 else None),
    )


def feed(target: Segmenter, samples: Iterable[Sample], wall_offset_us: int = WALL_US) -> list[Event]:
    return [event for one in samples for event in target.push(one, wall_offset_us)]


def fragments(events: Iterable[Event]) -> list[Fragment]:
    return [event.fragment for event in events if isinstance(event, FragmentClosed)]


def indices(events: Iterable[Event]) -> list[int]:
    return [int.from_bytes(data[:4], "big") for fragment in fragments(events) for data in fragment.data]


def test_two_minutes_come_out_whole_in_order_and_cut_on_the_minute() -> None:
    target = segmenter()
    events = feed(target, (sample(i) for i in range(3000))) + target.end(CutReason.STOP)
    assert indices(events) == list(range(3000))
    ends = [event for event in events if isinstance(event, ChunkEnded)]
    assert [end.cut for end in ends] == [CutReason.SCHEDULE, CutReason.SCHEDULE, CutReason.STOP]
    starts = [event.start_us for event in events if isinstance(event, ChunkOpened)]
    assert [(start - 5_000) % (60 * US_PER_S) for start in starts[1:]] == [0, 0]
    assert all(end.start_us + end.duration_us == start for end, start in zip(ends, starts[1:], strict=False))


def test_fragments_last_half_a_second_and_begin_at_every_sync_sample() -> None:
    target = segmenter()
    events = feed(target, (sample(i) for i in range(501)))
    for fragment in fragments(events):
        assert us_from_90k(fragment.duration_90k) <= 540_000
        assert not any(fragment.sync[1:])
    assert sum(fragment.sync[0] for fragment in fragments(events)) == 10


def test_decode_times_of_a_chunk_start_at_zero_and_join() -> None:
    target = segmenter()
    events = feed(target, (sample(i) for i in range(3000)))
    expected_90k = 0
    for event in events:
        match event:
            case ChunkOpened():
                expected_90k = 0
            case FragmentClosed(fragment):
                assert fragment.decode_90k == expected_90k
                expected_90k += fragment.duration_90k


def test_samples_before_the_first_sync_sample_are_skipped_and_counted() -> None:
    target = segmenter()
    assert feed(target, [sample(i, sets=PLAIN) for i in range(45, 50)]) == []
    assert target.skipped == 5
    assert isinstance(feed(target, [sample(50)])[0], ChunkOpened)


def test_new_parameter_sets_cut_at_the_sync_sample() -> None:
    target = segmenter()
    stream = [sample(i) for i in range(50)] + [sample(i, sets=SMALL if i == 50 else None) for i in range(50, 80)]
    events = feed(target, stream) + target.end(CutReason.SESSION)
    cut = next(event for event in events if isinstance(event, ChunkEnded))
    second = [event for event in events if isinstance(event, ChunkOpened)][1]
    assert cut.cut is CutReason.PARAMETER_SETS
    assert second.parameter_sets == SMALL
    assert second.sequence == 2
    assert indices(events) == list(range(80))


def test_parameter_sets_announced_between_sync_samples_take_effect_at_the_next() -> None:
    target = segmenter()
    stream = [sample(i, sets=SMALL if i == 30 else None) if i else sample(0) for i in range(60)]
    opened = [event for event in feed(target, stream) if isinstance(event, ChunkOpened)]
    assert [event.parameter_sets for event in opened] == [PLAIN, SMALL]


@pytest.mark.parametrize(("in_band", "files"), [(True, 1), (False, 4)])
def test_other_pps_begins_a_file_only_where_the_sync_sample_does_not_bring_it(in_band: bool, files: int) -> None:
    target = segmenter()
    stream = [sample(i) for i in range(200)]
    for number in range(0, 200, 50):
        pps = bytes((0x68, 0xCE, number, 0xC8))
        stream[number].parameter_sets = ParameterSets(Codec.H264, (), PLAIN.sps, (pps,))
        if in_band:
            stream[number].data += bytes((0, 0, 0, 4)) + pps
    opened = [event for event in feed(target, stream) if isinstance(event, ChunkOpened)]
    assert len(opened) == files


def test_more_than_60_files_a_minute_end_the_session_and_those_before_stay_whole() -> None:
    target = segmenter()
    stream = [sample(i, gop=5, sets=SMALL if i // 5 % 2 else PLAIN) for i in range(1500)]
    events = feed(target, stream)
    assert target.fault == "the camera's stream begins more than 60 files a minute"
    events += target.end(CutReason.SESSION)
    opened = sum(isinstance(event, ChunkOpened) for event in events)
    assert 60 <= opened <= 80
    assert opened == sum(isinstance(event, ChunkEnded) for event in events)
    assert indices(events) == list(range(len(indices(events))))
    assert target.fault == ""


def test_more_than_1000_pictures_a_second_end_the_session_and_take_little_memory() -> None:
    target = segmenter()
    stream = [Sample(bytes(8), (1 << 32) + i, i == 0, i * 10, PLAIN if i == 0 else None) for i in range(20_000)]
    events = feed(target, stream)
    assert target.fault == "the camera sends more than 1000 pictures a second"
    assert sum(len(f.data) for f in fragments(events + target.end(CutReason.SESSION))) < 6000
    assert all(len(f.data) <= 1000 for f in fragments(events))


def test_a_silence_of_eight_seconds_ends_the_chunk_and_keeps_every_picture() -> None:
    target = segmenter()
    stream = [sample(i, at=i if i < 130 else i + 200) for i in range(300)]
    stream[130].lost_packets = 7
    events = feed(target, stream) + target.end(CutReason.STOP)
    ends = [event for event in events if isinstance(event, ChunkEnded)]
    assert [end.cut for end in ends] == [CutReason.SILENCE, CutReason.STOP]
    assert ends[1].start_us - ends[0].start_us - ends[0].duration_us == 8 * US_PER_S
    assert indices(events) == list(range(300))
    assert target.has_lost


@pytest.mark.parametrize(("between_s", "most"), [(1, 0), (4, 1), (30, 4)])
def test_camera_of_few_pictures_is_not_called_silent_once_its_distance_is_known(between_s: int, most: int) -> None:
    target = segmenter(Cadence(500_000, 600 * US_PER_S, 0))
    events = feed(target, (sample(i, gop=1, at=i * between_s * 25) for i in range(60)))
    silences = [event for event in events if isinstance(event, ChunkEnded) and event.cut is CutReason.SILENCE]
    assert len(silences) <= most


def test_samples_left_out_on_purpose_are_no_silence() -> None:
    target = segmenter()
    events = []
    for i in range(1500):
        if i % 250 == 0:
            events += target.push(sample(i, gop=250), WALL_US)
        else:
            target.skip(sample(i))
    assert [event for event in events if isinstance(event, ChunkEnded) and event.cut is CutReason.SILENCE] == []


def test_same_parameter_sets_again_do_not_cut() -> None:
    target = segmenter()
    events = feed(target, (sample(i, sets=PLAIN if i % 50 == 0 else None) for i in range(200)))
    assert sum(isinstance(event, ChunkOpened) for event in events) == 1


def test_b_frames_get_even_decode_times_and_their_delay_stands_in_the_chunk() -> None:
    target = segmenter()
    display = [0] + [block * 3 + offset for block in range(20) for offset in (3, 1, 2)]
    stream = [sample(i, gop=1000, sets=B_FRAMES if i == 0 else None, at=at) for i, at in enumerate(display)]
    events = feed(target, stream) + target.end(CutReason.SESSION)
    opened = events[0]
    assert isinstance(opened, ChunkOpened)
    assert opened.composition_delay_90k == 2 * FRAME
    shown = [
        f.decode_90k + sum(f.durations_90k[:i]) + c for f in fragments(events) for i, c in enumerate(f.composition_90k)
    ]
    assert [(at - opened.composition_delay_90k) // FRAME for at in shown] == display
    assert all(duration == FRAME for fragment in fragments(events) for duration in fragment.durations_90k)


@pytest.mark.parametrize("step_s", [-5, 5])
def test_step_of_the_servers_clock_ends_the_run(step_s: int) -> None:
    target = segmenter()
    events = feed(target, (sample(i) for i in range(100)))
    events += feed(target, (sample(i) for i in range(100, 200)), WALL_US + step_s * US_PER_S)
    opened = [event for event in events if isinstance(event, ChunkOpened)]
    assert [event.run for event in opened] == [1, 2]
    assert opened[1].start_us - opened[0].start_us == 4 * US_PER_S + step_s * US_PER_S
    assert [event.cut for event in events if isinstance(event, ChunkEnded)] == [CutReason.CLOCK]


@pytest.mark.parametrize(("gop", "first"), [(50, 150), (10_000, 120 + 100)])
def test_step_of_the_servers_clock_loses_no_picture_and_waits_four_seconds_for_a_sync_sample(
    gop: int, first: int
) -> None:
    target = segmenter()
    events = feed(target, (sample(i, gop=gop) for i in range(120)))
    events += feed(target, (sample(i, gop=gop) for i in range(120, 300)), WALL_US - 3600 * US_PER_S)
    events += target.end(CutReason.STOP)
    assert indices(events) == list(range(300))
    opened = [at for at, event in enumerate(events) if isinstance(event, ChunkOpened)]
    assert len(opened) == 2
    assert indices(events[opened[1] :])[0] == first


def test_clock_that_is_set_to_and_fro_between_two_sync_samples_ends_no_run() -> None:
    target = segmenter()
    events = feed(target, (sample(i) for i in range(60)))
    events += feed(target, (sample(i) for i in range(60, 90)), WALL_US + 3600 * US_PER_S)
    events += feed(target, (sample(i) for i in range(90, 200))) + target.end(CutReason.STOP)
    assert sum(isinstance(event, ChunkOpened) for event in events) == 1


@pytest.mark.parametrize("jump_s", [-1000, -3, 3, 8, 40_000])
def test_jump_of_rtp_time_neither_cuts_nor_moves_the_pictures_and_is_fine_again_soon(jump_s: int) -> None:
    target = segmenter()
    stream = [sample(i) for i in range(400)]
    for one in stream[100:]:
        one.presentation_90k += jump_s * 90_000
    events = feed(target, stream) + target.end(CutReason.STOP)
    assert sum(isinstance(event, ChunkOpened) for event in events) == 1
    assert indices(events) == list(range(400))
    coarse = [i for f in fragments(events) if f.is_coarse for i in (int.from_bytes(d[:4], "big") for d in f.data)]
    assert 100 in coarse
    assert max(coarse) < 175
    assert all(abs(f.wall_us - WALL_US - f.monotonic_us) < 50_000 for f in fragments(events))


def test_camera_that_sends_no_sync_sample_is_cut_at_twice_the_length() -> None:
    target = segmenter(Cadence(500_000, 10 * US_PER_S, 0))
    events = feed(target, (sample(i, gop=10_000) for i in range(1500)))
    ends = [event for event in events if isinstance(event, ChunkEnded)]
    assert [end.cut for end in ends] == [CutReason.SIZE, CutReason.SIZE]
    assert all(end.duration_us == 20 * US_PER_S for end in ends)


def test_huge_pictures_are_cut_by_size() -> None:
    target = segmenter()
    huge = CHUNK_LIMIT_BYTES // 40
    events = feed(target, (sample(i, gop=10_000, size=huge) for i in range(60)))
    assert [event.cut for event in events if isinstance(event, ChunkEnded)] == [CutReason.SIZE]
    assert all(fragment.payload_bytes <= huge for fragment in fragments(events))


def test_end_without_samples_says_nothing() -> None:
    assert segmenter().end(CutReason.STOP) == []


def test_cuts_of_55_channels_do_not_coincide() -> None:
    phases = sorted(
        Cadence.of(Track(c, TrackKind.MAIN), fragment_ms=500, main_chunk_s=60, sub_chunk_s=300).phase_us
        for c in range(1, 56)
    )
    assert min(b - a for a, b in pairwise(phases)) > 300_000


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30_000), st.booleans(), st.integers(4, 300_000), st.sampled_from([None, PLAIN, SMALL])
        ),
        min_size=1,
        max_size=120,
    )
)
def test_any_stream_comes_out_complete_from_its_first_sync_sample(
    steps: list[tuple[int, bool, int, ParameterSets | None]],
) -> None:
    target = segmenter(Cadence(500_000, 2 * US_PER_S, 700_000))
    at_90k, stream = 0, []
    for index, (step_90k, sync, size, sets) in enumerate(steps):
        at_90k += step_90k
        data = index.to_bytes(4, "big") + bytes(size - 4)
        stream.append(Sample(data, at_90k, sync, us_from_90k(at_90k), sets))
    events = feed(target, stream) + target.end(CutReason.STOP)
    assert indices(events) == list(range(target.skipped, len(steps)))
    open_chunks = 0
    for event in events:
        open_chunks += isinstance(event, ChunkOpened) - isinstance(event, ChunkEnded)
        assert open_chunks in (0, 1)
        if isinstance(event, FragmentClosed):
            assert open_chunks == 1
            assert all(duration > 0 for duration in event.fragment.durations_90k)
    assert open_chunks == 0


@pytest.mark.parametrize("bitrate_bps", [0, 4_096_000])
def test_room_for_a_chunk_follows_from_its_length_even_before_its_bit_rate_is_known(bitrate_bps: int) -> None:
    minute, short = (Cadence(500_000, seconds * US_PER_S, 0) for seconds in (60, 4))
    assert expected_chunk_bytes(TrackKind.MAIN, minute, bitrate_bps) == 30_720_000 * 11 // 10
    assert expected_chunk_bytes(TrackKind.MAIN, short, bitrate_bps) == 2_048_000 * 11 // 10
