"""`/metrics`: how the recorder is, in the text format of Prometheus.

Everything is read from board and index at each scrape; no file of footage is touched and nothing is kept between
scrapes. Names and units follow Prometheus: seconds, bytes, ratios; counters end in `_total`. A counter begins anew when
the recorder does, which Prometheus takes into account.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from indexer.board import TrackStatus
from nvr.channel import Channel
from nvr.config import RetentionSettings
from nvr.media import GapReason, Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, TimeRange
from retention.coverage import Times
from retention.promise import HORIZON_DAYS, promise
from web import ledger
from web.archive import Archive
from web.auth import Action, May, user_of
from web.query import NoQuery
from web.route import Media, Route, route
from web.sending import Content, send
from web.status import OFF, is_running, state_of

UNEXPLAINED = "unexplained"  # the cause of what is missing without a gap
BITS = 8

Sample = tuple[Sequence[str], float]  # the values of its labels, and its own


class MetricsRoom:
    """What a monitoring system asks for.

    Args:
        archive: board and index.
        retention: what was promised.
        may: asked for every channel: one that the scraper may not see is not there.
    """

    def __init__(self, archive: Archive, retention: RetentionSettings, may: May) -> None:
        self._archive = archive
        self._retention = retention
        self._may = may

    def routes(self) -> list[Route]:
        """The one address."""
        return [
            route(
                "/metrics",
                self._send,
                asks=NoQuery,
                answers=Media("text/plain"),
                action=Action.SEE_SITE,
                summary="How recorder, disks and cameras are, and what is missing of the last day, for Prometheus",
            )
        ]

    async def _send(self, _asked: NoQuery, request: web.Request) -> web.StreamResponse:
        now_us = self._archive.clock.wall_us()
        seen = self._allowed(request, Action.SEE_CHANNELS, None)
        counted = self._allowed(request, Action.SEE_TIMELINE, TimeRange(max(0, now_us - US_PER_DAY), now_us))
        text = await asyncio.to_thread(exposition, self._archive, self._retention, seen, counted)
        headers = {"Cache-Control": "no-store"}
        return await send(request, Content(CONTENT_TYPE_PLAIN_0_0_4, (text,), headers=headers))

    def _allowed(self, request: web.Request, action: Action, time: TimeRange | None) -> list[Channel]:
        user = user_of(request)
        return [c for c in self._archive.channels() if self._may(user, action, c.number, time)]


def exposition(
    archive: Archive, retention: RetentionSettings, seen: Sequence[Channel], counted: Sequence[Channel]
) -> bytes:
    """All metrics as text.

    Args:
        archive: board and index.
        retention: what was promised.
        seen: the channels whose state may be told.
        counted: those whose coverage may be told.

    Raises:
        StorageError: board or index cannot be read.
        IntegrityError: a row cannot be read.
    """
    registry = CollectorRegistry()  # of this scrape alone: each scraper sees its own channels
    registry.register(_Recorder(archive))
    registry.register(_Volumes(archive))
    registry.register(_Tracks(archive, seen))
    registry.register(_Ledger(archive, retention, counted))
    return generate_latest(registry)


class _Recorder(Collector):
    """The process that records."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def collect(self) -> Iterator[Metric]:
        status, now_us = self._archive.board().recorder(), self._archive.clock.wall_us()
        yield _gauge(
            "nvr_recorder_running", "1: it gave a sign of life within 5 s", [], [([], is_running(status, now_us))]
        )
        if status is None:  # it has not run since the machine was started
            return
        age_s = _seconds(now_us - status.heartbeat_us)
        yield _gauge("nvr_recorder_heartbeat_age_seconds", "Since its last sign of life", [], [([], age_s)])
        started_s = _seconds(status.started_us)
        yield _gauge("nvr_recorder_start_time_seconds", "When it started, since 1970", [], [([], started_s)])
        queued = status.queue_bytes
        yield _gauge("nvr_recorder_queue_bytes", "Footage that waits for the disks", [], [([], queued)])
        text = "0: all is recorded, 1: sub streams only, 2: key frames only, 3: nothing"
        yield _gauge("nvr_recorder_rung", text, [], [([], status.rung)])
        off_s = _seconds(status.clock_off_us or 0)
        text = "The server's clock less what is believed; 0: it is believed. Nothing is deleted for its age meanwhile"
        yield _gauge("nvr_clock_doubted_seconds", text, [], [([], off_s)])
        dropped = status.dropped_fragments
        yield _counter("nvr_recorder_dropped_fragments", "Lost because the queue was full", [], [([], dropped)])
        cpu_s = _seconds(status.cpu_us)
        yield _counter("nvr_recorder_cpu_seconds", "Processor time of the recorder", [], [([], cpu_s)])


