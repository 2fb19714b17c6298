"""What a stream has sent, to be compared with what was recorded."""

from dataclasses import dataclass, field

from tools.simcam.packets import PacketLoop

LONGEST_HISTORY = 4096  # stretches and numbers that are remembered; chosen: hours of tests


@dataclass(frozen=True, slots=True)
class Sent:
    """The figures of one stream. Numbers are those of `Cadence`; with B-frames they count access units as sent."""

    first: int | None  # number of the first access unit sent to anybody
    last: int | None
    access_units: int
    bytes: int  # on the wire, RTP and its framing
    dropped: int  # access units that a slow reader did not get
    sessions: int  # how often somebody began to play


@dataclass(slots=True)
class Tally:
    """Counts one stream. ``_spans`` says which packets the numbers stood for, as faults change them."""

    access_units: int = 0
    wire_bytes: int = 0
    dropped: int = 0
    sessions: int = 0
    _spans: list[tuple[int, int, PacketLoop]] = field(default_factory=list)
    _missed: list[int] = field(default_factory=list)

    def count(self, number: int, packets: PacketLoop, wire_bytes: int) -> None:
        """Access unit ``number`` went out."""
        self.access_units += 1
        self.wire_bytes += wire_bytes
        spans = self._spans
        if spans and spans[-1][1] == number - 1 and spans[-1][2] is packets:
            spans[-1] = (spans[-1][0], number, packets)
        else:
            spans.append((number, number, packets))
            del spans[:-LONGEST_HISTORY]

    def miss(self, number: int) -> None:
        """A reader was too slow for access unit ``number``."""
        self.dropped += 1
        self._missed.append(number)
        del self._missed[:-LONGEST_HISTORY]

    def sent(self) -> Sent:
        first = self._spans[0][0] if self._spans else None
        last = self._spans[-1][1] if self._spans else None
        return Sent(first, last, self.access_units, self.wire_bytes, self.dropped, self.sessions)

    def units(self, first: int, last: int) -> dict[int, list[bytes]]:
        """The NAL units of the access units ``first``…``last`` that were sent whole, by number."""
        missed = {*self._missed}
        return {
            number: packets.units(number)
            for start, end, packets in self._spans
            for number in range(max(first, start), min(last, end) + 1)
            if number not in missed
        }
