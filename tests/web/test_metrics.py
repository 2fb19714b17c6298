"""Metrics over HTTP, read with the parser of the Prometheus client, against what the API says."""

from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from indexer.board import RecorderStatus, VolumeStatus
from nvr.capture.ladder import Rung
from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.media import Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House
from tests.web.conftest import open_server
from tests.web.pictures import stream
from tests.web.server import Server
from web.auth import Action, User
from web.metrics import last_day

SUB = Track(1, TrackKind.SUB)
NASTY_NAME = 'a "b" \\ c\nd'
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(server: Server) -> Samples:
    reply = await server.ask("/metrics")
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(reply.body.decode())
    found = [(row.name, frozenset(row.labels.items()), row.value) for family in families for row in family.samples]
    assert len({(name, labels) for name, labels, _ in found}) == len(found)
    return {(name, labels): value for name, labels, value in found}


def of(samples: Samples, name: str, /, **labels: object) -> float | None:
    return samples.get((name, frozenset((label, str(value)) for label, value in labels.items())))


@pytest.fixture
def busy(house: House, clock: ManualClock) -> House:
    """A camera that records after a gap, with a sub stream that is away, and one that is switched off."""
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 10 * US_PER_S
    house.record(source, later_us, run=2, first_group=2)
    house.record(source, START_US, track=SUB, run=3)
    house.commit(gaps=[Gap(MAIN, gap_us, later_us, GapReason.CAMERA, "it closed the session")])
    house.registry.put(Channel(2, NASTY_NAME, "rtsp://camera/main", enabled=False))
    house.post(
        MAIN,
        TrackState.RECORDING,
        bytes=2**53 - 1,
        lost_packets=7,
        reconnects=3,
        bitrate_bps=4_096_000,
        clock_offset_us=-1_500_000,
    )
    house.post(SUB, TrackState.WAITING, reason=GapReason.NETWORK, message="no route to host", bytes=5)
    now_us = clock.wall_us()
    recorder = RecorderStatus(
        pid=1,
        started_us=now_us - 60 * US_PER_S,
        heartbeat_us=now_us - 250_000,
        queue_bytes=1 << 20,
        cpu_us=12_345_678,
        dropped_fragments=4,
        rung=Rung.SUB_ONLY,
    )
    volumes = [
        VolumeStatus(number=1, free_bytes=10**12, total_bytes=2 * 10**12),
        VolumeStatus(number=2, free_bytes=0, total_bytes=10**12, trouble="read-only"),
    ]
    house.board.post_recorder(recorder, volumes)
    return house


async def test_tracks_are_as_the_channels_of_the_api(server: Server, busy: House) -> None:
    samples, channels = await scrape(server), await server.json("/api/channels")
    told = [(channel, track) for channel in channels for track in channel["tracks"]]
    assert len(told) == 3
    for channel, track in told:
        labels = {"channel": channel["number"], "kind": track["kind"]}
        assert of(samples, "nvr_track_recording", **labels) == (track["state"] == "recording")
        assert of(samples, "nvr_track_enabled", **labels) == channel["enabled"]
        if channel["enabled"]:
            assert of(samples, "nvr_track_lost_packets_total", **labels) == track["lost_packets"]
            assert of(samples, "nvr_track_reconnects_total", **labels) == track["reconnects"]
            assert of(samples, "nvr_track_bytes_per_second", **labels) == track["bitrate_bps"] / 8
    assert of(samples, "nvr_track_recording", channel=1, kind="main") == 1
    assert of(samples, "nvr_track_recording", channel=1, kind="sub") == 0
    assert of(samples, "nvr_track_received_bytes_total", channel=1, kind="main") == 2**53 - 1
    assert of(samples, "nvr_track_clock_offset_seconds", channel=1, kind="main") == -1.5
    assert of(samples, "nvr_track_clock_offset_seconds", channel=1, kind="sub") is None
    assert of(samples, "nvr_channel_info", channel=2, name=NASTY_NAME) == 1


