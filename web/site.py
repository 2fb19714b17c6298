"""Who this recorder is, and how its cameras are."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from indexer import camera_names
from indexer.board import RecorderStatus, TrackStatus, VolumeStatus
from nvr import __version__
from nvr.capture.ladder import Rung
from nvr.channel import Channel
from nvr.config import SiteSettings
from nvr.errors import StorageError
from nvr.media import Track, TrackKind
from web.archive import Archive
from web.auth import Action, May, Rights, rights_of, user_of
from web.query import NoQuery
from web.route import Route, route
from web.status import OFF, is_running, remark_of, state_of
from web.wire import (
    ChannelState,
    ClockState,
    KindWord,
    Recorder,
    RecordsWord,
    ScrubState,
    Site,
    TrackState,
    VolumeState,
)

_RECORDS: dict[Rung, RecordsWord] = {
    Rung.ALL: "all",
    Rung.SUB_ONLY: "sub_only",
    Rung.KEY_FRAMES: "key_frames",
    Rung.NOTHING: "nothing",
}
_WORDS: dict[TrackKind, KindWord] = {TrackKind.MAIN: "main", TrackKind.SUB: "sub"}


class SiteRoom:
    """The facts that a page shows first.

    Args:
        archive: where they are.
        site: the name and time zone from the configuration.
        may: asked for every channel of the list.
    """

    def __init__(self, archive: Archive, site: SiteSettings, may: May) -> None:
        self._archive = archive
        self._site = site
        self._may = may

    def routes(self) -> list[Route]:
        """Site and channels."""
        return [
            route(
                "/api/site",
                self._tell_site,
                asks=NoQuery,
                answers=Site,
                action=Action.SEE_SITE,
                summary="Name, time zone, clock, recorder and volumes",
            ),
            route(
                "/api/channels",
                self._tell_channels,
                asks=NoQuery,
                answers=list[ChannelState],
                action=Action.SEE_CHANNELS,
                summary="Every channel with the state of its tracks, by number",
            ),
        ]

    async def _tell_site(self, _asked: NoQuery, _request: web.Request) -> Site:
        now_us = self._archive.clock.wall_us()
        board = self._archive.board()
        status = board.recorder()
        recorder = Recorder(
            running=is_running(status, now_us),
            heartbeat_us=status.heartbeat_us if status else None,
            started_us=status.started_us if status else None,
            records=_RECORDS[status.rung if status else Rung.ALL],
        )
        volumes = [_volume(status) for status in board.volumes()]
        known = status.scrub if status else None
        scrub = ScrubState(known.began_us, known.percent, known.damaged) if known else None
        return Site(self._site.name, self._site.timezone, __version__, now_us, recorder, volumes, scrub, _clock(status))

    async def _tell_channels(self, _asked: NoQuery, request: web.Request) -> list[ChannelState]:
        user = user_of(request)
        board = self._archive.board()
        recorder, statuses = board.recorder(), {status.track: status for status in board.all()}
        known = self._archive.channels()
        allowed = [c for c in known if self._may(user, Action.SEE_CHANNELS, c.number, None)]
        gone = [c for c in self._removed(known) if self._may(user, Action.SEE_CHANNELS, c.number, None)]
        rights = {c.number: rights_of(request, Action.SEE_TIMELINE, c.number) for c in (*allowed, *gone)}
        found = [self._channel(channel, recorder, statuses, rights[channel.number]) for channel in allowed]
        return found + [self._channel(c, recorder, statuses, rights[c.number], removed=True) for c in gone]

    def _removed(self, known: Sequence[Channel]) -> list[Channel]:
        """Cameras that were taken out of the list and have footage still, under the last name they had."""
        try:
            index = self._archive.index()
        except StorageError:  # nothing was recorded yet, or the index is being made anew
            return []
        tracks, numbers = index.tracks(), {channel.number for channel in known}
        names = {t.channel: camera_names.last(index.store, t) for t in tracks if t.channel not in numbers}
        urls = dict.fromkeys(tracks, "-")  # only whether there is one counts
        return [
            Channel(
                number,
                name or str(number),
                urls.get(Track(number, TrackKind.MAIN), ""),
                urls.get(Track(number, TrackKind.SUB), ""),
                enabled=False,
            )
            for number, name in names.items()
        ]

    def _channel(
        self,
        channel: Channel,
        recorder: RecorderStatus | None,
        statuses: dict[Track, TrackStatus],
        rights: Rights,
        *,
        removed: bool = False,
    ) -> ChannelState:
        index = self._archive.index()
        urls = {TrackKind.MAIN: channel.main_url, TrackKind.SUB: channel.sub_url}
        tracks = [Track(channel.number, kind) for kind, url in urls.items() if url]
        states = [self._track(channel, track, recorder, statuses.get(track)) for track in tracks]
        firsts = [first_us for track in tracks if (first_us := index.first(track)) is not None]
        firsts += [status.start_us for track in tracks if (status := statuses.get(track)) and status.start_us]
        lasts = [state.last_us for state in states if state.last_us is not None]
        return ChannelState(
            number=channel.number,
            name=channel.name,
            enabled=channel.enabled,
            first_us=rights.start(min(firsts, default=None)),
            last_us=rights.end(max(lasts, default=None)),
            tracks=[msgspec.structs.replace(state, last_us=rights.end(state.last_us)) for state in states],
            removed=removed,
        )

    def _track(
        self, channel: Channel, track: Track, recorder: RecorderStatus | None, status: TrackStatus | None
    ) -> TrackState:
        state = state_of(recorder, status, self._archive.clock.wall_us()) if channel.enabled else OFF
        newest_us = status.end_us if status else None
        return TrackState(
            kind=_WORDS[track.kind],
            state=state.state,
            reason=state.reason,
            remark=remark_of(state),
            message=state.message,
            since_us=status.since_us if status else None,
            codec=(status.codec or None) if status else None,
            width=(status.width or None) if status else None,
            height=(status.height or None) if status else None,
            bitrate_bps=status.bitrate_bps if status else None,
            fps_milli=status.fps_milli if status else None,
            last_us=self._archive.last_us(track, [newest_us] if newest_us else []),
            reconnects=status.reconnects if status else 0,
            lost_packets=status.lost_packets if status else 0,
            clock_offset_us=status.clock_offset_us if status else None,
        )


def _clock(status: RecorderStatus | None) -> ClockState | None:
    if status is None:
        return None
    return ClockState(status.clock_off_us is None, status.clock_off_us or 0, status.is_clock_doubtful)


def _volume(status: VolumeStatus) -> VolumeState:
    return VolumeState(
        number=status.number,
        free_bytes=status.free_bytes,
        total_bytes=status.total_bytes,
        trouble=status.trouble,
        kind=None if status.kind is None else status.kind.value,
    )
