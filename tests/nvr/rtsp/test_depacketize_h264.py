import pytest

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets, Sample
from nvr.rtsp.assemble import UNIT_LIMIT_BYTES
from nvr.rtsp.depacketize_h264 import H264Depacketizer
from nvr.rtsp.rtcp import SenderReport
from nvr.rtsp.rtp import FIRST_EPOCH_90K
from nvr.timebase import ntp_from_us
from tests.nvr.rtsp.camera import (
    OTHER_SPS,
    PPS,
    SPS,
    SSRC,
    Stream,
    fu_a,
    idr,
    lengths,
    media,
    rtp,
    slice_,
    stap_a,
)

AUD, SEI = b"\x09\xf0", b"\x06\x05\x04abcd\x80"
SETS = ParameterSets(Codec.H264, (), (SPS,), (PPS,))


class Bench:
    """A depacketizer, the stream that goes into it, and the samples that came out."""

    def __init__(self, *described: bytes) -> None:
        self.stream = Stream()
        self.depacketizer = H264Depacketizer(media(nals=described))
        self.samples: list[Sample] = []

    def push(self, *packets: bytes, at_us: int = 0) -> "Bench":
        buffer = bytearray(70_000)
        for packet in packets:
            buffer[: len(packet)] = packet
            self.depacketizer.push(memoryview(buffer), 0, len(packet), at_us)
            self.depacketizer.hold()
            buffer[: len(packet)] = bytes(len(packet))
        self.samples += self.depacketizer.take()
        return self

    def picture(
        self, *payloads: bytes, marker: bool = True, ticks: int = 3600, lose: tuple[int, ...] = (), at_us: int = 0
    ) -> "Bench":
        return self.push(*self.stream.picture(*payloads, marker=marker, ticks=ticks, lose=lose), at_us=at_us)

    def done(self) -> list[Sample]:
        self.depacketizer.finish()
        return self.samples + self.depacketizer.take()

    def data(self) -> list[bytes]:
        return [sample.data for sample in self.done()]


def trusting(*described: bytes) -> Bench:
    """A bench behind the pictures after which marker bits are believed; its samples are empty."""
    bench = Bench(*described)
    for _ in range(9):
        bench.picture(slice_())
    assert bench.depacketizer.take() == []
    assert len(bench.samples) == 9
    bench.samples = []
    return bench


# -- what makes an access unit


def test_single_nal_units_of_one_time_are_one_sample() -> None:
    bench = Bench().picture(AUD, SPS, PPS, SEI, idr()).picture(AUD, slice_())
    assert bench.data() == [lengths(AUD, SPS, PPS, SEI, idr()), lengths(AUD, slice_())]


def test_fu_a_is_put_together_byte_for_byte() -> None:
    big = idr(1000)
    assert Bench().picture(*fu_a(big, 70)).data() == [lengths(big)]


def test_fu_a_with_start_and_end_in_one_packet_is_a_whole_nal_unit() -> None:
    assert Bench().picture(*fu_a(idr(15), 100)).data() == [lengths(idr(15))]


def test_fu_a_with_reserved_bit_set_is_put_together() -> None:
    payloads = [bytes((p[0], p[1] | 0x20)) + p[2:] for p in fu_a(idr(100))]
    assert Bench().picture(*payloads).data() == [lengths(idr(100))]


def test_stap_a_gives_its_nal_units_in_order() -> None:
    assert Bench().picture(stap_a(AUD, SPS, PPS), idr()).data() == [lengths(AUD, SPS, PPS, idr())]


def test_stap_a_with_the_whole_picture_ends_at_its_marker() -> None:
    assert trusting().picture(stap_a(AUD, SPS, PPS, idr())).samples[0].data == lengths(AUD, SPS, PPS, idr())


def test_several_slices_are_one_sample() -> None:
    slices = [idr(), idr(first=False), idr(100, first=False)]
    assert trusting().picture(slices[0], slices[1], *fu_a(slices[2])).data() == [lengths(*slices)]


def test_is_sync_only_with_an_idr_slice() -> None:
    samples = Bench().picture(SPS, PPS, idr()).picture(SPS, PPS, slice_()).picture(b"\x21\x9a\x00").done()
    assert [sample.is_sync for sample in samples] == [True, False, False]


