"""How the recorder, its disks and its cameras are."""

from web.wire.words import (
    Answer,
    KindWord,
    MatterWord,
    ReasonWord,
    RecordsWord,
    RemarkWord,
    StateWord,
    VolumeTroubleWord,
)


class Recorder(Answer, frozen=True):
    """Whether the recorder process is alive, from its heartbeat on the board, and how much it records."""

    running: bool
    heartbeat_us: int | None
    started_us: int | None
    records: RecordsWord  # "all" but for times when the disks are nearly full and nothing may be deleted


class VolumeState(Answer, frozen=True):
    """One volume as it is now."""

    number: int
    free_bytes: int
    total_bytes: int
    trouble: str  # empty: it takes footage
    kind: VolumeTroubleWord | None  # what a person has to do about it; null: nothing


class ScrubState(Answer, frozen=True):
    """How far the archive is verified in the round that goes on."""

    began_us: int
    percent: int  # 100: the round is over, the next one begins when its time comes
    damaged: int  # files that are known to be damaged and are still kept; their volumes have trouble


class Trouble(Answer, frozen=True):
    """Something that was the matter with the recorder or a disk."""

    began_us: int
    ended_us: int | None  # null: it lasts
    matter: MatterWord
    volume: int | None  # null: it concerned the recorder
    detail: str  # in English, for the technician


class Troubles(Answer, frozen=True):
    """What was the matter, newest first."""

    now_us: int
    troubles: list[Trouble]


class ClockState(Answer, frozen=True):
    """The server's clock. While it is doubted, footage is recorded and marked, and none is deleted for its age."""

    believed: bool
    off_us: int  # what it says less what is believed; 0: it is believed
    marking: bool  # what is recorded now is marked: also for minutes after a start of the machine


class Site(Answer, frozen=True):
    """Who and where this recorder is, and what time it is there."""

    name: str
    timezone: str
    version: str
    now_us: int
    recorder: Recorder
    volumes: list[VolumeState]
    scrub: ScrubState | None  # null: no round has begun
    clock: ClockState | None  # null: the recorder has not run since the machine was started


class TrackState(Answer, frozen=True):
    """One stream of a channel as it is now."""

    kind: KindWord
    state: StateWord
    reason: ReasonWord | None
    remark: RemarkWord | None  # null: nothing is odd, or it is not being recorded
    message: str
    since_us: int | None
    codec: str | None
    width: int | None
    height: int | None
    bitrate_bps: int | None
    fps_milli: int | None
    last_us: int | None
    reconnects: int
    lost_packets: int
    clock_offset_us: int | None


class ChannelState(Answer, frozen=True):
    """One configured camera input with its tracks; ``removed``: it is none any more, but has footage."""

    number: int
    name: str
    enabled: bool
    first_us: int | None
    last_us: int | None
    tracks: list[TrackState]
    removed: bool
