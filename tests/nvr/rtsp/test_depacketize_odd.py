"""Streams as cameras send them against the book: what is forgotten, doubled or misplaced costs no picture."""

from dataclasses import replace

import pytest

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets, Sample
from nvr.rtsp.assemble import GROUP_LIMIT, NALS_LIMIT
from nvr.rtsp.depacketize import Depacketizer
from nvr.rtsp.depacketize_h264 import H264Depacketizer
from nvr.rtsp.depacketize_h265 import H265Depacketizer
from nvr.rtsp.rtcp import SenderReport
from nvr.timebase import ntp_from_us, us_from_ntp
from tests.nvr.codec.bits import BitWriter, H264Sps
from tests.nvr.rtsp.camera import (
    PPS,
    PPS_265,
    SPS,
    SPS_265,
    SSRC,
    VPS_265,
    Stream,
    aggregation_265,
    fu_265,
    fu_a,
    idr,
    lengths,
    media,
    nal_265,
    rtp,
    slice_,
    stap_a,
)

RECOVERY_POINT, RECOVERY_POINT_265 = b"\x06\x06\x01\xc4\x80", b"\x4e\x01\x06\x01\xd0\x80"
INTRA = b"\x41\x88" + bytes(range(1, 40))  # first_mb_in_slice 0, slice_type 7


def pushed(packets: list[bytes], codec: Codec = Codec.H264, *described: bytes) -> tuple[Depacketizer, list[Sample]]:
    kind = H264Depacketizer if codec is Codec.H264 else H265Depacketizer
    depacketizer = kind(media(codec, described))
    samples = []
    for packet in packets:
        depacketizer.push(memoryview(packet), 0, len(packet), 0)
        depacketizer.hold()
        samples += depacketizer.take()
    depacketizer.finish()
    return depacketizer, samples + depacketizer.take()


def stream(pictures: list[list[bytes]], *, marker: bool = True) -> list[bytes]:
    source = Stream()
    return [packet for payloads in pictures for packet in source.picture(*payloads, marker=marker)]


def whole(samples: list[Sample]) -> list[tuple[bytes, int]]:
    return [(sample.data, sample.lost_packets) for sample in samples]


def without_bit(payload: bytes, bit: int, at: int = 1) -> bytes:
    return payload[:at] + bytes((payload[at] & ~bit,)) + payload[at + 1 :]


# -- fragments


BIG = [idr(100), slice_(90), slice_(80), idr(70)]
BIG_265 = [nal_265(19, 100), nal_265(1, 90), nal_265(1, 80), nal_265(20, 70)]


@pytest.mark.parametrize("marker", [True, False])
def test_fragments_without_end_bit_are_ended_by_marker_or_next_unit(marker: bool) -> None:
    pictures = [[without_bit(piece, 0x40) for piece in fu_a(nal)] for nal in BIG]
    _, samples = pushed(stream([*pictures, [slice_()]], marker=marker))
    assert whole(samples)[:4] == [(lengths(nal), 0) for nal in BIG]


def test_fragments_without_end_bit_h265() -> None:
    pictures = [[without_bit(piece, 0x40, 2) for piece in fu_265(nal)] for nal in BIG_265]
    _, samples = pushed(stream(pictures), Codec.H265)
    assert whole(samples) == [(lengths(nal), 0) for nal in BIG_265]


def test_fragments_without_end_bit_inside_a_picture_are_ended_by_the_next_slice() -> None:
    slices = [idr(100), idr(90, first=False), idr(80, first=False)]
    pieces = [without_bit(piece, 0x40) for nal in slices for piece in fu_a(nal)]
    _, samples = pushed(stream([pieces, [slice_()]]))
    assert whole(samples)[0] == (lengths(*slices), 0)


def test_fragments_without_start_bit_begin_a_nal_unit_where_nothing_is_missing() -> None:
    pictures = [[SPS, PPS, *(without_bit(piece, 0x80) for piece in fu_a(nal))] for nal in BIG]
    _, samples = pushed(stream(pictures))
    assert whole(samples) == [(lengths(SPS, PPS, nal), 0) for nal in BIG]