def test_sei_and_delimiter_behind_the_marker_belong_to_the_next_sample() -> None:
    bench = trusting().picture(idr(), ticks=0).picture(SEI, marker=False).picture(AUD, slice_())
    assert bench.data() == [lengths(idr()), lengths(SEI, AUD, slice_())]


def test_parameter_sets_with_time_and_marker_of_their_own_belong_to_the_next_sample() -> None:
    assert trusting().picture(SPS).picture(PPS).picture(idr()).data() == [lengths(SPS, PPS, idr())]


def test_access_units_of_delimiters_and_sei_alone_belong_to_the_next_picture_and_do_not_pile_up() -> None:
    bench = trusting()
    for _ in range(5000):
        bench.picture(AUD, SEI)
    assert bench.picture(idr()).data()[-1].endswith(lengths(idr()))
    assert len(bench.samples[-1].data) < 64 * len(lengths(AUD, SEI))
    few = trusting().picture(SEI).picture(AUD, SEI).picture(idr())
    assert few.data() == [lengths(SEI, AUD, SEI, idr())]


def test_nal_units_of_unknown_types_are_passed_over() -> None:
    assert Bench().picture(b"\x1e\x01\x02", b"\x00\x01", idr(), b"\x5f").data() == [lengths(idr())]


# -- marker bits


def test_marker_missing_the_new_time_ends_the_sample() -> None:
    bench = Bench()
    for fill in range(20):
        bench.picture(slice_(fill=fill), marker=False)
    assert bench.data() == [lengths(slice_(fill=fill)) for fill in range(20)]


def test_marker_true_eight_times_ends_the_sample_at_once() -> None:
    bench = Bench()
    counts = [len(bench.picture(slice_()).samples) for _ in range(10)]
    assert counts == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_marker_on_every_slice_does_not_split_the_picture() -> None:
    bench = Bench()
    for _ in range(12):
        bench.picture(slice_(), ticks=0).picture(slice_(first=False), ticks=0).picture(slice_(first=False))
    whole = lengths(slice_(), slice_(first=False), slice_(first=False))
    assert bench.data() == [whole] * 12


def test_marker_that_begins_to_lie_is_not_believed_any_more() -> None:
    bench = trusting()
    for _ in range(3):
        bench.picture(slice_(), ticks=0).picture(slice_(first=False))
    cut = [lengths(slice_()), lengths(slice_(first=False))]
    assert bench.data() == [*cut, *[lengths(slice_(), slice_(first=False))] * 2]


def test_time_that_stands_still_gives_a_sample_for_each_marker() -> None:
    bench = Bench()
    for _ in range(12):
        bench.picture(slice_(), ticks=0)
    assert bench.data() == [lengths(slice_())] * 12


# -- losses


def test_fragment_lost_in_the_middle_drops_that_nal_unit_only() -> None:
    bench = Bench().picture(AUD, *fu_a(idr(200)), idr(first=False), lose=(4,)).picture(slice_())
    samples = bench.done()
    assert [sample.data for sample in samples] == [lengths(AUD, idr(first=False)), lengths(slice_())]
    assert [sample.lost_packets for sample in samples] == [1, 0]


@pytest.mark.parametrize("lost", [0, 3, 8])
def test_fragment_lost_of_the_only_slice_drops_the_sample_and_counts_it(lost: int) -> None:
    bench = trusting().picture(slice_()).picture(AUD, *fu_a(idr(181)), lose=(lost + 1,)).picture(slice_(fill=9))
    samples = bench.done()
    assert [sample.data for sample in samples] == [lengths(slice_()), lengths(slice_(fill=9))]
    assert [sample.lost_packets for sample in samples] == [0, 1]


def test_packets_lost_between_pictures_are_counted_with_the_next_sample() -> None:
    bench = trusting()
    bench.stream.sequence += 40
    assert bench.picture(slice_()).samples[0].lost_packets == 40


