"""After a crash: start again as the recorder does, record on, and say everything that is wrong."""

from dataclasses import dataclass
from pathlib import Path

from indexer import keys
from indexer.reader import IndexReader
from indexer.rebuild import rebuild
from indexer.verify import verify
from nvr.chunk.filesystem import FileSystem
from nvr.chunk.reader import ChunkReader
from nvr.chunk.volume import Volume
from nvr.errors import IntegrityError
from nvr.media import Track
from nvr.timebase import US_PER_DAY, US_PER_S, TimeRange
from tests.crash.house import CHUNK_ROUNDS, HELD, MAX_AGE_US, RESTART_US, ROUND_US, TRACKS, House
from tests.crash.ledger import Account, Ledger, Picture
from tests.indexer.sealed import contents
from tests.indexer.test_rebuild import COMPARED
from tests.manual_clock import ManualClock
from tests.test_kill import recorded_times

POWER_CUT_US = 7 * US_PER_S  # I4
KILL_US = ROUND_US  # one fragment
TOUCH_US = 100_000
EVER = TimeRange(0, 2**60)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a crash cost, and what it broke: one sentence each."""

    wrong: tuple[str, ...]
    lost_us: int  # of the track that lost most
    rows: int


def judge(
    folder: Path,
    lines: list[str],
    *,
    power_cut: bool,
    fs: FileSystem | None = None,
    ledger: Ledger | None = None,
    shallow: bool = False,
) -> Verdict:
    """Recover what lies in ``folder`` and hold it against the ledger's lines up to the crash.

    Args:
        folder: holds ``volume`` and ``index`` as the crash left them; is recorded into.
        lines: of the ledger, up to the crash.
        power_cut: only what was synced must be there; otherwise all that was written.
        fs: the system calls of the recovery.
        ledger: is told of what is recorded afterwards.
        shallow: leave the rebuild out.
    """
    before = Account.of(lines)
    after = ledger or Ledger()
    with House(folder, after, at_us=max(before.end_us, HELD[1].start_us) + RESTART_US, fs=fs) as house:
        house.recover()
        wrong = _found(house.reader, house.volume, house.clock.wall_us(), deep=False)  # before a sweep can hide it
        house.sweep()
        house.rounds(1)
        house.finish()
        house.sweep()
        now_us = house.clock.wall_us()
        wrong += [f"failed: {error}" for error in house.engine.failures]
    return _look(folder, before, Account.of(after.lines), now_us, power_cut=power_cut, wrong=wrong, shallow=shallow)


def _look(
    folder: Path, before: Account, after: Account, now_us: int, *, power_cut: bool, wrong: list[str], shallow: bool
) -> Verdict:
    with (
        IndexReader.open(folder / "index") as reader,
        Volume.open(1, folder / "volume", create=False, clock=ManualClock(now_us), read_only=True) as volume,
    ):
        wrong += _found(reader, volume, now_us, deep=True)
        wrong += [f"I2: {part} was left" for part in volume.parts() if _can_be_read(volume, part)]
        wrong += [f"I2: {waste.path} is still garbage" for waste in reader.garbage()]
        shown = {(track, at_us) for track in TRACKS for at_us in recorded_times(volume, track)}
        gone = before.leaves | after.leaves
        wrong += _missing(before, after, shown, gone, power_cut=power_cut)
        lost_us = max(_lost_us(track, before, shown | gone) for track in TRACKS)
        bound_us = POWER_CUT_US if power_cut else KILL_US
        wrong += [f"I4: {lost_us} µs are lost"] if lost_us > bound_us else []
        for track in TRACKS:
            wrong += _holes(reader, track, now_us, gone) + _too_old(reader, track, now_us)
        rows = reader.rows()
    if not shallow:
        wrong += _rebuilt_differs(folder, gone)
    return Verdict(tuple(wrong), lost_us, rows)


def _found(reader: IndexReader, volume: Volume, now_us: int, *, deep: bool) -> list[str]:
    """What ``nvr check`` says, a day later, so that no file may pass for one that waits to be adopted."""
    findings = verify(reader, {1: volume}, now_us=now_us + US_PER_DAY, deep=deep, report=lambda _: None)
    return [f"{finding.invariant.name}: {finding.where}: {finding.what}" for finding in findings]


def _can_be_read(volume: Volume, part: str) -> bool:
    """Whether a part's beginning is whole: recovery leaves others with fragments in them for a person to look at."""
    with ChunkReader(volume.open_read_path(part)) as reader:
        try:
            return reader.preamble_bytes > 0
        except IntegrityError:
            return False