def test_fragments_without_start_and_end_bit_are_told_apart_by_the_marker() -> None:
    pictures = [[SPS, PPS, *(without_bit(piece, 0xC0) for piece in fu_a(nal))] for nal in BIG]
    _, samples = pushed(stream(pictures))
    assert whole(samples) == [(lengths(SPS, PPS, nal), 0) for nal in BIG]


def test_fragment_without_start_bit_behind_a_loss_begins_nothing() -> None:
    packets = stream([[slice_()], [without_bit(piece, 0x80) for piece in fu_a(idr(100))], [slice_(fill=9)]])
    del packets[2]
    _, samples = pushed(packets)
    assert [sample.data for sample in samples] == [lengths(slice_()), lengths(slice_(fill=9))]
    assert sum(sample.lost_packets for sample in samples) == 1


@pytest.mark.parametrize("place", [0, 2, 3])
def test_fragment_without_data_is_no_loss(place: int) -> None:
    pieces = fu_a(idr(100))
    pieces.insert(place, pieces[place][:2])
    if place == 0:
        pieces[1] = without_bit(pieces[1], 0x80)
    _, samples = pushed(stream([pieces, [slice_()]]))
    assert whole(samples) == [(lengths(idr(100)), 0), (lengths(slice_()), 0)]


def test_last_fragment_without_data_ends_the_nal_unit() -> None:
    pictures = [[*(without_bit(piece, 0x40) for piece in fu_a(nal)), fu_a(nal)[-1][:2]] for nal in BIG]
    assert whole(pushed(stream(pictures))[1]) == [(lengths(nal), 0) for nal in BIG]


def test_last_fragment_without_data_ends_the_nal_unit_h265() -> None:
    pictures = [[*(without_bit(piece, 0x40, 2) for piece in fu_265(nal)), fu_265(nal)[-1][:3]] for nal in BIG_265]
    assert whole(pushed(stream(pictures), Codec.H265)[1]) == [(lengths(nal), 0) for nal in BIG_265]


def test_fragment_with_another_type_keeps_the_key_frame_h265() -> None:
    pieces = fu_265(nal_265(19, 100))
    pieces[-1] = pieces[-1][:2] + bytes((0x40 | 38,)) + pieces[-1][3:]
    _, samples = pushed(stream([pieces, [nal_265(1)]]), Codec.H265)
    assert whole(samples) == [(lengths(nal_265(19, 100)), 0), (lengths(nal_265(1)), 0)]
    assert samples[0].is_sync


# -- time stamps


@pytest.mark.parametrize("place", [1, 3])
def test_one_wrong_time_inside_a_nal_unit_does_not_cut_it(place: int) -> None:
    packets = stream([fu_a(idr(100)), [slice_()]])
    packets[place] = packets[place][:4] + b"\0\0\0\7" + packets[place][8:]
    _, samples = pushed(packets)
    assert whole(samples) == [(lengths(idr(100)), 0), (lengths(slice_()), 0)]
    assert samples[1].presentation_90k - samples[0].presentation_90k == 3600


def test_one_wrong_time_of_a_further_slice_does_not_cut_the_picture() -> None:
    slices = [idr(), idr(first=False), idr(30, first=False)]
    packets = stream([slices, [slice_()]])
    packets[1] = packets[1][:4] + b"\0\0\0\7" + packets[1][8:]
    assert whole(pushed(packets)[1]) == [(lengths(*slices), 0), (lengths(slice_()), 0)]


def test_times_of_another_clock_rate_are_given_in_ticks_of_90_khz() -> None:
    depacketizer = H264Depacketizer(replace(media(), clock_rate=30_000))
    depacketizer.sender_report = SenderReport(SSRC, ntp_from_us(1_763_464_000_000_000), 1000, 0)
    for packet in Stream().picture(slice_(), ticks=1200), Stream(65_531, 2200).picture(slice_()):
        depacketizer.push(memoryview(next(packet)), 0, 52, 0)
        depacketizer.hold()
    depacketizer.finish()
    samples = depacketizer.take()
    assert samples[1].presentation_90k - samples[0].presentation_90k == 3600
    assert abs(us_from_ntp(samples[1].ntp) - us_from_ntp(samples[0].ntp) - 40_000) <= 1


