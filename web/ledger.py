"""The ledger of coverage as it stands now: what the index knows, and what the board says of a track that is silent.

Everything here blocks for some milliseconds: routes call it from a thread.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from indexer.board import VolumeStatus
from indexer.coverage import read
from nvr.config import RetentionSettings
from nvr.media import GapReason, Track
from nvr.timebase import US_PER_DAY, US_PER_S, TimeRange
from retention.coverage import DayCoverage, Times, by_day
from retention.policy import policies, quotas, volume_room
from retention.room import Intake, SiteRooms, rooms_of
from web.archive import Archive
from web.status import state_of
from web.wire import LiveState


def days(archive: Archive, track: Track, edges_us: Times, now_us: int) -> tuple[int | None, list[DayCoverage]]:
    """Where a track's footage begins, and its coverage between each two edges.

    Args:
        archive: what exists.
        track: whose.
        edges_us: where days begin, whole minutes, and where the last one ends.
        now_us: the time.

    Raises:
        StorageError: index or board cannot be read.
        IntegrityError: a row cannot be read.
    """
    board = archive.board()
    known = read(archive.index(), track, TimeRange(int(edges_us[0]), int(edges_us[-1])), now_us)
    state = state_of(board.recorder(), board.track(track), now_us)
    # What a growing chunk holds is not in the index yet: the ledger ends where the index does, but for a track that is
    # not being recorded.
    last_us = now_us if known.last_us is None else min(known.last_us, now_us)
    found = by_day(known, edges_us, last_us)
    if state.state != "recording":
        found = [_silent(day, edges_us, place, last_us, now_us, state) for place, day in enumerate(found)]
    return known.first_us, found


def rooms(archive: Archive, retention: RetentionSettings, channels: Iterable[int]) -> SiteRooms:
    """What disks and quotas hold, may hold, and take in a day.

    Raises:
        StorageError: index or board cannot be read.
    """
    board = archive.board()
    used_bytes: Counter[int] = Counter()
    ingest_bps: Counter[int] = Counter()
    for (track, _), usage in archive.index().usage().items():
        used_bytes[track.channel] += usage.bytes
    for status in board.all():
        ingest_bps[status.track.channel] += status.bitrate_bps
    everybody = {*channels, *used_bytes, *ingest_bps}
    intake = {n: Intake(used_bytes[n], ingest_bps[n] // 8 * (US_PER_DAY // US_PER_S)) for n in everybody}
    free_bytes = _free_bytes(retention, board.volumes(), ingest_bps.total())
    return rooms_of(intake, policies(retention, everybody), quotas(retention), free_bytes)


def _free_bytes(retention: RetentionSettings, volumes: Iterable[VolumeStatus], ingest_bps: int) -> int:
    """What may still be filled before the low-water marks are reached."""
    found = [
        volume_room(
            retention,
            one.number,
            free_bytes=one.free_bytes,
            total_bytes=one.total_bytes,
            ingest_bps=ingest_bps,
            said_full=False,
        )
        for one in volumes
    ]
    return sum(max(0, room.free_bytes - room.low_water_bytes) for room in found)


def _silent(day: DayCoverage, edges_us: Times, place: int, last_us: int, now_us: int, state: LiveState) -> DayCoverage:
    """The day with what is missing since the footage ended, for the reason that holds now."""
    low_us, high_us = max(int(edges_us[place]), last_us), min(int(edges_us[place + 1]), now_us)
    if high_us <= low_us:
        return day
    reason = GapReason(state.reason) if state.reason else GapReason.CAMERA
    missing = {**day.missing_us, reason: day.missing_us.get(reason, 0) + high_us - low_us}
    return replace(day, expected_us=day.expected_us + high_us - low_us, missing_us=missing)
