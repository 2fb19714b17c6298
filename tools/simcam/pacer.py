"""The heartbeat: every stream that somebody plays sends its pictures at their instants."""

import asyncio
from dataclasses import dataclass, field

from nvr.timebase import US_PER_S, Clock
from tools.simcam.cadence import Cadence
from tools.simcam.stream import Stream


@dataclass(eq=False)
class Beat:
    """The streams that send at the same instants."""

    cadence: Cadence  # of any of them: they differ in shift only
    next_number: int
    streams: list[Stream] = field(default_factory=list)


class Pacer:
    """Wakes the streams; one timer for all that are in step."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self._loop, self._clock = loop, clock
        self._beats: dict[tuple[int, int], Beat] = {}

    def add(self, stream: Stream) -> int:
        """Let ``stream`` send; the access unit that it sends next. Nothing changes where it sends already."""
        cadence = stream.cadence
        key = (cadence.fps, cadence.phase)
        beat = self._beats.get(key)
        if beat is None:
            beat = self._beats[key] = Beat(cadence, cadence.number_at(self._clock.wall_us()) + 1)
            self._await(beat)
        if stream not in beat.streams:
            beat.streams.append(stream)
            stream.begin(beat.next_number)
        return stream.next_number

    def _await(self, beat: Beat) -> None:
        wait_us = beat.cadence.instant_us(beat.next_number) - self._clock.wall_us()
        self._loop.call_later(max(0, wait_us) / US_PER_S, self._tick, beat)

    def _tick(self, beat: Beat) -> None:
        cadence, now_us = beat.cadence, self._clock.wall_us()
        beat.streams = [stream for stream in beat.streams if stream.deliveries]
        if not beat.streams:
            del self._beats[cadence.fps, cadence.phase]
            return
        due = cadence.number_at(now_us)
        if due >= beat.next_number:
            for stream in beat.streams:
                stream.advance(due)
            beat.next_number = due + 1
        self._await(beat)
