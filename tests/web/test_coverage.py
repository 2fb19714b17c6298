"""The ledger over HTTP."""

import csv
import io
from contextlib import AsyncExitStack
from pathlib import Path

from indexer.board import VolumeStatus
from indexer.writer import Commit
from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.config import RetentionSettings
from nvr.media import Gap, GapReason
from nvr.timebase import US_PER_S, TimeRange
from tests.indexer.sealed import sealed
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House
from tests.web.conftest import open_server
from tests.web.pictures import stream
from tests.web.server import Server
from web.auth import may

COARSE, DOUBTED = {"is_coarse": True}, {"is_clock_doubtful": True}


async def test_ledger_tells_share_and_causes_of_today(server: Server, house: House, clock: ManualClock) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 10 * US_PER_S
    house.record(source, later_us, run=2, first_group=2)
    house.commit(gaps=[Gap(MAIN, gap_us, later_us, GapReason.CAMERA, "it closed the session")])
    house.post(MAIN, TrackState.RECORDING)
    ledger = await server.json("/api/coverage", days=3)
    assert (len(ledger["days"]), ledger["timezone"]) == (3, "Asia/Ho_Chi_Minh")
    (channel,) = ledger["channels"]
    assert [day["expected_s"] for day in channel["days"]] == [0, 0, 14]
    assert channel["days"][-1] == {
        "expected_s": 14,
        "recorded_s": 4,
        "missing_s": {"camera": 10},
        "unexplained_s": 0,
        "coarse_s": 0,
        "doubtful_s": 0,
    }
    assert channel["promise"]["promised_days"] == 30.0


async def test_promise_of_a_channel_is_its_own_and_warns_of_a_quota_that_is_too_small(
    house: House, tmp_path: Path
) -> None:
    house.record(stream(), START_US)
    house.registry.put(Channel(2, "Chợ", "rtsp://camera/main"))
    house.post(MAIN, TrackState.RECORDING, bitrate_bps=4_000_000)  # 43.2 GB a day
    house.beat(VolumeStatus(number=1, free_bytes=10**12, total_bytes=10**12))
    own = {"channel": 1, "min_days": 3, "max_days": 7, "quota_gb": 86.4}
    settings = RetentionSettings.model_validate({"channel": [own]})
    async with AsyncExitStack() as stack:
        server = await open_server(stack, house, may, tmp_path / "static", settings)
        ledger = await server.json("/api/coverage", days=1)
    assert ledger["promise"]["promised_days"] == 30
    one, two = (channel["promise"] for channel in ledger["channels"])
    assert one == {
        "promised_days": 7,
        "holding_days": 0,
        "expected_days": 2,
        "least_days": 3,
        "quota_days": 2,
        "impossible": True,
    }
    assert (two["promised_days"], two["quota_days"], two["impossible"]) == (30, None, False)


async def test_camera_that_is_away_is_missing_until_now(server: Server, house: House, clock: ManualClock) -> None:
    end_us = house.record(stream(), START_US)
    house.beat()
    house.post(MAIN, TrackState.WAITING, reason=GapReason.NETWORK, message="no route to host")
    (channel,) = (await server.json("/api/coverage", days=1))["channels"]
    assert channel["days"][0]["missing_s"] == {"network": (clock.wall_us() - end_us) // US_PER_S}


async def test_spreadsheet_has_a_line_a_channel_and_day_and_runs_no_formula(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    house.registry.put(Channel(2, "=cmd|' /C calc'!A0", "rtsp://camera/main"))
    reply = await server.ask("/api/coverage.csv", days=2)
    assert reply.headers["Content-Type"].startswith("text/csv")
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="coverage-2026-')
    text = reply.body.decode("utf-8-sig")
    assert reply.body[:3] == b"\xef\xbb\xbf"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["channel"], row["day"][:4]) for row in rows] == [("1", "2026")] * 2 + [("2", "2026")] * 2
    assert rows[1]["name"] == "Cổng chợ"
    assert rows[2]["name"].startswith("'=")


async def test_ledger_tells_coarse_times_and_a_doubted_clock(server: Server, house: House) -> None:
    marks: tuple[dict[str, bool], ...] = ({}, COARSE, COARSE | DOUBTED, DOUBTED, DOUBTED)
    at = [sealed(minute, MAIN, **one) for minute, one in enumerate(marks)]
    house.commit(at)
    house.post(MAIN, TrackState.RECORDING)
    house.clock.advance(max(0, at[-1].end_us - house.clock.wall_us()))
    (channel,) = (await server.json("/api/coverage", days=2))["channels"]
    told = [(day["recorded_s"], day["coarse_s"], day["doubtful_s"]) for day in channel["days"]]
    assert (300, 120, 180) in told
    lines = csv.DictReader(io.StringIO((await server.ask("/api/coverage.csv", days=2)).body.decode("utf-8-sig")))
    assert ("300", "120", "180") in [
        (one["recorded_s"], one["coarse_times_s"], one["doubted_clock_s"]) for one in lines
    ]
    house.writer.commit(Commit(garbage=tuple(house.index.chunks(MAIN, TimeRange(at[2].start_us, at[2].end_us)))))
    (channel,) = (await server.json("/api/coverage", days=2))["channels"]
    assert (60, 120) in [(day["coarse_s"], day["doubtful_s"]) for day in channel["days"]]


async def test_wrong_number_of_days_is_refused(server: Server) -> None:
    for days in (0, 61, "many"):
        assert (await server.ask("/api/coverage", days=days)).status == 400