class _Volumes(Collector):
    """The disks."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def collect(self) -> Iterator[Metric]:
        volumes = [([str(volume.number)], volume) for volume in self._archive.board().volumes()]
        labels = ["volume"]
        free = [(label, volume.free_bytes) for label, volume in volumes]
        yield _gauge("nvr_volume_free_bytes", "Room that is left for footage", labels, free)
        sizes = [(label, volume.total_bytes) for label, volume in volumes]
        yield _gauge("nvr_volume_size_bytes", "Room in all", labels, sizes)
        trouble = [(label, bool(volume.trouble)) for label, volume in volumes]
        yield _gauge("nvr_volume_trouble", "1: it takes no footage now; /api/site says why", labels, trouble)


class _Tracks(Collector):
    """Each stream, as the board tells it."""

    _LABELS = ("channel", "kind")

    def __init__(self, archive: Archive, channels: Sequence[Channel]) -> None:
        self._archive = archive
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        names = [([str(channel.number), channel.name], 1) for channel in self._channels]
        yield _gauge("nvr_channel_info", "The name of each channel", ["channel", "name"], names)
        yield from self._states()
        rows = [(_labels(status.track), status) for status in self._statuses()]
        received = [(label, status.bytes) for label, status in rows]
        yield _counter("nvr_track_received_bytes", "Video that came in", self._LABELS, received)
        lost = [(label, status.lost_packets) for label, status in rows]
        yield _counter("nvr_track_lost_packets", "RTP packets that did not arrive", self._LABELS, lost)
        again = [(label, status.reconnects) for label, status in rows]
        yield _counter("nvr_track_reconnects", "Sessions that had to be opened again", self._LABELS, again)
        rates = [(label, status.bitrate_bps / BITS) for label, status in rows]
        yield _gauge("nvr_track_bytes_per_second", "Video over the last seconds", self._LABELS, rates)
        offsets = [(label, _seconds(us)) for label, status in rows if (us := status.clock_offset_us) is not None]
        text = "The camera's clock less the recorder's; none: the camera does not tell"
        yield _gauge("nvr_track_clock_offset_seconds", text, self._LABELS, offsets)

    def _tracks(self) -> Iterator[tuple[Channel, Track]]:
        for channel in self._channels:
            for kind, url in ((TrackKind.MAIN, channel.main_url), (TrackKind.SUB, channel.sub_url)):
                if url:
                    yield channel, Track(channel.number, kind)

    def _statuses(self) -> list[TrackStatus]:
        wanted = {track for _, track in self._tracks()}
        return [status for status in self._archive.board().all() if status.track in wanted]

    def _states(self) -> Iterator[Metric]:
        recorder, now_us = self._archive.board().recorder(), self._archive.clock.wall_us()
        known = {status.track: status for status in self._statuses()}
        enabled, recording = [], []
        for channel, track in self._tracks():
            state = state_of(recorder, known.get(track), now_us) if channel.enabled else OFF
            enabled.append((_labels(track), channel.enabled))
            recording.append((_labels(track), state.state == "recording"))
        yield _gauge("nvr_track_enabled", "0: switched off by a person", self._LABELS, enabled)
        yield _gauge("nvr_track_recording", "1: its footage reaches a disk now", self._LABELS, recording)


class _Ledger(Collector):
    """What of each channel's main stream is kept and what is missing, and what the channel occupies."""

    _LABELS = ("channel",)

    def __init__(self, archive: Archive, retention: RetentionSettings, channels: Sequence[Channel]) -> None:
        self._archive = archive
        self._retention = retention
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        occupied = dict.fromkeys((channel.number for channel in self._channels), 0)
        for (track, _), usage in self._archive.index().usage().items():
            if track.channel in occupied:
                occupied[track.channel] += usage.bytes
        rows = [([str(number)], size) for number, size in occupied.items()]
        yield _gauge("nvr_channel_stored_bytes", "What its footage occupies, all streams together", self._LABELS, rows)
        now_us = self._archive.clock.wall_us()
        edges_us = last_day(now_us)
        firsts: dict[int, int | None] = {}
        missing: list[Sample] = []
        for channel in self._channels:
            track = Track(channel.number, TrackKind.MAIN)
            firsts[channel.number], [day] = ledger.days(self._archive, track, edges_us, now_us)
            label = str(channel.number)
            missing += [([label, reason.value], _seconds(day.missing_us.get(reason, 0))) for reason in GapReason]
            missing.append(([label, UNEXPLAINED], _seconds(day.unexplained_us)))
        text = "Footage of the main stream that is missing of the last 24 hours, by cause"
        yield _gauge("nvr_channel_missing_seconds", text, ["channel", "cause"], missing)
        yield from self._promises(firsts, now_us)

    def _promises(self, firsts: dict[int, int | None], now_us: int) -> Iterator[Metric]:
        rooms = ledger.rooms(self._archive, self._retention, firsts)
        kept = [
            (
                [str(number)],
                promise(*self._retention.days(number), first_us, now_us, rooms.disks, rooms.quotas_of(number)),
            )
            for number, first_us in firsts.items()
        ]
        day_s = US_PER_DAY // US_PER_S
        promised = [(label, one.promised * day_s) for label, one in kept]
        yield _gauge("nvr_channel_retention_promised_seconds", "How long it is to be kept", self._LABELS, promised)
        held = [(label, one.holding * day_s) for label, one in kept]
        yield _gauge("nvr_channel_retention_held_seconds", "The age of its oldest footage", self._LABELS, held)
        expected = [(label, one.expected * day_s) for label, one in kept]
        text = f"What that age will be in {HORIZON_DAYS:.0f} days, at most as promised"
        yield _gauge("nvr_channel_retention_expected_seconds", text, self._LABELS, expected)


def last_day(now_us: int) -> Times:
    """The last 24 hours as the two edges of one day, i8: whole minutes, the one that runs among them."""
    end_us = -(-now_us // US_PER_MINUTE) * US_PER_MINUTE
    return np.array([end_us - US_PER_DAY, end_us], np.int64)


def _labels(track: Track) -> list[str]:
    return [str(track.channel), track.kind.word]


def _seconds(us: int) -> float:
    return us / US_PER_S


def _gauge(name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _counter(name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    """A counter; `_total` is added to its name."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family
