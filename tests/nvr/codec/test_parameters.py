import pytest

from nvr.codec.h264 import avcc
from nvr.codec.h265 import hvcc
from nvr.codec.parameters import PictureFormat, decoder_configuration, describe
from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from tests.nvr.codec.streams import encode


def test_describe_h264_says_all_of_the_format() -> None:
    sets = encode(Codec.H264, 320, 180, options="bframes=2:b-pyramid=none:level=31").sets
    assert describe(sets) == PictureFormat(Codec.H264, 320, 180, "avc1.64001f", 1, 3600)


def test_describe_h265_says_all_of_the_format() -> None:
    sets = encode(Codec.H265, 320, 180, options="bframes=0").sets
    assert describe(sets) == PictureFormat(Codec.H265, 320, 180, "hvc1.1.6.L60.90", 0, 3600)


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("sps", [(), (b"",), (b"\x67",), (b"\x42\x01\x01",)])
def test_describe_without_usable_sps_raises_camera_error(codec: Codec, sps: tuple[bytes, ...]) -> None:
    with pytest.raises(CameraError):
        describe(ParameterSets(codec, (), sps, ()))


def test_decoder_configuration_is_the_codecs_own() -> None:
    avc, hevc = encode(Codec.H264).sets, encode(Codec.H265).sets
    assert decoder_configuration(avc) == avcc(avc)
    assert decoder_configuration(hevc) == hvcc(hevc)
