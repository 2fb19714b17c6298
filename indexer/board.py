"""The board: what the recorder is doing now, and who watches. Small, in the runtime directory, not synced.

Two environments, so that no process can ever keep the recorder waiting for LMDB's write lock: `status` is written by
the recorder alone, `watch` by web servers alone. Both lie in a folder named by the machine's boot, because what was not
synced is only whole until the next power cut. Their own folders are named by their schemas: nothing on the board must
survive an update, so a new version begins a new one, and what still runs of the old version keeps its own.
"""

import shutil
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self

import msgspec

from indexer import keys
from indexer.store import Store
from nvr.capture.ladder import Rung
from nvr.capture.report import OpenChunk, TrackReport, TrackState
from nvr.errors import StorageError
from nvr.media import GapReason, Track

__all__ = ["Board", "OpenChunk", "RecorderStatus", "TrackState", "TrackStatus", "VolumeStatus", "VolumeTrouble"]

MAP_BYTES = 256 << 20  # chosen: hours of posts, even while a stopped reader keeps every old page
STATUS_SCHEMA = "board status 1"
WATCH_SCHEMA = "board watch 1"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # proc(5): new at each boot
POSTS_PER_CHECK = 300  # chosen: about once a minute

_TRACK = "track"
_VOLUME = "volume"
_RECORDER = "recorder"
_WATCH = "watch"
_U64 = struct.Struct(">Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStatus:
    """One track, now. ``part_path`` is empty, and what belongs to it 0, while no chunk is open."""

    track: Track
    state: TrackState
    reason: GapReason | None = None  # why nothing is recorded; None while something is
    message: str = ""  # for people
    since_us: int = 0  # wall time at which the state began
    run: int = 0
    volume: int = 0  # number
    part_path: str = ""  # of the open chunk, relative to the volume
    committed_bytes: int = 0  # readable so far: always whole fragments
    start_us: int = 0  # of the open chunk
    end_us: int = 0
    codec: str = ""  # RFC 6381; empty before the first picture
    width: int = 0
    height: int = 0
    samples: int = 0  # since the recorder started, as the following ones
    bytes: int = 0
    lost_packets: int = 0
    reconnects: int = 0
    bitrate_bps: int = 0  # over the last seconds
    fps_milli: int = 0
    clock_offset_us: int | None = None  # camera − server, from RTCP sender reports; None: it sends none

    @classmethod
    def of(cls, report: TrackReport) -> "TrackStatus":
        """What the capture engine says of a track, as it is posted."""
        chunk = report.open_chunk
        return cls(
            track=report.track,
            state=report.state,
            reason=report.reason,
            message=report.message,
            since_us=report.since_us,
            run=chunk.run if chunk else 0,
            volume=chunk.volume if chunk else 0,
            part_path=chunk.part_path if chunk else "",
            committed_bytes=chunk.committed_bytes if chunk else 0,
            start_us=chunk.start_us if chunk else 0,
            end_us=chunk.end_us if chunk else 0,
            codec=report.codec,
            width=report.width,
            height=report.height,
            samples=report.samples,
            bytes=report.bytes,
            lost_packets=report.lost_packets,
            reconnects=report.reconnects,
            bitrate_bps=report.bitrate_bps,
            fps_milli=report.fps_milli,
            clock_offset_us=report.clock_offset_us,
        )


class VolumeTrouble(Enum):
    """What a person has to do with a volume, the gravest first; the value is the word of the API."""

    AWAY = "away"  # it cannot be opened: not mounted, another disk, read-only
    FAILED = "failed"  # it does not take footage now
    FAILING = "failing"  # the disk says of itself that it fails
    SHORT = "short"  # there is too little room, or old footage cannot be deleted
    SINGLE = "single"  # what lies there should lie on a second one as well
    DAMAGED = "damaged"  # what it holds has changed
    WORN = "worn"  # the disk shows signs that go before failing
    UNINDEXED = "unindexed"  # footage there was not in the index, and is being taken in


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeStatus:
    """One volume, now."""

    number: int
    free_bytes: int
    total_bytes: int
    trouble: str = ""  # for people; empty: it takes footage
    kind: VolumeTrouble | None = None  # of the trouble
    path: str = ""  # its folder, as configured
    disk: str = ""  # what the disk says of its health, for people; empty: nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubStatus:
    """How far the archive is verified, now."""

    began_us: int
    percent: int  # of this round
    damaged: int  # files that are known to be damaged and are still kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """The recorder process, now. An old ``heartbeat_us`` means that nothing here is true any more."""

    pid: int
    started_us: int
    heartbeat_us: int
    queue_bytes: int = 0  # waiting to be written
    cpu_us: int = 0  # of the process since its start
    dropped_fragments: int = 0
    rung: Rung = Rung.ALL  # how much is recorded while room is short
    swept_us: int = 0  # the last sweep looked then, and what it found has been deleted; 0: none has ended yet
    sweeper_cpu_us: int = 0  # of its thread since its start
    scrub: ScrubStatus | None = None  # None: no round has begun
    clock_off_us: int | None = None  # the server's clock less the believed time; None: it is believed
    is_clock_doubtful: bool = False  # what is recorded now is marked


class Board:
    """Opened by recorder and web alike. The recorder posts, web servers watch; both read.

    Raises, everywhere:
        StorageError: LMDB fails. The recorder must go on recording without its board.
    """

    def __init__(self, status: Store, watch: Store) -> None:
        self._status = status
        self._watch = watch
        self._posts = 0
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode_track = msgspec.msgpack.Decoder(TrackStatus).decode

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the board, making it if it is missing; boards of earlier boots are removed."""
        folder = path / _boot_id()
        status = _environment(folder, (_TRACK, _VOLUME), STATUS_SCHEMA)
        try:
            watch = _environment(folder, (_WATCH,), WATCH_SCHEMA)
        except StorageError:
            status.close()
            raise
        for other in path.iterdir():
            if other.name != folder.name and other.is_dir():
                shutil.rmtree(other, ignore_errors=True)  # left by an earlier boot; another process may be at it too
        return cls(status, watch)

    def close(self) -> None:
        """Close both environments."""
        self._status.close()
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the recorder writes ---------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget everything that was posted: for the recorder's start."""
        with self._status.write() as txn:
            txn.clear(_TRACK)
            txn.clear(_VOLUME)
            txn.set_fact(_RECORDER, None)

    def post(self, statuses: Iterable[TrackStatus]) -> None:
        """Show how these tracks are now, in one transaction; the others stay as they were."""
        rows = [(keys.track(status.track), self._encode(status)) for status in statuses]
        if self._posts % POSTS_PER_CHECK == 0:
            self._status.clear_dead_readers()
        self._posts += 1
        with self._status.write() as txn:
            for key, value in rows:
                txn.put(_TRACK, key, value)

    def remove(self, tracks: Iterable[Track]) -> None:
        """Take tracks off the board that are no longer configured."""
        with self._status.write() as txn:
            for track in tracks:
                txn.delete(_TRACK, keys.track(track))

    def post_recorder(self, status: RecorderStatus, volumes: Iterable[VolumeStatus] = ()) -> None:
        """The heartbeat, and how the volumes are: these and no others."""
        with self._status.write() as txn:
            txn.set_fact(_RECORDER, self._encode(status))
            txn.clear(_VOLUME)
            for volume in volumes:
                txn.put(_VOLUME, keys.volume(volume.number), self._encode(volume))

    # -- everyone reads --------------------------------------------------------------------------------------------

    def track(self, track: Track) -> TrackStatus | None:
        """What was last posted of a track."""
        with self._status.read() as txn:
            value = txn.get(_TRACK, keys.track(track))
        return None if value is None else self._decode_track(value)

    def all(self) -> list[TrackStatus]:
        """Every track, by channel, main before sub."""
        with self._status.read() as txn:
            values = [value for _, value in txn.rows(_TRACK)]
        return [self._decode_track(value) for value in values]

    def recorder(self) -> RecorderStatus | None:
        """The last heartbeat; None: the recorder has not run since the machine was started."""
        with self._status.read() as txn:
            value = txn.fact(_RECORDER)
        return None if value is None else msgspec.msgpack.decode(value, type=RecorderStatus)

    def volumes(self) -> list[VolumeStatus]:
        """Every volume, by number."""
        with self._status.read() as txn:
            values = [value for _, value in txn.rows(_VOLUME)]
        return [msgspec.msgpack.decode(value, type=VolumeStatus) for value in values]

    # -- live viewers ----------------------------------------------------------------------------------------------

    def watch(self, track: Track, until_us: int) -> None:
        """Somebody watches this track live until then; the recorder delivers it without waiting. For web servers."""
        key = keys.track(track)
        with self._watch.write() as txn:
            known = txn.get(_WATCH, key)
            if known is None or _U64.unpack(known)[0] < until_us:
                txn.put(_WATCH, key, _U64.pack(until_us))

    def watched(self, now_us: int) -> set[Track]:
        """The tracks that somebody watches now."""
        with self._watch.read() as txn:
            rows = list(txn.rows(_WATCH))
        return {keys.track_of(key) for key, value in rows if _U64.unpack(value)[0] > now_us}


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # no /proc: then a power cut may cost a `rm`
        return "this-boot"


def _environment(folder: Path, tables: tuple[str, ...], schema: str) -> Store:
    """The environment of a schema, in its own folder: programs of two versions neither meet nor refuse each other."""
    path = folder / schema.replace(" ", "-")
    return Store.open(path, tables, schema=schema, durable=False, map_bytes=MAP_BYTES)
