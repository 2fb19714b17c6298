import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.codec.parameters import decoder_configuration, describe
from nvr.media import Codec, ParameterSets
from nvr.rtsp.parametersets import SETS_LIMIT_BYTES, ParameterSetStore
from tests.nvr.codec.bits import BitWriter, H264Sps, H265Sps
from tests.nvr.rtsp.camera import OTHER_SPS, PPS, PPS_265, SPS, SPS_265, VPS_265

OTHER_PPS = bytes.fromhex("68cb8cb280")
SPS_ID_1 = H264Sps(number=1).nal()


def pps_of(sps: int, number: int, header: bytes, filling: int = 0) -> bytes:
    """A PPS with an id, which refers to an SPS."""
    bits = BitWriter()
    bits.ue(number, sps)
    for _ in range(filling):
        bits.u(8, 0x5A)
    return bits.nal(header)


PPS_ID_1 = pps_of(1, 1, b"\x68")


def test_current_incomplete_is_none_until_the_stream_completes_it() -> None:
    store = ParameterSetStore(Codec.H264, [SPS])
    assert store.current() is None
    store.offer(PPS)
    assert store.current() == ParameterSets(Codec.H264, (), (SPS,), (PPS,))


def test_current_unchanged_is_the_same_object() -> None:
    store = ParameterSetStore(Codec.H264, [SPS, PPS])
    before = store.current()
    for nal in (PPS, SPS, SPS + b"\0\0"):
        store.offer(nal)
        assert store.current() is before


def test_offer_same_id_replaces() -> None:
    store = ParameterSetStore(Codec.H264)
    for nal in (SPS, PPS, OTHER_SPS):
        store.offer(nal)
    assert store.current() == ParameterSets(Codec.H264, (), (OTHER_SPS,), (PPS,))
    assert not store.has_choice


def test_current_with_several_ids_gives_the_sets_that_the_slice_uses() -> None:
    store = ParameterSetStore(Codec.H264, [SPS, PPS, SPS_ID_1, PPS_ID_1])
    day, night = ParameterSets(Codec.H264, (), (SPS,), (PPS,)), ParameterSets(Codec.H264, (), (SPS_ID_1,), (PPS_ID_1,))
    assert store.has_choice
    assert [store.current(used) for used in (0, 1, 0, None, 9)] == [day, night, day, day, day]


def test_current_h265_gives_the_sets_that_the_slice_uses() -> None:
    night = H265Sps(number=3, size=(640, 360)).nal()
    pps = pps_of(3, 5, b"\x44\x01")
    store = ParameterSetStore(Codec.H265, [VPS_265, SPS_265, PPS_265, night, pps])
    assert store.current(5) == ParameterSets(Codec.H265, (VPS_265,), (night,), (pps,))
    assert store.current(0) == ParameterSets(Codec.H265, (VPS_265,), (SPS_265,), (PPS_265,))


def test_current_of_sets_whose_ids_do_not_fit_together_gives_what_there_is() -> None:
    store = ParameterSetStore(Codec.H264, [SPS_ID_1, PPS])
    assert store.current() == ParameterSets(Codec.H264, (), (SPS_ID_1,), (PPS,))


def test_offer_complete_in_band_forgets_the_description() -> None:
    store = ParameterSetStore(Codec.H264, [OTHER_SPS, PPS])
    assert store.current() == ParameterSets(Codec.H264, (), (OTHER_SPS,), (PPS,))
    store.offer(SPS)
    assert store.current() == ParameterSets(Codec.H264, (), (SPS,), (PPS,))
    store.offer(OTHER_PPS)
    assert store.current() == ParameterSets(Codec.H264, (), (SPS,), (OTHER_PPS,))


@pytest.mark.parametrize(
    "nal",
    [
        pps_of(32, 0, b"\x68"),  # fine as a PPS; its SPS cannot be
        pps_of(0, 256, b"\x68"),
        pps_of(0, 2**31, b"\x68"),
        H264Sps(number=32).nal(),
        H264Sps(number=2**31).nal(),
        H264Sps(macroblocks=(6250, 6250)).nal(),
        SPS[:6],
    ],
)
def test_offer_what_no_file_can_hold_leaves_the_good_sets_in_force(nal: bytes) -> None:
    store = ParameterSetStore(Codec.H264, [SPS, PPS])
    store.offer(nal)
    assert store.current() == ParameterSets(Codec.H264, (), (SPS,), (PPS,))


@pytest.mark.parametrize("codec", list(Codec))
def test_offer_every_id_that_there_is_can_still_be_written(codec: Codec) -> None:
    store = ParameterSetStore(codec, [VPS_265])
    for number in range(300):
        store.offer(H264Sps(number=number).nal() if codec is Codec.H264 else H265Sps(number=number).nal())
        store.offer(pps_of(number, number, b"\x68" if codec is Codec.H264 else b"\x44\x01"))
        sets = store.current(number)
        if sets is not None:
            assert describe(sets).width > 0
            assert decoder_configuration(sets)
    assert sets is not None


def test_offer_unreadable_sps_says_why() -> None:
    store = ParameterSetStore(Codec.H264)
    store.offer(H264Sps(macroblocks=(6250, 6250)).nal())
    assert "100000 × 100000" in store.refusal


def test_current_h265_wants_vps_too() -> None:
    store = ParameterSetStore(Codec.H265, [SPS_265, PPS_265])
    assert store.current() is None
    store.offer(VPS_265)
    assert store.current() == ParameterSets(Codec.H265, (VPS_265,), (SPS_265,), (PPS_265,))


def test_offer_many_ids_is_bounded_in_number_and_bytes() -> None:
    store, large = ParameterSetStore(Codec.H264, [SPS]), ParameterSetStore(Codec.H264, [SPS])
    for number in range(256):
        store.offer(pps_of(0, number, b"\x68"))
        large.offer(pps_of(0, number, b"\x68", filling=4000))
    sets, others = store.current(), large.current()
    assert sets is not None
    assert others is not None
    assert len(sets.pps) == 64
    assert 7 * 4000 < sum(map(len, others.pps)) <= SETS_LIMIT_BYTES


@given(st.sampled_from(list(Codec)), st.lists(st.binary(max_size=40), max_size=8), st.booleans())
def test_offer_any_bytes_raise_nothing(codec: Codec, nals: list[bytes], as_sps: bool) -> None:
    store = ParameterSetStore(codec, nals)
    for nal in nals:
        store.offer((b"\x67" if codec is Codec.H264 else b"\x42\x01") + nal if as_sps else nal)
    store.current()
