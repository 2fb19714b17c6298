from hypothesis import given
from hypothesis import strategies as st

from nvr.rtsp.reorder import ReorderBuffer
from nvr.rtsp.rtp import sequence_of
from tests.nvr.rtsp.camera import rtp


class Receiver:
    """A reorder buffer and what came out of it."""

    def __init__(self, limit: int = 8, delay_us: int = 100) -> None:
        self.out: list[int] = []
        self.buffer = ReorderBuffer(self.take, limit=limit, delay_us=delay_us)

    def take(self, view: memoryview, start: int, end: int, _received_us: int) -> None:
        assert bytes(view[start + 12 : end]) == b"payload"
        self.out.append(sequence_of(view, start))

    def push(self, *sequences: int, at_us: int = 0, ssrc: int = 1) -> "Receiver":
        datagram = bytearray(64)
        for sequence in sequences:
            packet = rtp(sequence, 0, b"payload", ssrc=ssrc)
            datagram[: len(packet)] = packet
            self.buffer.push(memoryview(datagram)[: len(packet)], at_us)
            datagram[:] = bytes(64)
        return self


def test_push_swapped_packets_come_out_in_order_over_the_wrap() -> None:
    assert Receiver().push(65_534, 0, 65_535, 2, 1).out == [65_534, 65_535, 0, 1, 2]


def test_push_repeated_packets_come_out_once() -> None:
    receiver = Receiver().push(1, 2, 2, 4, 4, 3, 1)
    assert receiver.out == [1, 2, 3, 4]
    assert receiver.buffer.late == 3


def test_expire_missing_packet_is_given_up_after_the_delay() -> None:
    receiver = Receiver().push(1, 3, 4, at_us=0)
    receiver.buffer.expire(99)
    assert receiver.out == [1]
    receiver.buffer.expire(100)
    assert receiver.out == [1, 3, 4]
    assert receiver.push(2).out == [1, 3, 4]


def test_push_more_than_the_limit_gives_up_the_missing_packet() -> None:
    assert Receiver(limit=3).push(1, 3, 4, 5, 6).out == [1, 3, 4, 5, 6]


def test_push_other_source_begins_anew_behind_what_was_held() -> None:
    assert Receiver().push(100, 102).push(7, 8, ssrc=2).out == [100, 102, 7, 8]


def test_push_same_source_far_behind_begins_anew() -> None:
    assert Receiver().push(40_000, 40_002, 20_000, 20_001).out == [40_000, 40_002, 20_000, 20_001]


def test_flush_gives_everything() -> None:
    receiver = Receiver().push(1, 3, 6)
    receiver.buffer.flush()
    assert receiver.out == [1, 3, 6]


def test_push_what_is_no_rtp_is_counted_and_thrown_away() -> None:
    receiver = Receiver()
    for datagram in (b"", b"x", bytes(40)):
        receiver.buffer.push(memoryview(datagram), 0)
    assert (receiver.out, receiver.buffer.rejected) == ([], 3)


@given(st.permutations(range(12)), st.integers(0, 0xFFFF))
def test_push_any_order_within_the_limit_is_put_right(order: list[int], first: int) -> None:
    receiver = Receiver(limit=16).push(first, *[first + 1 + n & 0xFFFF for n in order])
    assert receiver.out == [first + n & 0xFFFF for n in range(13)]


@given(st.lists(st.integers(0, 0xFFFF), max_size=60))
def test_push_any_numbers_hold_no_more_than_the_limit(sequences: list[int]) -> None:
    receiver = Receiver(limit=4)
    receiver.push(*sequences)
    receiver.buffer.flush()
    assert len(receiver.out) + receiver.buffer.late == len(sequences)
