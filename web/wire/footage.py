"""Where footage lies, for those who play it."""

from web.wire.coverage import Gap, NameRow
from web.wire.words import Answer, KindWord, ReasonWord, StateWord


class ChunkTable(Answer, frozen=True):
    """The fragments of one chunk file that a player needs for a window.

    A row of ``fragments`` is ``[offset, end, decode_90k, duration_90k, presentation_us, sync]``: the bytes
    ``[offset, end)`` of ``media_url``, the decode time in the chunk, and the wall time of the first sample. ``coarse``:
    times in this chunk are those at which pictures came, right to a second.
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
    coarse: bool
    clock_doubtful: bool  # the server's clock was not believed when it was recorded: its dates may be wrong
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
    twice: list[tuple[int, int]]  # recorded more than once, for the clock was set back: `take=1` gives what was first
    damaged: list[tuple[int, int]]  # as in `Timeline`
    names: list[NameRow]


class SampleTable(Answer, frozen=True):
    """Samples of one chunk file, in decoding order.

    ``description`` is the payload of avcC or hvcC in base64, what WebCodecs opens a decoder with. A row of ``samples``
    is ``[offset, size, shown_us, sync]``: its bytes in ``media_url``, and the wall time at which its picture is shown.
    ``coarse`` as in `ChunkTable`.
    """

    start_us: int
    end_us: int
    media_url: str
    codec: str
    description: str
    width: int
    height: int
    sealed: bool
    coarse: bool
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
    names: list[NameRow]


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