def _missing(before: Account, after: Account, shown: set[Picture], gone: set[Picture], *, power_cut: bool) -> list[str]:
    promised = (before.synced if power_cut else before.written) | after.synced
    held_track, held = HELD
    lacking = promised - gone - shown
    wrong = [f"I4: {track} at {at_us} was acknowledged and is not there" for track, at_us in sorted(lacking, key=str)]
    wrong += [
        f"I3: {track} at {at_us} is held and is not there"
        for track, at_us in sorted(promised - shown, key=str)
        if track == held_track and held.contains(at_us)
    ]
    unknown = shown - before.put - after.put
    return wrong + [f"{track} at {at_us} was never recorded" for track, at_us in sorted(unknown, key=str)]


def _lost_us(track: Track, before: Account, accounted: set[Picture]) -> int:
    """How much of a track's newest footage before the crash is missing."""
    put = [at_us for of, at_us in before.put if of == track]
    kept = [at_us for of, at_us in before.put & accounted if of == track]
    if not put:
        return 0
    return max(put) - max(kept, default=min(put) - ROUND_US)


def _holes(reader: IndexReader, track: Track, now_us: int, gone: set[Picture]) -> list[str]:
    """Time since a track's first footage that neither footage, a gap nor retention accounts for (I4)."""
    window = TimeRange(0, now_us)
    known = [*reader.spans(track, window), *_deleted(track, gone)]
    known += [TimeRange(gap.start_us, gap.end_us) for gap in reader.gaps(track, window)]
    first_us = reader.first(track) or now_us
    end_us, wrong = first_us, []
    for span in sorted(known, key=lambda span: span.start_us):
        if span.start_us - end_us > TOUCH_US:
            wrong.append(f"I4: {track} is missing from {end_us} to {span.start_us}, and no gap says so")
        end_us = max(end_us, span.end_us)
    return wrong + ([f"I4: {track} is missing since {end_us}"] if now_us - end_us > TOUCH_US else [])


def _deleted(track: Track, gone: set[Picture]) -> list[TimeRange]:
    return [TimeRange(at_us, at_us + ROUND_US) for of, at_us in gone if of == track]


def _too_old(reader: IndexReader, track: Track, now_us: int) -> list[str]:
    limit_us = now_us - MAX_AGE_US - CHUNK_ROUNDS[track] * ROUND_US - 2 * US_PER_S
    held_track, held = HELD
    return [
        f"I6: {row.name().path()} is older than it may be"
        for page in reader.pages(track)
        for row in page
        if row.end_us < limit_us
        and not (track == held_track and row.start_us < held.end_us and held.start_us < row.end_us)
    ]


def _rebuilt_differs(folder: Path, gone: set[Picture]) -> list[str]:
    """What a rebuild makes otherwise (I7); it may take a hole that retention made beside held footage for a gap."""
    path = folder / "index"
    with IndexReader.open(path) as reader:
        before, gaps = contents(reader, COMPARED), _gaps(reader)
    with Volume.open(1, folder / "volume", create=False, clock=ManualClock(0)) as volume:
        rebuild(path, {1: volume}, lambda _: None)
    with IndexReader.open(path) as reader:
        after, gaps_after = contents(reader, COMPARED), _gaps(reader)
    tables = (table for table in COMPARED if table != keys.GAP)
    wrong = [f"I7: a rebuilt {table} differs" for table in tables if before[table] != after[table]]
    if (gaps ^ gaps_after) - gone:
        wrong.append("I7: rebuilt gaps differ")
    return wrong


def _gaps(reader: IndexReader) -> set[Picture]:
    """The half seconds that gaps cover."""
    found = [gap for track in TRACKS for gap in reader.gaps(track, EVER)]
    return {(gap.track, at_us) for gap in found for at_us in range(gap.start_us, gap.end_us, ROUND_US)}
