"""Every request's parameters as a struct: parsed strictly, all mistakes listed at once.

A field that stands in braces in the route's path comes from the path, every other from the query string.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, TypeVar

import msgspec
from msgspec import Meta

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, TimeRange
from web.reply import BadParameters
from web.wire import KindWord

LATEST_US = 7_258_118_400_000_000  # 2200-01-01: chosen, so that a sum of two times cannot leave 63 bits
LONGEST_TIMELINE_US = 40 * US_PER_DAY  # chosen: a month and some, at most 60,000 rows of one track
LONGEST_ACTIVITY_US = 60 * US_PER_MINUTE  # chosen: 60 files of a main stream, some 200 ms of reading when none is known
LONGEST_FRAGMENTS_US = 10 * US_PER_MINUTE  # chosen: 1,200 fragments, 60 kB of JSON
LONGEST_SAMPLES_US = 2 * US_PER_MINUTE  # chosen: 3,000 samples of 25 a second, 120 kB of JSON
LONGEST_KEY_SAMPLES_US = 6 * 60 * US_PER_MINUTE  # chosen: the tables of 360 chunks, some 100 ms where none is cached
LONGEST_CLIP_US = US_PER_DAY  # DESIGN section 7: tables of 24 h take some 100 ms

LONGEST_CLIP_SET_US = 16 * US_PER_DAY  # chosen: laid out in some 10 s; at 4 Mbit/s an archive of 700 GB

LONGEST_MOTION_US = US_PER_DAY  # chosen: 1,440 tables, some 5 s of reading where none is cached

THOUSAND = 1000
SMALLEST_BOX = 10  # thousandths; chosen: of 1920 pixels some 19, and nothing is known by less

ChannelNumber = Annotated[int, Meta(ge=1, le=2**28 - 1, description="the channel's number")]
ChannelList = Annotated[
    str, Meta(pattern=r"^[0-9]{1,9}(,[0-9]{1,9}){0,99}$", description="channels' numbers, such as 1,2,3")
]
Instant = Annotated[int, Meta(ge=0, le=LATEST_US, description="wall time, microseconds UTC since 1970")]
Count = Annotated[int, Meta(ge=0, le=2**32 - 1, description="as in the address that another answer gave")]
Offset = Annotated[int, Meta(ge=0, le=2**53, description="as in the address that another answer gave")]
CellCount = Annotated[int, Meta(ge=1, le=2000, description="how many cells, such as the pixels that are drawn")]
DayCount = Annotated[int, Meta(ge=1, le=60, description="how many local days, today among them")]
TroubleDays = Annotated[int, Meta(ge=1, le=400, description="how many days to look back")]
Thousandth = Annotated[int, Meta(ge=0, le=1000, description="thousandths of the picture's width or height")]
Width = Annotated[int, Meta(ge=16, le=3840, description="pixels; never more than the picture has")]
PictureWord = Annotated[
    Literal["exact", "key"],
    Meta(description="key: the last picture before the instant that needs no other to be decoded, which is cheap"),
]
Take = Annotated[
    int,
    Meta(
        ge=1,
        le=9,
        description="of time that was recorded twice, for the clock was set back: 1 the first; none: the last",
    ),
]
FileName = Annotated[str, Meta(max_length=200, description="a file of the user interface")]

Q = TypeVar("Q", bound="Query")


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for. Subclasses name its fields and say what footage it touches."""

    def channel_asked(self) -> int | None:
        """The channel whose footage or facts are asked for; None: no single one."""
        return None

    def range_asked(self) -> TimeRange | None:
        """The stretch of time asked for; None: not bound to one."""
        return None

    def mistakes(self) -> list[str]:
        """What is wrong between fields that are right by themselves."""
        return []


class NoQuery(Query, frozen=True, kw_only=True):
    """No parameters."""


class FileQuery(Query, frozen=True, kw_only=True):
    """A file of the user interface."""

    file: FileName


class TrackQuery(Query, frozen=True, kw_only=True):
    """One track of one channel."""

    channel: ChannelNumber
    track: KindWord = "main"

    @property
    def track_asked(self) -> Track:
        return Track(self.channel, TrackKind[self.track.upper()])

    def channel_asked(self) -> int | None:
        return self.channel