def test_packet_that_comes_twice_is_taken_once() -> None:
    packets = list(Stream().picture(*fu_a(idr(100))))
    bench = Bench().push(*[packet for packet in packets for _ in range(2)])
    samples = bench.done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(idr(100)), 0)]


def test_sequence_wrap_is_no_loss() -> None:
    bench = Bench()
    for _ in range(30):
        bench.picture(*fu_a(slice_(200)))
    assert {(sample.data, sample.lost_packets) for sample in bench.done()} == {(lengths(slice_(200)), 0)}


def test_other_source_is_one_loss_and_goes_on() -> None:
    bench = trusting().push(rtp(9, 9, slice_(), marker=True, ssrc=5), rtp(10, 3609, slice_(), marker=True, ssrc=5))
    assert [sample.lost_packets for sample in bench.done()] == [1, 0]
    assert bench.depacketizer.ssrc == 5


def test_fragment_without_beginning_is_dropped_and_counted() -> None:
    samples = Bench().picture(*fu_a(idr(100))[1:]).picture(slice_()).done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(slice_()), 1)]


def test_fragment_of_another_type_belongs_to_the_open_nal_unit_as_nothing_is_missing() -> None:
    pieces = fu_a(idr(100))
    pieces[-1] = bytes((pieces[-1][0], 0x40 | 12)) + pieces[-1][2:]
    samples = Bench().picture(*pieces).picture(slice_()).done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [
        (lengths(idr(100)), 0),
        (lengths(slice_()), 0),
    ]
    assert samples[0].is_sync


def test_stream_that_ends_inside_a_nal_unit_gives_whole_pictures_only() -> None:
    bench = Bench().picture(idr(), marker=False).picture(slice_(), *fu_a(slice_(100, first=False))[:-1], marker=False)
    assert [(sample.data, sample.lost_packets) for sample in bench.done()] == [(lengths(idr()), 0)]


def test_stream_that_ends_between_slices_before_a_trusted_marker_gives_whole_pictures_only() -> None:
    bench = trusting().picture(slice_()).picture(slice_(), slice_(first=False), marker=False)
    assert [(sample.data, sample.lost_packets) for sample in bench.done()] == [(lengths(slice_()), 0)]


def test_stream_without_markers_gives_the_last_picture_with_a_loss_as_its_end_is_not_known() -> None:
    samples = Bench().picture(idr(), marker=False).picture(slice_(), marker=False).done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(idr()), 0), (lengths(slice_()), 1)]


def test_stream_that_ends_behind_a_marker_gives_the_picture_as_whole() -> None:
    samples = Bench().picture(idr()).done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(idr()), 0)]


@pytest.mark.parametrize("payload", [b"\x7c", b"\x7c\x85", b"\x78\x00\x09a", b"\x78\x00", b"\x7c\x9c\x01"])
def test_malformed_payload_is_dropped_and_counted(payload: bytes) -> None:
    samples = Bench().picture(payload, slice_()).done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(slice_()), 1)]


@pytest.mark.parametrize("kind", [25, 26, 27, 29])
def test_interleaved_packetization_raises_camera_error(kind: int) -> None:
    with pytest.raises(CameraError, match="interleaved"):
        Bench().picture(bytes((0x60 | kind, 0, 0, 0, 0)))


# -- RTP


def test_padding_csrcs_and_extension_are_left_out() -> None:
    packets = [
        rtp(n, 5, payload, csrcs=(1, 2)[: n % 3], extension=b"abcd" * (n % 3), padding=n % 4)
        for n, payload in enumerate(fu_a(idr(200)))
    ]
    assert Bench().push(*packets).data() == [lengths(idr(200))]


def test_packets_with_nothing_but_padding_are_no_loss() -> None:
    packets = [rtp(1, 5, slice_()), rtp(2, 5, b"", padding=200), rtp(3, 5, b""), rtp(4, 6, slice_(), marker=True)]
    assert [sample.lost_packets for sample in Bench().push(*packets).done()] == [0, 0]


def test_other_payload_type_of_the_same_source_is_ignored_and_no_loss() -> None:
    packets = [rtp(1, 5, slice_()), rtp(2, 7, b"metadata", payload_type=112), rtp(3, 6, slice_(), marker=True)]
    samples = Bench().push(*packets).done()
    assert [(sample.data, sample.lost_packets) for sample in samples] == [(lengths(slice_()), 0)] * 2


