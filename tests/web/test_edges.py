"""Exactness at the edges: gaps, new parameter sets, the chunk that grows, the one that is not indexed yet, nothing."""

from indexer.board import RecorderStatus, ScrubStatus, VolumeStatus, VolumeTrouble
from nvr.capture.ladder import Rung
from nvr.capture.report import TrackState
from nvr.media import Codec, Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_S
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House, groups
from tests.web.pictures import stream
from tests.web.server import Server

FRAME_US = 40_000  # 25 pictures a second
FRAGMENTS = "/api/channels/1/fragments"
TIMELINE = "/api/channels/1/timeline"


def numbers(pictures: list[tuple[int, int]]) -> list[int]:
    return [number for number, _ in pictures]


async def test_clip_over_gap_holds_last_picture_so_that_time_is_wall_time(server: Server, house: House) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 7_300_000
    house.record(source, later_us, run=2, first_group=2)
    house.commit(gaps=[Gap(MAIN, gap_us, later_us, GapReason.NETWORK, "no route to host")])
    clip = await server.clip(START_US + US_PER_S, later_us + US_PER_S)
    pictures = clip.shown()
    assert numbers(pictures) == [*range(25, 50), *range(50, 75)]
    assert abs(pictures[24][1] - (gap_us - FRAME_US)) <= 12
    assert abs(pictures[25][1] - later_us) <= 12


async def test_still_in_gap_is_not_found(server: Server, house: House) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    house.record(source, gap_us + 7_300_000, run=2, first_group=2)
    assert (await server.still(gap_us - 1))[0] == 49
    assert (await server.still(gap_us + 7_300_000))[0] == 50
    for at_us in (gap_us + 200_000, gap_us + 7_299_999, START_US - 1, gap_us + 20 * US_PER_S):
        reply = await server.ask("/api/channels/1/still.jpg", at_us=at_us)
        assert (reply.status, reply.json["error"]) == (404, "nothing was recorded at this instant")


async def test_clip_from_inside_gap_starts_with_next_footage(server: Server, house: House) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 7_300_000
    end_us = house.record(source, later_us, run=2, first_group=2)
    clip = await server.clip(gap_us + US_PER_S, end_us + 60 * US_PER_S)
    assert (clip.start_us, clip.end_us) == (later_us, end_us)
    assert numbers(clip.shown()) == list(range(50, 100))


async def test_clip_of_nothing_is_not_found(server: Server, house: House) -> None:
    end_us = house.record(stream(), START_US)
    for from_us, to_us in ((START_US - 9, START_US), (end_us, end_us + 9), (0, 1)):
        reply = await server.ask("/api/channels/1/clip.mp4", from_us=from_us, to_us=to_us)
        assert reply.status == 404
        assert reply.json["where"] == "channel 1 main"


async def test_fragments_in_gap_name_reason_and_neighbours(server: Server, house: House) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 7_300_000
    house.record(source, later_us, run=2, first_group=2)
    house.commit(gaps=[Gap(MAIN, gap_us, later_us, GapReason.NETWORK, "no route to host")])
    table = await server.json(FRAGMENTS, from_us=gap_us + US_PER_S, to_us=gap_us + 2 * US_PER_S)
    assert table["chunks"] == []
    assert (table["previous_us"], table["next_us"]) == (gap_us, later_us)
    assert table["gaps"] == [
        {
            "start_us": gap_us + US_PER_S,
            "end_us": gap_us + 2 * US_PER_S,
            "reason": "network",
            "detail": "no route to host",
            "open": False,
        }
    ]


async def test_new_parameter_sets_are_followed_by_clip_still_and_playlist(server: Server, house: House) -> None:
    small, large = stream(), stream(size=(480, 272), first=100)
    middle_us = house.record(small, START_US)
    end_us = house.record(large, middle_us, run=2)
    clip = await server.clip(middle_us - 3 * FRAME_US, end_us)
    assert numbers(clip.shown()) == [97, 98, 99, *range(100, 200)]
    assert (await server.still(middle_us))[0] == 100
    assert (await server.still(middle_us - 1))[0] == 99
    playlist = (await server.ask("/api/channels/1/hls.m3u8", from_us=START_US, to_us=end_us)).body.decode()
    assert playlist.count("#EXT-X-MAP") == 2
    assert playlist.count("#EXT-X-DISCONTINUITY") == 1


async def test_chunks_with_other_composition_delay_keep_their_times_in_one_clip(server: Server, house: House) -> None:
    plain, reordered = stream(), stream(b_frames=2, first=100)
    middle_us = house.record(plain, START_US)
    end_us = house.record(reordered, middle_us, run=2)
    pictures = (await server.clip(START_US + 1, end_us)).shown()
    assert numbers(pictures) == list(range(200))
    for number, time_us in pictures:
        assert abs(time_us - (START_US + number * FRAME_US)) <= 23


