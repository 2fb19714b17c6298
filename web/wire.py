"""Every answer of the API as a struct.

Field names carry their unit; times are wall microseconds UTC (`_us`) or 90 kHz ticks (`_90k`), always integers.
The OpenAPI description is made from these structs (`web.openapi`), so a doc string here is documentation there.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

KindWord = Literal["main", "sub"]
StateWord = Literal["recording", "connecting", "starting", "waiting", "no_disk", "off", "stopped"]
ReasonWord = Literal[
    "camera", "network", "authentication", "restart", "disk", "overload", "operator", "clock", "retention"
]

VolumeTroubleWord = Literal["away", "failed", "failing", "short", "single", "damaged", "worn"]
RecordsWord = Literal["all", "sub_only", "key_frames", "nothing"]


class Answer(msgspec.Struct, frozen=True):
    """A JSON answer."""


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


class Bookmark(Answer, frozen=True):
    """An instant that somebody wants to find again."""

    number: int
    channel: int
    at_us: int
    note: str
    author: str
    made_us: int


class Note(Answer, frozen=True, forbid_unknown_fields=True):
    """The body that makes a bookmark."""

    note: Annotated[str, Meta(max_length=500)] = ""


class Done(Answer, frozen=True):
    """It is done, and there is nothing to tell."""


class ChannelOverview(Answer, frozen=True):
    """One channel in the cells of a window. The three texts are base64, one byte a cell."""

    number: int
    first_us: int | None  # where its footage begins; null: there is none
    last_us: int | None  # where what is indexed ends
    recorded: str  # share of what could be recorded, 0 to 255; 0 also where nothing could be
    missing: str  # 0: nothing is; n: most of it for reasons[n - 1]; 255: nobody knows why
    activity: str  # 0 to 255 of what is usual for this camera


class Overview(Answer, frozen=True):
    """Every channel in a window."""

    track: KindWord
    from_us: int
    to_us: int
    now_us: int
    cells: int
    reasons: list[ReasonWord]
    channels: list[ChannelOverview]


class Activity(Answer, frozen=True):
    """How much moved before one camera."""

    track: KindWord
    start_us: int
    step_us: int
    activity: str  # base64, one byte a step, 0 to 255 of what is usual in this window


MatterWord = Literal[
    "away",
    "failed",
    "failing",
    "short",
    "single",
    "damaged",
    "worn",
    "sub_only",
    "key_frames",
    "nothing",
    "stopped",
    "index",
]


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


class Site(Answer, frozen=True):
    """Who and where this recorder is, and what time it is there."""

    name: str
    timezone: str
    version: str
    now_us: int
    recorder: Recorder
    volumes: list[VolumeState]
    scrub: ScrubState | None  # null: no round has begun


class TrackState(Answer, frozen=True):
    """One stream of a channel as it is now."""

    kind: KindWord
    state: StateWord
    reason: ReasonWord | None
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
    """One configured camera input with its tracks."""

    number: int
    name: str
    enabled: bool
    first_us: int | None
    last_us: int | None
    tracks: list[TrackState]


class Gap(Answer, frozen=True):
    """A missing stretch with its reason; ``open`` means it is still going on and ``end_us`` is now."""

    start_us: int
    end_us: int
    reason: ReasonWord
    detail: str
    open: bool


class Timeline(Answer, frozen=True):
    """What was recorded in a window and what is missing, both clipped to the window."""

    track: KindWord
    from_us: int
    to_us: int
    now_us: int
    first_us: int | None
    last_us: int | None
    spans: list[tuple[int, int]]
    gaps: list[Gap]


class Day(Answer, frozen=True):
    """One UTC day: 1,440 bits in base64, minute m is bit ``m & 7`` of byte ``m >> 3``."""

    day: int
    minutes: str


class Days(Answer, frozen=True):
    """The days that hold footage of a track."""

    track: KindWord
    days: list[Day]


class DayCoverage(Answer, frozen=True):
    """One local day of one track, in seconds. ``expected_s``: 0 before the first footage, less than a day today."""

    expected_s: int
    recorded_s: int
    missing_s: dict[ReasonWord, int]
    unexplained_s: int


class Promise(Answer, frozen=True):
    """In days: what was promised, what is there, and what will be there ``horizon_days`` from now.

    ``least_days``: younger footage never goes for want of room. ``quota_days``: what its quotas have room for; null: it
    has none, or nothing comes in. ``impossible``: those are fewer than ``least_days``.
    """

    promised_days: float
    holding_days: float
    expected_days: float
    least_days: float
    quota_days: float | None
    impossible: bool


class ChannelCoverage(Answer, frozen=True):
    """One channel; ``days`` as in `Coverage`."""

    number: int
    name: str
    promise: Promise
    days: list[DayCoverage]


class Coverage(Answer, frozen=True):
    """The ledger: ``days`` are local dates, such as 2026-11-26, today last."""

    track: KindWord
    timezone: str
    now_us: int
    horizon_days: float
    days: list[str]
    day_starts_us: list[int]
    promise: Promise
    channels: list[ChannelCoverage]


class ChunkTable(Answer, frozen=True):
    """The fragments of one chunk file that a player needs for a window.

    A row of ``fragments`` is ``[offset, end, decode_90k, duration_90k, presentation_us, sync]``: the bytes
    ``[offset, end)`` of ``media_url``, the decode time in the chunk, and the wall time of the first sample.
    """

    start_us: int
    end_us: int
    init_url: str
    media_url: str
    codec: str
    width: int
    height: int
    composition_delay_90k: int
    sealed: bool
    fragments: list[tuple[int, int, int, int, int, int]]


class Fragments(Answer, frozen=True):
    """What a Media Source player needs for a window; starts at the sync fragment at or before ``from_us``."""

    track: KindWord
    from_us: int
    to_us: int
    now_us: int
    previous_us: int | None
    next_us: int | None
    chunks: list[ChunkTable]
    gaps: list[Gap]


class SampleTable(Answer, frozen=True):
    """Samples of one chunk file, in decoding order.

    ``description`` is the payload of avcC or hvcC in base64, what WebCodecs opens a decoder with. A row of ``samples``
    is ``[offset, size, shown_us, sync]``: its bytes in ``media_url``, and the wall time at which its picture is shown.
    """

    start_us: int
    end_us: int
    media_url: str
    codec: str
    description: str
    width: int
    height: int
    sealed: bool
    samples: list[tuple[int, int, int, int]]


class Samples(Answer, frozen=True):
    """What a decoder needs for a window. ``previous_us`` and ``next_us``: where there is other footage around it."""

    track: KindWord
    from_us: int
    to_us: int
    now_us: int
    previous_us: int | None
    next_us: int | None
    chunks: list[SampleTable]
    gaps: list[Gap]


class ClipFacts(Answer, frozen=True):
    """What a clip of one channel would hold. ``about_bytes`` is right to a few percent; 0: nothing was recorded."""

    channel: int
    about_bytes: int
    missing_us: int
    gaps: list[Gap]


class ClipSet(Answer, frozen=True):
    """Clips of several channels."""

    track: KindWord
    from_us: int
    to_us: int
    about_bytes: int
    clips: list[ClipFacts]


class Thumbnail(Answer, frozen=True):
    """One cell of a strip: the place of its picture, and where to fetch it; null: nothing was recorded in the cell."""

    start_us: int
    at_us: int | None
    url: str | None


class Thumbnails(Answer, frozen=True):
    """A window in equal cells of ``step_us`` on a fixed grid, so that the same pictures are asked for again."""

    track: KindWord
    now_us: int
    step_us: int
    thumbnails: list[Thumbnail]


class BisectProgress(Answer, tag_field="type", tag="progress", frozen=True):
    """Text on a search's socket: it looks at an instant; the change lies between two others."""

    at_us: int
    low_us: int
    high_us: int
    decodes: int
    limit: int


class BisectFinding(Answer, tag_field="type", tag="finding", frozen=True):
    """The last text on a search's socket. The change lies between the pictures of two instants."""

    verdict: Literal["found", "unsure", "alike", "unlike", "dark", "nothing"]
    before_us: int
    after_us: int
    decodes: int
    gaps: list[Gap]  # footage that is missing between them


class LiveInit(Answer, tag_field="type", tag="init", frozen=True):
    """Text on the live socket before an init segment: what follows, and the wall time of its media time 0."""

    track: KindWord
    codec: str
    width: int
    height: int
    start_us: int
    composition_delay_90k: int
    run: int
    sequence: int


class LiveSkip(Answer, tag_field="type", tag="skip", frozen=True):
    """Text on the live socket: fragments were left out, the next one starts with a sync sample."""


class LiveState(Answer, tag_field="type", tag="state", frozen=True):
    """Text on the live socket: the state of the track, in the words of /api/channels."""

    state: StateWord
    reason: ReasonWord | None
    message: str


class Problem(Answer, frozen=True):
    """Every error: what happened in one plain sentence, where, and how to mend it."""

    error: str
    where: str = ""
    hint: str = ""
