"""The ledger of coverage, as JSON and as a spreadsheet: what was recorded each day, what is missing and why."""

import asyncio
import csv
import io
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from aiohttp import web

from nvr.channel import Channel
from nvr.config import RetentionSettings, SiteSettings
from nvr.media import GapReason, Track, TrackKind
from nvr.timebase import US_PER_S, TimeRange
from retention.coverage import DayCoverage, local_midnights
from retention.promise import HORIZON_DAYS, Promise, promise
from retention.room import SiteRooms
from web import ledger, wire
from web.archive import Archive
from web.auth import Action, May, user_of
from web.camera_names import other_names
from web.query import CoverageQuery
from web.route import Media, Route, route
from web.sending import NOT_KEPT, Content, send
from web.status import reason_word

CSV = "text/csv"
_LAST = ("unexplained_s", "coarse_times_s", "doubted_clock_s")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets run (OWASP, CSV Injection)


class CoverageRoom:
    """The ledger.

    Args:
        archive: what exists.
        site: its time zone says when a day begins.
        retention: what was promised.
        may: asked for every channel.
    """

    def __init__(self, archive: Archive, site: SiteSettings, retention: RetentionSettings, may: May) -> None:
        self._archive = archive
        self._zone = ZoneInfo(site.timezone)
        self._retention = retention
        self._may = may

    def routes(self) -> list[Route]:
        """The ledger, twice."""
        return [
            route(
                "/api/coverage",
                self._tell,
                asks=CoverageQuery,
                answers=wire.Coverage,
                action=Action.SEE_TIMELINE,
                summary="Of each channel and day: what was recorded, what is missing and why; how long it is kept",
            ),
            route(
                "/api/coverage.csv",
                self._send_csv,
                asks=CoverageQuery,
                answers=Media(CSV),
                action=Action.SEE_TIMELINE,
                summary="The same as a spreadsheet, one line a channel and day",
            ),
        ]

    async def _tell(self, asked: CoverageQuery, request: web.Request) -> wire.Coverage:
        return await asyncio.to_thread(self._ledger, asked, self._allowed(asked, request))

    async def _send_csv(self, asked: CoverageQuery, request: web.Request) -> web.StreamResponse:
        told = await self._tell(asked, request)
        name = f"coverage-{told.days[-1]}.csv"
        headers = {"Cache-Control": NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}"'}
        return await send(request, Content(CSV, (_spreadsheet(told),), headers=headers))

    def _allowed(self, asked: CoverageQuery, request: web.Request) -> list[Channel]:
        """The channels of which all these days may be seen."""
        user, now_us = user_of(request), self._archive.clock.wall_us()
        _, edges_us = local_midnights(self._zone, now_us, asked.days)
        time = TimeRange(int(edges_us[0]), max(now_us, int(edges_us[0]) + 1))
        return [c for c in self._archive.channels() if self._may(user, Action.SEE_TIMELINE, c.number, time)]

    def _ledger(self, asked: CoverageQuery, channels: list[Channel]) -> wire.Coverage:
        now_us = self._archive.clock.wall_us()
        dates, edges_us = local_midnights(self._zone, now_us, asked.days)
        kind = TrackKind[asked.track.upper()]
        rooms = ledger.rooms(self._archive, self._retention, (channel.number for channel in channels))
        firsts: dict[int, int] = {}
        rows = []
        for channel in channels:
            track = Track(channel.number, kind)
            first_us, days = ledger.days(self._archive, track, edges_us, now_us)
            firsts |= {} if first_us is None else {channel.number: first_us}
            least, most = self._retention.days(channel.number)
            kept = promise(least, most, first_us, now_us, rooms.disks, rooms.quotas_of(channel.number))
            names = other_names(self._archive, track, TimeRange(int(edges_us[0]), int(edges_us[-1])))
            told = [_day(day) for day in days]
            rows.append(wire.ChannelCoverage(channel.number, channel.name, _promise(kept), told, names))
        return wire.Coverage(
            track=asked.track,
            timezone=self._zone.key,
            now_us=now_us,
            horizon_days=HORIZON_DAYS,
            days=[date.isoformat() for date in dates],
            day_starts_us=edges_us[:-1].tolist(),
            promise=_promise(self._of_all(firsts, rooms, now_us)),
            channels=rows,
        )

    def _of_all(self, firsts: Mapping[int, int], rooms: SiteRooms, now_us: int) -> Promise:
        """The promise to those for which nothing else was promised, or to all where something else was to each."""
        defaults = (self._retention.min_days, self._retention.max_days)
        plain = [us for n, us in firsts.items() if self._retention.days(n) == defaults and not rooms.quotas_of(n)]
        return promise(*defaults, min(plain or firsts.values(), default=None), now_us, rooms.disks)


def _day(day: DayCoverage) -> wire.DayCoverage:
    missing = {reason_word(reason): us // US_PER_S for reason, us in day.missing_us.items()}
    return wire.DayCoverage(
        expected_s=day.expected_us // US_PER_S,
        recorded_s=day.recorded_us // US_PER_S,
        missing_s={word: seconds for word, seconds in missing.items() if word is not None and seconds},
        unexplained_s=day.unexplained_us // US_PER_S,
        coarse_s=day.coarse_us // US_PER_S,
        doubtful_s=day.doubtful_us // US_PER_S,
    )


def _promise(kept: Promise) -> wire.Promise:
    return wire.Promise(
        promised_days=round(kept.promised, 1),
        holding_days=round(kept.holding, 1),
        expected_days=round(kept.expected, 1),
        least_days=round(kept.least, 1),
        quota_days=None if kept.quota is None else round(kept.quota, 1),
        impossible=kept.is_impossible,
    )


def _spreadsheet(ledger: wire.Coverage) -> bytes:
    """UTF-8 with a byte order mark, without which spreadsheets spoil Vietnamese names."""
    text = io.StringIO()
    writer = csv.writer(text)
    reasons = [reason.value for reason in GapReason]
    columns = ["channel", "name", "day", "expected_s", "recorded_s", "recorded_percent"]
    writer.writerow([*columns, *(f"missing_{reason}_s" for reason in reasons), *_LAST])
    writer.writerows(_lines(ledger, reasons))
    return text.getvalue().encode("utf-8-sig")


def _lines(ledger: wire.Coverage, reasons: list[str]) -> Iterator[list[object]]:
    for channel in ledger.channels:
        name = f"'{channel.name}" if channel.name.startswith(_FORMULAS) else channel.name
        for date, day in zip(ledger.days, channel.days, strict=True):
            share = f"{100 * day.recorded_s / day.expected_s:.2f}" if day.expected_s else ""
            missing = [day.missing_s.get(reason, 0) for reason in reasons]  # type: ignore[call-overload]
            last = day.unexplained_s, day.coarse_s, day.doubtful_s
            yield [channel.number, name, date, day.expected_s, day.recorded_s, share, *missing, *last]
