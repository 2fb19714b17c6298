"""Watches a soak from outside: index, board and file systems. Writes down what is not kept."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_plan import SoakPlan
from benchmarks.soak_rig import Rig
from indexer.board import Board
from indexer.expiry import AgedChunk, Expiry
from indexer.holds import Hold
from indexer.reader import IndexReader
from indexer.registry import Registry
from nvr.capture.ladder import Rung
from nvr.capture.report import TrackState
from nvr.config import load
from nvr.media import GapReason, Track
from nvr.timebase import US_PER_S, SystemClock, TimeRange

COMMIT_US = 6 * US_PER_S  # chosen: a chunk is in the index so long after its end, on a busy machine too
ROUNDING_US = US_PER_S // 10


@dataclass(slots=True)
class Figures:
    """What was measured."""

    least_free_percent: dict[int, float] = field(default_factory=dict)  # by volume
    looks: int = 0
    sweeps: int = 0  # seen to have ended
    gone: int = 0  # rows seen to have gone
    youngest_gone_s: float = 1e9  # of channels whose quota leaves room
    recorder_cpu_s: float = 0.0  # since deleting began
    sweeper_cpu_s: float = 0.0
    used_mib: int = 0


class Watcher:
    """Looks again and again.

    Args:
        rig: what runs.
        plan: what was promised.
        index, board, registry: the recorder's, open.
    """

    def __init__(self, rig: Rig, plan: SoakPlan, index: IndexReader, board: Board, registry: Registry) -> None:
        self._rig = rig
        self._plan = plan
        self._index = index
        self._board = board
        self._registry = registry
        self._reserve_percent = load(rig.config).retention.reserve_percent
        self._expiry = Expiry(index.store)
        self._clock = SystemClock()
        self._known: dict[tuple[Track, int, int], AgedChunk] = {}
        self._since: tuple[int, int] | None = None  # CPU of process and sweeper when deleting began
        self._swept_us = 0
        self._hashes: dict[Path, bytes] = {}
        self.figures = Figures()
        self.findings: list[str] = []

    def all_recording(self) -> bool:
        """Whether every camera is being recorded, with both streams."""
        states = Counter(status.state for status in self._board.all())
        return states[TrackState.RECORDING] == 2 * self._plan.channels

    def hold(self, channels: Iterable[int], *, before_s: float, after_s: float) -> None:
        """Lay a hold around now."""
        now_us = self._clock.wall_us()
        span = TimeRange(now_us - int(before_s * US_PER_S), now_us + int(after_s * US_PER_S))
        self._registry.holds.lay(span, channels=channels, reason="soak", author="soak", now_us=now_us)

    # -- every moment ----------------------------------------------------------------------------------------------

    def look_at_room(self) -> None:
        """Free is what the file system says. The reserve is what the configuration keeps free of each disk."""
        for number, path in self._rig.volumes.items():
            facts = os.statvfs(path)
            percent = 100 * facts.f_bavail / facts.f_blocks
            if percent < self._reserve_percent <= self.figures.least_free_percent.get(number, 100):
                self.findings.append(f"volume {number} has {percent:.1f} % free, less than its reserve")
            self.figures.least_free_percent[number] = min(percent, self.figures.least_free_percent.get(number, 100))

    # -- every few seconds -----------------------------------------------------------------------------------------

    def look(self) -> None:
        """Hold everything against what was promised."""
        if self._rig.process.poll() is not None:
            raise RuntimeError(f"the recorder ended by itself: {self._rig.said()[-2000:]}")
        swept_us = self._look_at_board()
        chunks = [chunk for track in self._index.tracks() for chunk in self._expiry.oldest(track)]
        now_us = self._clock.wall_us()
        self._look_who_went(chunks, now_us)
        if swept_us > self._swept_us:
            self._look_at_ages(chunks, swept_us)
            self._look_at_quotas(chunks, swept_us)
            self.figures.sweeps += 1
            self._swept_us = swept_us
        self.figures.looks += 1
        self.figures.used_mib = max(self.figures.used_mib, sum(chunk.bytes for chunk in chunks) >> 20)

    def _look_at_board(self) -> int:
        recorder = self._board.recorder()
        if recorder is None:
            return 0
        if recorder.dropped_fragments:
            self.findings.append(f"{recorder.dropped_fragments} fragments were refused by the queue")
        if recorder.rung is not Rung.ALL:
            self.findings.append(f"less is recorded: {recorder.rung.word}")
        self.findings += [f"volume {one.number}: {one.trouble}" for one in self._board.volumes() if one.trouble]
        if self._since is None and self.figures.gone:
            self._since = recorder.cpu_us, recorder.sweeper_cpu_us
        if self._since is not None:
            self.figures.recorder_cpu_s = (recorder.cpu_us - self._since[0]) / US_PER_S
            self.figures.sweeper_cpu_s = (recorder.sweeper_cpu_us - self._since[1]) / US_PER_S
        return recorder.swept_us

    def _look_who_went(self, chunks: Iterable[AgedChunk], now_us: int) -> None:
        """No row may have left before its minimum, but where a quota leaves no room for that; and never a held one."""
        there = {(chunk.track, chunk.start_us, chunk.sequence): chunk for chunk in chunks}
        for key, chunk in self._known.items():
            if key in there:
                continue
            self.figures.gone += 1
            keep, age_us = self._plan.keeps[chunk.track.channel], now_us - chunk.end_us
            if keep.within_quota:
                self.figures.youngest_gone_s = min(self.figures.youngest_gone_s, age_us / US_PER_S)
            if keep.within_quota and age_us < keep.min_s * US_PER_S - ROUNDING_US:
                self.findings.append(f"{chunk.track} lost a chunk after {age_us / US_PER_S:.1f} s, before its minimum")
            if self._is_held(chunk):
                self.findings.append(f"{chunk.track} lost a held chunk")
        self._known = there

    def _look_at_ages(self, chunks: Iterable[AgedChunk], swept_us: int) -> None:
        for chunk in chunks:
            over_us = swept_us - chunk.end_us - int(self._plan.keeps[chunk.track.channel].max_s * US_PER_S)
            if over_us > ROUNDING_US and not self._is_held(chunk):
                self.findings.append(f"{chunk.track} still has a chunk {over_us / US_PER_S:.1f} s after its time")

    def _look_at_quotas(self, chunks: Iterable[AgedChunk], swept_us: int) -> None:
        """Of what was in the index when the sweep looked, no more may be left than a quota allows, or what is held."""
        seen = [chunk for chunk in chunks if chunk.end_us <= swept_us - COMMIT_US]
        for channels, quota_bytes in self._plan.quota_bytes.items():
            mine = [chunk for chunk in seen if chunk.track.channel in channels]
            used_bytes = sum(chunk.bytes for chunk in mine)
            if used_bytes > quota_bytes and not all(map(self._is_held, mine)):
                self.findings.append(f"channels {sorted(channels)} have {used_bytes} bytes, not {quota_bytes}")

    def _is_held(self, chunk: AgedChunk) -> bool:
        span = TimeRange(chunk.start_us, chunk.end_us)
        return any(hold.covers(chunk.track, span) for hold in self._registry.holds.all())

    # -- once ------------------------------------------------------------------------------------------------------

    def remember_held(self) -> int:
        """Hash every held file; how many there are. For when all that holds cover is finished."""
        self._hashes = self._held_files()
        return len(self._hashes)

    def check_held(self) -> None:
        """Every held file is still there, byte by byte, and indexed."""
        now = self._held_files()
        for path, digest in self._hashes.items():
            if now.get(path) != digest:
                self.findings.append(f"the held file {path} is gone or changed")

    def check_gaps(self) -> Counter[str]:
        """No write was refused. Gives the seconds that are missing, by reason."""
        window = TimeRange(0, self._clock.wall_us())
        gaps = [gap for track in self._index.gap_tracks() for gap in self._index.gaps(track, window)]
        if any(gap.reason is GapReason.DISK for gap in gaps):
            self.findings.append("there are gaps of the reason disk")
        missing: Counter[str] = Counter()
        for gap in gaps:
            missing[gap.reason.value] += (gap.end_us - gap.start_us) // US_PER_S
        return missing

    def _held_files(self) -> dict[Path, bytes]:
        holds = self._registry.holds.all()
        rows = (row for track in self._index.tracks() for page in self._index.pages(track) for row in page)
        held = [row for row in rows if any(hold.covers(row.track, row.time) for hold in holds)]
        return {path: _sha256(path) for row in held for path in [self._place(row.volume) / row.name().path()]}

    def _place(self, volume: int) -> Path:
        return self._rig.volumes[volume] / "footage"


def finished(holds: Iterable[Hold], longest_chunk_s: int, now_us: int) -> bool:
    """Whether every chunk that the holds cover is finished and indexed."""
    return all(hold.end_us + longest_chunk_s * US_PER_S + 2 * COMMIT_US < now_us for hold in holds)


def _sha256(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:
        return b"missing"
