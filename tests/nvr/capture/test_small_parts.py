"""Placement, back-off, meter and disk queue."""

import random
import threading
from collections import Counter
from dataclasses import dataclass

import pytest

from nvr.capture.backoff import Backoff
from nvr.capture.diskqueue import DiskQueue
from nvr.capture.events import ChunkEnded, FragmentClosed
from nvr.capture.meter import Meter
from nvr.capture.placement import HOUR_US, ranked
from nvr.media import CutReason, Fragment, Sample, Track, TrackKind

TRACK = Track(1, TrackKind.MAIN)


@dataclass(frozen=True)
class Disk:
    uuid: bytes
    weight: int


DISKS = [Disk(bytes([1] * 16), 1), Disk(bytes([2] * 16), 1), Disk(bytes([3] * 16), 2)]


def first_choices(disks: list[Disk]) -> list[Disk]:
    return [ranked(channel, hour * HOUR_US, disks)[0] for channel in range(1, 56) for hour in range(100)]


def test_placement_gives_each_volume_its_weight() -> None:
    shares = Counter(disk.uuid[0] for disk in first_choices(DISKS))
    assert shares[1] == pytest.approx(5500 / 4, rel=0.1)
    assert shares[3] == pytest.approx(5500 / 2, rel=0.1)


def test_placement_without_a_dead_volume_moves_only_what_was_on_it() -> None:
    before, after = first_choices(DISKS), first_choices(DISKS[1:])
    assert all(a == b for a, b in zip(before, after, strict=True) if b is not DISKS[0] and a is not DISKS[0])
    assert {disk.uuid[0] for disk in after} == {2, 3}


def test_backoff_grows_to_its_limit_and_begins_anew_after_success() -> None:
    backoff = Backoff(30_000_000, random.Random(1))
    waits = [backoff.wait_us() for _ in range(10)]
    assert 250_000 <= waits[0] <= 500_000
    assert all(15_000_000 <= wait <= 30_000_000 for wait in waits[7:])
    backoff.succeeded()
    assert backoff.wait_us() <= 500_000


def test_meter_gives_rates_of_the_last_seconds_only() -> None:
    meter = Meter()
    for picture in range(750):
        meter.count(Sample(bytes(20_000 if picture > 375 else 0), picture * 3600, False, picture * 40_000))
    assert meter.rates(30_000_000) == (4_000_000, 25_000)
    assert meter.rates(40_000_000) == (0, 0)


def fragment(size: int) -> FragmentClosed:
    return FragmentClosed(Fragment((bytes(size),), (3600,), (0,), (True,), 0, 0, 0, 0, 0, 0))


def test_queue_over_its_limit_refuses_fragments_but_never_ends() -> None:
    queue = DiskQueue(1000)
    assert queue.put(TRACK, fragment(900))
    assert not queue.put(TRACK, fragment(200))
    assert queue.put(TRACK, ChunkEnded(CutReason.OVERLOAD, 0, 1))
    items = queue.take(0)
    assert len(items) == 2
    assert not queue.put(TRACK, fragment(200))  # taken is not yet written
    queue.done(items)
    assert queue.put(TRACK, fragment(200))


def test_queue_wakes_its_taker_for_an_urgent_fragment() -> None:
    queue = DiskQueue(1 << 20)
    taken: list[int] = []
    taker = threading.Thread(target=lambda: taken.append(len(queue.take(60))))
    taker.start()
    queue.put(TRACK, fragment(10), urgent=True)
    taker.join(5)
    assert taken == [1]