class WindowQuery(TrackQuery, frozen=True, kw_only=True):
    """A half-open window of one track."""

    LONGEST_US: ClassVar[int] = LONGEST_TIMELINE_US

    from_us: Instant
    to_us: Instant

    @property
    def window(self) -> TimeRange:
        return TimeRange(self.from_us, self.to_us)

    def range_asked(self) -> TimeRange | None:
        return self.window

    def mistakes(self) -> list[str]:
        if self.to_us <= self.from_us:
            return ["to_us: must be later than from_us"]
        if self.to_us - self.from_us > self.LONGEST_US:
            return [f"to_us: at most {self.LONGEST_US} µs after from_us; ask in pieces"]
        return []


class TakeQuery(WindowQuery, frozen=True, kw_only=True):
    """A window of one track of which time that was recorded twice may be seen as it was recorded first."""

    take: Take | None = None


class OverviewQuery(Query, frozen=True, kw_only=True):
    """A half-open window of every channel, or of one, in equal cells."""

    channel: ChannelNumber | None = None
    from_us: Instant
    to_us: Instant
    cells: CellCount = 1920
    track: KindWord = "main"

    def channel_asked(self) -> int | None:
        return self.channel

    @property
    def window(self) -> TimeRange:
        return TimeRange(self.from_us, self.to_us)

    def range_asked(self) -> TimeRange | None:
        return self.window

    def mistakes(self) -> list[str]:
        length_us = self.to_us - self.from_us
        if length_us < self.cells:
            return ["to_us: must be later than from_us, by a microsecond a cell at least"]
        if length_us > LONGEST_TIMELINE_US:
            return [f"to_us: at most {LONGEST_TIMELINE_US} µs after from_us; ask in pieces"]
        return []


class ActivityQuery(WindowQuery, frozen=True, kw_only=True):
    """A window of one track that is short enough to read its files' tables."""

    LONGEST_US = LONGEST_ACTIVITY_US


class CoverageQuery(Query, frozen=True, kw_only=True):
    """The last days of every channel."""

    track: KindWord = "main"
    days: DayCount = 30


class TroublesQuery(Query, frozen=True, kw_only=True):
    """The last days."""

    days: TroubleDays = 30


class FragmentsQuery(TakeQuery, frozen=True, kw_only=True):
    """A short window of one track."""

    LONGEST_US = LONGEST_FRAGMENTS_US


class SamplesQuery(TakeQuery, frozen=True, kw_only=True):
    """A short window of one track, sample by sample."""

    LONGEST_US = LONGEST_SAMPLES_US


class KeySamplesQuery(TakeQuery, frozen=True, kw_only=True):
    """Some hours of one track, of which only the sync samples count."""

    LONGEST_US = LONGEST_KEY_SAMPLES_US


class ClipQuery(TakeQuery, frozen=True, kw_only=True):
    """A window of one track, up to a day."""

    LONGEST_US = LONGEST_CLIP_US


class InstantQuery(TrackQuery, frozen=True, kw_only=True):
    """An instant of one channel."""

    at_us: Instant

    def range_asked(self) -> TimeRange | None:
        return TimeRange(self.at_us, self.at_us + 1)


class BookmarksQuery(Query, frozen=True, kw_only=True):
    """A half-open window of every channel."""

    from_us: Instant = 0
    to_us: Instant = LATEST_US

    @property
    def window(self) -> TimeRange:
        return TimeRange(self.from_us, self.to_us)

    def range_asked(self) -> TimeRange | None:
        return self.window

    def mistakes(self) -> list[str]:
        return [] if self.from_us < self.to_us else ["to_us: must be later than from_us"]


class BookmarkQuery(Query, frozen=True, kw_only=True):
    """One bookmark of a channel."""

    channel: ChannelNumber
    number: Count

    def channel_asked(self) -> int | None:
        return self.channel


