"""Makes things go wrong with one camera, while it runs, and mends them again."""

from collections.abc import Mapping

from nvr.timebase import TICKS_PER_S
from tools.simcam.behaviour import LASTING, Argument, Arguments, Behaviour, changed
from tools.simcam.cache import LoopCache, LoopWorker
from tools.simcam.connection import Studio
from tools.simcam.stream import SEQUENCES, TIMES, Stream

ONCE = ("clock_skew", "clock_step", "desync", "disconnect", "gap", "jump", "wrap")
NAMES = tuple(sorted((*ONCE, *LASTING)))
CUTTING = ("refuse", "wrong_password", "wrap")  # faults that also end the sessions that are open


class Faults:
    """Changes streams by the names of faults; media that is needed is made outside the process that sends."""

    def __init__(self, studio: Studio, cache: LoopCache, worker: LoopWorker) -> None:
        self._studio, self._cache, self._worker = studio, cache, worker

    async def apply(self, stream: Stream, name: str, given: Mapping[str, Argument]) -> None:
        """Begin fault ``name``; a new picture is seen from the next sync picture on.

        Raises:
            ConfigError: there is no such fault or argument.
        """
        if name in ONCE:
            arguments = Arguments(name, given)
            self._happen(stream, name, arguments)
            arguments.end()
        else:
            await self._behave(stream, changed(stream.behaviour, name, given))
        if name in CUTTING:
            self._cut(stream)

    async def clear(self, stream: Stream) -> None:
        """A good camera again; its clock stays where a skew has brought it."""
        stream.camera_clock.run_at(0, self._studio.clock.wall_us())
        stream.camera_clock.step_us = 0
        await self._behave(stream, Behaviour())

    async def _behave(self, stream: Stream, behaviour: Behaviour) -> None:
        recipe = behaviour.recipe(stream.plain)
        stream.behaviour = behaviour
        if recipe != stream.loop.recipe and not self._cache.has(recipe):
            await self._worker.make(recipe)
        loop = stream.loop if recipe == stream.loop.recipe else self._cache.load(recipe)
        stream.show(loop)

    def _happen(self, stream: Stream, name: str, arguments: Arguments) -> None:
        clock, now_us = stream.camera_clock, self._studio.clock.wall_us()
        match name:
            case "clock_skew":
                clock.run_at(arguments.number("ppm", 100), now_us)
            case "clock_step":
                clock.step_us += arguments.number("ms", 5000) * 1000
            case "desync":
                stream.line.garble = True
            case "disconnect":
                self._cut(stream)
            case "gap":
                stream.line.skip_packets += arguments.number("packets", 10)
            case "jump":
                stream.rtp_offset_90k += arguments.number("s", 60) * TICKS_PER_S
            case "wrap":
                self._wrap_soon(stream, arguments.number("s", 3), now_us)

    def _wrap_soon(self, stream: Stream, after_s: int, now_us: int) -> None:
        """Let the RTP time wrap in ``after_s`` seconds, and the sequence number about then."""
        cadence = stream.cadence
        number = cadence.number_at(now_us)
        stream.rtp_offset_90k -= (stream.rtp_90k(number) + after_s * TICKS_PER_S) % TIMES
        soon = stream.packets.sequence(number + after_s * cadence.fps) + stream.sequence_offset
        stream.sequence_offset -= soon % SEQUENCES

    def _cut(self, stream: Stream) -> None:
        for connection in [c for c in self._studio.connections if c.stream is stream]:
            connection.abort()
