"""Six cameras, each with something of its own, recorded some minutes ago by the real writers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from indexer.board import TrackState, TrackStatus
from nvr.media import Codec, Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_S, us_from_90k
from tests.web.pictures import stream
from tests.web_ui.house import House, fragments

FPS = 25
GROUP = 50  # pictures from one sync sample to the next: 2 s
TICK_US = us_from_90k(90_000 // FPS)

GAPPY, BFRAMES, SICK, HEVC, LIVE, HEVC_ONLY = range(1, 7)
RUN_PICTURES = 600  # 24 s
GAP_US = 30 * US_PER_S


class Town:
    """What was recorded, and what is being recorded while `living`."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        # no round number of seconds, so that rounding must not help
        self.start_us = house.clock.wall_us() - 600 * US_PER_S + 123_457
        self._record_gappy()
        self._record_b_frames()
        self._record_hevc()
        house.camera(SICK, "Ga Hồ Xá")
        house.camera(LIVE, "Bến xe khách")

    # -- channel 1: two runs with a gap between --------------------------------------------------------------------

    @property
    def gap(self) -> tuple[int, int]:
        """Where channel 1 has no footage."""
        first_us = self.start_us + RUN_PICTURES * TICK_US
        return first_us, first_us + GAP_US

    @property
    def end_us(self) -> int:
        return self.gap[1] + RUN_PICTURES * TICK_US

    def number_at(self, at_us: int) -> int:
        """The picture of channel 1 that is on the screen at an instant."""
        if at_us < self.gap[0]:
            return (at_us - self.start_us) // TICK_US
        return RUN_PICTURES + (at_us - self.gap[1]) // TICK_US

    def wall_of(self, number: int) -> int:
        """When a picture of channel 1 was taken."""
        if number < RUN_PICTURES:
            return self.start_us + number * TICK_US
        return self.gap[1] + (number - RUN_PICTURES) * TICK_US

    def _record_gappy(self) -> None:
        track = Track(GAPPY, TrackKind.MAIN)
        self.house.camera(GAPPY, "Cổng chợ")
        first = stream(pictures=RUN_PICTURES, group=GROUP, size=(640, 360))
        second = stream(pictures=RUN_PICTURES, group=GROUP, size=(640, 360), first=RUN_PICTURES)
        assert self.house.record(first, track, self.start_us, 4 * GROUP) == self.gap[0]
        self.house.record(second, track, self.gap[1], 4 * GROUP)
        self.house.gap(Gap(track, *self.gap, GapReason.NETWORK, "no route to host"))

    def _record_b_frames(self) -> None:
        self.house.camera(BFRAMES, "Hồ Bàu Sen")
        coded = stream(pictures=300, group=GROUP, b_frames=2)
        self.house.record(coded, Track(BFRAMES, TrackKind.MAIN), self.start_us, 2 * GROUP)

    def _record_hevc(self) -> None:
        self.house.camera(HEVC, "Cầu Châu Thị")
        main = stream(codec=Codec.H265, pictures=100, group=GROUP)
        sub = stream(pictures=100, group=GROUP)
        self.house.record(main, Track(HEVC, TrackKind.MAIN), self.start_us, GROUP)
        self.house.record(sub, Track(HEVC, TrackKind.SUB), self.start_us, GROUP)
        self.house.camera(HEVC_ONLY, "Chợ đêm Lê Duẩn")
        self.house.record(main, Track(HEVC_ONLY, TrackKind.MAIN), self.start_us, GROUP)

    # -- what goes on now ------------------------------------------------------------------------------------------

    @contextmanager
    def living(self) -> Iterator[None]:
        """The recorder's heart beats and channel 5 records."""
        stop = threading.Event()
        thread = threading.Thread(target=self._live, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _live(self, stop: threading.Event) -> None:
        coded = stream(pictures=12 * GROUP, group=GROUP, size=(640, 360))
        track, clock = Track(LIVE, TrackKind.MAIN), self.house.clock
        self._post_others()
        begin_us = clock.wall_us()
        for sequence in range(1, 1_000):
            start_us = begin_us + (sequence - 1) * len(coded.units) * TICK_US
            chunk = self.house.begin(coded, track, start_us, 1, sequence)
            for fragment in fragments(coded, coded.units, start_us):
                due_us = chunk.end_us + us_from_90k(fragment.duration_90k)
                if stop.wait(max(0, due_us - clock.wall_us()) / US_PER_S):
                    chunk.part.abandon()
                    return
                chunk.append(fragment)
                self.house.post_open(track, chunk, 1)
                self.house.beat()
            self.house.seal(chunk)

    def _post_others(self) -> None:
        well = TrackStatus(
            track=Track(GAPPY, TrackKind.MAIN),
            state=TrackState.RECORDING,
            codec="avc1.42c01e",
            width=640,
            height=360,
            bitrate_bps=1_000_000,
            fps_milli=FPS * 1000,
        )
        self.house.post(well)
        self.house.post(replace(well, track=Track(BFRAMES, TrackKind.MAIN)))
        for channel in (HEVC, HEVC_ONLY):
            self.house.post(replace(well, track=Track(channel, TrackKind.MAIN), codec="hvc1.1.6.L60.90"))
        self.house.post(replace(well, track=Track(HEVC, TrackKind.SUB)))
        sick = Track(SICK, TrackKind.MAIN)
        away = TrackState.WAITING
        self.house.post(TrackStatus(track=sick, state=away, reason=GapReason.NETWORK, message="no route to host"))