class ClipSetQuery(Query, frozen=True, kw_only=True):
    """A window of several channels, up to a day, and so many hours of all together."""

    channels: ChannelList
    track: KindWord = "main"
    from_us: Instant
    to_us: Instant
    take: Take | None = None

    @property
    def numbers(self) -> list[int]:
        """The channels, each once, in the order asked for."""
        return list(dict.fromkeys(int(number) for number in self.channels.split(",")))

    @property
    def window(self) -> TimeRange:
        return TimeRange(self.from_us, self.to_us)

    def range_asked(self) -> TimeRange | None:
        return self.window

    def clips(self) -> list[ClipQuery]:
        """The same of each channel."""
        return [
            ClipQuery(channel=number, track=self.track, from_us=self.from_us, to_us=self.to_us, take=self.take)
            for number in self.numbers
        ]

    def mistakes(self) -> list[str]:
        if not all(1 <= number < 2**28 for number in self.numbers):
            return ["channels: a channel's number lies between 1 and 268435455"]
        found = self.clips()[0].mistakes()
        if not found and len(self.numbers) * self.window.duration_us > LONGEST_CLIP_SET_US:
            return [f"to_us: at most {LONGEST_CLIP_SET_US} µs of all channels together; ask for fewer or for less time"]
        return found


class BisectQuery(WindowQuery, frozen=True, kw_only=True):
    """A box in a camera's picture, in thousandths of its width and height, and the window in which it changed."""

    left: Thousandth
    top: Thousandth
    width: Thousandth
    height: Thousandth

    def mistakes(self) -> list[str]:
        found = super().mistakes()
        if min(self.width, self.height) < SMALLEST_BOX:
            found.append(f"width, height: at least {SMALLEST_BOX} thousandths")
        if self.left + self.width > THOUSAND or self.top + self.height > THOUSAND:
            found.append("the box does not lie in the picture")
        return found


class MotionQuery(BisectQuery, frozen=True, kw_only=True):
    """A box, and the window in which something may have moved in it."""

    LONGEST_US = LONGEST_MOTION_US


class StillQuery(TrackQuery, frozen=True, kw_only=True):
    """An instant of one track."""

    at_us: Instant
    width: Width | None = None
    picture: PictureWord = "exact"
    take: Take | None = None

    def range_asked(self) -> TimeRange | None:
        return TimeRange(self.at_us, self.at_us + 1)


class ThumbnailsQuery(TakeQuery, frozen=True, kw_only=True):
    """A window of one track, in at most so many pictures."""

    count: Annotated[int, Meta(ge=1, le=60, description="pictures at most")] = 12
    width: Annotated[int, Meta(ge=16, le=320, description="pixels of each picture")] = 160


class MediaQuery(TrackQuery, frozen=True, kw_only=True):
    """One chunk file, by numbers: no text of a request ever becomes a path."""

    start_us: Instant
    run: Count
    sequence: Count

    def range_asked(self) -> TimeRange | None:
        return TimeRange(self.start_us, self.start_us + 1)


class SegmentQuery(MediaQuery, frozen=True, kw_only=True):
    """Some fragments of a chunk file, with their decode times moved by so many ticks."""

    offset: Offset
    end: Offset
    shift_90k: Offset


def _value(text: str, kind: object) -> object:
    """A parameter's value. Of a number's many spellings (1.0, 1e3, -0) one counts: decimal digits, as we write it.

    Raises:
        ValidationError: it is none.
    """
    value = msgspec.convert(text, kind, strict=False)
    if isinstance(value, int) and str(value) != text:
        raise msgspec.ValidationError("Expected decimal digits")
    return value


def parse(kind: type[Q], path: Mapping[str, str], query: Iterable[tuple[str, str]]) -> Q:
    """The parameters of a request as a struct.

    Args:
        kind: the struct that the route asks for.
        path: the parts of the path that stand in braces in the route's template.
        query: the names and values of the query string, already decoded.

    Raises:
        BadParameters: with every mistake, one a line.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    given: dict[str, str] = {}
    mistakes: list[str] = []
    for name, text in (*path.items(), *query):
        if name not in fields:
            mistakes.append(f"{name[:60]}: not a parameter of this address")
        elif name in given:
            mistakes.append(f"{name}: given twice")
        given[name] = text
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name in given:
            try:
                values[name] = _value(given[name], field.type)
            except msgspec.ValidationError as error:
                mistakes.append(f"{name}: {error}, not {given[name][:60]!r}")
        elif field.required:
            mistakes.append(f"{name}: is missing")
    if not mistakes:
        asked = kind(**values)
        mistakes = asked.mistakes()
        if not mistakes:
            return asked
    raise BadParameters("; ".join(mistakes), where="parameters", hint="/api/openapi.json describes every address")
