from dataclasses import replace

import pytest

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets, Sample
from nvr.rtsp.depacketize_h265 import H265Depacketizer
from tests.nvr.rtsp.camera import (
    PPS_265,
    SPS_265,
    VPS_265,
    Stream,
    aggregation_265,
    fu_265,
    lengths,
    media,
    nal_265,
)

TRAIL, IDR, CRA, BLA, AUD, SEI = 1, 19, 21, 16, 35, 39
SETS = ParameterSets(Codec.H265, (VPS_265,), (SPS_265,), (PPS_265,))


def samples(*pictures: tuple[bytes, ...], described: tuple[bytes, ...] = ()) -> list[Sample]:
    stream, depacketizer = Stream(), H265Depacketizer(media(Codec.H265, described))
    for payloads in pictures:
        for packet in stream.picture(*payloads):
            depacketizer.push(memoryview(packet), 0, len(packet), 0)
    depacketizer.finish()
    return depacketizer.take()


def test_single_nal_units_are_one_sample() -> None:
    nals = (nal_265(AUD), VPS_265, SPS_265, PPS_265, nal_265(SEI), nal_265(IDR), nal_265(IDR, first=False))
    assert [sample.data for sample in samples(nals)] == [lengths(*nals)]


@pytest.mark.parametrize("kind", [TRAIL, IDR])
def test_fragmentation_unit_gets_its_two_byte_header_back(kind: int) -> None:
    nal = bytes((kind << 1 | 1, 0x0B)) + nal_265(kind, 300)[2:]  # layer id 33, temporal id 2: every bit of it counts
    assert [sample.data for sample in samples(tuple(fu_265(nal, 70)))] == [lengths(nal)]


def test_aggregation_packet_gives_its_nal_units_in_order() -> None:
    payloads = (aggregation_265(VPS_265, SPS_265, PPS_265), nal_265(IDR))
    assert [sample.data for sample in samples(payloads)] == [lengths(VPS_265, SPS_265, PPS_265, nal_265(IDR))]


@pytest.mark.parametrize("kind", [IDR, 20, CRA, BLA])
def test_is_sync_with_idr_cra_and_bla(kind: int) -> None:
    assert [sample.is_sync for sample in samples((nal_265(kind),), (nal_265(TRAIL),))] == [True, False]


def test_sets_in_band_with_vps_come_with_their_sync_sample() -> None:
    found = samples((nal_265(TRAIL),), (VPS_265, SPS_265, PPS_265, nal_265(IDR)), (nal_265(TRAIL),))
    assert [sample.parameter_sets for sample in found] == [None, SETS, None]


def test_sets_only_in_the_description_come_with_the_first_sample() -> None:
    found = samples((nal_265(IDR),), (nal_265(TRAIL),), described=(VPS_265, SPS_265, PPS_265))
    assert [sample.parameter_sets for sample in found] == [SETS, None]


def test_marker_on_every_slice_segment_does_not_split_the_picture() -> None:
    stream, depacketizer = Stream(), H265Depacketizer(media(Codec.H265))
    for _ in range(10):
        for first in (True, False):
            for packet in stream.picture(nal_265(TRAIL, first=first), ticks=0 if first else 3600):
                depacketizer.push(memoryview(packet), 0, len(packet), 0)
    depacketizer.finish()
    whole = lengths(nal_265(TRAIL), nal_265(TRAIL, first=False))
    assert [sample.data for sample in depacketizer.take()] == [whole] * 10


@pytest.mark.parametrize("payload", [b"\x62\x01\x93", b"\x62\x01", b"\x60\x01\x00\x09\x01", b"\x62\x01\xb1\x00"])
def test_malformed_payload_is_dropped_and_counted(payload: bytes) -> None:
    found = samples((payload, nal_265(TRAIL)))
    assert [(sample.data, sample.lost_packets) for sample in found] == [(lengths(nal_265(TRAIL)), 1)]


def test_paci_packets_raise_camera_error() -> None:
    with pytest.raises(CameraError):
        samples((b"\x64\x01\x00\x00\x00",))


def test_decoding_order_numbers_raise_camera_error() -> None:
    with pytest.raises(CameraError):
        H265Depacketizer(replace(media(Codec.H265), don=True))
