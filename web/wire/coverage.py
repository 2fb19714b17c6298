"""When footage exists, and why it is missing."""

from web.wire.words import Answer, KindWord, ReasonWord, SecondsByReason

NameRow = tuple[int, int, str]  # from_us, to_us, and what the camera was called then; only where it is not today's name


class Gap(Answer, frozen=True):
    """A missing stretch with its reason; ``open`` means it is still going on and ``end_us`` is now."""

    start_us: int
    end_us: int
    reason: ReasonWord
    detail: str
    open: bool


class Timeline(Answer, frozen=True):
    """What was recorded in a window and what is missing, both clipped to the window.

    ``coarse``: the times of these files' pictures are in part those at which they came, right to a second, for the
    camera's time stamps could not be believed. ``doubtful``: the server's own clock was not believed when they were
    begun. Both are known of finished files. ``damaged``: the scrub has found that bytes have changed on
    the disk since; it is shown all the same. ``away``: recorded, but on a disk alone that is not there now, such as one
    that was unplugged.
    """

    track: KindWord
    from_us: int
    to_us: int
    now_us: int
    first_us: int | None
    last_us: int | None
    spans: list[tuple[int, int]]
    gaps: list[Gap]
    coarse: list[tuple[int, int]]
    doubtful: list[tuple[int, int]]
    twice: list[tuple[int, int]]  # recorded more than once, for the clock was set back
    takes: list[int]  # of each stretch of `twice` how often: so many takes there are to ask for
    damaged: list[tuple[int, int]]
    away: list[tuple[int, int]]
    names: list[NameRow]


class Day(Answer, frozen=True):
    """One UTC day: 1,440 bits in base64, minute m is bit ``m & 7`` of byte ``m >> 3``."""

    day: int
    minutes: str


class Days(Answer, frozen=True):
    """The days that hold footage of a track."""

    track: KindWord
    days: list[Day]


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


class DayCoverage(Answer, frozen=True):
    """One local day of one track, in seconds. ``expected_s``: 0 before the first footage, less than a day today.

    ``coarse_s`` and ``doubtful_s``: how much of what was recorded is that, as in `Timeline`, by the minute.
    """

    expected_s: int
    recorded_s: int
    missing_s: SecondsByReason
    unexplained_s: int
    coarse_s: int
    doubtful_s: int


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
    names: list[NameRow]


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