async def test_recorder_and_volumes_are_as_the_site_of_the_api(server: Server, busy: House) -> None:
    samples, site = await scrape(server), await server.json("/api/site")
    assert of(samples, "nvr_recorder_running") == site["recorder"]["running"] == 1
    age_us = site["now_us"] - site["recorder"]["heartbeat_us"]
    assert of(samples, "nvr_recorder_heartbeat_age_seconds") == age_us / US_PER_S == 0.25
    assert of(samples, "nvr_recorder_start_time_seconds") == site["recorder"]["started_us"] / US_PER_S
    assert of(samples, "nvr_recorder_queue_bytes") == 1 << 20
    assert of(samples, "nvr_recorder_dropped_fragments_total") == 4
    assert of(samples, "nvr_recorder_cpu_seconds_total") == 12.345678
    assert of(samples, "nvr_recorder_rung") == 1
    assert len(site["volumes"]) == 2
    for volume in site["volumes"]:
        number = volume["number"]
        assert of(samples, "nvr_volume_free_bytes", volume=number) == volume["free_bytes"]
        assert of(samples, "nvr_volume_size_bytes", volume=number) == volume["total_bytes"]
        assert of(samples, "nvr_volume_trouble", volume=number) == bool(volume["trouble"])


async def test_missing_and_days_are_as_the_ledger_of_the_api(server: Server, busy: House) -> None:
    samples, ledger = await scrape(server), await server.json("/api/coverage", days=1)
    assert [channel["number"] for channel in ledger["channels"]] == [1, 2]
    for channel in ledger["channels"]:
        number, [day], kept = channel["number"], channel["days"], channel["promise"]
        for cause in GapReason:
            found = of(samples, "nvr_channel_missing_seconds", channel=number, cause=cause.value)
            assert found is not None
            assert int(found) == day["missing_s"].get(cause.value, 0)
        unexplained = of(samples, "nvr_channel_missing_seconds", channel=number, cause="unexplained")
        assert unexplained == day["unexplained_s"]
        for name in ("promised", "holding", "expected"):
            metric = f"nvr_channel_retention_{name.replace('holding', 'held')}_seconds"
            found = of(samples, metric, channel=number)
            assert found is not None
            assert round(found / 86_400, 1) == kept[f"{name}_days"]
    assert of(samples, "nvr_channel_missing_seconds", channel=1, cause="camera") == 10
    stored = sum(usage.bytes for usage in busy.index.usage().values())
    assert of(samples, "nvr_channel_stored_bytes", channel=1) == stored > 0
    assert of(samples, "nvr_channel_stored_bytes", channel=2) == 0


async def test_silent_recorder_is_missing_until_now(server: Server, house: House, clock: ManualClock) -> None:
    end_us = house.record(stream(), START_US)
    clock.advance(60 * US_PER_S)
    samples = await scrape(server)
    assert of(samples, "nvr_recorder_running") == 0
    assert of(samples, "nvr_track_recording", channel=1, kind="main") == 0
    missing = of(samples, "nvr_channel_missing_seconds", channel=1, cause="restart")
    assert missing == (clock.wall_us() - end_us) / US_PER_S


async def test_recorder_that_never_ran_has_no_heartbeat(server: Server, house: House) -> None:
    house.board.clear()
    samples = await scrape(server)
    assert of(samples, "nvr_recorder_running") == 0
    assert of(samples, "nvr_recorder_heartbeat_age_seconds") is None


async def test_channel_that_the_scraper_may_not_see_is_not_there(busy: House, tmp_path: Path) -> None:
    def question(_user: User, action: Action, channel: int | None, _instant: object) -> bool:
        return channel is None or (action is Action.SEE_CHANNELS) == (channel == 2)

    async with AsyncExitStack() as stack:
        samples = await scrape(await open_server(stack, busy, question, tmp_path))
    seen = {dict(labels)["channel"] for name, labels in samples if name.startswith(("nvr_track_", "nvr_channel_info"))}
    counted = {
        dict(labels)["channel"] for name, labels in samples if name.startswith(("nvr_channel_m", "nvr_channel_s"))
    }
    assert (seen, counted) == ({"2"}, {"1"})


@pytest.mark.parametrize("past_us", [0, 1, US_PER_MINUTE - 1])
def test_last_day_is_whole_minutes_and_ends_now(past_us: int) -> None:
    now_us = 29_900_000 * US_PER_MINUTE + past_us
    edges_us = last_day(now_us)
    assert np.diff(edges_us) == [US_PER_DAY]
    assert not (edges_us % US_PER_MINUTE).any()
    assert 0 <= edges_us[1] - now_us < US_PER_MINUTE
