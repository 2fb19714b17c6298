"""Every fault does what its name says, to one camera, and is over when it is cleared."""

import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from nvr.media import TrackKind
from nvr.timebase import NTP_EPOCH_S, US_PER_S
from tests.tools.simcam.conftest import FRAMES, TICKS, Play, codec
from tests.tools.simcam.pictures import decoded
from tests.tools.simcam.reader import Garbled, Packet, Reader, nal_units
from tools.simcam import blocks
from tools.simcam.fleet import Fleet
from tools.simcam.loop import is_parameter_set, nal_type

Units = list[list[Packet]]


def kinds(channel: int, packets: Sequence[Packet]) -> list[int]:
    return [nal_type(codec(channel), unit) for unit in nal_units(codec(channel), list(packets))]


def pictures(channel: int, units: Sequence[Sequence[Packet]]) -> list[np.ndarray]:
    return decoded(codec(channel), [nal_units(codec(channel), list(unit)) for unit in units])


def gaps(packets: Sequence[Packet]) -> list[int]:
    """How many sequence numbers are missing, where some are."""
    steps = [(b.sequence - a.sequence) % 65536 - 1 for a, b in pairwise(packets)]
    return [step for step in steps if step]


def flat(units: Sequence[Sequence[Packet]]) -> list[Packet]:
    return [packet for unit in units for packet in unit]


# --- the sending ---------------------------------------------------------------------------------------------------