# -- start codes inside


CODES = [b"\0\0\1", b"\0\0\0\1"]


@pytest.mark.parametrize("code", CODES)
def test_start_codes_inside_a_single_nal_unit_divide_it(code: bytes) -> None:
    for lead in (b"", code):
        _, samples = pushed(stream([[lead + code.join([SPS, PPS, idr()])], [slice_()]]))
        assert whole(samples) == [(lengths(SPS, PPS, idr()), 0), (lengths(slice_()), 0)]
        assert samples[0].parameter_sets == ParameterSets(Codec.H264, (), (SPS,), (PPS,))


@pytest.mark.parametrize("code", CODES)
def test_start_codes_inside_fragments_divide_them(code: bytes) -> None:
    for lead in (b"", code):
        _, samples = pushed(stream([fu_a(lead + code.join([SPS, PPS, idr(400)]), 30), [slice_()]]))
        assert whole(samples) == [(lengths(SPS, PPS, idr(400)), 0), (lengths(slice_()), 0)]
        assert samples[0].is_sync


@pytest.mark.parametrize("code", CODES)
def test_start_codes_between_slices_in_fragments_divide_them(code: bytes) -> None:
    slices = [idr(90), idr(80, first=False)]
    _, samples = pushed(stream([fu_a(code.join(slices), 30), [slice_()]]))
    assert whole(samples)[0] == (lengths(*slices), 0)


@pytest.mark.parametrize("code", CODES)
def test_start_codes_inside_an_aggregation_divide_its_units(code: bytes) -> None:
    _, samples = pushed(stream([[stap_a(code + SPS + code + PPS, code + idr())], [slice_()]]))
    assert whole(samples)[0] == (lengths(SPS, PPS, idr()), 0)


@pytest.mark.parametrize("code", CODES)
def test_start_codes_h265(code: bytes) -> None:
    units = [VPS_265, SPS_265, PPS_265, nal_265(19, 60)]
    joined = code.join(units)
    for payloads in ([joined], [code + joined], fu_265(joined), [aggregation_265(code + joined)]):
        _, samples = pushed(stream([payloads, [nal_265(1)]]), Codec.H265)
        assert whole(samples)[0] == (lengths(*units), 0)


def test_length_that_looks_like_a_start_code_divides_nothing() -> None:
    pictures = [[slice_(256 + fill, fill=fill)] for fill in range(20, 28)]  # behind 00 00 01 xx
    assert whole(pushed(stream(pictures))[1]) == [(lengths(payloads[0]), 0) for payloads in pictures]


# -- aggregation


def test_aggregation_filled_up_with_zeros_is_whole() -> None:
    _, samples = pushed(stream([[stap_a(SPS, PPS, idr()) + b"\0\0\0"], [slice_()]]))
    assert whole(samples) == [(lengths(SPS, PPS, idr()), 0), (lengths(slice_()), 0)]


def test_aggregation_with_a_length_beyond_its_end_keeps_the_units_before() -> None:
    _, samples = pushed(stream([[stap_a(SPS, PPS, idr()) + b"\x40\0abc"], [slice_()]]))
    assert whole(samples) == [(lengths(SPS, PPS, idr()), 1), (lengths(slice_()), 0)]


# -- packets that are none of ours


def test_foreign_type_with_numbers_of_its_own_costs_nothing() -> None:
    packets = []
    for packet in stream([fu_a(idr(100)), fu_a(slice_(100))]):
        sequence = int.from_bytes(packet[2:4], "big")
        packets += [rtp(sequence, 5, b"metadata", payload_type=107), packet]
    assert whole(pushed(packets)[1]) == [(lengths(idr(100)), 0), (lengths(slice_(100)), 0)]


def test_foreign_type_in_the_same_row_of_numbers_costs_nothing() -> None:
    packets = []
    for number, packet in enumerate(stream([fu_a(idr(100)), fu_a(slice_(100))])):
        sequence = 65_530 + 3 * number & 0xFFFF
        video = packet[:2] + sequence.to_bytes(2, "big") + packet[4:]
        packets += [video, *(rtp(sequence + n, 5, b"audio", payload_type=107) for n in (1, 2))]
    assert whole(pushed(packets)[1]) == [(lengths(idr(100)), 0), (lengths(slice_(100)), 0)]


