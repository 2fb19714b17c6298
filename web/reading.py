"""A window of a track as it can be read: every chunk of it that is whole, and what is missing in spite of its row.

One file that is gone, damaged or on a dead disk costs its own pictures and no others. Pictures whose group of pictures
began in a chunk before (a cut by length or size in the middle of a long group) bring that chunk along.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from nvr.chunk.header import NO_ROOT
from nvr.errors import IntegrityError, NvrError
from nvr.media import Gap, GapReason, Track
from nvr.timebase import US_PER_MINUTE, TimeRange
from web.archive import JOINED_US, Archive, StoredChunk
from web.footage import Footage, FootageReader, FragmentRow, follows
from web.stored import Signature
from web.volume_threads import NoAnswer

LEAD_US = 20 * US_PER_MINUTE  # chosen: cameras take key frames 10 minutes apart as a setting; two files of a sub stream
WAY_BYTES = 512 << 20  # chosen: 17 minutes of a 4 Mbit/s camera; it is read as it is decoded, never held as a whole


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What a chunk gives to a window: its samples from ``first`` on, all of which can be decoded."""

    footage: Footage
    first: int
    continues: bool = False  # decoding goes on from the share before
    lead: bool = False  # decoded for the sake of what follows, and not shown

    def init_after(self, init: Footage | None) -> Footage:
        """The chunk whose init segment is in force for this one, if ``init``'s was for the one before.

        Another one would make a decoder wait for a sync sample, so in the middle of a group of pictures it stays.
        """
        return init if init is not None and self.continues and self.footage.begins_in_group else self.footage

    @property
    def fragments(self) -> tuple[FragmentRow, ...]:
        """Its fragments."""
        return self.footage.fragments_from(self.first)

    @property
    def time(self) -> TimeRange:
        """When its pictures are shown."""
        footage = self.footage
        if self.first >= len(footage.samples):
            return TimeRange(footage.chunk.end_us, footage.chunk.end_us)
        start_us = int(footage.shown_us[self.first]) if self.first else footage.chunk.start_us
        return TimeRange(start_us, max(start_us, footage.chunk.end_us))


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What there is of a window, and what is missing though it was recorded."""

    shares: tuple[Share, ...]  # by start; none of them is empty
    missing: tuple[Gap, ...]  # within the window, by start
    failure: NvrError | None = None  # the first one

    def require(self) -> None:
        """Check that something of the window can be shown, if anything was recorded.

        Raises:
            StorageError, IntegrityError: why nothing can.
        """
        if not self.shares and self.failure is not None:
            raise self.failure


class WindowReader:
    """Reads windows. Safe between threads.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
    """

    def __init__(self, archive: Archive, footage: FootageReader) -> None:
        self._archive = archive
        self._footage = footage

    def read(
        self,
        track: Track,
        window: TimeRange,
        newest: Sequence[StoredChunk] | None = None,
        *,
        take: int | None = None,
        whole: bool = False,
    ) -> Reading:
        """Every chunk of a window that can be read, with those that must be decoded before the first.

        Args:
            track: whose.
            window: when.
            newest: what `Archive.newest` gave, if it was asked already.
            take: which, of time that was recorded twice (`Archive.chunks`).
            whole: with those as well in which the last group of pictures goes on behind the window.
        """
        missing = self._lost(track, window)
        found: list[Footage] = []
        failures: list[NvrError] = []
        hung: dict[int, NoAnswer] = {}  # by volume: one wait for each is enough
        for chunk in self._archive.chunks(track, window, newest, take):
            try:
                footage = self._read(chunk, hung)
            except NvrError as error:
                failures.append(error)
                missing.append(Gap(track, chunk.start_us, chunk.end_us, GapReason.DISK, error.what))
                continue
            found += [footage] if len(footage.samples) else []
            missing += _rest(chunk, footage)
        shares, undecodable = self._shares(found, window)
        shares += self._trail(shares[-1]) if whole and shares else []
        told = _joined(one for gap in (*missing, *undecodable) for one in _untold(gap, shares, window))
        return Reading(tuple([share for share in shares if share.fragments]), told, next(iter(failures), None))

    def _read(self, chunk: StoredChunk, hung: dict[int, NoAnswer]) -> Footage:
        if chunk.volume in hung:
            raise hung[chunk.volume]
        try:
            return self._footage.read(chunk)
        except NoAnswer as error:
            hung[chunk.volume] = error
            raise

    def _signed(self, chunks: Iterable[StoredChunk]) -> Iterator[tuple[StoredChunk, Signature | None]]:
        hung: set[int] = set()
        for chunk in chunks:
            signature = None
            if chunk.volume not in hung:
                try:
                    signature = self._footage.signature(chunk)
                except NoAnswer:
                    hung.add(chunk.volume)
            yield chunk, signature

    def sync_times_us(self, track: Track, window: TimeRange, take: int | None = None) -> list[int]:
        """When the sync samples of a window are shown that can be read."""
        shares = self.read(track, window, take=take).shares
        found: list[int] = []
        for footage in {share.footage.chunk: share.footage for share in shares}.values():
            shown_us = footage.shown_us[footage.samples["sync"]]
            found += shown_us[(shown_us >= window.start_us) & (shown_us < window.end_us)].tolist()
        return found

    def files(
        self, track: Track, window: TimeRange, take: int | None = None
    ) -> tuple[tuple[StoredChunk, Signature | None], ...]:
        """The chunks of a window and what tells their files from others: what is the same gives the same reading."""
        return tuple(self._signed(self._archive.chunks(track, window, take=take)))

    def glance(
        self, track: Track, window: TimeRange, newest: Sequence[StoredChunk], take: int | None = None
    ) -> tuple[list[StoredChunk], list[Gap]]:
        """The chunks of a window whose files are there, not opened, and what is missing of the others."""
        there, missing = [], self._lost(track, window)
        for chunk, signature in self._signed(self._archive.chunks(track, window, newest, take)):
            if chunk.sealed and signature is None:
                missing.append(Gap(track, chunk.start_us, chunk.end_us, GapReason.DISK, "the file cannot be opened"))
            else:
                there.append(chunk)
        return there, missing

    def _lost(self, track: Track, window: TimeRange) -> list[Gap]:
        lost = self._archive.lost(track, window)
        return [Gap(track, time.start_us, time.end_us, GapReason.DISK, "the file is missing") for time in lost]

    def _shares(self, found: Sequence[Footage], window: TimeRange) -> tuple[list[Share], list[Gap]]:
        shares: list[Share] = []
        missing: list[Gap] = []
        for footage in found:
            before = shares[-1] if shares else None
            if before is not None and before.fragments and follows(before.footage, footage):
                shares.append(Share(footage, 0, continues=True))
            elif footage.start_for(footage.shown_at(window.start_us)) is not None:
                shares.append(Share(footage, footage.first_sync))
            else:
                cause = missing[-1] if before is not None and missing and not before.fragments else None
                added, gap = self._begun_before(footage, cause, alone=before is not None)
                shares += added
                missing += [gap] if gap is not None else []
        return shares, missing

    def _trail(self, last: Share) -> Iterator[Share]:
        """The chunks behind one in which its last group of pictures goes on, as far as they can be read."""
        at = last.footage
        with suppress(NvrError):
            while (after := self._footage.after(at)) is not None and after.begins_in_group:
                if after.chunk.end_us - last.footage.chunk.start_us > LEAD_US:
                    return
                yield Share(after, 0, continues=True, lead=True)
                if after.first_sync < len(after.samples):
                    return
                at = after

    def _begun_before(self, footage: Footage, cause: Gap | None, *, alone: bool) -> tuple[list[Share], Gap | None]:
        """A chunk whose first pictures need what stands before it.

        Args:
            footage: the chunk.
            cause: why nothing of the chunk before it can be shown, where that is so.
            alone: what stands before is known not to be there.
        """
        reason, detail = (cause.reason, cause.detail) if cause is not None else (GapReason.DISK, _BROKEN)
        try:
            if not alone:
                return [*leads(self._footage, footage), Share(footage, 0, continues=True)], None
        except OutOfReach as error:
            reason, detail = error.reason, error.what
        except NvrError as error:
            detail = f"{_BROKEN}: {error.what}"
        first = footage.first_sync
        end_us = int(footage.shown_us[first]) if first < len(footage.samples) else footage.chunk.end_us
        gap = Gap(footage.chunk.track, footage.chunk.start_us, end_us, reason, detail) if first else None
        return [Share(footage, first)], gap


class OutOfReach(IntegrityError):
    """What a picture must be decoded from is not there, or too far back."""

    reason = GapReason.DISK


class _Deleted(OutOfReach):
    reason = GapReason.RETENTION


class _Elsewhere(OutOfReach):
    reason = GapReason.CLOCK


class _TooFar(OutOfReach):
    reason = GapReason.CAMERA


def leads(reader: FootageReader, footage: Footage) -> list[Share]:
    """What must be decoded before a chunk's first sample: from the last sync sample before it on.

    Raises:
        OutOfReach: it is not there any more, or lies too far back.
        StorageError, IntegrityError: its file cannot be read.
    """
    found: list[Share] = []
    at = footage
    while not found or found[0].footage.first_sync == len(found[0].footage.samples):
        before = reader.before(at)
        is_far = before is None or footage.chunk.start_us - before.chunk.start_us > LEAD_US
        if is_far and at.chunk.sequence == 1 and at.previous_root != NO_ROOT:
            raise _Elsewhere("the clock was set, and the key frame lies at another time", where=str(at.chunk.track))
        if before is None:
            raise _Deleted("the key frame that these pictures need is not there any more", where=str(at.chunk.track))
        if footage.chunk.start_us - before.chunk.start_us > LEAD_US:
            minutes = LEAD_US // US_PER_MINUTE
            raise _TooFar(f"the camera sent no key frame for more than {minutes} minutes", where=str(at.chunk.track))
        (syncs,) = before.samples["sync"].nonzero()
        found = [Share(one.footage, 0, continues=True, lead=True) for one in found]
        found.insert(0, Share(before, int(syncs[-1]) if len(syncs) else 0, lead=True))
        at = before
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The samples ``[first, end)`` of a chunk, in decoding order."""

    footage: Footage
    first: int
    end: int


