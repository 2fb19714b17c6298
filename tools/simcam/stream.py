"""One stream of one simulated camera: what is sent to all who play it, picture by picture."""

import asyncio
import random
from dataclasses import dataclass, field

import numpy as np

from nvr.timebase import US_PER_S, Clock, ntp_from_us, ticks_from_us
from tools.simcam import rtcp
from tools.simcam.behaviour import Behaviour
from tools.simcam.camera_clock import CameraClock
from tools.simcam.delivery import Delivery
from tools.simcam.loop import Loop
from tools.simcam.packets import Frame, PacketLoop
from tools.simcam.recipe import Recipe
from tools.simcam.tally import Tally

REPORT_INTERVAL_US = 2 * US_PER_S
MOST_BEHIND_S = 1  # what is later than this is not sent at all, as a camera's buffer is no larger
SEQUENCES, TIMES = 1 << 16, 1 << 32


@dataclass(slots=True)
class Line:
    """Small faults of the wire that happen once."""

    skip_packets: int = 0  # sequence numbers to leave out before the next access unit
    garble: bool = False  # lose the interleaved framing in the next access unit


@dataclass(eq=False)
class Stream:
    """Sends access units to its deliveries. Numbers are those of its `Cadence`."""

    plain: Recipe  # of the camera that is well
    loop: Loop
    clock: Clock
    tally: Tally = field(default_factory=Tally)
    behaviour: Behaviour = field(default_factory=Behaviour)
    camera_clock: CameraClock = field(default_factory=CameraClock)
    deliveries: list[Delivery] = field(default_factory=list)
    line: Line = field(default_factory=Line)
    rtp_offset_90k: int = 0
    sequence_offset: int = 0

    def __post_init__(self) -> None:
        self.cadence = self.plain.cadence
        self.ssrc = 0x51C00000 | self.plain.channel << 4 | self.plain.kind
        self.next_number = 0
        self._packets: PacketLoop | None = None
        self._next: PacketLoop | None = None  # takes over at the next sync picture
        self._random = random.Random(self.ssrc)  # noqa: S311 - chance, not secrets
        self._late_until_s = 0.0

    @property
    def name(self) -> str:
        return f"ch{self.plain.channel:02d}/{self.plain.kind.word}"

    @property
    def packets(self) -> PacketLoop:
        if self._packets is None:
            self._packets = PacketLoop(self.loop, self.behaviour.style, self.ssrc)
        return self._packets

    def warm_up(self) -> None:
        """Cut the packets now, not when the first reader waits for them."""
        _ = self.packets

    def show(self, loop: Loop) -> None:
        """Send ``loop`` in the style of the behaviour, from the next sync picture on."""
        self.loop = loop
        if not self.deliveries:
            self._packets = None
        elif loop is not self.packets.loop or self.behaviour.style != self.packets.style:
            self._next = PacketLoop(loop, self.behaviour.style, self.ssrc)

    def begin(self, taken: int) -> None:
        """Start anew with the access unit that is due when picture ``taken`` is taken."""
        self.next_number = taken - self.packets.loop.delay

    def advance(self, taken: int) -> None:
        """Picture ``taken`` has been taken: send what is due. Without B-frames that is its access unit."""
        due = taken - self.packets.loop.delay
        oldest = due - MOST_BEHIND_S * self.cadence.fps
        while self.next_number < oldest:  # the machine stood still
            self.tally.miss(self.next_number)
            self.next_number += 1
        while self.next_number <= due:
            self.next_number += 1
            self.emit(self.next_number - 1)

    def next_start(self, number: int, *, waits_for_sync: bool) -> int:
        """The first access unit from ``number`` on that a new reader gets."""
        loop = self.packets.loop
        while waits_for_sync and not loop.sync[loop.place(number)]:
            number += 1
        return number

    def sequence(self, number: int) -> int:
        """The sequence number of the first packet of access unit ``number``, not wrapped."""
        return self.packets.sequence(number) + self.sequence_offset

    def rtp_90k(self, number: int) -> int:
        """RTP time at which access unit ``number`` is shown, by the camera's clock, not wrapped."""
        shown = self.packets.loop.shown_number(number)
        cadence = self.cadence
        gained_us = self.camera_clock.gained_us(cadence.instant_us(shown))
        return cadence.rtp_90k(shown) + ticks_from_us(gained_us) + self.rtp_offset_90k

    def emit(self, number: int) -> None:
        """Send access unit ``number`` to everybody who plays."""
        self._switch(number)
        if self.behaviour.stopped or not self.deliveries:
            return
        self.sequence_offset += self.line.skip_packets
        self.line.skip_packets = 0
        jitter_s = self.behaviour.jitter_ms / 1000
        if not jitter_s and not self._late_until_s:
            self._send(number)
            return
        loop = asyncio.get_running_loop()
        due_s = max(loop.time() + self._random.uniform(0, jitter_s), self._late_until_s)
        if not jitter_s and due_s <= loop.time():
            self._late_until_s = 0.0
            self._send(number)
            return
        self._late_until_s = due_s + 1e-6  # the order is kept
        loop.call_at(due_s, self._send, number)

    def _switch(self, number: int) -> None:
        upcoming = self._next
        if upcoming is None or not upcoming.loop.sync[upcoming.loop.place(number)]:
            return
        expected = self.sequence(number)
        self._packets, self._next = upcoming, None
        self.sequence_offset += expected - self.sequence(number)

    def _send(self, number: int) -> None:
        packets = self.packets
        sequence, rtp_90k = self.sequence(number), self.rtp_90k(number)
        is_sync = packets.loop.sync[packets.loop.place(number)]
        frames: dict[int, Frame] = {}
        sent = 0
        for delivery in list(self.deliveries):
            if delivery.waits_for_sync and not is_sync:
                continue
            delivery.waits_for_sync = False
            self._accompany(delivery, number)
            frame = frames.get(delivery.rtp_channel)
            if frame is None:
                frame = self._spoil(packets.frame(number, sequence, rtp_90k, delivery.rtp_channel))
                frames[delivery.rtp_channel] = frame
            if delivery.send(frame):
                sent = frame.wire.size
            else:
                self.tally.miss(number)
        if sent:
            self.tally.count(number, packets, sent)

    def _accompany(self, delivery: Delivery, number: int) -> None:
        """What goes before an access unit: a sender report every 2 s, and the camera's own requests."""
        every = self.behaviour.request_every
        if every and number % every == 0:
            method = ("OPTIONS", "SET_PARAMETER", "GET_PARAMETER")[number // every % 3]
            delivery.request(f"{method} * RTSP/1.0\r\nCSeq: {number % 100_000}\r\n\r\n".encode())
        now_us = self.clock.wall_us()
        if self.behaviour.reports and now_us >= delivery.report_due_us:
            delivery.report_due_us = now_us + REPORT_INTERVAL_US
            delivery.report(self.sender_report(now_us, delivery))

    def sender_report(self, now_us: int, delivery: Delivery) -> bytes:
        """The camera's clock and its RTP time at ``now_us``."""
        gained_us = self.camera_clock.gained_us(now_us)
        rtp_90k = ticks_from_us(now_us + gained_us) + self.rtp_offset_90k
        ntp = ntp_from_us(self.camera_clock.camera_us(now_us))
        return rtcp.sender_report(self.ssrc, ntp, rtp_90k % TIMES, delivery.packets, delivery.octets)

    def _spoil(self, frame: Frame) -> Frame:
        """Lose packets, or the framing, where that is asked for."""
        percent = self.behaviour.drop_percent
        if not percent and not self.line.garble:
            return frame
        packets = [packet for packet in frame.packets() if self._random.randrange(100) >= percent]
        if self.line.garble:
            self.line.garble = False
            packets.insert(len(packets) // 2, memoryview(b"\x17\x2a" * 3))
        lengths = np.array([0, *map(len, packets)], np.int64)
        return Frame(np.frombuffer(b"".join(packets), np.uint8), lengths.cumsum()[:-1])