def test_foreign_type_does_not_hide_a_loss() -> None:
    packets = stream([[slice_()], [slice_()], [slice_()]])
    lost = int.from_bytes(packets[1][2:4], "big")
    packets[1] = rtp(lost + 500, 5, b"audio", payload_type=107)
    depacketizer, samples = pushed(packets)
    assert [sample.lost_packets for sample in samples] == [0, 1]
    assert depacketizer.sequence.lost == 1


@pytest.mark.parametrize("place", range(4))
def test_packet_of_another_version_costs_that_packet(place: int) -> None:
    packets = stream([[slice_(fill=n)] for n in range(4)])
    packets[place] = b"\x40" + packets[place][1:]
    _, samples = pushed(packets)
    assert [sample.data for sample in samples] == [lengths(slice_(fill=n)) for n in range(4) if n != place]


def test_packet_with_wrong_padding_costs_that_packet() -> None:
    packets = stream([[slice_(fill=n)] for n in range(4)])
    packets[2] = b"\xa0" + packets[2][1:-1] + b"\xff"
    _, samples = pushed(packets)
    assert whole(samples) == [(lengths(slice_(fill=n)), n == 3) for n in (0, 1, 3)]


def test_sequence_that_skips_zero_at_the_wrap_is_no_loss() -> None:
    source, packets = Stream(65_533), []
    for _ in range(3):
        packets += list(source.picture(*fu_a(slice_(90))))
        source.sequence = source.sequence or 1
    packets = [rtp(n, 5, b"\x41\x9a" + bytes((n & 0xFF,)) * 9, marker=True) for n in (65_534, 65_535, 1, 2)]
    depacketizer, samples = pushed(packets)
    assert [sample.lost_packets for sample in samples] == [0, 0, 0, 0]
    assert depacketizer.sequence.extended_highest == 0x1_0002


def test_single_packet_of_another_source_changes_nothing() -> None:
    packets = stream([[slice_(fill=n)] for n in range(4)])
    packets.insert(2, rtp(7, 7, idr(), marker=True, ssrc=99))
    depacketizer, samples = pushed(packets)
    assert whole(samples) == [(lengths(slice_(fill=n)), 0) for n in range(4)]
    assert depacketizer.ssrc == SSRC


def test_new_source_is_taken_from_its_first_packet_on() -> None:
    packets = stream([[slice_()]]) + [rtp(n, 9, piece, ssrc=99) for n, piece in enumerate([SPS, PPS, *fu_a(idr(100))])]
    depacketizer, samples = pushed([*packets, rtp(len(packets) - 1, 3609, slice_(), ssrc=99)])
    assert [sample.data for sample in samples][:2] == [lengths(slice_()), lengths(SPS, PPS, idr(100))]
    assert sum(sample.lost_packets for sample in samples[:2]) == 1
    assert depacketizer.ssrc == 99


def test_source_that_calls_itself_otherwise_and_goes_on_counting_is_the_same() -> None:
    packets = stream([fu_a(idr(100)), fu_a(slice_(100))])
    packets = [packet[:8] + bytes((0, 0, 9, n)) + packet[12:] for n, packet in enumerate(packets)]
    assert whole(pushed(packets)[1]) == [(lengths(idr(100)), 0), (lengths(slice_(100)), 0)]


@pytest.mark.parametrize("payload", [b"\x79\0\0\0", b"\x1b\0\0", b"\x7d\x85\0\0"])
def test_packet_of_interleaved_mode_among_good_ones_costs_that_packet(payload: bytes) -> None:
    _, samples = pushed(stream([[slice_()], [slice_()], [payload, slice_(fill=9)]]))
    assert whole(samples) == [(lengths(slice_()), 0), (lengths(slice_()), 0), (lengths(slice_(fill=9)), 1)]