def way_to(reader: FootageReader, footage: Footage, index: int) -> tuple[Part, ...]:
    """What must be decoded to show a sample: from the sync sample on, over as many chunks as it takes; it comes last.

    Raises:
        OutOfReach: that is not there any more, or too much.
        StorageError, IntegrityError: a file cannot be read.
    """
    first = footage.start_for(index)
    if first is not None:
        way: tuple[Part, ...] = (Part(footage, first, index + 1),)
    elif footage.first_sync == 0 and reader.before(footage) is None:
        way = (Part(footage, 0, index + 1),)  # it leads the first picture of a run, and the decoder says that
    else:
        before = [Part(one.footage, one.first, len(one.footage.samples)) for one in leads(reader, footage)]
        way = (*before, Part(footage, 0, index + 1))
    size = sum(int(part.footage.samples["size"][part.first : part.end].sum(dtype="i8")) for part in way)
    if size > WAY_BYTES:
        hint = "picture=key gives the picture of that key frame"
        where = str(footage.chunk.track)
        raise OutOfReach(f"{size >> 20} MiB lie between the key frame and this picture", where=where, hint=hint)
    return way


_BROKEN = "the pictures need those before them, which cannot be read"


def _rest(chunk: StoredChunk, footage: Footage) -> Iterator[Gap]:
    """What a sealed file has lost at its end."""
    if chunk.sealed and chunk.end_us - footage.chunk.end_us > JOINED_US:
        detail = "the end of the file is damaged or missing"
        yield Gap(chunk.track, footage.chunk.end_us, chunk.end_us, GapReason.DISK, detail)


def _untold(gap: Gap, shares: Iterable[Share], window: TimeRange) -> Iterator[Gap]:
    """The parts of a gap in the window at which no share shows pictures."""
    start_us, end_us = max(gap.start_us, window.start_us), min(gap.end_us, window.end_us)
    for share in sorted(shares, key=lambda share: share.time.start_us):
        if start_us < share.time.end_us and share.time.start_us < end_us and not share.lead:
            if share.time.start_us > start_us:
                yield Gap(gap.track, start_us, share.time.start_us, gap.reason, gap.detail)
            start_us = share.time.end_us
    if end_us - start_us > 0:
        yield Gap(gap.track, start_us, end_us, gap.reason, gap.detail)


def _joined(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """By start; what meets and has the same cause is one."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.start_us):
        last = found[-1] if found else None
        same = last is not None and (last.reason, last.detail) == (gap.reason, gap.detail)
        if last is not None and same and gap.start_us - last.end_us <= JOINED_US:
            found[-1] = replace(last, end_us=max(last.end_us, gap.end_us))
        else:
            found.append(gap)
    return tuple(found)
