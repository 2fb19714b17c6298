from hypothesis import given
from hypothesis import strategies as st

from nvr.media import Codec, ParameterSets
from nvr.rtsp.parametersets import ParameterSetStore
from tests.nvr.rtsp.camera import OTHER_SPS, PPS, PPS_265, SPS, SPS_265, VPS_265

SPS_ID_1 = bytes.fromhex("6742c00c59014190")  # seq_parameter_set_id is 1


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


def test_offer_same_id_replaces_other_id_adds() -> None:
    store = ParameterSetStore(Codec.H264)
    for nal in (SPS, PPS, SPS_ID_1, OTHER_SPS):
        store.offer(nal)
    assert store.current() == ParameterSets(Codec.H264, (), (OTHER_SPS, SPS_ID_1), (PPS,))


def test_offer_complete_in_band_forgets_the_description() -> None:
    store = ParameterSetStore(Codec.H264, [SPS_ID_1, PPS])
    store.offer(SPS)
    assert store.current() == ParameterSets(Codec.H264, (), (SPS, SPS_ID_1), (PPS,))
    store.offer(PPS)
    assert store.current() == ParameterSets(Codec.H264, (), (SPS,), (PPS,))


def test_current_h265_wants_vps_too() -> None:
    store = ParameterSetStore(Codec.H265, [SPS_265, PPS_265])
    assert store.current() is None
    store.offer(VPS_265)
    assert store.current() == ParameterSets(Codec.H265, (VPS_265,), (SPS_265,), (PPS_265,))


def test_offer_many_ids_is_bounded() -> None:
    store = ParameterSetStore(Codec.H264, [SPS])
    for number in range(300):
        code = number + 1
        bits = "0" * (code.bit_length() - 1) + f"{code:b}" + "1"
        bits += "0" * (-len(bits) % 8)
        store.offer(b"\x68" + int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\x80")
    sets = store.current()
    assert sets is not None
    assert len(sets.pps) == 64


@given(st.sampled_from(list(Codec)), st.lists(st.binary(max_size=40), max_size=8), st.booleans())
def test_offer_any_bytes_raise_nothing(codec: Codec, nals: list[bytes], as_sps: bool) -> None:
    store = ParameterSetStore(codec, nals)
    for nal in nals:
        store.offer((b"\x67" if codec is Codec.H264 else b"\x42\x01") + nal if as_sps else nal)
    store.current()