def test_paci_packet_among_good_ones_costs_that_packet() -> None:
    _, samples = pushed(stream([[nal_265(1)], [nal_265(1)], [b"\x64\x01\0\0", nal_265(1)]]), Codec.H265)
    assert [sample.lost_packets for sample in samples] == [0, 0, 1]


# -- where decoding can start


@pytest.mark.parametrize(
    ("codec", "sets", "mark", "plain"),
    [
        (Codec.H264, (SPS, PPS), RECOVERY_POINT, slice_()),
        (Codec.H265, (VPS_265, SPS_265, PPS_265), RECOVERY_POINT_265, nal_265(1)),
    ],
)
def test_recovery_points_are_starts_where_no_key_frame_comes(
    codec: Codec, sets: tuple[bytes, ...], mark: bytes, plain: bytes
) -> None:
    pictures = [[plain], [plain], [*sets, mark, plain], [plain], [mark, plain]]
    depacketizer, samples = pushed(stream(pictures), codec)
    assert [sample.is_sync for sample in samples] == [False, False, True, False, True]
    assert samples[2].parameter_sets is not None
    assert "no usable parameter sets" in pushed(stream([[plain]]), codec)[0].lacks
    assert "no key frames" in depacketizer.lacks


def test_recovery_points_between_key_frames_are_no_starts() -> None:
    pictures = [[SPS, PPS, idr()], [slice_()], [RECOVERY_POINT, slice_()], [slice_()], [idr()]]
    assert [sample.is_sync for sample in pushed(stream(pictures))[1]] == [True, False, False, False, True]


def test_recovery_points_are_starts_when_the_key_frame_is_long_ago() -> None:
    """Encoders with intra refresh send an IDR picture as they start, and never again."""
    pictures = [[SPS, PPS, idr()], *[[slice_()]] * (GROUP_LIMIT - 1), [RECOVERY_POINT, slice_()], [slice_()]]
    pictures += [[RECOVERY_POINT, slice_()], [slice_()]]
    syncs = [sample.is_sync for sample in pushed(stream(pictures))[1]]
    assert [place for place, is_sync in enumerate(syncs) if is_sync] == [0, GROUP_LIMIT + 2]


def test_pictures_that_refer_to_none_are_starts_where_nothing_else_comes() -> None:
    pictures = [[SPS, PPS, INTRA], *[[slice_()]] * GROUP_LIMIT, [INTRA, slice_(first=False)], [INTRA], [slice_()]]
    syncs = [sample.is_sync for sample in pushed(stream(pictures))[1]]
    assert [place for place, is_sync in enumerate(syncs) if is_sync] == [GROUP_LIMIT + 2]


# -- parameter sets


def pps(number: int, sps: int) -> bytes:
    bits = BitWriter()
    bits.ue(number, sps)
    return bits.nal(b"\x68")


def key_frame(pps_id: int) -> bytes:
    bits = BitWriter()
    bits.ue(0, 7, pps_id)
    bits.u(32, 0x12345678)
    return bits.nal(b"\x65")


def test_sets_in_force_are_those_that_the_key_frame_names() -> None:
    day, night = H264Sps(), H264Sps(number=1, macroblocks=(40, 23))
    every = [day.nal(), night.nal(), pps(0, 0), pps(1, 1)]
    _, samples = pushed(stream([[*every, key_frame(n)] for n in (0, 0, 1, 1, 0)]))
    sets = [sample.parameter_sets and sample.parameter_sets.sps for sample in samples]
    assert sets == [(day.nal(),), None, (night.nal(),), None, (day.nal(),)]


def test_sets_that_cannot_be_read_end_the_session_with_the_reason() -> None:
    with pytest.raises(CameraError, match="100000 × 100000"):
        pushed(stream([[H264Sps(macroblocks=(6250, 6250)).nal(), PPS, idr()], [slice_()]]))


# -- limits


def test_picture_of_too_many_nal_units_raises_camera_error() -> None:
    tiny = stap_a(*[slice_(3, first=False)] * 256)
    packets = [rtp(n, 1, tiny) for n in range(NALS_LIMIT // 256 + 2)]
    with pytest.raises(CameraError, match="NAL units"):
        pushed(packets)
