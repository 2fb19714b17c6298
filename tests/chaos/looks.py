"""What the program shows of itself while it runs, held against what it does: states, memory."""

from dataclasses import dataclass, field
from pathlib import Path

from nvr.media import Track
from nvr.timebase import US_PER_S
from tests.running import Running
from tools.process import pss_mb, tree

SILENCE_US = 12 * US_PER_S  # after so long without pictures a camera is told as silent, at the latest
SHOWN_US = 4 * US_PER_S  # by which footage may lag behind what is shown: a fragment, a sync, a busy machine
STILL_US = 18 * US_PER_S  # of footage on its way to the disk when the session ended: the disk may have hung for 14 s


@dataclass
class Memory:
    """The most that was seen, MB (proportional set size)."""

    recorder_mb: float = 0.0
    web_mb: float = 0.0

    def look(self, program: Running) -> None:
        for pid in tree(program.process.pid)[1:]:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"recorder" in words:
                self.recorder_mb = max(self.recorder_mb, pss_mb(pid))
            elif b"web" in words:
                self.web_mb = max(self.web_mb, pss_mb(pid))


@dataclass
class States:
    """Two looks a moment apart tell whether a state is true.

    Args:
        good: tracks that must be recording whenever somebody looks.
    """

    program: Running
    good: list[Track]
    wrong: list[str] = field(default_factory=list)
    moments: int = 0

    def look(self, pause_s: float = 2.0, *, clock_was_wrong: bool = False) -> None:
        """At a moment of the caller's choice; after a wrong clock the newest footage is filed under another time."""
        first, first_ends = self._states(), self._ends()
        until_us = self._now_us() + int(pause_s * US_PER_S)
        self.program.until(lambda: self._now_us() >= until_us, "the second look", 60)
        second, second_ends = self._states(), self._ends()
        now_us = self._now_us()
        self.moments += 1
        for track, (state, since_us) in second.items():
            if track in self.good and state != "recording":
                self.wrong.append(f"{track} is {state}")
            if (state, since_us) != first.get(track):
                continue
            begun, end = first_ends.get(track, 0), second_ends.get(track, 0)
            newest_us = max(end, int(str(since_us)))  # the first footage of a camera is on its way for a moment
            if state == "recording" and not clock_was_wrong and newest_us < now_us - SILENCE_US - SHOWN_US:
                self.wrong.append(f"{track} is {state}, but its footage ended {(now_us - end) / US_PER_S:.1f} s ago")
            grew = not clock_was_wrong and begun > 0 and end - begun > STILL_US
            if state not in ("recording", "starting") and grew:
                self.wrong.append(f"{track} is {state}, but its footage grew by {(end - begun) / US_PER_S:.1f} s")

    def _now_us(self) -> int:
        return int(self.program.json("/api/site")["now_us"])

    def _tracks(self) -> list[tuple[Track, dict[str, object]]]:
        kinds = {kind.word: kind for kind in (track.kind for track in self.good)}
        return [
            (Track(channel["number"], kinds[one["kind"]]), one)
            for channel in self.program.json("/api/channels")
            for one in channel["tracks"]
            if one["kind"] in kinds
        ]

    def _states(self) -> dict[Track, tuple[str, object]]:
        """State, and since when: a camera that flaps may be in the same one twice."""
        return {track: (str(one["state"]), one["since_us"]) for track, one in self._tracks()}

    def _ends(self) -> dict[Track, int]:
        return {track: int(str(one["last_us"] or 0)) for track, one in self._tracks()}