async def test_overlap_of_two_runs_shows_the_later_one_as_the_still_does(server: Server, house: House) -> None:
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    later_us = end_us - 90_000
    house.record(source, later_us, run=2, first_group=2)
    pictures = (await server.clip(START_US, end_us + 5 * US_PER_S)).shown()
    assert numbers(pictures) == [*range(48), *range(50, 100)]
    assert abs(pictures[48][1] - later_us) <= 12
    assert (await server.still(later_us))[0] == 50
    assert (await server.still(later_us - 1))[0] == 47


async def test_growing_chunk_is_shown_up_to_what_is_committed(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.append(3)  # 10 + 10 + 5 pictures: one group
    assert (await server.still(START_US + 24 * FRAME_US))[0] == 24
    assert (await server.ask("/api/channels/1/still.jpg", at_us=START_US + 30 * FRAME_US)).status == 404
    assert numbers((await server.clip(START_US, START_US + 60 * US_PER_S)).shown()) == list(range(25))
    before = (await server.json(FRAGMENTS, from_us=START_US, to_us=START_US + US_PER_S * 60))["chunks"][0]
    assert (before["sealed"], len(before["fragments"])) == (False, 3)
    growing.append(1)
    assert (await server.still(START_US + 30 * FRAME_US))[0] == 30
    after = (await server.json(FRAGMENTS, from_us=START_US, to_us=START_US + US_PER_S * 60))["chunks"][0]
    assert after["media_url"] == before["media_url"]
    assert after["fragments"][:3] == before["fragments"]
    reply = await server.ask(after["media_url"])
    assert (len(reply.body), reply.headers["Cache-Control"]) == (after["fragments"][-1][1], "no-store")
    assert "ETag" not in reply.headers


async def test_still_behind_chunk_sealed_just_now_is_refused_until_nothing_more_can_come(
    server: Server, house: House, clock: ManualClock
) -> None:
    """The next chunk's first picture is on its way: the last one of this chunk must not be given out in its place."""
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    clock.step_wall(end_us + US_PER_S - clock.wall_us())
    assert (await server.ask("/api/channels/1/still.jpg", at_us=end_us + 50_000)).status == 404
    clock.advance(20 * US_PER_S)
    assert (await server.still(end_us + 50_000))[0] == 49


async def test_still_between_chunks_that_do_not_quite_meet_is_the_last_picture(
    server: Server, house: House, clock: ManualClock
) -> None:
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    later_us = end_us + 1_000
    growing = house.begin(source, later_us, groups(source, 2, 2), sequence=9)
    growing.append(1)
    clock.step_wall(growing.end_us + US_PER_S - clock.wall_us())
    assert (await server.still(later_us - 1))[0] == 49
    assert (await server.still(later_us))[0] == 50


async def test_chunk_sealed_but_not_indexed_yet_is_still_there(server: Server, house: House) -> None:
    """Between the seal and the next sync neither board nor index knows the chunk: the last minute must not vanish."""
    source = stream()
    first = house.begin(source, START_US, groups(source, 0, 2))
    first.append_all()
    url = (await server.json(FRAGMENTS, from_us=START_US, to_us=START_US + 9))["chunks"][0]["media_url"]
    sealed = first.seal(index=False)
    second = house.begin(source, first.end_us, groups(source, 2, 2), sequence=2)
    second.append(1)
    assert (await server.ask(url)).body == (house.folder / "volume" / house.names()[0]).read_bytes()
    assert numbers((await server.clip(START_US, START_US + 60 * US_PER_S)).shown()) == list(range(60))
    spans = (await server.json(TIMELINE, from_us=START_US, to_us=START_US + 60 * US_PER_S))["spans"]
    assert spans == [[START_US, START_US + 60 * FRAME_US]]
    house.commit([sealed])
    assert (await server.json(TIMELINE, from_us=START_US, to_us=START_US + 60 * US_PER_S))["spans"] == spans
    assert numbers((await server.clip(START_US, START_US + 60 * US_PER_S)).shown()) == list(range(60))


async def test_media_address_of_growing_chunk_holds_when_seal_moves_its_start(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.append_all()
    table = await server.json(FRAGMENTS, from_us=START_US, to_us=START_US + US_PER_S)
    growing.seal(moved_us=-180_000)
    reply = await server.ask(table["chunks"][0]["media_url"])
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "private, no-cache"
    assert (
        await server.ask(table["chunks"][0]["media_url"], headers={"If-None-Match": reply.headers["ETag"]})
    ).status == 304
    assert (await server.still(START_US - 180_000))[0] == 0


async def test_lost_file_is_no_footage(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    house.writer.mark_lost(house.index.chunks(MAIN, house.whole)[:1])
    table = await server.json(FRAGMENTS, from_us=START_US, to_us=START_US + 60 * US_PER_S)
    assert len(table["chunks"]) == 1
    assert (await server.ask("/api/channels/1/still.jpg", at_us=START_US)).status == 404


async def test_file_that_vanished_is_told_plainly(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    (house.folder / "volume" / house.names()[0]).unlink()
    reply = await server.ask("/api/channels/1/still.jpg", at_us=START_US)
    assert reply.status == 503
    assert "missing" in reply.json["error"]


async def test_damaged_media_is_told_plainly_and_server_lives_on(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    path = house.folder / "volume" / house.names()[0]
    data = bytearray(path.read_bytes())
    samples = 1200  # behind header and first stamp: coded pictures
    data[samples : samples + 3000] = bytes(3000)
    path.write_bytes(data)
    reply = await server.ask("/api/channels/1/still.jpg", at_us=START_US + 100_000)
    assert reply.status == 502
    assert (await server.still(START_US + 3 * US_PER_S))[0] == 75


async def test_coarse_times_are_told_with_player_data_and_clip(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.is_coarse = True
    growing.append(2)
    window = {"from_us": START_US, "to_us": START_US + 60 * US_PER_S}
    assert [chunk["coarse"] for chunk in (await server.json(FRAGMENTS, **window))["chunks"]] == [True]
    growing.append_all()
    growing.seal()
    house.record(source, growing.end_us, run=2, first_group=2)
    for name in ("fragments", "samples"):
        answer = await server.json(f"/api/channels/1/{name}", **window)
        assert [chunk["coarse"] for chunk in answer["chunks"]] == [True, False]
    assert (await server.clip(START_US, growing.end_us)).reply.headers["X-Clip-Coarse"] == "1"
    assert (await server.clip(growing.end_us, growing.end_us + US_PER_S)).reply.headers["X-Clip-Coarse"] == "0"


async def test_sub_stream_is_a_track_of_its_own(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    house.record(stream(first=500), START_US, track=Track(1, TrackKind.SUB))
    assert (await server.still(START_US, track="sub"))[0] == 500
    assert (await server.still(START_US))[0] == 0


async def test_h265_from_cra_with_leading_pictures_decodes_from_sync_before(server: Server, house: House) -> None:
    source = stream(codec=Codec.H265, b_frames=2, open_groups=True, group=24, pictures=96)
    syncs = [number for number, unit in enumerate(source.units) if unit.sync]
    assert len(syncs) == 4
    assert all(source.units[n + 1].presentation_90k < source.units[n].presentation_90k for n in syncs[1:]), "leading"
    house.record(source, START_US, groups_a_chunk=4)
    for number in (21, 22, 23, 24, 25, 46, 47, 48, 49):
        assert (await server.still(START_US + number * FRAME_US))[0] == number


async def test_open_gap_lasts_until_now(server: Server, house: House, clock: ManualClock) -> None:
    end_us = house.record(stream(), START_US)
    house.post(MAIN, TrackState.WAITING, reason=GapReason.NETWORK, message="no route to host")
    timeline = await server.json(TIMELINE, from_us=START_US, to_us=START_US + 1000 * US_PER_S)
    assert timeline["gaps"] == [
        {
            "start_us": end_us,
            "end_us": clock.wall_us(),
            "reason": "network",
            "detail": "no route to host",
            "open": True,
        }
    ]


async def test_dead_recorder_is_an_open_gap_and_no_state_of_the_board_is_believed(
    server: Server, house: House, clock: ManualClock
) -> None:
    house.record(stream(), START_US)
    clock.advance(6 * US_PER_S)
    timeline = await server.json(TIMELINE, from_us=START_US, to_us=START_US + 1000 * US_PER_S)
    assert [gap["reason"] for gap in timeline["gaps"]] == ["restart"]
    assert (await server.json("/api/channels"))[0]["tracks"][0]["state"] == "stopped"
    assert (await server.json("/api/site"))["recorder"]["running"] is False


async def test_site_tells_volumes_and_how_much_is_recorded(server: Server, house: House, clock: ManualClock) -> None:
    now_us = clock.wall_us()
    assert (await server.json("/api/site"))["recorder"]["records"] == "all"
    house.board.post_recorder(
        RecorderStatus(pid=1, started_us=now_us, heartbeat_us=now_us, rung=Rung.KEY_FRAMES),
        [VolumeStatus(number=1, free_bytes=5, total_bytes=9, trouble="too little room", kind=VolumeTrouble.SHORT)],
    )
    site = await server.json("/api/site")
    assert site["recorder"]["records"] == "key_frames"
    (volume,) = site["volumes"]
    assert volume == {"number": 1, "free_bytes": 5, "total_bytes": 9, "trouble": "too little room", "kind": "short"}
    assert site["scrub"] is None
    house.board.post_recorder(
        RecorderStatus(
            pid=1,
            started_us=now_us,
            heartbeat_us=now_us,
            scrub=ScrubStatus(began_us=now_us - 5, percent=43, damaged=2),
        )
    )
    assert (await server.json("/api/site"))["scrub"] == {"began_us": now_us - 5, "percent": 43, "damaged": 2}