def test_stop_sends_nothing_and_clear_goes_on(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    reader.packets(5)
    fleet.fault(1, "stop")
    reader.socket.settimeout(0.4)
    with pytest.raises(TimeoutError):
        reader.until(lambda packet: False)
    reader.socket.settimeout(5)
    fleet.clear(1)
    assert reader.access_units(3)


def test_fault_of_one_kind_leaves_the_other_stream_and_other_channels_alone(fleet: Fleet, play: Play) -> None:
    sub, neighbour = play(1, TrackKind.SUB), play(3)
    fleet.fault(1, "stop", kind=TrackKind.MAIN)
    assert not gaps(sub.packets(20))
    assert not gaps(neighbour.packets(60))


def test_disconnect_ends_the_connection(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    reader.packets(1)
    fleet.fault(1, "disconnect")
    with pytest.raises(ConnectionError):
        reader.until(lambda packet: False)
    assert play(1).packets(1)


def test_jitter_delays_but_keeps_order_and_times(fleet: Fleet, play: Play) -> None:
    reader = play(3)
    cadence = fleet.media(3).cadence
    fleet.fault(3, "jitter", ms=120)
    units = reader.access_units(40)
    assert not gaps(flat(units))
    assert {(b[0].time_90k - a[0].time_90k) % 2**32 for a, b in pairwise(units)} == {TICKS}
    period_us = US_PER_S // cadence.fps
    delays = np.diff([unit[0].arrived_us for unit in units]) - period_us
    assert delays.max() > period_us / 2
    fleet.clear(3)
    assert reader.access_units(5)


def test_drop_loses_about_so_many_packets(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    fleet.fault(1, "drop", percent=20)
    packets = reader.packets(120)
    lost = sum(gaps(packets))
    assert 5 <= lost <= 60
    fleet.clear(1)
    reader.access_units(2)
    assert not gaps(reader.packets(30))


def test_requests_come_between_access_units(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    fleet.fault(1, "requests", every=3)
    reader.texts.clear()
    packets = flat(reader.access_units(20))
    assert not gaps(packets)
    methods = {text.split()[0] for text in reader.texts}
    assert methods == {"OPTIONS", "SET_PARAMETER", "GET_PARAMETER"}


def test_no_reports_sends_none(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "no_reports")
    reader = play(1)
    reader.access_units(10)
    assert reader.reports == []


def test_clock_step_is_seen_in_sender_reports(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "clock_step", ms=90_000)
    reader = play(1)
    reader.packets(1)
    seconds = int.from_bytes(reader.reports[0][8:12], "big") - NTP_EPOCH_S
    assert 88 < seconds - time.time() <= 91


def test_clock_skew_stretches_rtp_time_and_reports(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    fleet.fault(1, "clock_skew", ppm=100_000)
    units = reader.access_units(12)
    assert set(np.diff([unit[0].time_90k for unit in units]) % 2**32) <= {TICKS * 11 // 10 + off for off in (-1, 0, 1)}
    fleet.fault(1, "clock_skew", ppm=0)
    steps = [(b[0].time_90k - a[0].time_90k) % 2**32 for a, b in pairwise(reader.access_units(5))]
    assert steps[-1] == TICKS


def test_desync_breaks_the_framing(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    fleet.fault(1, "desync")
    with pytest.raises(Garbled):
        reader.until(lambda packet: False)


def test_gap_leaves_sequence_numbers_out(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    packets = reader.packets(5)
    fleet.fault(1, "gap", packets=17)
    assert gaps(packets + reader.packets(80)) == [17]


def test_jump_moves_rtp_time_once(fleet: Fleet, play: Play) -> None:
    reader = play(1)
    units = reader.access_units(3)
    fleet.fault(1, "jump", s=60)
    units += reader.access_units(15)[1:]
    steps = [(b[0].time_90k - a[0].time_90k) % 2**32 for a, b in pairwise(units)]
    assert sum(step > 60 * 90_000 for step in steps) == 1


def test_wrap_comes_soon_for_time_and_sequence(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "wrap", s=1)
    packets = flat(play(1).access_units(40))
    assert not gaps(packets)
    assert any(b.time_90k < a.time_90k for a, b in pairwise(packets))
    assert any(b.sequence < a.sequence for a, b in pairwise(packets))


# --- the packing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [1, 2])
@pytest.mark.parametrize(
    ("name", "bit"), [("padding", 0x20), ("csrc", 0x02), ("extension", 0x10)], ids=["padding", "csrc", "extension"]
)
def test_header_extras_leave_the_nal_units_alone(fleet: Fleet, play: Play, channel: int, name: str, bit: int) -> None:
    fleet.fault(channel, name)
    units = play(channel).access_units(5)
    assert all(packet.first & bit for packet in flat(units))
    stamps = [blocks.read(picture) for picture in pictures(channel, units)]
    assert all(stamps)


def test_no_markers_sets_none(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "no_markers")
    assert not any(packet.marker for packet in play(1).packets(40))


@pytest.mark.parametrize("channel", [1, 2])
def test_parameter_sets_are_where_they_are_wanted(fleet: Fleet, play: Play, channel: int) -> None:
    fleet.fault(channel, "parameter_sets", where="sdp")
    reader = play(channel)
    assert "sprop-" in reader.sdp
    units = nal_units(codec(channel), flat(reader.access_units(15)))
    assert not any(is_parameter_set(codec(channel), unit) for unit in units)
    fleet.fault(channel, "parameter_sets", where="band")
    reader = play(channel)
    assert not any(word in reader.sdp for word in ("sprop-parameter-sets", "sprop-sps"))
    units = nal_units(codec(channel), reader.access_units(1)[0])
    assert sum(is_parameter_set(codec(channel), unit) for unit in units) == (2 if channel == 1 else 3)


def test_trailing_bytes_follow_the_parameter_sets(fleet: Fleet, play: Play) -> None:
    fleet.fault(1, "trailing_bytes")
    reader = play(1)
    sps, pps = nal_units(codec(1), reader.access_units(1)[0])[:2]
    assert sps.endswith(b"\0\0\0")
    assert pps.endswith(b"\0\0\0")
    assert "AAAA" in reader.sdp


@pytest.mark.parametrize(("channel", "aggregate"), [(1, 24), (2, 48)])
def test_aggregate_puts_parameter_sets_in_one_packet(fleet: Fleet, play: Play, channel: int, aggregate: int) -> None:
    fleet.fault(channel, "aggregate")
    unit = play(channel).access_units(1)[0]
    assert nal_type(codec(channel), unit[0].payload) == aggregate
    assert len(kinds(channel, unit)) >= 3


# --- the pictures --------------------------------------------------------------------------------------------------


def after(reader: Reader, fleet: Fleet, channel: int, name: str, *, take: int = 20, **arguments: int) -> Units:
    """Access units from the sync picture on with which the fault has begun; none is missing before it.

    Only for a channel whose RTP time has not been moved.
    """
    fleet.fault(channel, name, **arguments)  # type: ignore[arg-type]
    cadence = fleet.media(channel).cadence
    begun = cadence.rtp_90k(cadence.number_at(time.time_ns() // 1000))
    units: Units = []
    for unit in reader.units():
        units.append(unit)
        is_later = (unit[0].time_90k - begun) % 2**32 < 2**31
        if is_later and any(is_parameter_set(codec(channel), nal) for nal in nal_units(codec(channel), unit)):
            break
    units += reader.access_units(take - 1)
    assert not gaps(flat(units))
    return units[-take:]


def test_black_darkens_the_scene_at_a_sync_picture_without_a_gap(fleet: Fleet, play: Play) -> None:
    seen = pictures(4, after(play(4), fleet, 4, "black"))
    assert all(picture[60:160].max() < 40 for picture in seen)


def test_blur_softens_the_scene(fleet: Fleet, play: Play) -> None:
    reader = play(4)
    sharp = pictures(4, reader.access_units(1))[0]
    soft = pictures(4, after(reader, fleet, 4, "blur"))[0]
    steps = [np.abs(np.diff(picture[40:160].astype(int))).mean() for picture in (sharp, soft)]
    assert steps[1] < steps[0] / 2


def test_freeze_repeats_one_picture(fleet: Fleet, play: Play) -> None:
    seen = pictures(4, after(play(4), fleet, 4, "freeze"))
    assert len({blocks.read(picture) for picture in seen}) == 1


def test_size_changes_the_pictures_and_the_parameter_sets(fleet: Fleet, play: Play) -> None:
    reader = play(4)
    before = nal_units(codec(4), reader.access_units(1)[0])[0]
    units = after(reader, fleet, 4, "size", width=240, height=136)
    assert pictures(4, units)[0].shape == (136, 240)
    assert nal_units(codec(4), units[0])[0] != before
    assert "sprop" in play(4).sdp


def test_b_frames_are_shown_in_another_order_than_sent(fleet: Fleet, play: Play) -> None:
    units = after(play(4), fleet, 4, "b_frames", count=2)
    times = [unit[0].time_90k for unit in units[:8]]
    assert times != sorted(times)
    stamps = [blocks.read(picture) for picture in pictures(4, units[:10])]
    numbers = [stamp.picture for stamp in stamps if stamp]
    assert len(numbers) >= 7
    assert all((b - a) % FRAMES == 1 for a, b in pairwise(numbers))


@pytest.mark.slow
def test_slow_gop_has_few_sync_pictures(fleet: Fleet, play: Play) -> None:
    units = after(play(4), fleet, 4, "slow_gop", take=150, ms=1500)
    sync = [place for place, unit in enumerate(units) if 5 in kinds(4, unit)]
    assert {b - a for a, b in pairwise(sync)} <= {10, 20, 60}
    assert sync[-1] - sync[-2] in (20, 60)
    assert 60 in {b - a for a, b in pairwise(sync)}


def test_slices_are_cut(fleet: Fleet, play: Play) -> None:
    units = after(play(4), fleet, 4, "slices", count=4)
    assert {len([kind for kind in kinds(4, unit) if kind in (1, 5)]) for unit in units} == {4}


def test_two_faults_hold_together_and_clear_mends_both(fleet: Fleet, play: Play) -> None:
    reader = play(4)
    fleet.fault(4, "black")
    units = after(reader, fleet, 4, "no_markers", take=5)
    assert not any(packet.marker for packet in flat(units))
    assert all(picture[60:160].max() < 40 for picture in pictures(4, units))
    fleet.clear(4)
    reader.until(lambda packet: packet.marker)
    assert all(unit[-1].marker for unit in reader.access_units(10)[1:])