def test_other_payload_type_of_another_source_is_ignored() -> None:
    packets = [rtp(1, 5, slice_()), rtp(900, 7, b"fec", payload_type=112, ssrc=9), rtp(2, 6, slice_(), marker=True)]
    assert [sample.lost_packets for sample in Bench().push(*packets).done()] == [0, 0]


def test_nothing_but_another_payload_type_raises_camera_error() -> None:
    with pytest.raises(CameraError, match="payload type 96"):
        Bench().push(*[rtp(n, n, slice_(), payload_type=97) for n in range(600)])


# -- time


def test_presentation_unwraps_and_shows_jumps() -> None:
    bench = Bench()
    bench.stream.timestamp = 0xFFFFFFFF - 3599
    bench.picture(slice_()).picture(slice_(), ticks=20_000_000).picture(slice_())
    times = [sample.presentation_90k - FIRST_EPOCH_90K for sample in bench.done()]
    assert times == [0xFFFFFFFF - 3599, 0x1_0000_0000, 0x1_0000_0000 + 20_000_000]
    assert bench.depacketizer.timestamps_jumped == 1


def test_ntp_without_sender_report_is_zero_and_with_one_the_time_of_the_sample() -> None:
    bench = trusting().picture(slice_())
    now_us = 1_763_464_000_000_000
    bench.depacketizer.sender_report = SenderReport(SSRC, ntp_from_us(now_us), bench.stream.timestamp - 90_000, 0)
    bench.picture(slice_())
    assert [sample.ntp for sample in bench.samples] == [0, ntp_from_us(now_us) + (1 << 32)]


def test_received_is_when_the_last_byte_was_read() -> None:
    bench = trusting()
    first, last = fu_a(slice_(30))
    bench.picture(first, marker=False, ticks=0, at_us=10).picture(last, at_us=20)
    assert bench.samples[0].received_us == 20


# -- parameter sets


def test_sets_only_in_the_description_come_with_the_first_sample() -> None:
    samples = Bench(SPS, PPS).picture(slice_()).picture(idr()).done()
    assert [sample.parameter_sets for sample in samples] == [SETS, None]


@pytest.mark.parametrize("payloads", [(SPS, PPS), (stap_a(SPS, PPS),), (SPS + b"\0\0\0", PPS + b"\0")])
def test_sets_only_in_band_come_with_their_sync_sample(payloads: tuple[bytes, ...]) -> None:
    samples = Bench().picture(slice_()).picture(*payloads, idr()).picture(*payloads, idr()).done()
    assert [sample.parameter_sets for sample in samples] == [None, SETS, None]


def test_sets_in_fragments_are_read() -> None:
    assert Bench().picture(*fu_a(SPS, 10), PPS, idr()).done()[0].parameter_sets == SETS


def test_sets_with_stray_trailing_bytes_stay_byte_for_byte_in_the_sample() -> None:
    bench = Bench(SPS, PPS).picture(idr()).picture(SPS + b"\0\0", PPS, idr())
    samples = bench.done()
    assert samples[1].data == lengths(SPS + b"\0\0", PPS, idr())
    assert [sample.parameter_sets for sample in samples] == [SETS, None]


def test_sets_that_change_take_effect_at_the_next_sync_sample() -> None:
    bench = Bench(SPS, PPS).picture(idr()).picture(OTHER_SPS, PPS, slice_()).picture(slice_()).picture(idr())
    sets = [sample.parameter_sets for sample in bench.done()]
    assert sets == [SETS, None, None, ParameterSets(Codec.H264, (), (OTHER_SPS,), (PPS,))]


# -- limits


def test_picture_without_end_raises_camera_error() -> None:
    middle = bytes((0x7C, 0x05)) + bytes(60_000)
    packets = [rtp(n, 1, middle if n else fu_a(idr())[0]) for n in range(UNIT_LIMIT_BYTES // 60_000 + 2)]
    with pytest.raises(CameraError, match="MiB"):
        Bench().push(*packets)
